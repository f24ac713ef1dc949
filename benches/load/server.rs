//! The release binary under load, as a process of its own, and what the kernel says of it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Options;
use super::http::{Connection, get};

pub struct Server {
    process: Child,
    pub folder: PathBuf,
    pub database: Option<String>,
    pub address: String,
    pub facts: Value,
    /// From the start of the process, on a database that exists, to the first answered request.
    pub start_ms: f64,
}

impl Server {
    /// Starts `dev` twice: once to make the database, once to be measured.
    pub fn start(options: &Options) -> Self {
        Self::start_on("load", options.postgres.clone(), |_| {})
    }

    /// The same with a database and a folder of that name, which `fill` does something to between the starts.
    pub fn start_on(name: &str, database: Option<String>, fill: impl FnOnce(&Self)) -> Self {
        let folder = std::env::temp_dir().join(format!("doorward-{name}-{}", std::process::id()));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut first = Self::spawn(database, folder.clone(), port);
        first.stop();
        fill(&first);
        Self::spawn(first.database.clone(), folder, port)
    }

    fn spawn(database: Option<String>, folder: PathBuf, port: u16) -> Self {
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command
            .args(["dev", "--listen", &address, "--data-dir"])
            .arg(&folder)
            .env("DOORWARD_LOG", "error")
            .env_remove("DATABASE_URL")
            .stdout(Stdio::null());
        if let Some(url) = &database {
            command.env("DATABASE_URL", url);
        }
        let started = Instant::now();
        let mut process = command.spawn().unwrap();
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the server has stopped");
            std::thread::sleep(Duration::from_millis(1));
        }
        Connection::open(&address).send(&get("/t/acme/.well-known/jwks.json", "")).expect(200);
        let start_ms = started.elapsed().as_secs_f64() * 1_000.0;
        let facts = std::fs::read_to_string(folder.join("dev.json")).unwrap();
        let facts = serde_json::from_str(&facts).unwrap();
        Self { process, folder, database, address, facts, start_ms }
    }

    fn stop(&mut self) {
        if self.process.try_wait().unwrap().is_some() {
            return;
        }
        // By the shell, since the standard library can only kill; a clean stop is part of what is measured.
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.process.wait().unwrap();
    }

    /// A command beside the server.
    pub fn command(&self, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.args(arguments).arg("--data-dir").arg(&self.folder).stdout(Stdio::null());
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        assert!(command.status().unwrap().success(), "{arguments:?}");
    }

    /// Ends it, with all its data.
    pub fn remove(mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    pub fn connect(&self) -> Connection {
        Connection::open(&self.address)
    }

    pub fn fact(&self, pointer: &str) -> &str {
        self.facts.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    /// `Authorization: Basic` of the demo app, as a header line.
    pub fn basic(&self) -> String {
        let (id, secret) = (self.fact("/app/client_id"), self.fact("/app/client_secret"));
        format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{id}:{secret}")))
    }

    /// The body of a login of the demo user.
    pub fn credentials(&self) -> String {
        let (email, password) = (self.fact("/user/email"), self.fact("/user/password"));
        format!("{{\"email\":\"{email}\",\"password\":\"{password}\"}}")
    }

    /// User and system time of all its threads so far.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    pub fn rss_mb(&self) -> f64 {
        self.status("VmRSS")
    }

    pub fn peak_rss_mb(&self) -> f64 {
        self.status("VmHWM")
    }

    fn status(&self, name: &str) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

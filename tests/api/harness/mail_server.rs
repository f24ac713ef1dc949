//! A mail server that answers as it is told to (RFC 5321).

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct MailServer {
    port: u16,
    replies: Arc<Mutex<Replies>>,
    letters: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
pub struct Replies {
    pub greeting: &'static str,
    pub auth: &'static str,
    pub mail_from: &'static str,
    pub rcpt_to: &'static str,
    /// To the letter itself.
    pub taken: &'static str,
    /// Done between the letter and the word that it was taken.
    pub before_taken: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Default for Replies {
    fn default() -> Self {
        Self {
            greeting: "220 mail.test",
            auth: "235 welcome",
            mail_from: "250 ok",
            rcpt_to: "250 ok",
            taken: "250 taken",
            before_taken: None,
        }
    }
}

impl Replies {
    fn is_well(&self) -> bool {
        self.greeting.starts_with('2') && self.auth.starts_with('2')
    }
}

impl MailServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            replies: Arc::default(),
            letters: Arc::default(),
        };
        let (replies, letters) = (server.replies.clone(), server.letters.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (replies, letters) = (replies.clone(), letters.clone());
                std::thread::spawn(move || talk(stream.unwrap(), &replies, &letters));
            }
        });
        server
    }

    /// With a password, so that there is one to refuse.
    pub fn url(&self) -> String {
        format!("smtp://user:password@127.0.0.1:{}", self.port)
    }

    pub fn answer(&self, replies: Replies) {
        *self.replies.lock().unwrap() = replies;
    }

    /// What it has taken.
    pub fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap().clone()
    }
}

/// Until the client goes.
fn talk(stream: TcpStream, replies: &Mutex<Replies>, letters: &Mutex<Vec<String>>) {
    let replies = || replies.lock().unwrap().clone();
    let mut writer = stream.try_clone().unwrap();
    let mut say = move |line: &str| writer.write_all(format!("{line}\r\n").as_bytes()).is_ok();
    let mut lines = BufReader::new(stream).lines();
    let greeting = replies().greeting;
    if !say(greeting) || !greeting.starts_with('2') {
        return;
    }
    while let Some(Ok(line)) = lines.next() {
        let command = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let is_heard = match command.as_str() {
            "EHLO" => say("250-mail.test") && say("250-8BITMIME") && say("250 AUTH PLAIN"),
            "AUTH" => say(replies().auth),
            "MAIL" => say(replies().mail_from),
            "RCPT" => say(replies().rcpt_to),
            "DATA" => {
                say("354 go on");
                let letter: Vec<String> =
                    lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                let replies = replies();
                if let Some(before) = replies.before_taken {
                    before();
                }
                if replies.taken.starts_with('2') {
                    letters.lock().unwrap().push(letter.join("\n"));
                }
                // One letter a connection, so that each begins with a greeting and a password.
                say(replies.taken);
                return;
            }
            "QUIT" => return,
            // Who is away, or takes the password no more, has no talk from before left.
            "NOOP" if !replies().is_well() => return,
            _ => say("250 ok"),
        };
        if !is_heard {
            return;
        }
    }
}

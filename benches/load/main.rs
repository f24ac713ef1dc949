//! Load over HTTP on loopback against the release binary, and the bounds that it is measured against, all in
//! one run: `cargo bench --bench load`, or `cargo bench --bench load -- refresh jwks` for some of it.
//! `cargo bench --bench load -- growth` compares an almost empty database with one of `--tenants N` and
//! `--users N`, `-- growth refresh` in that path alone. `--seconds N` for each measurement, `--connections N`, `--postgres URL` for the database to use instead of
//! SQLite (it must be empty). What the figures mean stands in `docs/performance.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bare;
mod console;
mod growth;
mod http;
mod measure;
mod scenarios;
mod server;

use std::time::Duration;

use measure::Figures;
use server::Server;

/// What the command line asks for.
pub struct Options {
    pub seconds: Duration,
    pub connections: usize,
    pub postgres: Option<String>,
    /// What `growth` fills a database with.
    pub tenants: usize,
    pub users: usize,
    wanted: Vec<String>,
}

fn main() {
    let mut arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|first| first == bare::SERVE) {
        return bare::serve();
    }
    let mut options = Options {
        seconds: Duration::from_secs(
            option(&mut arguments, "--seconds").map_or(5, |text| text.parse().unwrap()),
        ),
        connections: option(&mut arguments, "--connections")
            .map_or(8, |text| text.parse().unwrap()),
        postgres: option(&mut arguments, "--postgres"),
        tenants: option(&mut arguments, "--tenants").map_or(10_000, |text| text.parse().unwrap()),
        users: option(&mut arguments, "--users").map_or(1_000_000, |text| text.parse().unwrap()),
        wanted: arguments,
    };
    // Only when it is asked for: filling a database takes minutes.
    if options.wanted.first().is_some_and(|first| first == "growth") {
        options.wanted.remove(0);
        growth::run(&options);
    } else {
        run(&options);
    }
}

/// Takes `name VALUE` out of the arguments.
fn option(arguments: &mut Vec<String>, name: &str) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.remove(at);
    Some(arguments.remove(at))
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted == name)
    }
}

fn run(options: &Options) {
    let server = Server::start(options);
    println!(
        "{} connections, {} s each, {} cores, {}",
        options.connections,
        options.seconds.as_secs(),
        std::thread::available_parallelism().unwrap(),
        if options.postgres.is_some() { "PostgreSQL" } else { "SQLite" },
    );
    println!("start to first answer {:.0} ms, idle {:.1} MB", server.start_ms, server.rss_mb());
    Figures::heading();
    for (name, measurement) in scenarios::ALL {
        if options.wants(name) {
            measurement(&server, options);
        }
    }
    println!("peak RSS {:.1} MB, now {:.1} MB", server.peak_rss_mb(), server.rss_mb());
    server.remove();
}

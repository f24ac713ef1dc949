//! Clients that send slowly or not at all hold nothing: honest ones are served meanwhile, and the slow ones
//! are let go.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Database, TestApp, run};

/// More than there are threads of any kind.
const MANY: usize = 60;

#[test]
fn slow_clients_keep_nobody_waiting_and_are_let_go() {
    run(Database::sqlite(), slow_clients);
}

async fn slow_clients(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let host = app.context.public_url.as_str().split_once("://").unwrap().1.to_owned();
    let token = "POST /t/acme/oauth2/token HTTP/1.1";
    let half_a_head = format!("GET /t/acme/login HTTP/1.1\r\nHost: {host}\r\nX-Slow: ");
    let half_a_body = format!(
        "{token}\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant_type="
    );
    let half_a_chunk = format!(
        "{token}\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n40\r\ngrant"
    );
    let mut slow: Vec<(&str, TcpStream)> = Vec::new();
    for (what, sent) in [
        ("a connection without a word", ""),
        ("half a head", half_a_head.as_str()),
        ("half a body", half_a_body.as_str()),
        ("half a chunk", half_a_chunk.as_str()),
    ] {
        for _ in 0..MANY {
            slow.push((what, open(&host, sent)));
        }
    }
    let huge =
        format!("GET /t/acme/login HTTP/1.1\r\nHost: {host}\r\nX-Huge: {}", "x".repeat(400_000));
    let mut refused = TcpStream::connect(&host).unwrap();
    let _ = refused.write_all(huge.as_bytes());
    assert!(answer(&mut refused, "a huge head").starts_with("HTTP/1.1 431"));

    // Honest clients are served while all of them hang on.
    for _ in 0..20 {
        app.login(&acme).await;
        app.get(&acme.url("/.well-known/jwks.json")).send().await.expect(200);
        assert_eq!(app.get(&acme.url("/login")).send().await.status, 200);
    }
    // One more byte now and then buys no more time.
    for (what, stream) in &mut slow {
        if !what.contains("without a word") {
            let _ = stream.write_all(b"x");
        }
    }
    for (what, stream) in &mut slow {
        let said = answer(stream, what);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{what}: {said}");
    }
    // Over a connection of its own: those of the client library may have idled too long.
    let head = format!("GET /t/acme/login HTTP/1.1\r\nHost: {host}\r\n");
    assert_eq!(app.send_raw(head.as_bytes(), b"").status, 200);
}

fn open(host: &str, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

/// All that comes until the server lets go. A server that never does fails the test.
fn answer(stream: &mut TcpStream, what: &str) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{what} is held on to: {error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

//! HTTP/1.1 over one keep-alive connection, blocking, and no more than a load generator needs: it must cost
//! little, since it shares the cores with the server.

use std::io::{Read, Write};
use std::net::TcpStream;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Reply<'a> {
    pub status: u16,
    head: &'a str,
    pub body: &'a str,
}

impl Connection {
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(16 * 1024) }
    }

    pub fn send(&mut self, request: &[u8]) -> Reply<'_> {
        self.stream.write_all(request).unwrap();
        self.buffer.clear();
        let (mut head_end, mut total) = (0, usize::MAX);
        let mut chunk = [0; 16 * 1024];
        while self.buffer.len() < total {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the server closed the connection");
            self.buffer.extend_from_slice(&chunk[..count]);
            if head_end == 0
                && let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n")
            {
                head_end = end + 4;
                let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
                let length =
                    headers(head, "content-length").next().map_or(0, |text| text.parse().unwrap());
                total = head_end + length;
            }
        }
        let text = std::str::from_utf8(&self.buffer).unwrap();
        let (head, body) = text.split_at(head_end);
        Reply { status: head[9..12].parse().unwrap(), head, body }
    }
}

impl Reply<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        headers(self.head, name)
    }

    /// The text of `"name":"…"` in a JSON body, without a parser in the way of the measurement.
    pub fn text(&self, name: &str) -> &str {
        let start = format!("\"{name}\":\"");
        let (_, rest) = self.body.split_once(&start).unwrap_or_else(|| {
            panic!("no {name} in {} {}", self.status, self.body);
        });
        rest.split('"').next().unwrap()
    }

    /// The value of a hidden field of a page.
    pub fn field(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        self.body.split_once(&start).unwrap().1.split('"').next().unwrap()
    }

    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

fn headers<'a>(head: &'a str, wanted: &str) -> impl Iterator<Item = &'a str> {
    head.split("\r\n").skip(1).filter_map(move |line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then_some(value)
    })
}

pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

pub fn post(path: &str, headers: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub fn form(path: &str, headers: &str, body: &str) -> Vec<u8> {
    post(path, headers, "application/x-www-form-urlencoded", body)
}

pub fn json(path: &str, headers: &str, body: &str) -> Vec<u8> {
    post(path, headers, "application/json", body)
}

//! A name server on loopback that knows what the test tells it, by UDP and, for what does not fit there, by TCP.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{CNAME, TXT};
use hickory_proto::rr::{Name, RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What a datagram may hold (DNS flag day 2020).
const MAX_DATAGRAM: usize = 1_232;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Answering,
    /// As one that is down, or behind a firewall.
    Silent,
    /// As one that cannot find out.
    Failing,
}

struct Zone {
    manner: Mutex<Manner>,
    records: Mutex<HashMap<Name, Vec<RData>>>,
    questions: AtomicUsize,
}

pub struct TestDns {
    pub address: SocketAddr,
    zone: Arc<Zone>,
}

impl TestDns {
    pub async fn start() -> Self {
        let (datagrams, streams) = sockets().await;
        let zone = Arc::new(Zone {
            manner: Mutex::new(Manner::Answering),
            records: Mutex::default(),
            questions: AtomicUsize::new(0),
        });
        let address = datagrams.local_addr().unwrap();
        actix_web::rt::spawn(serve_datagrams(datagrams, Arc::clone(&zone)));
        actix_web::rt::spawn(serve_streams(streams, Arc::clone(&zone)));
        Self { address, zone }
    }

    /// The TXT records of that name are these from now on.
    pub fn set(&self, name: &str, texts: &[&str]) {
        // A string in a record has 255 bytes at most, and a record has one.
        let strings = |text: &str| {
            let parts =
                text.as_bytes().chunks(255).map(|part| String::from_utf8_lossy(part).into());
            let parts: Vec<String> = parts.collect();
            if parts.is_empty() { vec![String::new()] } else { parts }
        };
        let records = texts.iter().map(|text| RData::TXT(TXT::new(strings(text)))).collect();
        self.zone.records.lock().unwrap().insert(name_of(name), records);
    }

    /// The name stands for another.
    pub fn alias(&self, name: &str, target: &str) {
        let alias = RData::CNAME(CNAME(name_of(target)));
        self.zone.records.lock().unwrap().insert(name_of(name), vec![alias]);
    }

    pub fn behave(&self, manner: Manner) {
        *self.zone.manner.lock().unwrap() = manner;
    }

    /// How often it was asked.
    pub fn questions(&self) -> usize {
        self.zone.questions.load(Ordering::SeqCst)
    }
}

fn name_of(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

/// Both at one port.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(streams) = TcpListener::bind(datagrams.local_addr().unwrap()).await {
            return (datagrams, streams);
        }
    }
}

async fn serve_datagrams(socket: UdpSocket, zone: Arc<Zone>) {
    let mut buffer = [0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let Some(answer) = zone.answer(&buffer[..length]) else { continue };
        let mut bytes = answer.to_vec().unwrap();
        if bytes.len() > MAX_DATAGRAM {
            bytes = answer.truncate().to_vec().unwrap();
        }
        socket.send_to(&bytes, from).await.unwrap();
    }
}

async fn serve_streams(listener: TcpListener, zone: Arc<Zone>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let Ok(length) = stream.read_u16().await else { continue };
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await.unwrap();
        let Some(answer) = zone.answer(&question) else { continue };
        let bytes = answer.to_vec().unwrap();
        stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    }
}

impl Zone {
    /// `None`: it says nothing.
    fn answer(&self, question: &[u8]) -> Option<Message> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        let manner = *self.manner.lock().unwrap();
        if manner == Manner::Silent {
            return None;
        }
        let question = Message::from_vec(question).unwrap();
        let query = question.queries[0].clone();
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.recursion_available = true;
        let known = self.records.lock().unwrap();
        let mut name = query.name().clone();
        let mut found = known.get(&name);
        answer.add_query(query);
        answer.metadata.response_code = match (manner, found) {
            (Manner::Failing, _) => ResponseCode::ServFail,
            (_, None) => ResponseCode::NXDomain,
            (_, Some(_)) => ResponseCode::NoError,
        };
        // With what an alias leads to, as a resolver answers.
        while let Some(records) = found.filter(|_| manner == Manner::Answering) {
            for data in records {
                answer.add_answer(Record::from_rdata(name.clone(), 60, data.clone()));
            }
            found = match &records[..] {
                [RData::CNAME(target)] => {
                    name = target.0.clone();
                    known.get(&name)
                }
                _ => None,
            };
        }
        Some(answer)
    }
}

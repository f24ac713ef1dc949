//! Mail by SMTP (RFC 5321), through lettre: TLS, time limits and a pool of connections.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::{Address, Message};
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;
use url::Url;

use super::{Mail, SendError};
use crate::domain::email_address::EmailAddress;

/// For one letter, connecting included.
const PATIENCE: Duration = Duration::from_secs(20);
const MAX_CONNECTIONS: usize = 4;

/// lettre's own transport does not say at which step a server refused, and that decides what becomes of a
/// letter: so the steps are taken here, over its connections.
pub struct Smtp {
    server: Server,
    /// The envelope's and the header's sender; each tenant's name stands beside it.
    from: Address,
    turns: Semaphore,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtp {
    #[error("the mail server's URL cannot be used: {0}")]
    Url(String),
    #[error("no mail server takes the sender's address")]
    From,
}

impl Smtp {
    /// `smtps://user:password@host:port/name`, or `smtp://…?tls=required`; the name is what we call ourselves.
    pub fn new(url: &str, from: &EmailAddress) -> Result<Self, InvalidSmtp> {
        let server = Server::parse(url).map_err(InvalidSmtp::Url)?;
        let from = from.as_str().parse().map_err(|_| InvalidSmtp::From)?;
        let turns = Semaphore::new(MAX_CONNECTIONS);
        Ok(Self { server, from, turns, idle: Mutex::default() })
    }

    pub async fn send(&self, mail: Mail) -> Result<(), SendError> {
        let message = message(&self.from, mail).map_err(SendError::Refused)?;
        let _turn = self.turns.acquire().await.map_err(unavailable)?;
        let handed_over = tokio::time::timeout(PATIENCE, async {
            let mut connection = self.connection().await.map_err(unavailable)?;
            let taken = hand_over(&mut connection, &message).await;
            match taken {
                Ok(()) => self.lock_idle().push(connection),
                Err(_) => connection.abort().await,
            }
            taken
        });
        handed_over.await.unwrap_or_else(|_| Err(unavailable("the server does not answer in time")))
    }

    pub fn sender(&self) -> String {
        self.from.to_string()
    }

    /// Whether the server can be reached and takes our credentials.
    pub async fn check(&self) -> Result<(), String> {
        match tokio::time::timeout(PATIENCE, self.server.connect()).await {
            Ok(Ok(mut connection)) => {
                connection.abort().await;
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the server does not answer".to_owned()),
        }
    }

    /// One that is open still, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        loop {
            let idle = self.lock_idle().pop();
            let Some(mut connection) = idle else { return self.server.connect().await };
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<AsyncSmtpConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    hello: ClientId,
    credentials: Option<Credentials>,
}

enum Encryption {
    /// RFC 8314 §3.3.
    FromTheStart(TlsParameters),
    /// RFC 3207, or no letter.
    Required(TlsParameters),
    IfOffered(TlsParameters),
    None,
}

impl Server {
    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let host = url.host_str().ok_or("it names no host")?.to_owned();
        let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| error.to_string());
        let (encryption, port) = match (url.scheme(), tls.as_deref()) {
            ("smtps", _) => (Encryption::FromTheStart(parameters()?), 465),
            ("smtp", Some("required")) => (Encryption::Required(parameters()?), 587),
            ("smtp", Some("opportunistic")) => (Encryption::IfOffered(parameters()?), 587),
            ("smtp", None) => (Encryption::None, 25),
            ("smtp", Some(_)) => return Err("tls is `required` or `opportunistic`".to_owned()),
            _ => return Err("it begins with smtps:// or smtp://".to_owned()),
        };
        let name = url.path().trim_matches('/');
        Ok(Self {
            port: url.port().unwrap_or(port),
            hello: match name {
                "" => ClientId::default(),
                name => ClientId::Domain(name.to_owned()),
            },
            credentials: url
                .password()
                .map(|password| Credentials::new(decoded(url.username()), decoded(password))),
            host,
            encryption,
        })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let from_the_start = match &self.encryption {
            Encryption::FromTheStart(parameters) => Some(parameters.clone()),
            Encryption::Required(_) | Encryption::IfOffered(_) | Encryption::None => None,
        };
        let (server, hello) = ((self.host.as_str(), self.port), &self.hello);
        let patience = Some(PATIENCE);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, patience, hello, from_the_start, None)
                .await?;
        match &self.encryption {
            Encryption::Required(parameters) => {
                connection.starttls(parameters.clone(), hello).await?;
            }
            Encryption::IfOffered(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), hello).await?;
            }
            Encryption::IfOffered(_) | Encryption::FromTheStart(_) | Encryption::None => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// RFC 5321 §3.3. Only what is said to the recipient or to the letter is said of this letter: a greeting, a wrong
/// password or a sender that is refused is the same for all of them, and passes once it is mended.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    message: &Message,
) -> Result<(), SendError> {
    let (envelope, content) = (message.envelope(), message.formatted());
    let server = connection.server_info();
    let mut parameters = Vec::new();
    // RFC 6531 §3.4 and RFC 6152.
    let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if !envelope.from().into_iter().chain(envelope.to()).all(is_ascii) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(unavailable("the server takes no address beyond ASCII"));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !content.is_ascii() && server.supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let from = MailFrom::new(envelope.from().cloned(), parameters);
    connection.command(from).await.map_err(unavailable)?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(judged)?;
    }
    connection.command(Data).await.map_err(judged)?;
    connection.message(&content).await.map_err(judged)?;
    Ok(())
}

fn unavailable(why: impl ToString) -> SendError {
    SendError::Unavailable(why.to_string())
}

fn judged(error: Error) -> SendError {
    if error.is_permanent() { SendError::Refused(error.to_string()) } else { unavailable(error) }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp(…)")
    }
}

/// RFC 5322, RFC 2046. lettre encodes what stands in headers, so that no name becomes a header of its own.
fn message(from: &Address, mail: Mail) -> Result<Message, String> {
    let to: Address = mail.to.as_str().parse().map_err(|_| "no server takes this address")?;
    let mut message = Message::builder()
        .from(Mailbox::new(Some(mail.from_name.to_string()), from.clone()))
        .to(Mailbox::new(None, to))
        .message_id(Some(format!("<{}@{}>", mail.id, from.domain())))
        .subject(mail.subject);
    if let Some(address) = mail.reply_to.and_then(|address| address.as_str().parse().ok()) {
        message = message.reply_to(Mailbox::new(None, address));
    }
    message
        .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MailId;
    use crate::domain::tenant::DisplayName;

    #[test]
    fn a_url_says_how_the_server_is_reached() {
        let server = Server::parse("smtps://a%40b:p%26+%3D%2F@mail.example/us.example").unwrap();
        assert_eq!((&*server.host, server.port), ("mail.example", 465));
        assert_eq!(server.hello.to_string(), "us.example");
        let expected = Credentials::new("a@b".to_owned(), "p&+=/".to_owned());
        assert!(server.credentials == Some(expected));
        assert_eq!(Server::parse("smtp://mail.example?tls=required").unwrap().port, 587);
        assert_eq!(Server::parse("smtp://mail.example:2525").unwrap().port, 2_525);
        for bad in ["mail.example", "http://mail.example", "smtp://mail.example?tls=maybe"] {
            assert!(Server::parse(bad).is_err(), "{bad}");
        }
    }

    fn mail(from_name: &str, subject: &str, to: &str) -> Mail {
        Mail {
            id: MailId::from_bytes([7; 16]),
            from_name: DisplayName::parse(from_name).unwrap(),
            reply_to: None,
            to: EmailAddress::parse(to).unwrap(),
            subject: subject.to_owned(),
            text: "text".to_owned(),
            html: "<p>html</p>".to_owned(),
        }
    }

    #[test]
    fn no_text_of_a_letter_becomes_a_header() {
        let from: Address = "no-reply@doorward.example".parse().unwrap();
        let subject = "Acme\r\nBcc: victim@example.com\r\n\r\nbody";
        let name = "Acme, \"Inc.\" <bcc:victim@example.com>, Ünï \u{1f600}";
        let message = message(&from, mail(name, subject, "a@x.example")).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        assert_eq!(message.envelope().to().len(), 1);
    }
}

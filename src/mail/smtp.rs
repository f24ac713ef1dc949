//! Mail by SMTP (RFC 5321), through lettre: TLS, time limits and a pool of connections.

use std::fmt;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{Mail, SendError};
use crate::domain::email_address::EmailAddress;

const PATIENCE: Duration = Duration::from_secs(20);
const MAX_CONNECTIONS: u32 = 4;

pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    /// The envelope's and the header's sender; each tenant's name stands beside it.
    from: Address,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtp {
    #[error("the mail server's URL cannot be used: {0}")]
    Url(lettre::transport::smtp::Error),
    #[error("no mail server takes the sender's address")]
    From,
}

impl Smtp {
    /// `url` as lettre reads it: `smtps://…`, or `smtp://…?tls=required`.
    pub fn new(url: &str, from: &EmailAddress) -> Result<Self, InvalidSmtp> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(InvalidSmtp::Url)?
            .timeout(Some(PATIENCE))
            .pool_config(PoolConfig::new().max_size(MAX_CONNECTIONS))
            .build();
        let from = from.as_str().parse().map_err(|_| InvalidSmtp::From)?;
        Ok(Self { transport, from })
    }

    pub async fn send(&self, mail: Mail) -> Result<(), SendError> {
        let message = message(&self.from, mail).map_err(SendError::Refused)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if is_of_the_letter(&error) => Err(SendError::Refused(error.to_string())),
            Err(error) => Err(SendError::Unavailable(error.to_string())),
        }
    }

    pub fn sender(&self) -> String {
        self.from.to_string()
    }

    /// Whether the server can be reached and takes our credentials.
    pub async fn check(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the server does not answer".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp(…)")
    }
}

/// Whether the server refuses this letter for good, by its recipient (RFC 5321 §4.2.3). Others say that it takes no
/// letters now, or not ours, such as 535 for a password that was changed there: those wait until that is mended.
fn is_of_the_letter(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().map(u16::from);
    matches!(code, Some(550..=553 | 556))
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

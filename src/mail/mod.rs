//! Sending mail: by SMTP, or into the mailbox of `dev`. What is sent, and when, the flows decide.

mod layout;
mod mailbox;
mod smtp;

pub use layout::{Action, Content, Logo};
pub use mailbox::{KeptMail, Mailbox};
pub use smtp::{InvalidSmtp, Smtp};

use crate::domain::email_address::EmailAddress;
use crate::domain::ids::MailId;
use crate::domain::tenant::DisplayName;

/// One letter to one person.
#[derive(Clone, Debug)]
pub struct Mail {
    pub id: MailId,
    /// The name beside our address: the tenant's.
    pub from_name: DisplayName,
    pub reply_to: Option<EmailAddress>,
    pub to: EmailAddress,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Where mail goes.
pub enum Mailer {
    Smtp(Smtp),
    Mailbox(Mailbox),
    /// No server is configured: mail waits.
    Nowhere,
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Another try will not help: the letter or its address is refused.
    #[error("{0}")]
    Refused(String),
    /// Another try may help.
    #[error("{0}")]
    Unavailable(String),
}

impl Mailer {
    pub fn can_send(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// The address that letters come from, if they go anywhere.
    pub fn sender(&self) -> Option<String> {
        match self {
            Self::Smtp(smtp) => Some(smtp.sender()),
            Self::Mailbox(_) | Self::Nowhere => None,
        }
    }

    /// What can be said of the place that letters go to.
    pub async fn check(&self) -> Result<String, String> {
        match self {
            Self::Smtp(smtp) => match smtp.check().await {
                Ok(()) => Ok(format!("the server answers; letters come from {}", smtp.sender())),
                Err(why) => {
                    Err(format!("the server cannot be used: {why}; check DOORWARD_SMTP_URL"))
                }
            },
            Self::Mailbox(_) => Ok("kept in the mailbox of `dev`".to_owned()),
            Self::Nowhere => Ok("not configured: letters wait; set DOORWARD_SMTP_URL and \
                                 DOORWARD_MAIL_FROM"
                .to_owned()),
        }
    }

    pub async fn send(&self, mail: Mail) -> Result<(), SendError> {
        match self {
            Self::Smtp(smtp) => smtp.send(mail).await,
            Self::Mailbox(mailbox) => mailbox.keep(mail).await,
            Self::Nowhere => Err(SendError::Unavailable(
                "no mail server is configured: set DOORWARD_SMTP_URL".to_owned(),
            )),
        }
    }
}

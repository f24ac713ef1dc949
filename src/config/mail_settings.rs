//! How mail is sent.

use std::fmt;

use url::Url;

use crate::domain::email_address::EmailAddress;

/// `DOORWARD_SMTP_URL` and `DOORWARD_MAIL_FROM`.
#[derive(Clone)]
pub struct MailSettings {
    /// With user and password in it.
    pub smtp_url: String,
    pub from: EmailAddress,
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings").field("from", &self.from).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSmtpUrl {
    #[error(
        "write smtps://USER:PASSWORD@HOST:465, smtp://USER:PASSWORD@HOST:587?tls=required, or \
         smtp://127.0.0.1:25 for a server on this machine"
    )]
    Malformed,
    #[error(
        "passwords and links must not travel unencrypted to another machine: write smtps:// or add ?tls=required"
    )]
    Plain,
}

/// Unencrypted only to this machine.
pub fn check_smtp_url(text: &str) -> Result<(), InvalidSmtpUrl> {
    let url = Url::parse(text).map_err(|_| InvalidSmtpUrl::Malformed)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidSmtpUrl::Malformed)?;
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let demands_tls = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    match url.scheme() {
        "smtps" => Ok(()),
        "smtp" if is_here || demands_tls => Ok(()),
        "smtp" => Err(InvalidSmtpUrl::Plain),
        _ => Err(InvalidSmtpUrl::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_to_another_machine_is_encrypted() {
        for good in [
            "smtps://u:p@mail.example.com",
            "smtp://u:p@mail.example.com:587?tls=required",
            "smtp://127.0.0.1:2525",
            "smtp://localhost",
        ] {
            assert_eq!(check_smtp_url(good), Ok(()), "{good}");
        }
        for plain in ["smtp://mail.example.com", "smtp://mail.example.com?tls=opportunistic"] {
            assert_eq!(check_smtp_url(plain), Err(InvalidSmtpUrl::Plain), "{plain}");
        }
        for bad in ["mail.example.com", "http://mail.example.com", "smtp://", ""] {
            assert_eq!(check_smtp_url(bad), Err(InvalidSmtpUrl::Malformed), "{bad}");
        }
    }
}

//! What each letter says. Its link or code is made here, when it is sent: the newest is the one that works.

use std::time::Duration;

use crate::crypto::digest::{digest, sha256_base64url};
use crate::domain::allowance::Allowance;
use crate::domain::audit::Action as AuditAction;
use crate::domain::email_address::EmailAddress;
use crate::domain::email_code;
use crate::domain::entropy::random_secret;
use crate::domain::ids::{EmailCodeId, TenantId, UserId};
use crate::domain::logo::LogoVersion;
use crate::domain::mail_order::{Letter, MailOrder};
use crate::domain::one_time_token::{OneTimeToken, Purpose};
use crate::domain::tenant::{Accent, Tenant};
use crate::domain::user::{User, UserStatus};
use crate::flows::{Context, Failure};
use crate::mail::{Action, Content, Logo, Mail};
use crate::messages::{Messages, id};
use crate::storage::{Spent, StorageError, SystemTx};

/// Letters that anybody can cause, to one address: nobody is flooded through us.
const TO_ONE_ADDRESS: Allowance = Allowance { burst: 10, every: Duration::from_secs(6 * 60) };
/// And of one tenant: a sender's good name is shared by all of them.
const OF_ONE_TENANT: Allowance = Allowance { burst: 1_000, every: Duration::from_secs(2) };

pub(super) enum Prepared {
    Mail(Box<Mail>),
    /// There is nobody to write to, or nothing to say any more.
    Needless,
}

pub(super) async fn prepare(context: &Context, order: &MailOrder) -> Result<Prepared, Failure> {
    // It waited too long, for want of a mail server: it would only confuse.
    if context.now() >= order.created_at + order.letter.life() {
        return Ok(Prepared::Needless);
    }
    let id = order.tenant_id;
    let tenant = context.db.system_read::<_, StorageError>(move |tx| tx.tenants().find(id)).await?;
    let Some(tenant) = tenant.filter(Tenant::is_open) else {
        return Ok(Prepared::Needless);
    };
    let desk = Desk { context, order, tenant, messages: Messages::english() };
    let Some(to) = desk.recipient().await? else { return Ok(Prepared::Needless) };
    if !desk.is_within_limits().await? {
        return Ok(Prepared::Needless);
    }
    let Some(content) = desk.content().await? else { return Ok(Prepared::Needless) };
    let rendered = content.html().and_then(|html| Ok((html, content.text()?)));
    let (html, text) = rendered.map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(Prepared::Mail(Box::new(Mail {
        id: order.id,
        from_name: desk.tenant.name.clone(),
        reply_to: desk.tenant.reply_to.clone(),
        to,
        subject: content.heading,
        text,
        html,
    })))
}

/// Where one letter is written.
struct Desk<'a> {
    context: &'a Context,
    order: &'a MailOrder,
    tenant: Tenant,
    messages: &'static Messages,
}

impl Desk<'_> {
    /// Whom the letter goes to, if there is somebody: what nobody reads is not counted either. A letter that is for
    /// an account goes to the address as the account has it, not as somebody typed it: addresses that look alike
    /// find the same account and may be different people's mailboxes.
    async fn recipient(&self) -> Result<Option<EmailAddress>, Failure> {
        let user = self.user().await?;
        let is_proved = user.as_ref().is_some_and(|user| user.email_verified);
        let of_account = user.map(|user| user.email);
        match self.order.letter {
            Letter::VerifyEmail
            | Letter::AccountExists
            | Letter::ResetPassword
            | Letter::Invitation
            | Letter::Membership
            | Letter::SignInCode => Ok(of_account),
            // To the new address; one that has an account learns of the try.
            Letter::ChangeEmail => Ok(of_account.or_else(|| Some(self.order.email.clone()))),
            // Whoever signed up with a stranger's address could have us write to them for each click.
            Letter::PasswordChanged
            | Letter::DeletionPlanned
            | Letter::AccountClaimed
            | Letter::IdentityLinked => Ok(of_account.filter(|_| is_proved)),
            Letter::Test | Letter::EmailChanged => Ok(Some(self.order.email.clone())),
        }
    }

    /// `None` if nobody is to be written to.
    async fn content(&self) -> Result<Option<Content>, Failure> {
        match self.order.letter {
            Letter::VerifyEmail => self.verify_email().await,
            Letter::AccountExists => self.account_exists().await,
            Letter::ResetPassword => self.reset_password().await,
            Letter::Invitation => self.invitation().await,
            Letter::Membership => self.membership().await,
            Letter::ChangeEmail => self.change_email().await,
            Letter::SignInCode => self.sign_in_code().await,
            Letter::PasswordChanged => {
                Ok(Some(self.notice(&[self.say("mail-password-changed-text")])))
            }
            Letter::EmailChanged => Ok(Some(self.notice(&[self.say("mail-email-changed-text")]))),
            Letter::DeletionPlanned => {
                Ok(Some(self.notice(&[self.say("mail-deletion-planned-text")])))
            }
            Letter::AccountClaimed => {
                Ok(Some(self.notice(&[self.say("mail-account-claimed-text")])))
            }
            Letter::IdentityLinked => {
                Ok(Some(self.notice(&[self.say("mail-identity-linked-text")])))
            }
            Letter::Test => {
                Ok(Some(self.letter(subject(self.order.letter), vec![self.say("mail-test-text")])))
            }
        }
    }

    async fn verify_email(&self) -> Result<Option<Content>, Failure> {
        let Some(user) = self.user().await?.filter(|user| !user.email_verified) else {
            return Ok(None);
        };
        let mut url = self.link("verify-email", Purpose::VerifyEmail, &user).await?;
        if let Some(request) = &self.order.subject {
            url = format!("{url}&request={request}");
        }
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-verify-email-action"), url }),
            notes: vec![self.say("mail-verify-email-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-verify-email-text")])
        }))
    }

    /// For an account whose address was never proved, whoever comes later chooses the password anew: nobody
    /// can plant one for the owner to confirm.
    async fn account_exists(&self) -> Result<Option<Content>, Failure> {
        let Some(user) = self.user().await? else { return Ok(None) };
        if user.email_verified {
            let url = format!("{}/login", self.issuer());
            return Ok(Some(Content {
                action: Some(Action { label: self.say("mail-account-exists-action"), url }),
                notes: vec![self.say("mail-account-exists-note")],
                ..self.letter(
                    subject(Letter::AccountExists),
                    vec![self.say("mail-account-exists-text")],
                )
            }));
        }
        let url = self.link("reset-password", Purpose::ResetPassword, &user).await?;
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-finish-sign-up-action"), url }),
            notes: vec![self.say("mail-finish-sign-up-note")],
            ..self
                .letter(subject(Letter::AccountExists), vec![self.say("mail-finish-sign-up-text")])
        }))
    }

    async fn reset_password(&self) -> Result<Option<Content>, Failure> {
        let Some(user) = self.user().await? else { return Ok(None) };
        let url = self.link("reset-password", Purpose::ResetPassword, &user).await?;
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-reset-password-action"), url }),
            notes: vec![self.say("mail-reset-password-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-reset-password-text")])
        }))
    }

    async fn invitation(&self) -> Result<Option<Content>, Failure> {
        let Some(user) = self.user().await? else { return Ok(None) };
        let life = Letter::Invitation.life();
        let url = self.lasting_link("reset-password", Purpose::ResetPassword, &user, life).await?;
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-invitation-action"), url }),
            notes: vec![self.say("mail-invitation-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-invitation-text")])
        }))
    }

    async fn membership(&self) -> Result<Option<Content>, Failure> {
        let id = self.order.subject.as_deref().and_then(|id| TenantId::parse(id).ok());
        let (Some(id), Some(_)) = (id, self.user().await?) else { return Ok(None) };
        let find = move |tx: &mut SystemTx<'_>| tx.tenants().find(id);
        let tenant = self.context.db.system_read::<_, StorageError>(find).await?;
        let Some(tenant) = tenant else { return Ok(None) };
        let url = format!("{}/console/t/{}", self.context.public_url.as_str(), tenant.slug);
        let text = self.messages.say_with("mail-membership-text", "name", tenant.name.as_str());
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-membership-action"), url }),
            ..self.letter(subject(self.order.letter), vec![text])
        }))
    }

    async fn change_email(&self) -> Result<Option<Content>, Failure> {
        if self.user().await?.is_some() {
            return self.account_exists().await;
        }
        let id = self.order.subject.as_deref().and_then(|id| UserId::parse(id).ok());
        let Some(id) = id else { return Ok(None) };
        let user = self
            .context
            .db
            .read::<_, StorageError>(self.tenant.id, move |tx| tx.users().find(id))
            .await?;
        let Some(user) = user.filter(|user| user.status == UserStatus::Active) else {
            return Ok(None);
        };
        let url = self.link("account/email/confirm", Purpose::ChangeEmail, &user).await?;
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-change-email-action"), url }),
            notes: vec![self.say("mail-change-email-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-change-email-text")])
        }))
    }

    async fn sign_in_code(&self) -> Result<Option<Content>, Failure> {
        let waiting = self.order.subject.as_deref().unwrap_or_default();
        let (Ok(id), Some(_)) = (EmailCodeId::parse(waiting), self.user().await?) else {
            return Ok(None);
        };
        let code = email_code::generate(&*self.context.entropy);
        let tenant = self.tenant.id.to_string();
        let mac = self.context.email_codes.sign(&[&tenant, waiting, code.expose()]);
        let kept = self
            .context
            .db
            .write::<_, StorageError>(self.tenant.id, move |tx| tx.email_codes().set_code(id, &mac))
            .await?;
        Ok(kept.then(|| Content {
            code: Some(code.expose().to_owned()),
            notes: vec![self.say("mail-sign-in-code-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-sign-in-code-text")])
        }))
    }

    /// Who has the address, if they may sign in.
    async fn user(&self) -> Result<Option<User>, Failure> {
        let email = self.order.email.clone();
        let found = self
            .context
            .db
            .read::<_, StorageError>(self.tenant.id, move |tx| tx.users().find_by_email(&email))
            .await?;
        let active = found.filter(|(user, _)| user.status == UserStatus::Active);
        Ok(active.map(|(user, _)| user))
    }

    /// A link with a fresh token in it, on the tenant's own address.
    async fn link(&self, path: &str, purpose: Purpose, user: &User) -> Result<String, Failure> {
        self.lasting_link(path, purpose, user, purpose.life()).await
    }

    async fn lasting_link(
        &self,
        path: &str,
        purpose: Purpose,
        user: &User,
        life: Duration,
    ) -> Result<String, Failure> {
        let secret = random_secret(&*self.context.entropy);
        let email = match purpose {
            Purpose::VerifyEmail | Purpose::ResetPassword => user.email.clone(),
            Purpose::ChangeEmail => self.order.email.clone(),
        };
        let token = OneTimeToken { purpose, user_id: user.id, email };
        let (key, expires_at) = (digest(&secret), self.context.now() + life);
        let kept = self.context.db.write_again(self.tenant.id, move |tx| {
            tx.one_time_tokens().put(&key, &token, expires_at)
        });
        kept.await?;
        Ok(format!("{}/{path}?token={}", self.issuer(), secret.expose()))
    }

    /// Counts a letter that anybody can cause; past the limits it is not sent, and an event says so.
    async fn is_within_limits(&self) -> Result<bool, Failure> {
        // Another try of the same letter is no other letter.
        if !self.order.letter.is_on_request() || self.order.tries > 1 {
            return Ok(true);
        }
        let now = self.context.now();
        let to_address = format!("mail:{}", sha256_base64url(self.order.email.key().as_bytes()));
        let event = self.context.event(AuditAction::MailWithheld, "anonymous", self.order.id, None);
        let within = self.context.db.write_again(self.tenant.id, move |tx| {
            for (key, allowance) in [(&*to_address, TO_ONE_ADDRESS), ("mail", OF_ONE_TENANT)] {
                if tx.allowances().spend(key, allowance, now)? != Spent::Granted {
                    tx.audit_events().append(&event)?;
                    return Ok(false);
                }
            }
            Ok(true)
        });
        Ok(within.await?)
    }

    /// A letter about something that has happened, with what to do if it was somebody else.
    fn notice(&self, paragraphs: &[String]) -> Content {
        let url = format!("{}/forgot-password", self.issuer());
        Content {
            notes: vec![self.messages.say_with("mail-not-you-note", "url", url)],
            ..self.letter(subject(self.order.letter), paragraphs.to_vec())
        }
    }

    fn letter(&self, subject: &str, paragraphs: Vec<String>) -> Content {
        let ours = Accent::OURS;
        Content {
            language: self.messages.language,
            tenant_name: self.tenant.name.to_string(),
            accent: self.tenant.accent.unwrap_or(ours).under_white_text().to_string(),
            logo: self.tenant.logo.as_ref().map(|version| self.logo(version)),
            heading: self.say(subject),
            paragraphs,
            ..Content::default()
        }
    }

    /// Whichever the tenant has when the letter is read.
    fn logo(&self, version: &LogoVersion) -> Logo {
        let (width, height) = version.shown();
        Logo { url: format!("{}/logo.png", self.issuer()), width, height }
    }

    fn issuer(&self) -> String {
        self.context.public_url.issuer(&self.tenant)
    }

    fn say(&self, id: &str) -> String {
        self.messages.say_with(id, "tenant", self.tenant.name.as_str())
    }
}

/// Heading and subject of a letter.
fn subject(letter: Letter) -> &'static str {
    match letter {
        Letter::VerifyEmail => id!("mail-verify-email-subject"),
        Letter::AccountExists => id!("mail-account-exists-subject"),
        Letter::ResetPassword => id!("mail-reset-password-subject"),
        Letter::ChangeEmail => id!("mail-change-email-subject"),
        Letter::SignInCode => id!("mail-sign-in-code-subject"),
        Letter::PasswordChanged => id!("mail-password-changed-subject"),
        Letter::EmailChanged => id!("mail-email-changed-subject"),
        Letter::DeletionPlanned => id!("mail-deletion-planned-subject"),
        Letter::AccountClaimed => id!("mail-account-claimed-subject"),
        Letter::IdentityLinked => id!("mail-identity-linked-subject"),
        Letter::Invitation => id!("mail-invitation-subject"),
        Letter::Membership => id!("mail-membership-subject"),
        Letter::Test => id!("mail-test-subject"),
    }
}

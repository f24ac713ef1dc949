//! What each letter says. Its link or code is made here, when it is sent: the newest is the one that works.

use super::turns::{Counted, Turn};
use crate::crypto::digest::digest;
use crate::domain::audit::Action as AuditAction;
use crate::domain::clock::Timestamp;
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
use crate::storage::{StorageError, SystemTx};

pub(super) enum Prepared {
    Mail(Box<Mail>),
    /// There is nobody to write to, or nothing to say any more.
    Needless,
    /// Its tenant sends too much at the moment: this letter's turn is then.
    Deferred(Timestamp),
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
    // What nobody reads is not counted either.
    let Some(reader) = desk.reader().await? else { return Ok(Prepared::Needless) };
    match desk.take_turn(&reader).await? {
        Turn::Now => {}
        Turn::Later(at) => return Ok(Prepared::Deferred(at)),
        Turn::Never => return Ok(Prepared::Needless),
    }
    let Some(content) = desk.content(&reader).await? else { return Ok(Prepared::Needless) };
    let rendered = content.html().and_then(|html| Ok((html, content.text()?)));
    let (html, text) = rendered.map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(Prepared::Mail(Box::new(Mail {
        id: order.id,
        from_name: desk.tenant.name.clone(),
        reply_to: desk.tenant.reply_to.clone(),
        to: reader.mailbox(order).clone(),
        subject: content.heading,
        text,
        html,
    })))
}

/// Whom a letter is for.
enum Reader {
    /// The account of the address. It is written to as the account has the address and never as somebody typed
    /// it: spellings that are one address to us may be two mailboxes, and one of them a thief's.
    Account(User),
    /// An account that wants to move to the address, which no account has.
    Newcomer(User),
    /// Whoever has the mailbox, account or none.
    Anybody,
}

impl Reader {
    fn mailbox<'a>(&'a self, order: &'a MailOrder) -> &'a EmailAddress {
        match self {
            Self::Account(user) => &user.email,
            Self::Newcomer(_) | Self::Anybody => &order.email,
        }
    }
}

/// Where one letter is written.
struct Desk<'a> {
    context: &'a Context,
    order: &'a MailOrder,
    tenant: Tenant,
    messages: &'static Messages,
}

impl Desk<'_> {
    /// Whom to write to, if there is somebody and something to say.
    async fn reader(&self) -> Result<Option<Reader>, Failure> {
        let MailOrder { letter, email, .. } = self.order.clone();
        let subject = self.order.subject.as_deref().filter(|_| letter == Letter::ChangeEmail);
        let mover = subject.and_then(|id| UserId::parse(id).ok());
        let found = self.context.db.read::<_, StorageError>(self.tenant.id, move |tx| {
            let account = tx.users().find_by_email(&email)?.map(|(user, _)| user);
            let mover = mover.map(|id| tx.users().find(id)).transpose()?.flatten();
            Ok((account, mover))
        });
        let (account, mover) = found.await?;
        let is_active = |user: &User| user.status == UserStatus::Active;
        Ok(match letter {
            Letter::VerifyEmail => {
                account.filter(|user| is_active(user) && !user.email_verified).map(Reader::Account)
            }
            Letter::AccountExists
            | Letter::ResetPassword
            | Letter::Invitation
            | Letter::Membership
            | Letter::SignInCode => account.filter(is_active).map(Reader::Account),
            Letter::ChangeEmail => match account {
                Some(taken) => Some(taken).filter(is_active).map(Reader::Account),
                None => mover.filter(is_active).map(Reader::Newcomer),
            },
            // Of an address that nobody has proved, we do not know whose it is.
            Letter::PasswordChanged
            | Letter::DeletionPlanned
            | Letter::AccountClaimed
            | Letter::IdentityLinked
            | Letter::IdentityUnlinked => {
                account.filter(|user| user.email_verified).map(Reader::Account)
            }
            // Ordered only where the old address was proved; no account has it any more.
            Letter::EmailChanged | Letter::Test => Some(Reader::Anybody),
        })
    }

    /// Counts the letter, unless it was counted before: another try is no other letter, and one that waited for
    /// its turn has it.
    async fn take_turn(&self, reader: &Reader) -> Result<Turn, Failure> {
        if self.order.tries > 1 {
            return Ok(Turn::Now);
        }
        let letter = self.order.letter;
        let counted = Counted {
            tenant: self.tenant.id,
            letter,
            mailbox: reader.mailbox(self.order).clone(),
            is_proved: matches!(reader, Reader::Account(user) if user.email_verified),
            now: self.context.now(),
            too_late: self.order.created_at + letter.life(),
        };
        let withheld =
            self.context.event(AuditAction::MailWithheld, "anonymous", self.order.id, None);
        let turn = self.context.db.system_write_again(move |tx| {
            let turn = counted.take_turn(tx)?;
            if let Turn::Never = turn {
                tx.tenant(counted.tenant).audit_events().append(&withheld)?;
            }
            Ok(turn)
        });
        Ok(turn.await?)
    }

    /// `None` if what it is about is gone.
    async fn content(&self, reader: &Reader) -> Result<Option<Content>, Failure> {
        let letter = self.order.letter;
        match (letter, reader) {
            (Letter::VerifyEmail, Reader::Account(user)) => self.verify_email(user).await,
            (Letter::AccountExists | Letter::ChangeEmail, Reader::Account(user)) => {
                self.account_exists(user).await
            }
            (Letter::ResetPassword, Reader::Account(user)) => self.reset_password(user).await,
            (Letter::Invitation, Reader::Account(user)) => self.invitation(user).await,
            (Letter::ChangeEmail, Reader::Newcomer(user)) => self.change_email(user).await,
            (Letter::Membership, _) => self.membership().await,
            (Letter::SignInCode, _) => self.sign_in_code().await,
            (Letter::PasswordChanged, _) => {
                Ok(Some(self.notice(id!("mail-password-changed-text"))))
            }
            (Letter::EmailChanged, _) => Ok(Some(self.email_changed())),
            (Letter::DeletionPlanned, Reader::Account(user)) => Ok(self.deletion_planned(user)),
            (Letter::AccountClaimed, _) => Ok(Some(self.notice(id!("mail-account-claimed-text")))),
            (Letter::IdentityLinked, _) => Ok(Some(self.notice(id!("mail-identity-linked-text")))),
            (Letter::IdentityUnlinked, _) => {
                Ok(Some(self.notice(id!("mail-identity-unlinked-text"))))
            }
            (Letter::Test, _) => {
                Ok(Some(self.letter(subject(letter), vec![self.say("mail-test-text")])))
            }
            (
                Letter::VerifyEmail
                | Letter::AccountExists
                | Letter::ResetPassword
                | Letter::Invitation
                | Letter::ChangeEmail
                | Letter::DeletionPlanned,
                Reader::Newcomer(_) | Reader::Anybody,
            ) => Ok(None),
        }
    }

    async fn verify_email(&self, user: &User) -> Result<Option<Content>, Failure> {
        let Some(mut url) = self.link("verify-email", Purpose::VerifyEmail, user).await? else {
            return Ok(None);
        };
        url.push_str(&self.way_back());
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-verify-email-action"), url }),
            notes: vec![self.say("mail-verify-email-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-verify-email-text")])
        }))
    }

    /// For an account whose address was never proved, whoever comes later chooses the password anew: nobody
    /// can plant one for the owner to confirm.
    async fn account_exists(&self, user: &User) -> Result<Option<Content>, Failure> {
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
        let link = self.link("reset-password", Purpose::ResetPassword, user).await?;
        let Some(mut url) = link else { return Ok(None) };
        if self.order.letter == Letter::AccountExists {
            url.push_str(&self.way_back());
        }
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-finish-sign-up-action"), url }),
            notes: vec![self.say("mail-finish-sign-up-note")],
            ..self
                .letter(subject(Letter::AccountExists), vec![self.say("mail-finish-sign-up-text")])
        }))
    }

    async fn reset_password(&self, user: &User) -> Result<Option<Content>, Failure> {
        let link = self.link("reset-password", Purpose::ResetPassword, user).await?;
        let Some(mut url) = link else { return Ok(None) };
        url.push_str(&self.way_back());
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-reset-password-action"), url }),
            notes: vec![self.say("mail-reset-password-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-reset-password-text")])
        }))
    }

    async fn invitation(&self, user: &User) -> Result<Option<Content>, Failure> {
        let link = self.link("reset-password", Purpose::AcceptInvitation, user).await?;
        let Some(url) = link else { return Ok(None) };
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-invitation-action"), url }),
            notes: vec![self.say("mail-invitation-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-invitation-text")])
        }))
    }

    async fn membership(&self) -> Result<Option<Content>, Failure> {
        let id = self.order.subject.as_deref().and_then(|id| TenantId::parse(id).ok());
        let Some(id) = id else { return Ok(None) };
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

    async fn change_email(&self, user: &User) -> Result<Option<Content>, Failure> {
        let url = self.link("account/email/confirm", Purpose::ChangeEmail, user).await?;
        let Some(url) = url else { return Ok(None) };
        Ok(Some(Content {
            action: Some(Action { label: self.say("mail-change-email-action"), url }),
            notes: vec![self.say("mail-change-email-note")],
            ..self.letter(subject(self.order.letter), vec![self.say("mail-change-email-text")])
        }))
    }

    async fn sign_in_code(&self) -> Result<Option<Content>, Failure> {
        let waiting = self.order.subject.as_deref().unwrap_or_default();
        let Ok(id) = EmailCodeId::parse(waiting) else { return Ok(None) };
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

    /// A link with a fresh token in it, on the tenant's own address. `None` if the order was withdrawn.
    async fn link(
        &self,
        path: &str,
        purpose: Purpose,
        user: &User,
    ) -> Result<Option<String>, Failure> {
        let secret = random_secret(&*self.context.entropy);
        let email = match purpose {
            // They prove the address that the account has.
            Purpose::VerifyEmail | Purpose::ResetPassword | Purpose::AcceptInvitation => {
                user.email.clone()
            }
            Purpose::ChangeEmail => self.order.email.clone(),
        };
        let token = OneTimeToken { purpose, user_id: user.id, email };
        let (key, expires_at) = (digest(&secret), self.context.now() + purpose.life());
        let order = self.order.id;
        let kept = self.context.db.write_again(self.tenant.id, move |tx| {
            // Whoever withdraws orders and then deletes tokens leaves neither behind.
            let stands = tx.mail_orders().lock(order)?;
            if stands {
                tx.one_time_tokens().put(&key, &token, expires_at)?;
            }
            Ok(stands)
        });
        let url = || format!("{}/{path}?token={}", self.issuer(), secret.expose());
        Ok(kept.await?.then(url))
    }

    /// To the application whose sign-in the letter was asked for in, if its link is opened in that browser.
    fn way_back(&self) -> String {
        let request = self.order.subject.as_deref();
        request.map(|request| format!("&request={request}")).unwrap_or_default()
    }

    /// A letter about something that has happened, with what to do if it was somebody else.
    fn notice(&self, text: &str) -> Content {
        let url = format!("{}/forgot-password", self.issuer());
        Content {
            notes: vec![self.messages.say_with("mail-not-you-note", "url", url)],
            ..self.letter(subject(self.order.letter), vec![self.say(text)])
        }
    }

    /// To an address that opens the account no more: its reader cannot help themselves, and is told who can.
    fn email_changed(&self) -> Content {
        let note = match &self.tenant.reply_to {
            Some(reply_to) => {
                self.messages.say_with("mail-email-changed-note", "address", reply_to.as_str())
            }
            None => self.say("mail-email-changed-note-unaddressed"),
        };
        let text = vec![self.say("mail-email-changed-text")];
        Content { notes: vec![note], ..self.letter(subject(self.order.letter), text) }
    }

    /// `None` if the account is kept after all.
    fn deletion_planned(&self, user: &User) -> Option<Content> {
        let at = user.deletes_at?.to_string();
        let tenant = ("tenant", self.tenant.name.as_str());
        let text = self.messages.say_with_two("mail-deletion-planned-text", tenant, ("at", &at));
        let notice = self.notice(id!("mail-deletion-planned-keep"));
        Some(Content { paragraphs: [vec![text], notice.paragraphs].concat(), ..notice })
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
        Letter::IdentityUnlinked => id!("mail-identity-unlinked-subject"),
        Letter::Invitation => id!("mail-invitation-subject"),
        Letter::Membership => id!("mail-membership-subject"),
        Letter::Test => id!("mail-test-subject"),
    }
}

//! Signing in with a code that is mailed, in the browser that asked for it.

use super::claim;
use super::sign_in::{Proof, Witness};
use super::throttle::{self, Asked, Asker, Charge, Credential, Guesser};
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::email_code::{self, WaitingSignIn};
use crate::domain::ids::EmailCodeId;
use crate::domain::mail_order::Letter;
use crate::domain::session::Method;
use crate::domain::user::{User, UserStatus};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// Begins a sign-in that waits for its code. The answer and the work are the same for every address.
pub async fn ask(
    context: &Context,
    tenant: &TenantSnapshot,
    email: &EmailAddress,
    browser: &str,
    asker: Asker<'_>,
) -> Result<Asked<EmailCodeId>, Failure> {
    let now = context.now();
    let id = EmailCodeId::generate(now, &*context.entropy);
    let order = context.letter(tenant.tenant.id, Letter::SignInCode, email, Some(id.to_string()));
    let event = context.event(Action::CodeAsked, "anonymous", id, asker.address);
    let (email, browser, limit) = (email.clone(), browser.to_owned(), asker.limit());
    let asked = context.db.write_again(tenant.tenant.id, move |tx| {
        if let Asked::TooMuch { retry_after } = limit.spend(tx, now)? {
            return Ok(Asked::TooMuch { retry_after });
        }
        tx.email_codes().insert(id, &browser, &email, now)?;
        tx.mail_orders().insert(&order)?;
        tx.audit_events().append(&event)?;
        Ok(Asked::Done(id))
    });
    let asked = asked.await?;
    context.mail_bell.notify_one();
    Ok(asked)
}

/// The address of a sign-in that waits in this browser.
pub async fn waiting(
    context: &Context,
    tenant: &TenantSnapshot,
    id: EmailCodeId,
    browser: &str,
) -> Result<Option<EmailAddress>, Failure> {
    let (browser, now) = (browser.to_owned(), context.now());
    let found = context.db.read::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.email_codes().find(id, &browser, now)
    });
    Ok(found.await?)
}

pub enum Outcome {
    Proved(Proof),
    Wrong,
    /// Too many tries, too late, or another browser: a new code must be asked for.
    Over,
    /// Too many tries, with whatever codes: wait so many seconds.
    TooMany {
        retry_after: u64,
    },
}

/// A try, once it is counted.
enum Counted {
    For(WaitingSignIn, throttle::Charged),
    Over,
    TooMany { retry_after: u64 },
}

/// Tries a code; each try counts before it is looked at. Where there is none to look at, it costs the account
/// nothing: else a stranger would use up the owner's tries with a code of their own that is over.
pub async fn attempt(
    context: &Context,
    tenant: &TenantSnapshot,
    id: EmailCodeId,
    browser: &str,
    typed: &str,
    guesser: &Guesser,
) -> Result<Outcome, Failure> {
    let (tenant_id, now) = (tenant.tenant.id, context.now());
    let address = guesser.address.as_deref();
    let secret = browser.to_owned();
    let asked_for = context
        .db
        .read::<_, StorageError>(tenant_id, move |tx| {
            let Some(email) = tx.email_codes().find_open(id, &secret, now)? else {
                return Ok(None);
            };
            let user = tx.users().find_by_email(&email)?.map(|(user, _)| user.id);
            Ok(Some((email, user)))
        })
        .await?;
    let Some((email, user)) = asked_for else { return Ok(Outcome::Over) };
    // A new code brings new tries: they are counted for the account as well.
    let credential = Credential::EmailCode;
    let price = throttle::price(context, tenant, credential, email.key(), user, guesser);
    let secret = browser.to_owned();
    let counted = context.db.write_again(tenant_id, move |tx| {
        let charged = match price.charge(tx, now)? {
            Charge::Granted(charged) => charged,
            Charge::Refused { retry_after } => return Ok(Counted::TooMany { retry_after }),
        };
        if let Some(waiting) = tx.email_codes().count_try(id, &secret, now)? {
            return Ok(Counted::For(waiting, charged));
        }
        // The last try was taken meanwhile.
        charged.give_back(tx, now)?;
        Ok(Counted::Over)
    });
    let (waiting, charged) = match counted.await? {
        Counted::For(waiting, charged) => (waiting, charged),
        Counted::Over => return Ok(Outcome::Over),
        Counted::TooMany { retry_after } => return Ok(Outcome::TooMany { retry_after }),
    };
    let failed = context.event(Action::CodeFailed, "anonymous", id, address);
    let is_right =
        email_code::parse(typed).zip(waiting.code_mac.as_ref()).is_some_and(|(code, mac)| {
            let parts = [&*tenant_id.to_string(), &id.to_string(), code.expose()];
            context.email_codes.verify(&parts, mac)
        });
    if !is_right {
        let recorded = context
            .db
            .write::<_, StorageError>(tenant_id, move |tx| tx.audit_events().append(&failed));
        recorded.await?;
        return Ok(Outcome::Wrong);
    }
    let told = context.letter(tenant_id, Letter::AccountClaimed, &waiting.email, None);
    let event = context.event(Action::AccountClaimed, "anonymous", "", address);
    let (email, browser) = (waiting.email, browser.to_owned());
    let user = context
        .db
        .write::<_, StorageError>(tenant_id, move |tx| {
            if !tx.email_codes().delete(id, &browser)? {
                return Ok(None);
            }
            let found = tx.users().find_by_email(&email)?;
            let Some((user, _)) = found.filter(|(user, _)| user.status == UserStatus::Active)
            else {
                return Ok(None);
            };
            if !user.email_verified {
                claim::take_over(tx, &user, told, event, now)?;
            }
            Ok(Some(User { email_verified: true, ..user }))
        })
        .await?;
    Ok(match user {
        Some(user) => {
            let proof = Proof::of(user, Method::EmailCode, Witness::Spent);
            Outcome::Proved(Proof { charged, ..proof })
        }
        None => Outcome::Over,
    })
}

//! Making an account of one's own with e-mail and password. Where the tenant wants the address verified, the
//! answer and the work are the same for an address that has an account already: its owner learns it by mail.

use crate::crypto::password_strength;
use crate::domain::activity::Kind;
use crate::domain::audit::Action;
use crate::domain::email_address::{EmailAddress, InvalidEmail};
use crate::domain::ids::UserId;
use crate::domain::mail_order::Letter;
use crate::domain::one_time_token::Purpose;
use crate::domain::password::{NewPassword, PasswordHash, PasswordProblem};
use crate::domain::session::Method;
use crate::domain::tenant::{DisplayName, EmailVerification, InvalidName, SignUp};
use crate::domain::user::{User, UserStatus};
use crate::flows::account::sign_in::{Proof, Witness};
use crate::flows::account::throttle::{Asked, Asker};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// What someone typed.
pub struct Form<'a> {
    pub email: &'a str,
    pub password: &'a str,
    pub name: Option<&'a str>,
    /// The pending request that the sign-up is for, to go on with after the address is verified.
    pub request: Option<String>,
}

/// What is wrong, field by field.
#[derive(Debug, Default)]
pub struct Problems {
    pub email: Option<EmailProblem>,
    pub password: Option<PasswordProblem>,
    pub name: Option<InvalidName>,
}

#[derive(Debug, thiserror::Error)]
pub enum EmailProblem {
    #[error(transparent)]
    Invalid(#[from] InvalidEmail),
    #[error("This address has an account already. Sign in instead.")]
    Taken,
}

pub enum Outcome {
    Made(Proof),
    /// Whoever has the address finds a mail there: a link, or that it has an account already.
    VerificationRequired,
    Problems(Problems),
    /// The tenant's accounts are made by its admins.
    Closed,
    /// Too many sign-ups from this range of addresses: wait so many seconds.
    TooMany {
        retry_after: u64,
    },
}

pub async fn with_password(
    context: &Context,
    tenant: &TenantSnapshot,
    form: Form<'_>,
    asker: Asker<'_>,
) -> Result<Outcome, Failure> {
    let policy = tenant.tenant.accounts;
    if policy.sign_up == SignUp::Closed {
        return Ok(Outcome::Closed);
    }
    let (email, password, name) = match parse(tenant, &form) {
        Ok(parsed) => parsed,
        Err(problems) => return Ok(Outcome::Problems(problems)),
    };
    // A flood is told so at once, and uses nothing up.
    context.hasher.has_room_for(tenant.tenant.id)?;
    let (limit, now) = (asker.limit(), context.now());
    let spent = limit.clone();
    let asked = context.db.write_again(tenant.tenant.id, move |tx| spent.spend(tx, now));
    if let Asked::TooMuch { retry_after } = asked.await? {
        return Ok(Outcome::TooMany { retry_after });
    }
    let hash = match context.hasher.hash(tenant.tenant.id, password).await {
        Ok(hash) => hash,
        Err(overloaded) => {
            let given_back = context
                .db
                .write::<_, StorageError>(tenant.tenant.id, move |tx| limit.give_back(tx, now));
            given_back.await?;
            return Err(overloaded.into());
        }
    };
    let user = User {
        id: UserId::generate(now, &*context.entropy),
        email,
        email_verified: false,
        name,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    };
    let made = insert(context, tenant, &user, hash.clone(), form.request, asker.address).await?;
    match (policy.email_verification, made) {
        (EmailVerification::Required, _) => Ok(Outcome::VerificationRequired),
        (EmailVerification::Optional, true) => {
            Ok(Outcome::Made(Proof::of(user, Method::Password, Witness::Password(hash))))
        }
        (EmailVerification::Optional, false) => Ok(Outcome::Problems(Problems {
            email: Some(EmailProblem::Taken),
            ..Problems::default()
        })),
    }
}

/// Makes the account and orders the letter. `false` if the address has one.
async fn insert(
    context: &Context,
    tenant: &TenantSnapshot,
    user: &User,
    hash: PasswordHash,
    request: Option<String>,
    address: Option<&str>,
) -> Result<bool, Failure> {
    let tenant_id = tenant.tenant.id;
    let policy = tenant.tenant.accounts.email_verification;
    let verify = context.letter(tenant_id, Letter::VerifyEmail, &user.email, request.clone());
    let exists = context.letter(tenant_id, Letter::AccountExists, &user.email, request);
    let signed_up = context.event(Action::SignedUp, user.id, user.id, address);
    let repeated = context.event(Action::SignUpRepeated, "anonymous", tenant_id, address);
    let row = user.clone();
    let inserted = context.db.write::<_, StorageError>(tenant_id, move |tx| {
        if let Some((taken, _)) = tx.users().find_by_email(&row.email)? {
            if policy == EmailVerification::Required {
                // One of the two who signed up has not the address. Whoever has it chooses the password anew:
                // a link that was mailed before must not confirm what the other has chosen.
                tx.users().drop_unproved_password(taken.id)?;
                tx.one_time_tokens().delete_all(taken.id, Purpose::VerifyEmail)?;
                tx.mail_orders().insert(&exists)?;
                let mut event = repeated;
                event.target = taken.id.to_string();
                tx.audit_events().append(&event)?;
            }
            return Ok(false);
        }
        tx.users().insert(&row, Some(&hash))?;
        tx.mail_orders().insert(&verify)?;
        tx.audit_events().append(&signed_up)?;
        Ok(true)
    });
    let made = match inserted.await {
        // Two sign-ups at once with one address.
        Err(StorageError::Conflict) => false,
        other => other?,
    };
    if made {
        context.activity.count(tenant_id, Kind::SignUp, context.now());
    }
    context.mail_bell.notify_one();
    Ok(made)
}

fn parse(
    tenant: &TenantSnapshot,
    form: &Form<'_>,
) -> Result<(EmailAddress, NewPassword, Option<DisplayName>), Problems> {
    let email = EmailAddress::parse(form.email);
    let name = form.name.filter(|name| !name.trim().is_empty()).map(DisplayName::parse).transpose();
    let password = NewPassword::parse(form.password).and_then(|password| {
        let mut personal = vec![tenant.tenant.name.as_str()];
        if let Ok(email) = &email {
            personal.extend([email.as_str(), email.local_part()]);
        }
        if let Ok(Some(name)) = &name {
            personal.push(name.as_str());
        }
        let least = tenant.tenant.accounts.password_min_length;
        password_strength::check(&password, least, &personal).map(|()| password)
    });
    match (email, password, name) {
        (Ok(email), Ok(password), Ok(name)) => Ok((email, password, name)),
        (email, password, name) => Err(Problems {
            email: email.err().map(EmailProblem::from),
            password: password.err(),
            name: name.err(),
        }),
    }
}

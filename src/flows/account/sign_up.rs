//! Making an account of one's own with e-mail and password.

use crate::crypto::password_strength;
use crate::domain::audit::Action;
use crate::domain::email_address::{EmailAddress, InvalidEmail};
use crate::domain::ids::UserId;
use crate::domain::password::{NewPassword, PasswordProblem};
use crate::domain::tenant::{DisplayName, InvalidName, SignUp};
use crate::domain::user::{User, UserStatus};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;

/// What someone typed.
pub struct Form<'a> {
    pub email: &'a str,
    pub password: &'a str,
    pub name: Option<&'a str>,
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

#[derive(Debug)]
pub enum Outcome {
    Made(User),
    Problems(Problems),
    /// The tenant's accounts are made by its admins.
    Closed,
}

pub async fn with_password(
    context: &Context,
    tenant: &TenantSnapshot,
    form: Form<'_>,
    address: Option<&str>,
) -> Result<Outcome, Failure> {
    if tenant.tenant.sign_up == SignUp::Closed {
        return Ok(Outcome::Closed);
    }
    let (email, password, name) = match parse(tenant, &form) {
        Ok(parsed) => parsed,
        Err(problems) => return Ok(Outcome::Problems(problems)),
    };
    let hash = context.hasher.hash(tenant.tenant.id, password).await?;
    let now = context.now();
    let user = User {
        id: UserId::generate(now, &*context.entropy),
        email,
        email_verified: false,
        name,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
    };
    let event = context.event(Action::SignedUp, user.id, user.id, address);
    let row = user.clone();
    let inserted = context
        .db
        .write::<_, StorageError>(tenant.tenant.id, move |tx| {
            tx.users().insert(&row, Some(&hash))?;
            tx.audit_events().append(&event)
        })
        .await;
    match inserted {
        Ok(()) => Ok(Outcome::Made(user)),
        Err(StorageError::Conflict) => Ok(Outcome::Problems(Problems {
            email: Some(EmailProblem::Taken),
            ..Problems::default()
        })),
        Err(error) => Err(error.into()),
    }
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
        password_strength::check(&password, &personal).map(|()| password)
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

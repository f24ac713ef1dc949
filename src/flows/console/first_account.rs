//! The first console account, made by whoever has the link that a server without one prints when it starts.

use crate::crypto::mac::Mac;
use crate::domain::email_address::EmailAddress;
use crate::domain::password::{MinLength, NewPassword};
use crate::domain::tenant::{CONSOLE_SLUG, Slug};
use crate::domain::user::User;
use crate::flows::Context;
use crate::flows::administration::users::NewUser;
use crate::flows::administration::{Administrator, Problem, operators, tenants};

const WHAT: &str = "first-account";

/// The same on every replica and at every start; worth nothing once there is an operator.
pub fn token(keys: &Mac) -> String {
    keys.sign(&[WHAT])
}

/// Whether the link is good: it is ours, and there is no operator yet.
pub async fn is_good(context: &Context, token: &str) -> Result<bool, Problem> {
    Ok(context.console_keys.verify(&[WHAT], token) && !operators::existed(context).await?)
}

/// What the account's password has at least: the built-in tenant's number, once it is there.
pub async fn password_min_length(context: &Context) -> MinLength {
    let Ok(slug) = Slug::parse(CONSOLE_SLUG) else { return MinLength::default() };
    let console = tenants::find(context, &slug).await;
    console.map(|tenant| tenant.accounts.password_min_length).unwrap_or_default()
}

/// `None` if the link is not good any more.
pub async fn make(
    context: &Context,
    token: &str,
    email: EmailAddress,
    password: NewPassword,
) -> Result<Option<User>, Problem> {
    if !is_good(context, token).await? {
        return Ok(None);
    }
    let new = NewUser { email, email_verified: true, name: None, roles: Vec::new(), password };
    operators::create_first(&Administrator::command_line(context), new).await
}

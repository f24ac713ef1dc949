//! Whether a password may be chosen.

use crate::crypto::password_strength;
use crate::domain::password::{NewPassword, PasswordProblem};
use crate::domain::tenant::DisplayName;
use crate::domain::user::User;
use crate::flows::TenantSnapshot;

/// What the account's owner and its tenant are called makes a poor password.
pub fn check(
    tenant: &TenantSnapshot,
    user: &User,
    text: &str,
) -> Result<NewPassword, PasswordProblem> {
    let password = NewPassword::parse(text)?;
    let email = &user.email;
    let mut personal = vec![tenant.tenant.name.as_str(), email.as_str(), email.local_part()];
    personal.extend(user.name.as_ref().map(DisplayName::as_str));
    password_strength::check(&password, tenant.tenant.accounts.password_min_length, &personal)?;
    Ok(password)
}

//! Sign-ins that wait for an e-mailed code, each bound to the browser that asked.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::email_codes;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::email_code::{LIFE, MAX_TRIES, WaitingSignIn};
use crate::domain::ids::EmailCodeId;

pub struct EmailCodes<'t>(pub(super) Scope<'t>);

impl EmailCodes<'_> {
    pub fn insert(
        &mut self,
        id: EmailCodeId,
        browser: &str,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        diesel::insert_into(email_codes::table)
            .values((
                email_codes::tenant_id.eq(self.0.tenant),
                email_codes::id.eq(id.to_string()),
                email_codes::browser.eq(browser),
                email_codes::email.eq(email.as_str()),
                email_codes::tries.eq(0),
                email_codes::expires_at.eq((now + LIFE).as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    /// The address of a sign-in that waits in this browser.
    pub fn find(
        &mut self,
        id: EmailCodeId,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<EmailAddress>, StorageError> {
        let email = email_codes::table
            .filter(email_codes::tenant_id.eq(self.0.tenant))
            .filter(email_codes::id.eq(id.to_string()))
            .filter(email_codes::browser.eq(browser))
            .filter(email_codes::expires_at.gt(now.as_millis()))
            .select(email_codes::email)
            .first::<String>(self.0.connection)
            .optional()?;
        email.map(address).transpose()
    }

    /// The same as long as there is a try left.
    pub fn find_open(
        &mut self,
        id: EmailCodeId,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<EmailAddress>, StorageError> {
        let email = email_codes::table
            .filter(email_codes::tenant_id.eq(self.0.tenant))
            .filter(email_codes::id.eq(id.to_string()))
            .filter(email_codes::browser.eq(browser))
            .filter(email_codes::tries.lt(MAX_TRIES))
            .filter(email_codes::expires_at.gt(now.as_millis()))
            .select(email_codes::email)
            .first::<String>(self.0.connection)
            .optional()?;
        email.map(address).transpose()
    }

    /// The code that is being mailed. `false` if the sign-in is gone meanwhile.
    pub fn set_code(&mut self, id: EmailCodeId, mac: &str) -> Result<bool, StorageError> {
        let row = email_codes::table
            .filter(email_codes::tenant_id.eq(self.0.tenant))
            .filter(email_codes::id.eq(id.to_string()));
        let moved =
            diesel::update(row).set(email_codes::code_mac.eq(mac)).execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Counts a try, and says what the right code is. `None` if there is no try left.
    pub fn count_try(
        &mut self,
        id: EmailCodeId,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<WaitingSignIn>, StorageError> {
        let waiting = || {
            email_codes::table
                .filter(email_codes::tenant_id.eq(self.0.tenant))
                .filter(email_codes::id.eq(id.to_string()))
                .filter(email_codes::browser.eq(browser))
                .filter(email_codes::tries.lt(MAX_TRIES))
                .filter(email_codes::expires_at.gt(now.as_millis()))
        };
        loop {
            let seen = waiting()
                .select((email_codes::tries, email_codes::email, email_codes::code_mac))
                .first::<(i32, String, Option<String>)>(self.0.connection)
                .optional()?;
            let Some((tries, email, code_mac)) = seen else { return Ok(None) };
            let moved = diesel::update(
                email_codes::table
                    .filter(email_codes::tenant_id.eq(self.0.tenant))
                    .filter(email_codes::id.eq(id.to_string()))
                    .filter(email_codes::tries.eq(tries)),
            )
            .set(email_codes::tries.eq(tries + 1))
            .execute(self.0.connection)?;
            if moved == 1 {
                return Ok(Some(WaitingSignIn { email: address(email)?, code_mac }));
            }
        }
    }

    /// The code was right, and is spent. `false` if another was faster.
    pub fn delete(&mut self, id: EmailCodeId, browser: &str) -> Result<bool, StorageError> {
        let row = email_codes::table
            .filter(email_codes::tenant_id.eq(self.0.tenant))
            .filter(email_codes::id.eq(id.to_string()))
            .filter(email_codes::browser.eq(browser));
        Ok(diesel::delete(row).execute(self.0.connection)? == 1)
    }
}

fn address(text: String) -> Result<EmailAddress, StorageError> {
    EmailAddress::stored(&text).map_err(|_| StorageError::Corrupt("e-mail code"))
}

//! Tokens of mailed links: their digests, one of a purpose for each user.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::one_time_tokens;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
use crate::domain::one_time_token::{OneTimeToken, Purpose};
use crate::domain::secret::SecretDigest;

pub struct OneTimeTokens<'t>(pub(super) Scope<'t>);

impl OneTimeTokens<'_> {
    /// Keeps a token until `expires_at`; an earlier one of its purpose is worth nothing from now on.
    pub fn put(
        &mut self,
        digest: &SecretDigest,
        token: &OneTimeToken,
        expires_at: Timestamp,
    ) -> Result<(), StorageError> {
        self.delete(token.user_id, &[token.purpose])?;
        diesel::insert_into(one_time_tokens::table)
            .values((
                one_time_tokens::tenant_id.eq(self.0.tenant),
                one_time_tokens::id.eq(digest.as_str()),
                one_time_tokens::user_id.eq(token.user_id.to_string()),
                one_time_tokens::purpose.eq(token.purpose.as_str()),
                one_time_tokens::email.eq(token.email.as_str()),
                one_time_tokens::expires_at.eq(expires_at.as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    /// Looks at a token of a purpose, or of one alike, without spending it.
    pub fn find(
        &mut self,
        digest: &SecretDigest,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, StorageError> {
        let row = one_time_tokens::table
            .filter(one_time_tokens::tenant_id.eq(self.0.tenant))
            .filter(one_time_tokens::id.eq(digest.as_str()))
            .filter(one_time_tokens::purpose.eq_any(names(purpose.alike())))
            .filter(one_time_tokens::expires_at.gt(now.as_millis()))
            .select((one_time_tokens::purpose, one_time_tokens::user_id, one_time_tokens::email))
            .first::<(String, String, String)>(self.0.connection)
            .optional()?;
        let unreadable = || StorageError::Corrupt("one-time token");
        row.map(|(purpose, user_id, email)| {
            Ok(OneTimeToken {
                purpose: Purpose::parse(&purpose).ok_or_else(unreadable)?,
                user_id: UserId::parse(&user_id).map_err(|_| unreadable())?,
                email: EmailAddress::stored(&email).map_err(|_| unreadable())?,
            })
        })
        .transpose()
    }

    /// Spends a token. `false` if it is none, of no purpose alike, too old, or another was faster.
    pub fn spend(
        &mut self,
        digest: &SecretDigest,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let token = one_time_tokens::table
            .filter(one_time_tokens::tenant_id.eq(self.0.tenant))
            .filter(one_time_tokens::id.eq(digest.as_str()))
            .filter(one_time_tokens::purpose.eq_any(names(purpose.alike())))
            .filter(one_time_tokens::expires_at.gt(now.as_millis()));
        Ok(diesel::delete(token).execute(self.0.connection)? == 1)
    }

    /// Voids those of a purpose, and of those alike.
    pub fn delete_all(&mut self, user: UserId, purpose: Purpose) -> Result<usize, StorageError> {
        self.delete(user, purpose.alike())
    }

    fn delete(&mut self, user: UserId, purposes: &[Purpose]) -> Result<usize, StorageError> {
        let tokens = one_time_tokens::table
            .filter(one_time_tokens::tenant_id.eq(self.0.tenant))
            .filter(one_time_tokens::user_id.eq(user.to_string()))
            .filter(one_time_tokens::purpose.eq_any(names(purposes)));
        Ok(diesel::delete(tokens).execute(self.0.connection)?)
    }
}

fn names(purposes: &[Purpose]) -> impl Iterator<Item = &'static str> + use<'_> {
    purposes.iter().map(|purpose| purpose.as_str())
}

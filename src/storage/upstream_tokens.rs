//! The tokens that providers gave with a sign-in; sealed before they come here.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::{identities, providers, upstream_tokens};
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::identity::Subject;
use crate::domain::ids::{ProviderId, UserId};
use crate::domain::provider::TokenRetention;
use crate::domain::upstream_token::SealedTokens;

pub struct UpstreamTokens<'t>(pub(super) Scope<'t>);

#[derive(Insertable)]
#[diesel(table_name = upstream_tokens)]
struct Row<'a> {
    tenant_id: &'a str,
    provider_id: String,
    subject: &'a str,
    sealed_access_token: &'a str,
    sealed_refresh_token: Option<&'a str>,
    lease_ends_at: i64,
}

/// Nobody is renewing them.
const NO_LEASE: i64 = 0;

macro_rules! of_identity {
    ($self:ident, $provider:expr, $subject:expr) => {
        upstream_tokens::table
            .filter(upstream_tokens::tenant_id.eq($self.0.tenant))
            .filter(upstream_tokens::provider_id.eq($provider.to_string()))
            .filter(upstream_tokens::subject.eq($subject.as_str()))
    };
}

impl UpstreamTokens<'_> {
    /// Keeps what came with a sign-in, if the provider's tokens are kept. A refresh token that did not come again
    /// is still good (RFC 6749 §6).
    pub fn put(
        &mut self,
        provider: ProviderId,
        subject: &Subject,
        tokens: &SealedTokens,
    ) -> Result<bool, StorageError> {
        let keeps = providers::table
            .filter(providers::tenant_id.eq(self.0.tenant))
            .filter(providers::id.eq(provider.to_string()))
            .filter(providers::tokens.eq(TokenRetention::Kept.as_str()))
            .count()
            .get_result::<i64>(self.0.connection)?;
        if keeps == 0 {
            return Ok(false);
        }
        if self.replace(provider, subject, tokens)? == 0 {
            let row = Row {
                tenant_id: self.0.tenant,
                provider_id: provider.to_string(),
                subject: subject.as_str(),
                sealed_access_token: &tokens.access_token,
                sealed_refresh_token: tokens.refresh_token.as_deref(),
                lease_ends_at: NO_LEASE,
            };
            diesel::insert_into(upstream_tokens::table).values(&row).execute(self.0.connection)?;
        }
        Ok(true)
    }

    fn replace(
        &mut self,
        provider: ProviderId,
        subject: &Subject,
        tokens: &SealedTokens,
    ) -> Result<usize, StorageError> {
        let own = of_identity!(self, provider, subject);
        let access = (
            upstream_tokens::sealed_access_token.eq(&tokens.access_token),
            upstream_tokens::lease_ends_at.eq(NO_LEASE),
        );
        Ok(match &tokens.refresh_token {
            None => diesel::update(own).set(access).execute(self.0.connection)?,
            Some(refresh) => diesel::update(own)
                .set((access, upstream_tokens::sealed_refresh_token.eq(refresh)))
                .execute(self.0.connection)?,
        })
    }

    /// Those of the identity that the user signed in with last.
    pub fn find(
        &mut self,
        user: UserId,
        provider: ProviderId,
    ) -> Result<Option<(Subject, SealedTokens)>, StorageError> {
        let found = identities::table
            .inner_join(
                upstream_tokens::table.on(upstream_tokens::tenant_id
                    .eq(identities::tenant_id)
                    .and(upstream_tokens::provider_id.eq(identities::provider_id))
                    .and(upstream_tokens::subject.eq(identities::subject))),
            )
            .filter(identities::tenant_id.eq(self.0.tenant))
            .filter(identities::user_id.eq(user.to_string()))
            .filter(identities::provider_id.eq(provider.to_string()))
            .order((identities::last_used_at.desc(), identities::subject.asc()))
            .select((
                identities::subject,
                upstream_tokens::sealed_access_token,
                upstream_tokens::sealed_refresh_token,
            ))
            .first::<(String, String, Option<String>)>(self.0.connection)
            .optional()?;
        let Some((subject, access_token, refresh_token)) = found else { return Ok(None) };
        let subject =
            Subject::parse(&subject).map_err(|_| StorageError::Corrupt("upstream token"))?;
        Ok(Some((subject, SealedTokens { access_token, refresh_token })))
    }

    /// The right to renew what was `seen`; `false` if somebody else has it, or has renewed it.
    pub fn lease(
        &mut self,
        provider: ProviderId,
        subject: &Subject,
        seen: &SealedTokens,
        (now, ends_at): (Timestamp, Timestamp),
    ) -> Result<bool, StorageError> {
        let free = of_identity!(self, provider, subject)
            .filter(upstream_tokens::sealed_access_token.eq(&seen.access_token))
            .filter(upstream_tokens::lease_ends_at.le(now.as_millis()));
        let leased = diesel::update(free)
            .set(upstream_tokens::lease_ends_at.eq(ends_at.as_millis()))
            .execute(self.0.connection)?;
        Ok(leased == 1)
    }

    /// What came of a renewal, and the end of its lease; `false` if a sign-in brought newer ones meanwhile.
    pub fn renew(
        &mut self,
        provider: ProviderId,
        subject: &Subject,
        lease: Timestamp,
        tokens: &SealedTokens,
    ) -> Result<bool, StorageError> {
        let leased = of_identity!(self, provider, subject)
            .filter(upstream_tokens::lease_ends_at.eq(lease.as_millis()))
            .count()
            .get_result::<i64>(self.0.connection)?;
        Ok(leased == 1 && self.replace(provider, subject, tokens)? == 1)
    }

    /// Nothing came of a renewal: another may try.
    pub fn end_lease(
        &mut self,
        provider: ProviderId,
        subject: &Subject,
        lease: Timestamp,
    ) -> Result<bool, StorageError> {
        let leased = of_identity!(self, provider, subject)
            .filter(upstream_tokens::lease_ends_at.eq(lease.as_millis()));
        let ended = diesel::update(leased)
            .set(upstream_tokens::lease_ends_at.eq(NO_LEASE))
            .execute(self.0.connection)?;
        Ok(ended == 1)
    }

    /// The provider takes the refresh token no more: the tokens are gone, until the user comes again.
    pub fn delete(
        &mut self,
        provider: ProviderId,
        subject: &Subject,
        lease: Timestamp,
    ) -> Result<bool, StorageError> {
        let leased = of_identity!(self, provider, subject)
            .filter(upstream_tokens::lease_ends_at.eq(lease.as_millis()));
        Ok(diesel::delete(leased).execute(self.0.connection)? == 1)
    }

    /// Deletes those of a provider whose tokens are no longer kept, and says how many.
    pub fn delete_all(&mut self, provider: ProviderId) -> Result<usize, StorageError> {
        let of_provider = upstream_tokens::table
            .filter(upstream_tokens::tenant_id.eq(self.0.tenant))
            .filter(upstream_tokens::provider_id.eq(provider.to_string()));
        Ok(diesel::delete(of_provider).execute(self.0.connection)?)
    }
}

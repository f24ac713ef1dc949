//! Identities that wait until their user has proved the account, each bound to the browser that brought it.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::link_offers;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::identity::{Identity, LinkOffer, Subject};
use crate::domain::ids::{LinkOfferId, ProviderId, RequestId, UserId};
use crate::domain::tenant::DisplayName;
use crate::domain::upstream_token::SealedTokens;

pub struct LinkOffers<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = link_offers)]
struct Row {
    tenant_id: String,
    id: String,
    browser: String,
    provider_id: String,
    subject: String,
    user_id: String,
    email: Option<String>,
    name: Option<String>,
    picture: Option<String>,
    request_id: Option<String>,
    created_at: i64,
    expires_at: i64,
    sealed_access_token: Option<String>,
    sealed_refresh_token: Option<String>,
}

impl LinkOffers<'_> {
    pub fn insert(&mut self, offer: &LinkOffer, browser: &str) -> Result<(), StorageError> {
        let identity = &offer.identity;
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            id: offer.id.to_string(),
            browser: browser.to_owned(),
            provider_id: identity.provider_id.to_string(),
            subject: identity.subject.as_str().to_owned(),
            user_id: identity.user_id.to_string(),
            email: identity.email.clone(),
            name: identity.name.as_ref().map(ToString::to_string),
            picture: identity.picture.clone(),
            request_id: offer.request.map(|id| id.to_string()),
            created_at: identity.linked_at.as_millis(),
            expires_at: offer.expires_at.as_millis(),
            sealed_access_token: offer.tokens.as_ref().map(|sealed| sealed.access_token.clone()),
            sealed_refresh_token: offer
                .tokens
                .as_ref()
                .and_then(|sealed| sealed.refresh_token.clone()),
        };
        diesel::insert_into(link_offers::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// The offer, if this browser brought it and it is not too old.
    pub fn find(
        &mut self,
        id: LinkOfferId,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<LinkOffer>, StorageError> {
        let row = link_offers::table
            .filter(link_offers::tenant_id.eq(self.0.tenant))
            .filter(link_offers::id.eq(id.to_string()))
            .filter(link_offers::browser.eq(browser))
            .filter(link_offers::expires_at.gt(now.as_millis()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(LinkOffer::try_from).transpose()
    }

    /// `false` if it was taken up before.
    pub fn delete(&mut self, id: LinkOfferId, browser: &str) -> Result<bool, StorageError> {
        let offer = link_offers::table
            .filter(link_offers::tenant_id.eq(self.0.tenant))
            .filter(link_offers::id.eq(id.to_string()))
            .filter(link_offers::browser.eq(browser));
        Ok(diesel::delete(offer).execute(self.0.connection)? == 1)
    }

    /// Deletes those for the account of a user.
    pub fn delete_all(&mut self, user: UserId) -> Result<usize, StorageError> {
        let of_user = link_offers::table
            .filter(link_offers::tenant_id.eq(self.0.tenant))
            .filter(link_offers::user_id.eq(user.to_string()));
        Ok(diesel::delete(of_user).execute(self.0.connection)?)
    }
}

impl TryFrom<Row> for LinkOffer {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("link offer");
        let offered_at = Timestamp::from_millis(row.created_at);
        Ok(Self {
            id: LinkOfferId::parse(&row.id).map_err(|_| unreadable())?,
            identity: Identity {
                provider_id: ProviderId::parse(&row.provider_id).map_err(|_| unreadable())?,
                subject: Subject::parse(&row.subject).map_err(|_| unreadable())?,
                user_id: UserId::parse(&row.user_id).map_err(|_| unreadable())?,
                email: row.email,
                name: row
                    .name
                    .map(|name| DisplayName::parse(&name))
                    .transpose()
                    .map_err(|_| unreadable())?,
                picture: row.picture,
                linked_at: offered_at,
                last_used_at: offered_at,
            },
            tokens: row.sealed_access_token.map(|access_token| SealedTokens {
                access_token,
                refresh_token: row.sealed_refresh_token,
            }),
            request: row
                .request_id
                .map(|id| RequestId::parse(&id))
                .transpose()
                .map_err(|_| unreadable())?,
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}

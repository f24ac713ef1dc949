//! Sign-ins under way at upstream providers, each under the digest of its state and bound to a browser.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::upstream_sign_ins;
use super::tenant_tx::Scope;
use crate::domain::after_sign_in::{AccountPage, AfterSignIn};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{LinkOfferId, ProviderId, RequestId, UserId};
use crate::domain::secret::SecretDigest;
use crate::domain::upstream_sign_in::{Purpose, UpstreamSignIn};

pub struct UpstreamSignIns<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = upstream_sign_ins)]
struct Row {
    tenant_id: String,
    id: String,
    browser: String,
    provider_id: String,
    nonce: String,
    sealed_code_verifier: String,
    purpose: String,
    subject_id: Option<String>,
    expires_at: i64,
    signed_in_since: Option<i64>,
}

impl UpstreamSignIns<'_> {
    pub fn insert(
        &mut self,
        state: &SecretDigest,
        browser: &str,
        sign_in: &UpstreamSignIn,
    ) -> Result<(), StorageError> {
        let (purpose, subject_id) = columns(sign_in.purpose);
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            id: state.as_str().to_owned(),
            browser: browser.to_owned(),
            provider_id: sign_in.provider_id.to_string(),
            nonce: sign_in.nonce.clone(),
            sealed_code_verifier: sign_in.sealed_code_verifier.clone(),
            purpose: purpose.to_owned(),
            subject_id,
            expires_at: sign_in.expires_at.as_millis(),
            signed_in_since: sign_in.signed_in_since.map(Timestamp::as_millis),
        };
        diesel::insert_into(upstream_sign_ins::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// Spends the state: of two answers one gets the sign-in, and only in its browser, of its provider, in time.
    pub fn take(
        &mut self,
        state: &SecretDigest,
        browser: &str,
        provider: ProviderId,
        now: Timestamp,
    ) -> Result<Option<UpstreamSignIn>, StorageError> {
        let sign_in = upstream_sign_ins::table
            .filter(upstream_sign_ins::tenant_id.eq(self.0.tenant))
            .filter(upstream_sign_ins::id.eq(state.as_str()))
            .filter(upstream_sign_ins::browser.eq(browser))
            .filter(upstream_sign_ins::provider_id.eq(provider.to_string()))
            .filter(upstream_sign_ins::expires_at.gt(now.as_millis()));
        let row = diesel::delete(sign_in)
            .returning(upstream_sign_ins::all_columns)
            .get_result::<Row>(self.0.connection)
            .optional()?;
        row.map(UpstreamSignIn::try_from).transpose()
    }
}

const SIGN_IN: &str = "sign_in";
const SIGN_IN_TO_ACCOUNT: &str = "sign_in_to_account";
const PROVE_ACCOUNT: &str = "prove_account";
const LINK: &str = "link";

fn columns(purpose: Purpose) -> (&'static str, Option<String>) {
    match purpose {
        Purpose::SignIn { then: AfterSignIn::Request(id) } => (SIGN_IN, Some(id.to_string())),
        Purpose::SignIn { then: AfterSignIn::Account(page) } => {
            (SIGN_IN_TO_ACCOUNT, Some(page.as_str().to_owned()))
        }
        Purpose::ProveAccount { offer } => (PROVE_ACCOUNT, Some(offer.to_string())),
        Purpose::Link { user } => (LINK, Some(user.to_string())),
    }
}

fn purpose(purpose: &str, id: Option<&str>) -> Option<Purpose> {
    match (purpose, id) {
        (SIGN_IN, id) => {
            let id = id.map(RequestId::parse).transpose().ok()?;
            Some(Purpose::SignIn { then: AfterSignIn::of(id) })
        }
        (SIGN_IN_TO_ACCOUNT, Some(page)) => {
            Some(Purpose::SignIn { then: AfterSignIn::Account(AccountPage::parse(page)?) })
        }
        (PROVE_ACCOUNT, Some(id)) => {
            Some(Purpose::ProveAccount { offer: LinkOfferId::parse(id).ok()? })
        }
        (LINK, Some(id)) => Some(Purpose::Link { user: UserId::parse(id).ok()? }),
        (_, _) => None,
    }
}

impl TryFrom<Row> for UpstreamSignIn {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("upstream sign-in");
        Ok(Self {
            provider_id: ProviderId::parse(&row.provider_id).map_err(|_| unreadable())?,
            nonce: row.nonce,
            sealed_code_verifier: row.sealed_code_verifier,
            purpose: purpose(&row.purpose, row.subject_id.as_deref()).ok_or_else(unreadable)?,
            expires_at: Timestamp::from_millis(row.expires_at),
            signed_in_since: row.signed_in_since.map(Timestamp::from_millis),
        })
    }
}

//! Authorization codes, under their digests.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::authorization_codes;
use super::tenant_tx::Scope;
use crate::domain::authorization_code::{AuthorizationCode, CodeState, Grant};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ApplicationId, FamilyId, SessionId, UserId};
use crate::domain::pkce::CodeChallenge;
use crate::domain::scope::Scopes;
use crate::domain::secret::SecretDigest;

pub struct AuthorizationCodes<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = authorization_codes)]
struct Row {
    tenant_id: String,
    id: String,
    application_id: String,
    user_id: String,
    session_id: String,
    redirect_uri: String,
    scope: String,
    audience: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    authenticated_at: i64,
    expires_at: i64,
    family_id: Option<String>,
}

impl AuthorizationCodes<'_> {
    pub fn insert(
        &mut self,
        digest: &SecretDigest,
        code: &AuthorizationCode,
    ) -> Result<(), StorageError> {
        let grant = &code.grant;
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            id: digest.as_str().to_owned(),
            application_id: grant.application_id.to_string(),
            user_id: grant.user_id.to_string(),
            session_id: grant.session_id.to_string(),
            redirect_uri: code.redirect_uri.clone(),
            scope: grant.scopes.to_string(),
            audience: grant.resource.clone(),
            nonce: code.nonce.clone(),
            code_challenge: code
                .code_challenge
                .as_ref()
                .map(|challenge| challenge.as_str().to_owned()),
            authenticated_at: grant.authenticated_at.as_millis(),
            expires_at: code.expires_at.as_millis(),
            family_id: None,
        };
        diesel::insert_into(authorization_codes::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    pub fn find(
        &mut self,
        digest: &SecretDigest,
    ) -> Result<Option<AuthorizationCode>, StorageError> {
        let row = authorization_codes::table
            .filter(authorization_codes::tenant_id.eq(self.0.tenant))
            .filter(authorization_codes::id.eq(digest.as_str()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(AuthorizationCode::try_from).transpose()
    }

    /// Exchanges the code for `family`. `false` if it was spent before: only one exchange wins.
    pub fn spend(&mut self, digest: &SecretDigest, family: FamilyId) -> Result<bool, StorageError> {
        let moved = diesel::update(
            authorization_codes::table
                .filter(authorization_codes::tenant_id.eq(self.0.tenant))
                .filter(authorization_codes::id.eq(digest.as_str()))
                .filter(authorization_codes::family_id.is_null()),
        )
        .set(authorization_codes::family_id.eq(family.to_string()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }
}

impl TryFrom<Row> for AuthorizationCode {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("authorization code");
        let challenge = |text: String| CodeChallenge::parse(&text).ok_or_else(unreadable);
        Ok(Self {
            grant: Grant {
                application_id: ApplicationId::parse(&row.application_id)
                    .map_err(|_| unreadable())?,
                user_id: UserId::parse(&row.user_id).map_err(|_| unreadable())?,
                session_id: SessionId::parse(&row.session_id).map_err(|_| unreadable())?,
                scopes: Scopes::parse(&row.scope),
                resource: row.audience,
                authenticated_at: Timestamp::from_millis(row.authenticated_at),
            },
            redirect_uri: row.redirect_uri,
            code_challenge: row.code_challenge.map(challenge).transpose()?,
            nonce: row.nonce,
            state: match row.family_id {
                None => CodeState::Fresh,
                Some(id) => {
                    CodeState::Spent { family_id: FamilyId::parse(&id).map_err(|_| unreadable())? }
                }
            },
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}

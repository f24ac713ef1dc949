//! Authorization requests that wait for their user, each bound to the browser that brought it.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::authorization_requests;
use super::tenant_tx::Scope;
use crate::domain::authorization_request::{PENDING_LIFE, PendingRequest};
use crate::domain::clock::Timestamp;
use crate::domain::ids::RequestId;

pub struct AuthorizationRequests<'t>(pub(super) Scope<'t>);

impl AuthorizationRequests<'_> {
    pub fn insert(&mut self, request: &PendingRequest, browser: &str) -> Result<(), StorageError> {
        diesel::insert_into(authorization_requests::table)
            .values((
                authorization_requests::tenant_id.eq(self.0.tenant),
                authorization_requests::id.eq(request.id.to_string()),
                authorization_requests::browser.eq(browser),
                authorization_requests::query.eq(&request.query),
                authorization_requests::created_at.eq(request.created_at.as_millis()),
                authorization_requests::expires_at
                    .eq((request.created_at + PENDING_LIFE).as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    /// The request, if this browser brought it and it is not too old.
    pub fn find(
        &mut self,
        id: RequestId,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<PendingRequest>, StorageError> {
        let row = authorization_requests::table
            .filter(authorization_requests::tenant_id.eq(self.0.tenant))
            .filter(authorization_requests::id.eq(id.to_string()))
            .filter(authorization_requests::browser.eq(browser))
            .filter(authorization_requests::expires_at.gt(now.as_millis()))
            .select((authorization_requests::query, authorization_requests::created_at))
            .first::<(String, i64)>(self.0.connection)
            .optional()?;
        Ok(row.map(|(query, created_at)| PendingRequest {
            id,
            query,
            created_at: Timestamp::from_millis(created_at),
        }))
    }

    /// Ends the wait. `false` if another answer ended it first.
    pub fn delete(&mut self, id: RequestId, browser: &str) -> Result<bool, StorageError> {
        let request = authorization_requests::table
            .filter(authorization_requests::tenant_id.eq(self.0.tenant))
            .filter(authorization_requests::id.eq(id.to_string()))
            .filter(authorization_requests::browser.eq(browser));
        Ok(diesel::delete(request).execute(self.0.connection)? == 1)
    }
}

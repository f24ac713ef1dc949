//! The outbox: mail that is to be sent, and dead letters.

use diesel::prelude::*;

use super::error::StorageError;
use super::prefix::past;
use super::schema::mail_orders;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::{MailId, TenantId};
use crate::domain::mail_order::{Letter, MailOrder, MailStatus};

pub struct MailOrders<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = mail_orders)]
pub(super) struct MailOrderRow {
    tenant_id: String,
    id: String,
    letter: String,
    email: String,
    subject_id: Option<String>,
    status: String,
    tries: i32,
    due_at: i64,
    created_at: i64,
    last_error: Option<String>,
}

impl MailOrders<'_> {
    pub fn insert(&mut self, order: &MailOrder) -> Result<(), StorageError> {
        let row = MailOrderRow {
            tenant_id: self.0.tenant.to_owned(),
            id: order.id.to_string(),
            letter: order.letter.as_str().to_owned(),
            email: order.email.as_str().to_owned(),
            subject_id: order.subject.clone(),
            status: order.status.as_str().to_owned(),
            tries: order.tries,
            due_at: order.due_at.as_millis(),
            created_at: order.created_at.as_millis(),
            last_error: order.last_error.clone(),
        };
        diesel::insert_into(mail_orders::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// It was sent, or nobody needs it any more.
    pub fn delete(&mut self, id: MailId) -> Result<bool, StorageError> {
        let order = mail_orders::table
            .filter(mail_orders::tenant_id.eq(self.0.tenant))
            .filter(mail_orders::id.eq(id.to_string()));
        Ok(diesel::delete(order).execute(self.0.connection)? == 1)
    }

    /// Keeps others from withdrawing it until this transaction ends. `false` if it was withdrawn.
    pub fn lock(&mut self, id: MailId) -> Result<bool, StorageError> {
        let order = mail_orders::table
            .filter(mail_orders::tenant_id.eq(self.0.tenant))
            .filter(mail_orders::id.eq(id.to_string()));
        let moved = diesel::update(order)
            .set(mail_orders::tries.eq(mail_orders::tries))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Letters about `subject` that are not sent yet are not to be sent.
    pub fn withdraw(&mut self, letter: Letter, subject: &str) -> Result<usize, StorageError> {
        let orders = mail_orders::table
            .filter(mail_orders::tenant_id.eq(self.0.tenant))
            .filter(mail_orders::letter.eq(letter.as_str()))
            .filter(mail_orders::subject_id.eq(subject));
        Ok(diesel::delete(orders).execute(self.0.connection)?)
    }

    /// It waits until `due_at`, and that is no failure.
    pub fn defer(&mut self, id: MailId, due_at: Timestamp) -> Result<bool, StorageError> {
        let order = mail_orders::table
            .filter(mail_orders::tenant_id.eq(self.0.tenant))
            .filter(mail_orders::id.eq(id.to_string()));
        let moved = diesel::update(order)
            .set(mail_orders::due_at.eq(due_at.as_millis()))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// It could not be sent: to be tried again at `due_at`, or given up.
    pub fn fail(
        &mut self,
        id: MailId,
        status: MailStatus,
        due_at: Timestamp,
        why: &str,
    ) -> Result<bool, StorageError> {
        let order = mail_orders::table
            .filter(mail_orders::tenant_id.eq(self.0.tenant))
            .filter(mail_orders::id.eq(id.to_string()));
        let moved = diesel::update(order)
            .set((
                mail_orders::status.eq(status.as_str()),
                mail_orders::due_at.eq(due_at.as_millis()),
                mail_orders::last_error.eq(why),
            ))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// A dead letter is sent after all. `false` if it is none.
    pub fn revive(&mut self, id: MailId, now: Timestamp) -> Result<bool, StorageError> {
        let order = mail_orders::table
            .filter(mail_orders::tenant_id.eq(self.0.tenant))
            .filter(mail_orders::id.eq(id.to_string()))
            .filter(mail_orders::status.eq(MailStatus::Dead.as_str()));
        let moved = diesel::update(order)
            .set((
                mail_orders::status.eq(MailStatus::Waiting.as_str()),
                mail_orders::tries.eq(0),
                mail_orders::due_at.eq(now.as_millis()),
                mail_orders::created_at.eq(now.as_millis()),
            ))
            .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// The newest `limit` before `before` of what could not be sent, the newest first.
    pub fn dead(
        &mut self,
        before: Option<MailId>,
        limit: i64,
    ) -> Result<Vec<MailOrder>, StorageError> {
        let before = before.map_or_else(|| past(""), |id| id.to_string());
        let rows = mail_orders::table
            .filter(mail_orders::tenant_id.eq(self.0.tenant))
            .filter(mail_orders::status.eq(MailStatus::Dead.as_str()))
            .filter(mail_orders::id.lt(before))
            .order(mail_orders::id.desc())
            .limit(limit)
            .load::<MailOrderRow>(self.0.connection)?;
        rows.into_iter().map(MailOrder::try_from).collect()
    }
}

impl TryFrom<MailOrderRow> for MailOrder {
    type Error = StorageError;

    fn try_from(row: MailOrderRow) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("mail order");
        Ok(Self {
            id: MailId::parse(&row.id).map_err(|_| unreadable())?,
            tenant_id: TenantId::parse(&row.tenant_id).map_err(|_| unreadable())?,
            letter: Letter::parse(&row.letter).ok_or_else(unreadable)?,
            email: EmailAddress::stored(&row.email).map_err(|_| unreadable())?,
            subject: row.subject_id,
            status: MailStatus::parse(&row.status).ok_or_else(unreadable)?,
            tries: row.tries,
            due_at: Timestamp::from_millis(row.due_at),
            created_at: Timestamp::from_millis(row.created_at),
            last_error: row.last_error,
        })
    }
}

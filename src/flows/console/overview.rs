//! What a tenant's first page tells.

use super::attention::{self, Attention};
use crate::domain::activity::{Day, Kind};
use crate::domain::tenant::Tenant;
use crate::flows::{Context, Failure};
use crate::storage::{ApplicationFilter, StorageError};

/// Days that are shown, today among them.
pub const DAYS: i32 = 30;

pub struct Overview {
    /// One count a day, the oldest first.
    pub sign_ins: Vec<i64>,
    pub sign_ups: Vec<i64>,
    pub failures: Vec<i64>,
    pub refreshes: Vec<i64>,
    pub progress: Progress,
    pub attention: Vec<Attention>,
}

/// What a tenant that works has seen once.
pub struct Progress {
    pub has_application: bool,
    pub has_user: bool,
    pub has_signed_in: bool,
    pub has_verified: bool,
    pub has_refreshed: bool,
}

impl Progress {
    pub const fn is_complete(&self) -> bool {
        self.has_application
            && self.has_user
            && self.has_signed_in
            && self.has_verified
            && self.has_refreshed
    }
}

pub async fn overview(context: &Context, tenant: &Tenant) -> Result<Overview, Failure> {
    // What this server has counted since it last wrote.
    super::super::activity::write_down(context).await?;
    let (now, is_mail_delayed) = (context.now(), context.is_mail_delayed());
    let first_day = Day::of(now).minus(DAYS - 1);
    let read = context.db.read::<_, StorageError>(tenant.id, move |tx| {
        let mut series = |kind| -> Result<Vec<i64>, StorageError> {
            let mut counts = vec![0; usize::try_from(DAYS).unwrap_or_default()];
            for (day, count) in tx.activity().since(kind, first_day)? {
                let at = usize::try_from(day.number() - first_day.number()).unwrap_or(usize::MAX);
                if let Some(slot) = counts.get_mut(at) {
                    *slot = count;
                }
            }
            Ok(counts)
        };
        Ok(Overview {
            sign_ins: series(Kind::SignIn)?,
            sign_ups: series(Kind::SignUp)?,
            failures: series(Kind::SignInFailure)?,
            refreshes: series(Kind::Refresh)?,
            progress: Progress {
                has_application: !tx
                    .applications()
                    .page(&ApplicationFilter::default(), None, 1)?
                    .is_empty(),
                has_user: !tx.users().page(None, 1)?.is_empty(),
                has_signed_in: tx.activity().has_any(Kind::SignIn)?,
                has_verified: tx.activity().has_any(Kind::JwksFetch)?,
                has_refreshed: tx.activity().has_any(Kind::Refresh)?,
            },
            attention: attention::of_tenant(tx, now, is_mail_delayed)?,
        })
    });
    Ok(read.await?)
}

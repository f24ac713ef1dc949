//! What nobody can use any more is swept out, a little at a time.

use std::time::Duration;

use doorward::jobs;
use doorward::storage::StorageError;

use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    what_has_expired_goes_and_what_has_not_stays,
    one_transaction_deletes_no_more_than_it_may,
}

async fn tokens(app: &TestApp, tenant: doorward::domain::ids::TenantId, from: usize, to: usize) {
    let expires_at = app.context.now() + Duration::from_secs(60);
    let inserted = app.context.db.write::<_, StorageError>(tenant, move |tx| {
        for number in from..to {
            tx.revoked_access_tokens().insert(&format!("jti-{number}"), expires_at)?;
        }
        Ok(())
    });
    inserted.await.unwrap();
}

async fn what_has_expired_goes_and_what_has_not_stays(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    tokens(app, acme.tenant.id, 0, 1_300).await;
    app.clock.advance(Duration::from_secs(61));
    // Another tenant's of the same ids, which are good for a while.
    tokens(app, bolt.tenant.id, 1_200, 1_300).await;
    jobs::round(&app.context).await.unwrap();
    let left = app.execute("DELETE FROM revoked_access_tokens");
    assert_eq!(left, 100);
}

async fn one_transaction_deletes_no_more_than_it_may(app: &TestApp) {
    let acme = app.tenant("acme").await;
    tokens(app, acme.tenant.id, 0, 25).await;
    app.clock.advance(Duration::from_secs(61));
    let now = app.context.now();
    let mut seen = Vec::new();
    loop {
        let swept = app
            .context
            .db
            .system_write::<_, StorageError>(move |tx| tx.sweep(now, 10))
            .await
            .unwrap();
        seen.push(swept.rows);
        if swept.is_all {
            break;
        }
    }
    assert_eq!(seen, [10, 10, 5]);
}

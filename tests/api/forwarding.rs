//! Whose address a request has, behind a proxy that is trusted and behind any other.

use std::time::Duration;

use doorward::config::TrustedProxies;
use doorward::domain::audit::Action;
use doorward::storage::{AuditFilter, StorageError};
use serde_json::json;

use crate::harness::{Database, Setup, TestApp, TestTenant, run_with};

/// From loopback, where the tests come from, by way of these lines.
async fn address_of(app: &TestApp, acme: &TestTenant, lines: &[&[u8]]) -> Option<String> {
    let mut call = app.post(&acme.url("/v1/auth/login"));
    for line in lines {
        call = call.header("x-forwarded-for", line);
    }
    let body = json!({ "email": acme.email, "password": "wrong" });
    call.json(&body).send().await.refused(401, "invalid_credentials");
    app.clock.advance(Duration::from_millis(1));
    let newest = app.context.db.read::<_, StorageError>(acme.tenant.id, |tx| {
        let failed = AuditFilter { action: Some(Action::SignInFailed), ..AuditFilter::default() };
        tx.audit_events().page(&failed, None, 1)
    });
    newest.await.unwrap().remove(0).address
}

fn behind(trusted: &str, test: impl AsyncFnOnce(&TestApp)) {
    let trusted_proxies = TrustedProxies::parse(trusted).unwrap();
    let setup = Setup { trusted_proxies, ..Setup::default() };
    run_with("http://localhost", Database::sqlite(), setup, test);
}

#[test]
fn a_trusted_proxy_says_who_the_client_is_and_the_client_does_not() {
    behind("127.0.0.1, ::1, 10.0.0.0/8", async |app| {
        let acme = app.tenant("acme").await;
        let cases: [(&[&[u8]], &str); 9] = [
            (&[], "127.0.0.1"),
            (&[b"203.0.113.7"], "203.0.113.7"),
            // The proxy appends to the line that came.
            (&[b"198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            // Or it adds a line of its own.
            (&[b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),
            (&[b"198.51.100.1, 198.51.100.2", b"203.0.113.7, 10.1.2.3"], "203.0.113.7"),
            (&[b"198.51.100.1", b"2001:db8::7"], "2001:db8::7"),
            // Whatever is no address vouches for nobody.
            (&[b"198.51.100.1, unknown"], "127.0.0.1"),
            (&[b"198.51.100.1", b"\xff\xfe"], "127.0.0.1"),
            (&[b"198.51.100.1, , 10.1.2.3"], "10.1.2.3"),
        ];
        for (lines, expected) in cases {
            let address = address_of(app, &acme, lines).await;
            assert_eq!(address.as_deref(), Some(expected), "{lines:?}");
        }
    });
}

#[test]
fn what_any_other_proxy_says_counts_for_nothing() {
    behind("192.0.2.0/24", async |app| {
        let acme = app.tenant("acme").await;
        for lines in [&[&b"203.0.113.7"[..]][..], &[b"203.0.113.7", b"192.0.2.1"]] {
            let address = address_of(app, &acme, lines).await;
            assert_eq!(address.as_deref(), Some("127.0.0.1"), "{lines:?}");
        }
    });
}

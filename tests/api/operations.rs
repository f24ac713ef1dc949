//! What an operator sees: whether it is alive, whether it is ready, and what it counts.

use std::time::Duration;

use doorward::flows::administration::health::{self, Depth};

use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    it_says_that_it_is_alive_and_ready,
    metrics_count_what_happens_and_name_nobody,
    metrics_are_for_loopback_and_not_for_what_a_proxy_passes_on,
    every_answer_has_an_id_of_its_own,
    the_doctor_tries_every_sealed_thing,
}

async fn it_says_that_it_is_alive_and_ready(app: &TestApp) {
    for path in ["/healthz", "/readyz"] {
        let answer = app.get(&format!("http://localhost{path}")).send().await;
        answer.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

async fn metrics_count_what_happens_and_name_nobody(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.sign_in(&acme, &acme.spa).await["refresh_token"].as_str().unwrap().to_owned();
    let mut newest = first.clone();
    for _ in 0..3 {
        let answer = app.refresh(&acme, &acme.spa, &newest).await.expect(200);
        app.refresh(&acme, &acme.spa, &newest).await.expect(200);
        newest = answer["refresh_token"].as_str().unwrap().to_owned();
    }
    app.refresh(&acme, &acme.spa, &first).await.refused(400, "invalid_grant");
    app.refresh(&acme, &acme.spa, "nonsense").await.refused(400, "invalid_grant");

    let metrics = app.get("http://localhost/metrics").send().await;
    assert_eq!(metrics.status, 200);
    let text = &metrics.body;
    for line in [
        "doorward_refresh_rotations_total 3",
        "doorward_refresh_replays_answered_total 3",
        "doorward_refresh_reuses_detected_total 1",
        "doorward_refresh_refused_total 1",
        "doorward_password_queue_length 0",
        "doorward_http_requests_total{method=\"POST\",route=\"/t/{slug}/oauth2/token\",status=\"400\",tenant=\"\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    for name in [
        "doorward_http_request_duration_seconds_bucket",
        "doorward_password_hash_seconds_count",
        "doorward_tenant_cache_hits_total",
        "doorward_storage_write_queue_length",
        "doorward_storage_read_connections_busy",
    ] {
        assert!(text.contains(name), "no {name} in\n{text}");
    }
    for secret in [&acme.email, &acme.user.to_string(), &newest, &acme.web.id] {
        assert!(!text.contains(secret.as_str()), "the metrics tell {secret}");
    }
    assert!(text.ends_with("# EOF\n"));
}

async fn metrics_are_for_loopback_and_not_for_what_a_proxy_passes_on(app: &TestApp) {
    for header in ["x-forwarded-for", "forwarded"] {
        let call = app.get("http://localhost/metrics").header(header, "192.0.2.7");
        assert_eq!(call.send().await.status, 404);
    }
    let unknown = app.get("http://localhost/t/nobody/metrics").send().await;
    assert_eq!(unknown.status, 404);
}

async fn every_answer_has_an_id_of_its_own(app: &TestApp) {
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/healthz", "/readyz", "/nowhere", "/t/nobody/login"] {
        let answer = app.get(&format!("http://localhost{path}")).send().await;
        ids.insert(answer.header("x-request-id").unwrap().to_owned());
    }
    assert_eq!(ids.len(), 4);
}

async fn the_doctor_tries_every_sealed_thing(app: &TestApp) {
    let sealed = async |depth| {
        let findings = health::findings(&app.context, depth).await;
        findings.into_iter().find(|finding| finding.what == "sealed keys").unwrap().verdict
    };
    let mut tenants = Vec::new();
    for number in 0..12 {
        tenants.push(app.tenant(&format!("t{number}")).await.tenant);
        app.clock.advance(Duration::from_secs(1));
    }
    app.github(&tenants[3]).await;
    // Three keys of each of the twelve, and the provider's secret.
    assert!(sealed(Depth::All).await.unwrap().ends_with("all 37"));
    let stranger = app.count("signing_keys");
    let broken = format!(
        "UPDATE signing_keys SET sealed_private_key = 'AAAA' WHERE tenant_id = '{}' AND algorithm = 'ES256'",
        tenants[6].id
    );
    assert_eq!(app.execute(&broken), 1, "of {stranger}");
    assert!(sealed(Depth::Ends).await.is_ok(), "in the midst of them, where a page does not look");
    let why = sealed(Depth::All).await.unwrap_err();
    assert!(why.starts_with("1 of 37 are sealed under another master key"), "{why}");
    assert!(why.contains(&tenants[6].id.to_string()), "{why}");
    app.execute("UPDATE providers SET sealed_secret = 'AAAA'");
    let why = sealed(Depth::All).await.unwrap_err();
    assert!(why.starts_with("2 of 37"), "{why}");
}

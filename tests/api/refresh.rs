//! What a refresh answers and for how long, whom it is refused, and what is left of it in the database.
//! The generations and their window are in `rotation.rs`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use doorward::domain::application::{ApplicationKind, ApplicationStatus, TokenSettings};
use doorward::domain::entropy::decode_base62;
use doorward::domain::ids::ApplicationId;
use doorward::domain::role::RoleKey;
use doorward::storage::StorageError;
use serde_json::{Value, json};

use crate::harness::{TestApp, claims, on_both_databases};

on_both_databases! {
    a_refresh_goes_on_with_the_sign_in_as_it_was,
    roles_are_read_afresh,
    a_narrower_scope_holds_for_one_answer,
    a_resource_that_is_not_allowed_spends_nothing,
    reuse_at_a_public_client_is_found_at_the_end_of_the_window,
    replays_never_extend_the_window,
    each_use_extends_the_idle_time_but_nothing_the_absolute_one,
    an_app_may_set_its_own_lifetimes,
    a_disabled_app_refreshes_no_more,
    a_service_has_nothing_to_refresh,
    after_the_database_lost_a_write_the_family_catches_up,
    no_refresh_token_is_stored,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[track_caller]
fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

async fn a_refresh_goes_on_with_the_sign_in_as_it_was(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa, &acme.native] {
        let before = app.sign_in(&acme, client).await;
        app.clock.advance(100 * SECOND);
        let answer = app.refresh(&acme, client, &text(&before, "refresh_token")).await;
        let after = answer.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(after["token_type"], "Bearer");
        assert_eq!(after["expires_in"], 900);
        assert_eq!(after["scope"], before["scope"]);
        assert_ne!(after["refresh_token"], before["refresh_token"]);

        let id = [&before, &after].map(|tokens| claims(&text(tokens, "id_token")));
        for same in ["iss", "sub", "aud", "auth_time", "sid", "amr", "email", "role"] {
            assert_eq!(id[0][same], id[1][same], "{same}");
            assert!(!id[1][same].is_null(), "{same}");
        }
        assert_eq!(id[0]["nonce"], "no-1");
        assert!(id[1].get("nonce").is_none(), "OpenID Connect Core §12.2: {}", id[1]);
        assert_ne!(id[0]["at_hash"], id[1]["at_hash"]);
        assert_eq!(id[1]["iat"].as_i64(), id[0]["iat"].as_i64().map(|at| at + 100));

        let access = [&before, &after].map(|tokens| claims(&text(tokens, "access_token")));
        for same in ["iss", "sub", "aud", "client_id", "scope", "sid", "auth_time", "tenant_id"] {
            assert_eq!(access[0][same], access[1][same], "{same}");
        }
        assert_ne!(access[0]["jti"], access[1]["jti"]);
    }
}

async fn roles_are_read_afresh(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.begin(&acme, &acme.web).await;
    let user = acme.user;
    let granted = app.context.db.write::<_, StorageError>(acme.tenant.id, move |tx| {
        let member = tx.roles().find_by_key(&RoleKey::parse("MEMBER").unwrap())?.unwrap();
        tx.users().grant_role(user, member.id)
    });
    granted.await.unwrap();
    let answer = app.refresh(&acme, &acme.web, &first).await.expect(200);
    for token in ["access_token", "id_token"] {
        let claims = claims(&text(&answer, token));
        assert_eq!(claims["role"], "ADMIN", "the first by rank");
        assert_eq!(claims["roles"], json!(["ADMIN", "MEMBER"]));
    }
    assert_eq!(app.execute(&format!("DELETE FROM user_roles WHERE user_id = '{user}'")), 2);
    let answer = app.refresh(&acme, &acme.web, &text(&answer, "refresh_token")).await.expect(200);
    for token in ["access_token", "id_token"] {
        let claims = claims(&text(&answer, token));
        assert_eq!(claims.get("role"), Some(&Value::Null));
        assert_eq!(claims["roles"], json!([]));
    }
}

async fn a_narrower_scope_holds_for_one_answer(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.begin(&acme, &acme.web).await;
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", &*first), ("scope", "email profile")];
    let narrow = app.token(&acme, &acme.web, &fields).await.expect(200);
    assert_eq!(narrow["scope"], "profile email");
    assert_eq!(claims(&text(&narrow, "access_token"))["scope"], "profile email");
    assert!(narrow.get("id_token").is_none(), "an ID token without openid: {narrow}");
    let whole = app.refresh(&acme, &acme.web, &text(&narrow, "refresh_token")).await.expect(200);
    assert_eq!(whole["scope"], "openid profile email roles offline_access");
    assert!(whole["id_token"].is_string());
}

async fn a_resource_that_is_not_allowed_spends_nothing(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let first = app.begin(&acme, &acme.spa).await;
    let ask = async |resource: &str| {
        let fields =
            [("grant_type", "refresh_token"), ("refresh_token", &*first), ("resource", resource)];
        app.token(&acme, &acme.spa, &fields).await
    };
    ask("https://elsewhere.example").await.refused(400, "invalid_target");
    // Had that spent it, it would be reuse now.
    app.clock.advance(60 * SECOND);
    let answer = ask(&acme.issuer).await.expect(200);
    assert_eq!(claims(&text(&answer, "access_token"))["aud"], *acme.issuer);
}

async fn reuse_at_a_public_client_is_found_at_the_end_of_the_window(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.spa, &acme.native] {
        let reuses = async || {
            let events = app.audit(&acme.tenant).await;
            events.iter().filter(|event| *event == "refresh.reuse_detected").count()
        };
        let before = reuses().await;
        let first = app.begin(&acme, client).await;
        let second = app.refresh(&acme, client, &first).await.refresh_token();
        app.clock.advance(30 * SECOND - Duration::from_millis(1));
        assert_eq!(app.refresh(&acme, client, &first).await.refresh_token(), second);
        assert_eq!(reuses().await, before);
        app.clock.advance(Duration::from_millis(1));
        app.refresh(&acme, client, &first).await.refused(400, "invalid_grant");
        app.refresh(&acme, client, &second).await.refused(400, "invalid_grant");
        assert_eq!(reuses().await, before + 1, "one event for one theft");
    }
}

async fn replays_never_extend_the_window(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for (client, step) in [(&acme.spa, 10 * SECOND), (&acme.web, 8 * 60 * 60 * SECOND)] {
        let first = app.begin(&acme, client).await;
        let second = app.refresh(&acme, client, &first).await.refresh_token();
        for _ in 0..2 {
            app.clock.advance(step);
            assert_eq!(app.refresh(&acme, client, &first).await.refresh_token(), second);
        }
        app.clock.advance(step);
        app.refresh(&acme, client, &first).await.refused(400, "invalid_grant");
        app.refresh(&acme, client, &second).await.refused(400, "invalid_grant");
    }
}

async fn each_use_extends_the_idle_time_but_nothing_the_absolute_one(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa] {
        let mut token = app.begin(&acme, client).await;
        for _ in 0..4 {
            app.clock.advance(7 * DAY - Duration::from_millis(1));
            token = app.refresh(&acme, client, &token).await.refresh_token();
        }
        // 28 days less 4 ms are over: in the last millisecond of the thirtieth day it is still good.
        app.clock.advance(2 * DAY + Duration::from_millis(3));
        token = app.refresh(&acme, client, &token).await.refresh_token();
        app.clock.advance(Duration::from_millis(1));
        app.refresh(&acme, client, &token).await.refused(400, "invalid_grant");
        let events = app.audit(&acme.tenant).await;
        assert!(!events.contains(&"refresh.reuse_detected".to_owned()), "old age is no theft");
    }
}

async fn an_app_may_set_its_own_lifetimes(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let settings = TokenSettings {
        access_token_life: 60 * SECOND,
        refresh_idle_life: 2 * DAY,
        refresh_absolute_life: 3 * DAY,
        ..TokenSettings::default()
    };
    let brief = app.client(&acme.tenant, "brief", ApplicationKind::Web, settings).await;
    let idle = app.begin(&acme, &brief).await;
    app.clock.advance(2 * DAY);
    app.refresh(&acme, &brief, &idle).await.refused(400, "invalid_grant");

    let first = app.begin(&acme, &brief).await;
    app.clock.advance(2 * DAY - SECOND);
    let answer = app.refresh(&acme, &brief, &first).await.expect(200);
    assert_eq!(answer["expires_in"], 60);
    let access = claims(&text(&answer, "access_token"));
    assert_eq!(access["exp"].as_i64(), access["iat"].as_i64().map(|at| at + 60));
    app.clock.advance(DAY + SECOND);
    let second = text(&answer, "refresh_token");
    app.refresh(&acme, &brief, &second).await.refused(400, "invalid_grant");
}

async fn a_disabled_app_refreshes_no_more(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (of_web, of_spa) = (app.begin(&acme, &acme.web).await, app.begin(&acme, &acme.spa).await);
    let web = ApplicationId::parse(&acme.web.id).unwrap();
    let disabled = app.context.db.write::<_, StorageError>(acme.tenant.id, move |tx| {
        tx.applications().set_status(web, ApplicationStatus::Disabled)
    });
    disabled.await.unwrap();
    app.clock.advance(2 * SECOND);
    app.refresh(&acme, &acme.web, &of_web).await.refused(401, "invalid_client");
    app.refresh(&acme, &acme.spa, &of_spa).await.expect(200);
}

async fn a_service_has_nothing_to_refresh(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let token = app.begin(&acme, &acme.web).await;
    app.refresh(&acme, &acme.service, &token).await.refused(400, "unauthorized_client");
    app.refresh(&acme, &acme.web, &token).await.expect(200);
}

/// A database that was restored, or a replica that took over too early, knows an older generation than
/// the one that the client was given.
async fn after_the_database_lost_a_write_the_family_catches_up(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for client in [&acme.web, &acme.spa] {
        let mut tokens = vec![app.begin(&acme, client).await];
        for index in 0..3 {
            tokens.push(app.refresh(&acme, client, &tokens[index]).await.refresh_token());
        }
        let lose = "UPDATE refresh_families SET generation = 2 WHERE generation = 4";
        assert_eq!(app.execute(lose), 1);
        let next = app.refresh(&acme, client, &tokens[3]).await.refresh_token();
        assert!(!tokens.contains(&next));
        let again = app.refresh(&acme, client, &tokens[3]).await;
        assert_eq!(again.refresh_token(), next, "one successor");
        let last = app.refresh(&acme, client, &next).await.refresh_token();
        app.refresh(&acme, client, &tokens[3]).await.refused(400, "invalid_grant");
        app.refresh(&acme, client, &last).await.refused(400, "invalid_grant");
    }
    let events = app.audit(&acme.tenant).await;
    assert_eq!(events.iter().filter(|event| *event == "refresh.caught_up").count(), 2);
}

async fn no_refresh_token_is_stored(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut tokens = Vec::new();
    for client in [&acme.web, &acme.spa] {
        let first = app.begin(&acme, client).await;
        let second = app.refresh(&acme, client, &first).await.refresh_token();
        let third = app.refresh(&acme, client, &second).await.refresh_token();
        tokens.extend([first, second, third]);
    }
    tokens.push(text(&app.login(&acme).await, "refresh_token"));
    let stored = app.everything_stored();
    let text = String::from_utf8_lossy(&stored);
    for known in [&*acme.email, &*acme.user.to_string()] {
        assert!(text.contains(known), "the search finds what is there");
    }
    for token in &tokens {
        // Family and generation, in the first letters, are no secret; what follows makes the token: two numbers of
        // sixteen bytes in twenty-two letters each.
        let secret = &token.as_bytes()[token.len() - 44..];
        let letters = secret.chunks_exact(11).map(String::from_utf8_lossy);
        let numbers = secret.chunks_exact(22).map(|letters| decode_base62::<22>(letters).unwrap());
        let mac: Vec<u8> = numbers.flat_map(u128::to_be_bytes).collect();
        let mac = &*mac;
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![URL_SAFE_NO_PAD.encode(mac), STANDARD_NO_PAD.encode(mac)];
        forms.extend([hex.to_uppercase(), hex]);
        forms.extend(letters.map(String::from));
        for form in &forms {
            assert!(!text.contains(&**form), "a piece of a token is stored");
        }
        assert!(!stored.windows(mac.len()).any(|window| window == mac), "a MAC is stored");
    }
}

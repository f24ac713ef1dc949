//! Signing keys take turns by themselves, and no verifier that keeps to the rules of caching ever meets a token
//! that it cannot check.

use std::time::Duration;

use doorward::domain::member::MemberRole;
use doorward::flows::administration::Administrator;
use doorward::flows::administration::keys::Takeover;
use doorward::jobs;
use futures_util::future::join_all;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::console::{member, post, sign_in, url};
use crate::harness::{TestApp, TestTenant, claims, on_both_databases};

on_both_databases! {
    keys_change_every_ninety_days_and_no_cached_key_set_misses_one,
    jose_with_its_cache_meets_no_invalid_token_through_three_rotations,
    two_replicas_announce_one_successor,
    a_second_rotation_waits_for_the_first_and_an_emergency_does_not,
    an_owner_withdraws_a_retired_key_and_its_tokens_verify_no_more,
}

/// Of the application that acts for itself.
const AUDIENCE: &str = "https://api.example";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn keys_change_every_ninety_days_and_no_cached_key_set_misses_one(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (mut kids, mut cached, mut tokens) = (vec![], fetch(app, &acme).await, vec![]);
    let until_the_change = (0..89).map(|_| DAY);
    let about_the_change = (0..30 * 12).map(|_| 5 * MINUTE);
    let until_the_old_is_gone = (0..30).map(|_| HOUR);
    for step in until_the_change.chain(about_the_change).chain(until_the_old_is_gone) {
        app.clock.advance(step);
        jobs::round(&app.context).await.unwrap();
        let token = token(app, &acme).await;
        // A verifier may look at keys that it fetched ten minutes ago, at a token that is brand-new …
        if step <= 10 * MINUTE {
            check(app, &cached, &token);
        }
        // … and at today's keys, with a token in its last minute.
        let fetched = fetch(app, &acme).await;
        tokens.push(token.clone());
        tokens.retain(|token| claims(token)["exp"].as_i64() > Some(app.context.now().as_secs()));
        for token in &tokens {
            check(app, &fetched, token);
        }
        cached = fetched;
        let kid = decode_header(&token).unwrap().kid.unwrap();
        if kids.last() != Some(&kid) {
            kids.push(kid);
        }
    }
    assert_eq!(kids.len(), 2, "one change in ninety days");
    assert!(cached.find(&kids[0]).is_none(), "a key is forgotten when its last token has expired");
    assert_eq!(cached.keys.len(), 3);
}

/// jose keeps a key set for ten minutes, and fetches it for an unknown `kid` every half minute at most.
async fn jose_with_its_cache_meets_no_invalid_token_through_three_rotations(app: &TestApp) {
    use doorward::flows::administration::keys::rotate;
    let acme = app.tenant("acme").await;
    let mut jose = Jose::start(&acme);
    let (mut kids, mut tokens) = (vec![], vec![]);
    for _ in 0..3 {
        rotate(&Administrator::command_line(&app.context), &acme.tenant, Takeover::Announced)
            .await
            .unwrap();
        // A day until the new keys sign, and some more.
        for _ in 0..(26 * 60 / 7) {
            app.clock.advance(7 * MINUTE);
            jobs::round(&app.context).await.unwrap();
            let token = token(app, &acme).await;
            let kid = decode_header(&token).unwrap().kid.unwrap();
            if kids.last() != Some(&kid) {
                kids.push(kid);
            }
            tokens.push(token);
            tokens
                .retain(|token| claims(token)["exp"].as_i64() > Some(app.context.now().as_secs()));
            for token in &tokens {
                assert_eq!(jose.verify(app, token), "good", "after {} rotations", kids.len() - 1);
            }
        }
    }
    assert_eq!(kids.len(), 4, "three rotations");
    // An emergency is seen as soon as jose may ask again.
    rotate(&Administrator::command_line(&app.context), &acme.tenant, Takeover::Now).await.unwrap();
    app.clock.advance(MINUTE);
    assert_eq!(jose.verify(app, &token(app, &acme).await), "good");
    // And it does tell good from bad.
    let mut forged = token(app, &acme).await;
    forged.truncate(forged.len() - 4);
    assert_ne!(jose.verify(app, &format!("{forged}AAAA")), "good");
    jose.stop();
}

/// A backend of the Node world, in a process of its own.
struct Jose {
    process: std::process::Child,
    answers: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Jose {
    fn start(tenant: &TestTenant) -> Self {
        use std::io::BufRead;
        use std::process::{Command, Stdio};
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/node/jose-verifier.mjs");
        let mut process = Command::new("node")
            .args([script, &tenant.issuer, AUDIENCE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js, and `npm ci` in tests/clients/node");
        let answers = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, answers }
    }

    fn verify(&mut self, app: &TestApp, token: &str) -> String {
        use std::io::Write;
        let line = serde_json::json!({ "now": app.context.now().as_millis(), "token": token });
        let input = self.process.stdin.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        self.answers.next().expect("an answer").unwrap()
    }

    fn stop(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

async fn two_replicas_announce_one_successor(app: &TestApp) {
    let acme = app.tenant("acme").await;
    app.clock.advance(90 * DAY);
    for round in join_all((0..4).map(|_| jobs::round(&app.context))).await {
        round.unwrap();
    }
    assert_eq!(fetch(app, &acme).await.keys.len(), 6, "one successor for each of three keys");
}

async fn a_second_rotation_waits_for_the_first_and_an_emergency_does_not(app: &TestApp) {
    use doorward::flows::administration::keys::rotate;
    let acme = app.tenant("acme").await;
    let before = decode_header(&token(app, &acme).await).unwrap().kid;
    rotate(&Administrator::command_line(&app.context), &acme.tenant, Takeover::Announced)
        .await
        .unwrap();
    let refused =
        rotate(&Administrator::command_line(&app.context), &acme.tenant, Takeover::Announced).await;
    assert!(refused.unwrap_err().to_string().contains("a rotation is under way"));
    assert_eq!(decode_header(&token(app, &acme).await).unwrap().kid, before);
    rotate(&Administrator::command_line(&app.context), &acme.tenant, Takeover::Now).await.unwrap();
    let token = token(app, &acme).await;
    assert_ne!(decode_header(&token).unwrap().kid, before);
    check(app, &fetch(app, &acme).await, &token);
}

async fn an_owner_withdraws_a_retired_key_and_its_tokens_verify_no_more(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let old = token(app, &acme).await;
    let kid = decode_header(&old).unwrap().kid.unwrap();
    let mut owner = sign_in(app, &member(app, &acme, MemberRole::Owner).await).await;
    let withdraw = [("kid", &*kid)];
    let refused = post(app, &mut owner, "/t/acme/keys/withdraw", &withdraw).await;
    assert_eq!(refused.status, 400, "a key that signs stays: {refused:?}");
    let now = [("takeover", "now")];
    assert_eq!(post(app, &mut owner, "/t/acme/keys", &now).await.status, 303);
    check(app, &fetch(app, &acme).await, &old);
    assert!(is_active(app, &acme, &old).await, "a retired key is still good");

    let mut admin = sign_in(app, &member(app, &acme, MemberRole::Admin).await).await;
    let refused = post(app, &mut admin, "/t/acme/keys/withdraw", &withdraw).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let mut stranger = sign_in(app, &member(app, &bolt, MemberRole::Owner).await).await;
    let nothing = post(app, &mut stranger, "/t/bolt/keys/withdraw", &withdraw).await;
    assert_eq!(nothing.status, 404, "{nothing:?}");
    assert!(fetch(app, &acme).await.find(&kid).is_some());

    let page = owner.get(&url(app, "/t/acme/keys")).await;
    assert!(page.body.contains("Tokens that it signed stop verifying"), "{page:?}");
    assert!(page.body.contains("signed until") && page.body.contains("successor announced"));
    let done = post(app, &mut owner, "/t/acme/keys/withdraw", &withdraw).await;
    assert_eq!(done.status, 303, "{done:?}");
    assert!(fetch(app, &acme).await.find(&kid).is_none(), "it is gone at once");
    assert!(!is_active(app, &acme, &old).await, "nor do we take its tokens");
    let new = token(app, &acme).await;
    check(app, &fetch(app, &acme).await, &new);
    let log = owner.get(&url(app, "/t/acme/audit?action=key.withdrawn")).await;
    assert!(log.body.contains(&kid), "{log:?}");
}

async fn is_active(app: &TestApp, tenant: &TestTenant, token: &str) -> bool {
    let call = app.post(&tenant.url("/oauth2/introspect"));
    let service = &tenant.service;
    let call = call.basic(&service.id, service.secret.as_deref().unwrap());
    call.form(&[("token", token)]).send().await.expect(200)["active"] == true
}

async fn token(app: &TestApp, tenant: &TestTenant) -> String {
    let fields = [("grant_type", "client_credentials")];
    let answer = app.token(tenant, &tenant.service, &fields).await.expect(200);
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn fetch(app: &TestApp, tenant: &TestTenant) -> JwkSet {
    let answer = app.get(&tenant.url("/.well-known/jwks.json")).send().await;
    serde_json::from_value(answer.expect(200)).unwrap()
}

#[track_caller]
fn check(app: &TestApp, keys: &JwkSet, token: &str) {
    let header = decode_header(token).unwrap();
    let key = keys.find(&header.kid.unwrap()).expect("the key set has the token's key");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[AUDIENCE]);
    validation.validate_exp = false; // by the machine's clock; the test has its own
    let checked = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation);
    assert!(checked.unwrap().claims["exp"].as_i64().unwrap() > app.context.now().as_secs());
}

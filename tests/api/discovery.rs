//! The public documents: discovery (OpenID Connect Discovery §3, RFC 8414) and the key set (RFC 7517).

use doorward::crypto::digest::sha256_base64url;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestTenant, claims, on_both_databases};

on_both_databases! {
    the_document_names_the_issuer_and_what_it_can_do,
    rfc_8414_places_it_beside_the_issuers_path,
    a_tenant_with_a_host_of_its_own_has_its_documents_there,
    every_key_is_public_and_named_by_its_thumbprint,
    a_document_that_is_known_is_not_sent_again,
    an_unknown_tenant_has_no_documents,
}

const OPENID: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/.well-known/jwks.json";

#[track_caller]
fn is_public(answer: &Answer) -> Value {
    let document = answer.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("set-cookie"), None);
    let tag = answer.header("etag").unwrap();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    document
}

#[track_caller]
pub fn describes(document: &Value, tenant: &TestTenant) {
    assert_eq!(document["issuer"], *tenant.issuer);
    assert!(!tenant.issuer.ends_with('/'));
    for (name, path) in [
        ("authorization_endpoint", "/oauth2/authorize"),
        ("token_endpoint", "/oauth2/token"),
        ("userinfo_endpoint", "/oauth2/userinfo"),
        ("introspection_endpoint", "/oauth2/introspect"),
        ("revocation_endpoint", "/oauth2/revoke"),
        ("end_session_endpoint", "/oauth2/logout"),
        ("jwks_uri", KEYS),
    ] {
        assert_eq!(document[name], tenant.url(path), "{name}");
    }
    for (name, value) in document.as_object().unwrap() {
        if name.ends_with("_endpoint") || name.ends_with("_uri") {
            let url = value.as_str().unwrap();
            assert!(url.starts_with(&format!("{}/", tenant.issuer)), "{name}: {url}");
        }
    }
}

async fn the_document_names_the_issuer_and_what_it_can_do(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let document = is_public(&app.get(&acme.url(OPENID)).send().await);
    describes(&document, &acme);
    for (name, value) in [
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query", "form_post"])),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", "client_credentials"]),
        ),
        ("subject_types_supported", json!(["public"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post", "none"]),
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        ),
        ("prompt_values_supported", json!(["none", "login", "consent", "select_account"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("claims_parameter_supported", json!(false)),
        ("request_parameter_supported", json!(false)),
        // Its default, left out, would be true.
        ("request_uri_parameter_supported", json!(false)),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    let has = |name: &str, wanted: &str| {
        document[name].as_array().unwrap().contains(&Value::from(wanted))
    };
    for scope in ["openid", "profile", "email", "roles", "offline_access"] {
        assert!(has("scopes_supported", scope), "{scope}");
    }
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        assert!(has("id_token_signing_alg_values_supported", algorithm), "{algorithm}");
    }
    assert!(!has("id_token_signing_alg_values_supported", "none"));
    // What an ID token says, the document announces.
    let tokens = app.sign_in(&acme, &acme.web).await;
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["iss"], document["issuer"]);
    for name in id_token.as_object().unwrap().keys() {
        assert!(has("claims_supported", name), "{name}");
    }
}

async fn rfc_8414_places_it_beside_the_issuers_path(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let (public_url, _) = acme.issuer.split_once("/t/").unwrap();
    let url = format!("{public_url}/.well-known/oauth-authorization-server/t/acme");
    let document = is_public(&app.get(&url).send().await);
    assert_eq!(document, is_public(&app.get(&acme.url(OPENID)).send().await));
    let unknown = format!("{public_url}/.well-known/oauth-authorization-server/t/nobody");
    assert_eq!(app.get(&unknown).send().await.status, 404);
    let none = format!("{public_url}/.well-known/oauth-authorization-server");
    assert_eq!(app.get(&none).send().await.status, 404);
}

async fn a_tenant_with_a_host_of_its_own_has_its_documents_there(app: &TestApp) {
    let bolt = app.tenant_at("bolt", Some("api.bolt.example")).await;
    assert_eq!(bolt.issuer, "https://api.bolt.example");
    let document = is_public(&app.get(&bolt.url(OPENID)).send().await);
    describes(&document, &bolt);
    let other = bolt.url("/.well-known/oauth-authorization-server");
    assert_eq!(is_public(&app.get(&other).send().await), document);
    let keys = is_public(&app.get(document["jwks_uri"].as_str().unwrap()).send().await);
    assert!(!keys["keys"].as_array().unwrap().is_empty());
}

/// RFC 7638 §3: the required members alone, in the order of their names, without spaces.
fn thumbprint(key: &Value) -> String {
    let members = match key["kty"].as_str().unwrap() {
        "RSA" => vec!["e", "kty", "n"],
        "EC" => vec!["crv", "kty", "x", "y"],
        "OKP" => vec!["crv", "kty", "x"],
        other => panic!("a key of the type {other}"),
    };
    let members: Vec<String> =
        members.iter().map(|name| format!("\"{name}\":{}", key[*name])).collect();
    sha256_base64url(format!("{{{}}}", members.join(",")).as_bytes())
}

async fn every_key_is_public_and_named_by_its_thumbprint(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    let set = is_public(&app.get(&acme.url(KEYS)).send().await);
    let keys = set["keys"].as_array().unwrap();
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        assert!(keys.iter().any(|key| key["alg"] == algorithm), "{algorithm}");
    }
    for key in keys {
        assert_eq!(key["kid"], thumbprint(key), "{key}");
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} in the public set");
        }
    }
    let others = is_public(&app.get(&bolt.url(KEYS)).send().await);
    for key in others["keys"].as_array().unwrap() {
        assert!(keys.iter().all(|own| own["kid"] != key["kid"]), "every tenant has its own");
    }
}

async fn a_document_that_is_known_is_not_sent_again(app: &TestApp) {
    let (acme, bolt) = (app.tenant("acme").await, app.tenant("bolt").await);
    for path in [OPENID, KEYS] {
        let url = acme.url(path);
        let first = app.get(&url).send().await;
        let tag = first.header("etag").unwrap();
        for known in [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = app.get(&url).header("if-none-match", &known).send().await;
            assert_eq!(again.status, 304, "{known}: {again:?}");
            assert_eq!(again.body, "");
            assert_eq!(again.header("etag"), Some(tag));
            assert_eq!(again.header("cache-control"), Some("public, max-age=300"));
        }
        for other in ["\"x\"", "x", ""] {
            let again = app.get(&url).header("if-none-match", other).send().await;
            assert_eq!(again.expect(200), first.json(), "{other}");
        }
        let elsewhere = app.get(&bolt.url(path)).header("if-none-match", tag).send().await;
        elsewhere.expect(200);
    }
}

async fn an_unknown_tenant_has_no_documents(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for slug in ["nobody", "ACME", "acme.", "%61cme%2f"] {
        for path in [OPENID, KEYS] {
            let url = acme.url(path).replace("/t/acme/", &format!("/t/{slug}/"));
            let answer = app.get(&url).send().await;
            assert_eq!(answer.status, 404, "{answer:?}");
            assert!(!answer.body.contains('{'), "{answer:?}");
        }
    }
}

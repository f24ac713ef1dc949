//! Parameters of any bytes, from clients that are known: answered, and never let into a header or a URL as they are.

use doorward::web::routes::TENANT;

use crate::harness::{TestApp, on_both_databases, query};
use crate::malformed::{PASSWORD, check};

on_both_databases! {
    a_parameter_of_any_bytes_is_answered_to_a_client_that_is_known,
    a_logout_passes_on_its_own_parameters_alone,
    a_state_comes_back_as_it_went_or_not_at_all,
}

/// Values that any parameter may come with.
fn odd_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        " ",
        "\0",
        "\r\nX-Injected: yes",
        "\u{1b}[31m",
        "\u{2028}",
        "\u{fffd}\u{10ffff}",
        "%00",
        "'\"><script>",
        "../../x",
        "-1",
        "99999999999999999999",
    ]
    .map(str::to_owned)
    .into();
    values.push("x".repeat(40_000));
    values
}

async fn a_parameter_of_any_bytes_is_answered_to_a_client_that_is_known(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let route = |path: &str| TENANT.iter().find(|route| route.path == path).unwrap();
    for value in odd_values() {
        for grant in ["authorization_code", "refresh_token", "client_credentials", &value] {
            for name in
                ["code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource"]
            {
                let fields = [("grant_type", grant), (name, &value)];
                let answer = app.token(&acme, &acme.web, &fields).await;
                check(&answer, route("/oauth2/token"), &format!("{grant} and odd {name}"));
                assert!((400..500).contains(&answer.status), "{answer:?}");
            }
        }
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            for hint in ["access_token", &value] {
                let call = app.post(&acme.url(path)).basic(&acme.web.id, acme.web.secret());
                let fields = [("token", &*value), ("token_type_hint", hint)];
                check(&call.form(&fields).send().await, route(path), "an odd token");
            }
        }
        let good = acme.authorization(&acme.web);
        for name in [
            "client_id",
            "redirect_uri",
            "response_type",
            "response_mode",
            "scope",
            "nonce",
            "prompt",
            "max_age",
            "login_hint",
            "ui_locales",
            "resource",
            "code_challenge",
            "code_challenge_method",
            "id_token_hint",
            "request",
            "request_uri",
            "acr_values",
            "claims",
            "display",
        ] {
            let request = good.clone().with(name, &value);
            let url = acme.url(&format!("/oauth2/authorize?{}", request.encode()));
            let answer = app.get(&url).send().await;
            check(&answer, route("/oauth2/authorize"), &format!("odd {name}"));
        }
    }
}

async fn a_logout_passes_on_its_own_parameters_alone(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let fields = [("state", "st-1"), ("client_id", &*acme.web.id), ("password", PASSWORD)];
    let answer = app.post(&acme.url("/oauth2/logout")).form(&fields).send().await;
    // URLs end up in histories and in the logs of proxies.
    let location = answer.location();
    assert!(location.contains("state=st-1"), "{location}");
    assert!(!format!("{answer:?}").contains(PASSWORD), "{answer:?}");
}

async fn a_state_comes_back_as_it_went_or_not_at_all(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let get = async |state: &str, mode: &str| {
        let request = acme.authorization(&acme.web).with("state", state).with("prompt", "none");
        let request = request.with("response_mode", mode);
        app.get(&acme.url(&format!("/oauth2/authorize?{}", request.encode()))).send().await
    };
    for state in ["a b+c&d=e#f%00", "\u{2028}ä\u{10ffff}", "\"><script>", "%0d%0aX-Injected: yes"]
    {
        let answer = get(state, "query").await;
        let location = answer.location();
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
        let parameters = query(location);
        assert_eq!(parameters["error"], "login_required");
        assert_eq!(parameters["state"], state);
        assert_eq!(parameters["iss"], acme.issuer);
        assert!(answer.headers.get("x-injected").is_none());

        let page = get(state, "form_post").await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(!page.body.contains("<script>"), "{page:?}");
    }
    // RFC 6749 appendix A.5: printable characters alone.
    for state in ["a\r\nX-Injected: yes", "\0", "\u{1}\u{7f}", "\u{1b}[31m"] {
        for mode in ["query", "form_post"] {
            let page = get(state, mode).await;
            assert_eq!(page.status, 400, "{page:?}");
            assert_eq!(page.header("location"), None, "{page:?}");
            assert!(page.headers.get("x-injected").is_none(), "{page:?}");
            assert!(!page.body.contains(state), "{page:?}");
        }
    }
}

//! Whatever bytes arrive, each route of the table answers: never a failure of ours, never a header that the
//! caller wrote, never the password. The requests go out byte by byte, since client libraries refuse to send them.

use actix_web::http::Method;
use doorward::web::routes::{Route, Surface, TENANT};

use crate::harness::{Answer, Browser, TestApp, TestTenant, on_both_databases};

on_both_databases! {
    any_query_is_answered,
    any_body_is_answered,
    any_header_is_answered,
    a_cookie_that_means_nothing_is_as_none,
}

/// What nobody may read in an answer.
pub const PASSWORD: &str = "Sesame-47-walnut";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn call(
    app: &TestApp,
    method: &Method,
    target: &[u8],
    headers: &[(&str, &[u8])],
    body: Option<&[u8]>,
) -> Answer {
    let host = app.context.public_url.as_str().split_once("://").unwrap().1;
    let mut head = [method.as_str().as_bytes(), b" ", target, b" HTTP/1.1\r\nHost: "].concat();
    head.extend_from_slice(host.as_bytes());
    head.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    if let Some(body) = body {
        head.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    app.send_raw(&head, body.unwrap_or_default())
}

fn path(acme: &TestTenant, route: &Route) -> String {
    format!("/t/{}{}", acme.tenant.slug, route.path)
}

/// What holds for every answer there is.
#[track_caller]
pub fn check(answer: &Answer, route: &Route, what: &str) {
    let what = format!("{} {} with {what}", route.method, route.path);
    assert!((200..500).contains(&answer.status), "{what}: {answer:?}");
    assert!(answer.headers.get("x-injected").is_none(), "{what}: {answer:?}");
    assert!(!format!("{answer:?}").contains(PASSWORD), "{what}: {answer:?}");
    for cookie in answer.headers.get_all("set-cookie") {
        assert!(!cookie.to_str().unwrap().contains("injected"), "{what}: {answer:?}");
    }
}

/// And for one to a program that was called in a wrong way.
#[track_caller]
fn check_refused(answer: &Answer, route: &Route, what: &str) {
    check(answer, route, what);
    if route.path == "/v1/auth/logout" {
        assert!([204, 400].contains(&answer.status), "{what}: {answer:?}");
    } else if route.path == "/v1/auth/forgot-password" && answer.status == 202 {
        // The answer to any address at all.
        assert_eq!(answer.body, r#"{"status":"accepted"}"#, "{what}");
    } else if route.surface != Surface::Page {
        let what = format!("{} {} with {what}", route.method, route.path);
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    }
}

async fn any_query_is_answered(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let long = |length: usize| [b"state=".as_slice(), &vec![b'x'; length]].concat();
    let many: Vec<u8> = (0..5_000).flat_map(|i| format!("p{i}=1&").into_bytes()).collect();
    let queries: Vec<(&str, Vec<u8>)> = vec![
        ("nothing after the question mark", b"".into()),
        ("duplicates", b"client_id=a&client_id=b&request=a&request=b&state=1&state=2".into()),
        ("a long value", long(60_000)),
        ("a query longer than a URL may be", long(100_000)),
        ("many parameters", many),
        ("NUL", b"state=\0&client_id=\0".into()),
        ("encoded NUL", b"state=%00&client_id=%00&request=%00&login_hint=%00".into()),
        ("bytes that are no UTF-8", b"state=\xff\xfe&client_id=\xc0\x80".into()),
        ("encoded bytes that are no UTF-8", b"state=%ff%fe&client_id=%c0%80&request=%ff".into()),
        ("encoded surrogates", b"state=%ed%a0%80&login_hint=%ed%a0%80".into()),
        ("broken encoding", b"state=%&client_id=%z&request=%2&login_hint=%%%".into()),
        (
            "line breaks",
            b"state=a%0d%0aX-Injected:%20yes&request=a%0d%0aSet-Cookie:%20injected=1".into(),
        ),
        ("no names", b"=&==&&=;&?".into()),
        ("brackets", b"client_id[]=1&client_id[a]=2&request[$ne]=1".into()),
        ("markup", b"login_hint=%22%3E%3Cscript%3E&request=%3Cscript%3E".into()),
        ("a password", format!("password={PASSWORD}&email=a%40x.example").into_bytes()),
        ("a null character of another width", "state=\u{2028}\u{feff}".as_bytes().into()),
    ];
    for route in TENANT {
        for (what, query) in &queries {
            let target = [path(&acme, route).as_bytes(), b"?", query].concat();
            let answer = call(app, &route.method, &target, &[], None);
            if route.method == Method::POST {
                check_refused(&answer, route, what);
            } else {
                check(&answer, route, what);
            }
        }
        for suffix in [
            b"/".as_slice(),
            b"%00",
            b"\xff",
            b"%ff",
            b"/..",
            b"%2f..%2f",
            b";x=1",
            b"%0d%0aX-Injected:%20yes",
        ] {
            let target = [path(&acme, route).as_bytes(), suffix].concat();
            let answer = call(app, &route.method, &target, &[], None);
            check(&answer, route, "a path that goes on");
            assert!((400..500).contains(&answer.status), "{answer:?}");
        }
    }
}

/// Bodies that are good for no call, and the media type that they come as.
fn bodies() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let nested = |open: &str, close: &str| {
        format!("{{\"email\":{}1{}}}", open.repeat(5_000), close.repeat(5_000)).into_bytes()
    };
    let json = |email: &str, password: &str| {
        format!("{{\"email\":{email},\"password\":{password}}}").into_bytes()
    };
    let quoted = format!("\"{PASSWORD}\"");
    let form = |text: &str| format!("{text}&password={PASSWORD}").into_bytes();
    let million = "x".repeat(1_000_000);
    vec![
        ("nothing", FORM, b"".into()),
        ("nothing", JSON, b"".into()),
        (
            "duplicates",
            FORM,
            form("client_id=a&client_id=b&token=1&token=2&grant_type=x&grant_type=y"),
        ),
        ("a long value", FORM, form(&format!("token={}", "x".repeat(60_000)))),
        ("NUL", FORM, form("client_id=\0&token=%00&grant_type=%00&code=\0&request=%00&csrf=%00")),
        (
            "bytes that are no UTF-8",
            FORM,
            b"client_id=\xff&token=\xc0\x80&csrf=\xff&email=\xff".into(),
        ),
        (
            "encoded bytes that are no UTF-8",
            FORM,
            form("client_id=%ff&token=%c0%80&email=%ff&csrf=%ff"),
        ),
        ("broken encoding", FORM, form("client_id=%&token=%z&grant_type=%2&csrf=%%%")),
        (
            "line breaks",
            FORM,
            form("state=a%0d%0aX-Injected:%20yes&request=%0d%0aSet-Cookie:%20injected=1"),
        ),
        ("JSON", FORM, json("\"a@x.example\"", &quoted)),
        ("a megabyte", FORM, form(&million)),
        (
            "a password of a megabyte",
            FORM,
            format!("email=a%40x.example&password={PASSWORD}{million}").into_bytes(),
        ),
        ("a form", JSON, form("email=a%40x.example")),
        ("a megabyte", JSON, million.clone().into_bytes()),
        (
            "a password of a megabyte",
            JSON,
            json("\"a@x.example\"", &format!("\"{PASSWORD}{million}\"")),
        ),
        (
            "a broken object",
            JSON,
            format!("{{\"email\":\"a@x.example\",\"password\":{quoted}").into_bytes(),
        ),
        ("two objects", JSON, b"{}{}".into()),
        ("an array", JSON, format!("[{quoted}]").into_bytes()),
        ("a string", JSON, quoted.clone().into_bytes()),
        ("null", JSON, b"null".into()),
        ("arrays in arrays", JSON, nested("[", "]")),
        ("objects in objects", JSON, nested("{\"a\":", "}")),
        ("a huge number", JSON, json("1e999999", &quoted)),
        ("a long number", JSON, json(&"9".repeat(10_000), &quoted)),
        ("a number for a password", JSON, json("\"a@x.example\"", "-0.0")),
        ("a lone surrogate", JSON, json("\"a\\ud800@x.example\"", "\"\\udc00\"")),
        ("NUL", JSON, json("\"a\\u0000@x.example\"", "\"\\u0000\"")),
        ("a raw NUL", JSON, json("\"a\0\"", &quoted)),
        ("bytes that are no UTF-8", JSON, b"{\"email\":\"\xff\",\"password\":\"\xc0\x80\"}".into()),
        ("UTF-16", JSON, "{\"email\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", JSON, [b"\xef\xbb\xbf".as_slice(), &json("\"a\"", &quoted)].concat()),
        (
            "names twice",
            JSON,
            format!("{{\"email\":1,\"email\":2,\"password\":{quoted}}}").into_bytes(),
        ),
        ("line breaks", JSON, json("\"a@x.example\\r\\nX-Injected: yes\"", &quoted)),
        (
            "prototypes",
            JSON,
            b"{\"__proto__\":{\"email\":\"a@x.example\"},\"constructor\":{}}".into(),
        ),
        ("JSON", "text/plain", json("\"a@x.example\"", &quoted)),
        ("a form", "text/plain", form("email=a%40x.example")),
        ("a form", "multipart/form-data; boundary=x", form("email=a%40x.example")),
        ("JSON", "application/json-patch+json", json("\"a@x.example\"", &quoted)),
        ("JSON", "\u{e4}; =;;\"", json("\"a@x.example\"", &quoted)),
        ("JSON", "", json("\"a@x.example\"", &quoted)),
    ]
}

async fn any_body_is_answered(app: &TestApp) {
    let acme = app.tenant("acme").await;
    for (what, content_type, body) in bodies() {
        for route in TENANT {
            let what = format!("{what} as {content_type}");
            let headers = [("Content-Type", content_type.as_bytes())];
            let target = path(&acme, route);
            let answer = call(app, &route.method, target.as_bytes(), &headers, Some(&body));
            if route.method == Method::POST {
                check_refused(&answer, route, &what);
            } else {
                check(&answer, route, &what);
            }
        }
    }
    // Without any media type, and with one too many.
    for route in TENANT.iter().filter(|route| route.method == Method::POST) {
        let types: [&[(&str, &[u8])]; 2] =
            [&[], &[("Content-Type", FORM.as_bytes()), ("Content-Type", JSON.as_bytes())]];
        for headers in types {
            let body = format!("email=a%40x.example&password={PASSWORD}").into_bytes();
            let target = path(&acme, route);
            let answer = call(app, &route.method, target.as_bytes(), headers, Some(&body));
            check_refused(&answer, route, "a body of unclear type");
        }
    }
}

async fn any_header_is_answered(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let long = vec![b'x'; 60_000];
    let headers: Vec<(&str, Vec<u8>)> = vec![
        ("Authorization", b"".into()),
        ("Authorization", b"Basic".into()),
        ("Authorization", b"Basic ".into()),
        ("Authorization", b"Basic !!!not-base64!!!".into()),
        // No colon; bytes that are no UTF-8; broken encoding; NUL.
        ("Authorization", b"Basic YWJj".into()),
        ("Authorization", b"Basic //46/w==".into()),
        ("Authorization", b"Basic JTolJQ==".into()),
        ("Authorization", b"Basic ADoA".into()),
        ("Authorization", b"Basic Og==".into()),
        ("Authorization", b"Basic \xff\xfe".into()),
        ("Authorization", b"Bearer".into()),
        ("Authorization", b"Bearer \xff\xfe\x80".into()),
        ("Authorization", b"Bearer ...".into()),
        ("Authorization", b"Bearer bnVsbA.bnVsbA.bnVsbA".into()),
        ("Authorization", b"Bearer eyJhbGciOiJub25lIn0.e30.".into()),
        ("Authorization", b"Bearer a b c".into()),
        ("Authorization", [b"Bearer ".as_slice(), &long].concat()),
        ("Authorization", b"Digest username=\"a\"".into()),
        ("Content-Type", b"\xff\xff".into()),
        ("Origin", b"\xff://\xff".into()),
        ("Origin", long.clone()),
        ("Sec-Fetch-Site", b"\xff".into()),
        ("User-Agent", b"\xff\xfe".into()),
        ("User-Agent", long.clone()),
        ("X-Forwarded-For", b"1.2.3.4.5, \xff, ,,,".into()),
        ("If-None-Match", b"\"".into()),
        ("If-None-Match", b"\xff, W/, *".into()),
        ("Accept-Language", b"\xff;q=2, *;q=x".into()),
        ("Cookie", long),
        ("Expect", b"something-else".into()),
        ("X-Request-Id", b"\r\n X-Injected: yes".into()),
    ];
    for (name, value) in &headers {
        for route in TENANT {
            let target = path(&acme, route);
            let what =
                format!("{name}: {}", String::from_utf8_lossy(&value[..value.len().min(60)]));
            let answer = call(app, &route.method, target.as_bytes(), &[(name, value)], None);
            if route.method == Method::POST {
                check_refused(&answer, route, &what);
            } else {
                check(&answer, route, &what);
            }
            if *name == "Authorization" && route.path.ends_with("/me") {
                assert_eq!(answer.status, 401, "{what}: {answer:?}");
            }
        }
    }
}

async fn a_cookie_that_means_nothing_is_as_none(app: &TestApp) {
    let acme = app.tenant("acme").await;
    let mut browser = Browser::new(app);
    browser.sign_in(&acme).await;
    let name = browser.cookies[0].name().to_owned();
    let good = browser.cookies[0].value().to_owned();
    let other_signature: String = good
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c })
        .collect();
    let with = |value: &[u8]| [name.as_bytes(), b"=", value].concat();
    let cookies: Vec<Vec<u8>> = vec![
        b"".into(),
        b";;;=;".into(),
        b"=".into(),
        b"\xff\xfe=\xff".into(),
        with(b""),
        with(b"%"),
        with(b"%00%ff"),
        with(b"\xff\xfe"),
        with(b"null"),
        with(&[b'x'; 5_000]),
        with(other_signature.as_bytes()),
        with(&good.as_bytes()[1..]),
        with(&good.as_bytes()[..good.len() - 1]),
        [with(b"a"), b"; ".to_vec(), with(b"b")].concat(),
        format!("doorward-refresh-{}=\u{1}", acme.spa.id).into_bytes(),
    ];
    for route in TENANT {
        let target = path(&acme, route);
        let plain = call(app, &route.method, target.as_bytes(), &[], None);
        for cookie in &cookies {
            let headers = [("Cookie", cookie.as_slice())];
            let answer = call(app, &route.method, target.as_bytes(), &headers, None);
            let what = format!("the cookie {:?}", String::from_utf8_lossy(cookie));
            check(&answer, route, &what);
            // A cookie of control characters may be refused as no header at all.
            let expected =
                if cookie.contains(&1) { [plain.status, 400] } else { [plain.status; 2] };
            assert!(expected.contains(&answer.status), "{} {what}: {answer:?}", route.path);
        }
    }
    let account = browser.get(&acme.url("/account")).await;
    assert_eq!(account.status, 200, "the honest cookie is as good as before: {account:?}");
}

//! What is measured, each beside its bound.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use doorward::domain::signing_key::Algorithm;

use super::Options;
use super::bare::{self, BareServer};
use super::http::{Connection, Reply, form, get, json};
use super::measure::{Figures, repeat};
use super::server::Server;

type Measurement = fn(&Server, &Options);

pub const ALL: &[(&str, Measurement)] = &[
    ("refresh", refresh),
    ("documents", documents),
    ("code", code),
    ("introspect", introspect),
    ("login", login),
    ("mixed", mixed),
    ("flood", flood),
];

const TENANT: &str = "/t/acme";
/// The pair of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn refresh(server: &Server, options: &Options) {
    let storage = bare::rotations(options);
    storage.print("bare durable rotations", "");
    let signatures = bare::signatures(Algorithm::Es256, options);
    signatures.print("bare ES256 signatures", "");
    measure_refresh(server, options).print_against("refresh (JSON API)", &storage);
    let figures = repeat(options.connections, options.seconds, Some(server), |_| {
        let mut chain = Chain::begin_with_code(server);
        move || chain.refresh_at_the_token_endpoint()
    });
    bare::signatures(Algorithm::Rs256, options).print("bare RS256 signatures", "");
    figures.print_against("refresh with a new ID token (RS256)", &storage);
}

pub fn measure_refresh(server: &Server, options: &Options) -> Figures {
    repeat(options.connections, options.seconds, Some(server), |_| {
        let mut chain = Chain::begin(server);
        move || chain.refresh()
    })
}

/// A sign-in that refreshes its newest token, over and over.
struct Chain {
    connection: Connection,
    basic: String,
    access_token: String,
    refresh_token: String,
}

impl Chain {
    fn begin(server: &Server) -> Self {
        let (mut connection, basic) = (server.connect(), server.basic());
        let request = json(&path("/v1/auth/login"), &basic, &server.credentials());
        let reply = connection.send(&request).expect(200);
        let access_token = reply.text("token").to_owned();
        let refresh_token = reply.text("refresh_token").to_owned();
        Self { connection, basic, access_token, refresh_token }
    }

    fn begin_with_code(server: &Server) -> Self {
        let mut browser = Browser::sign_in(server);
        let (access_token, refresh_token) = browser.tokens();
        let Browser { connection, basic, .. } = browser;
        Self { connection, basic, access_token, refresh_token }
    }

    fn refresh(&mut self) {
        let body = format!("{{\"refresh_token\":\"{}\"}}", self.refresh_token);
        let request = json(&path("/v1/auth/refresh"), &self.basic, &body);
        let reply = self.connection.send(&request).expect(200);
        let next = reply.text("refresh_token");
        assert_ne!(next, self.refresh_token);
        self.refresh_token = next.to_owned();
    }

    fn refresh_at_the_token_endpoint(&mut self) {
        let body = format!("grant_type=refresh_token&refresh_token={}", self.refresh_token);
        let reply = self.connection.send(&form(&path("/oauth2/token"), &self.basic, &body));
        self.refresh_token = reply.expect(200).text("refresh_token").to_owned();
    }
}

/// A browser that is signed in, and the backend of the app that it signs in to.
struct Browser {
    connection: Connection,
    authorize: Vec<u8>,
    redirect_uri: String,
    basic: String,
}

impl Browser {
    fn sign_in(server: &Server) -> Self {
        let mut connection = server.connect();
        let page = connection.send(&get(&path("/login"), "")).expect(200);
        let csrf = page.field("csrf").to_owned();
        let cookie = cookie(&page);
        let fields = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &csrf)
            .append_pair("email", server.fact("/user/email"))
            .append_pair("password", server.fact("/user/password"))
            .finish();
        let own_page = format!("Origin: null\r\nSec-Fetch-Site: same-origin\r\n{cookie}");
        let reply = connection.send(&form(&path("/login"), &own_page, &fields)).expect(303);
        let cookie = self::cookie(&reply);
        let redirect_uri = server.fact("/app/redirect_uris/0").to_owned();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", server.fact("/app/client_id"))
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", "openid email offline_access")
            .append_pair("state", "st")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let authorize = get(&path(&format!("/oauth2/authorize?{query}")), &cookie);
        Self { connection, authorize, redirect_uri, basic: server.basic() }
    }

    /// The whole flow: authorize with the session, redeem the code.
    fn tokens(&mut self) -> (String, String) {
        let reply = self.connection.send(&self.authorize).expect(303);
        let location = reply.header("location").unwrap();
        let code = location.split_once("code=").unwrap().1.split('&').next().unwrap();
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        let request = form(&path("/oauth2/token"), &self.basic, &body);
        let reply = self.connection.send(&request).expect(200);
        (reply.text("access_token").to_owned(), reply.text("refresh_token").to_owned())
    }
}

/// The `Cookie` header line of the session that was set.
fn cookie(reply: &Reply) -> String {
    let mut set = reply.headers("set-cookie");
    let session = set.find(|value| value.starts_with("doorward=")).unwrap();
    format!("Cookie: {}\r\n", session.split(';').next().unwrap())
}

fn path(path: &str) -> String {
    format!("{TENANT}{path}")
}

/// JWKS and discovery, beside a bare actix-web handler that answers the same bytes.
fn documents(server: &Server, options: &Options) {
    for (name, document) in
        [("JWKS", "/.well-known/jwks.json"), ("discovery", "/.well-known/openid-configuration")]
    {
        let request = get(&path(document), "");
        let body = server.connect().send(&request).expect(200).body.to_owned();
        let bare = BareServer::start(&body);
        let hammer = |address: &str, server: Option<&Server>| {
            repeat(options.connections, options.seconds, server, |_| {
                let (mut connection, request) = (Connection::open(address), &request);
                move || {
                    connection.send(request).expect(200);
                }
            })
        };
        let bound = hammer(&bare.address, None);
        bound.print(&format!("bare actix-web with the bytes of {name}"), "");
        hammer(&server.address, Some(server)).print_against(name, &bound);
    }
}

fn code(server: &Server, options: &Options) {
    let bound = bare::signatures(Algorithm::Rs256, options);
    bound.print("bare RS256 signatures", "");
    measure_code(server, options).print_against("authorize and redeem, ID token RS256", &bound);
}

pub fn measure_code(server: &Server, options: &Options) -> Figures {
    repeat(options.connections, options.seconds, Some(server), |_| {
        let mut browser = Browser::sign_in(server);
        move || {
            browser.tokens();
        }
    })
}

fn introspect(server: &Server, options: &Options) {
    measure_introspect(server, options).print("introspect an access token", "");
}

pub fn measure_introspect(server: &Server, options: &Options) -> Figures {
    repeat(options.connections, options.seconds, Some(server), |_| {
        let chain = Chain::begin(server);
        let body = format!("token={}", chain.access_token);
        let request = form(&path("/oauth2/introspect"), &chain.basic, &body);
        let mut connection = chain.connection;
        move || assert!(connection.send(&request).expect(200).body.contains("\"active\":true"))
    })
}

fn login(server: &Server, options: &Options) {
    let bound = bare::hashes(options);
    bound.print("bare argon2id hashes", "");
    measure_login(server, options, options.connections).print_against("JSON login", &bound);
}

pub fn measure_login(server: &Server, options: &Options, connections: usize) -> Figures {
    let request = json(&path("/v1/auth/login"), &server.basic(), &server.credentials());
    repeat(connections, options.seconds, Some(server), |_| {
        let (mut connection, request) = (server.connect(), &request);
        move || {
            connection.send(request).expect(200);
        }
    })
}

/// Out of a hundred: 80 refreshes, 15 of the JWKS, 4 introspections, one sign-in by code.
fn mixed(server: &Server, options: &Options) {
    let figures = repeat(options.connections, options.seconds, Some(server), |_| {
        let (mut chain, mut browser) = (Chain::begin(server), Browser::sign_in(server));
        let jwks = get(&path("/.well-known/jwks.json"), "");
        let mut round = 0;
        move || {
            round = (round + 1) % 100;
            match round {
                0 => {
                    browser.tokens();
                }
                1..=4 => {
                    let body = format!("token={}", chain.access_token);
                    let request = form(&path("/oauth2/introspect"), &chain.basic, &body);
                    chain.connection.send(&request).expect(200);
                }
                5..=19 => {
                    chain.connection.send(&jwks).expect(200);
                }
                _ => chain.refresh(),
            }
        }
    });
    figures.print("mixed", "");
}

/// Refreshes alone, and while 64 clients flood the login.
fn flood(server: &Server, options: &Options) {
    let alone = measure_refresh(server, options);
    alone.print("refresh alone", "");
    let over = AtomicBool::new(false);
    // Begun before: in the flood, their own sign-ins would be told to wait.
    let begun = (0..options.connections).map(|_| Chain::begin(server)).collect();
    let chains: Mutex<Vec<Chain>> = Mutex::new(begun);
    // Guesses at many accounts: at one alone, the limits on guessing would end the flood.
    let guess = |number: usize| {
        let body =
            format!("{{\"email\":\"u{number}@flood.example\",\"password\":\"a wrong one\"}}");
        json(&path("/v1/auth/login"), &server.basic(), &body)
    };
    let (flooded, answered, refused) = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..64)
            .map(|number| {
                let (request, over) = (guess(number), &over);
                scope.spawn(move || {
                    let mut connection = server.connect();
                    let (mut answered, mut refused) = (0, 0);
                    while !over.load(Ordering::Relaxed) {
                        match connection.send(&request).status {
                            401 => answered += 1,
                            429 | 503 => refused += 1,
                            other => panic!("a login was answered with {other}"),
                        }
                    }
                    (answered, refused)
                })
            })
            .collect();
        let flooded = repeat(options.connections, options.seconds, Some(server), |_| {
            let mut chain = chains.lock().unwrap().pop().unwrap();
            move || chain.refresh()
        });
        over.store(true, Ordering::Relaxed);
        let counts = floods.into_iter().map(|flood| flood.join().unwrap());
        let (answered, refused) =
            counts.fold((0, 0), |(a, r), (answered, refused)| (a + answered, r + refused));
        (flooded, answered, refused)
    });
    let ratio = format!(
        "{:.2} of the throughput, {:.1} times the p99 ({answered} logins answered, {refused} told to wait)",
        flooded.per_second() / alone.per_second(),
        flooded.percentile(0.99) / alone.percentile(0.99),
    );
    flooded.print("refresh in a flood of 64 logins", &ratio);
}

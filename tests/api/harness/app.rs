//! The server of a test, and calls to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use doorward::config::{PublicUrl, TenantLabel, TrustedProxies};
use doorward::crypto::entropy::OsEntropy;
use doorward::crypto::hashing_threads::{HashingSettings, PasswordHasher};
use doorward::crypto::master_key::MasterKey;
use doorward::dns::TxtLookup;
use doorward::domain::clock::{Clock, SystemClock, Timestamp};
use doorward::domain::email_address::EmailAddress;
use doorward::domain::provider::UpstreamIssuer;
use doorward::flows::mail::delivery;
use doorward::flows::tenant_snapshot::TenantName;
use doorward::flows::{Context, Resources, TenantSnapshot};
use doorward::mail::{KeptMail, Mailbox, Mailer, Smtp};
use doorward::storage::Db;
use doorward::upstream::{self, Target, Upstreams};
use doorward::web::metrics::HttpMetrics;
use doorward::web::server::{Listeners, start};
use doorward::web::state::{MetricsPlace, State};
use reqwest::Method;
use reqwest::header::{self, HeaderMap};
use serde_json::Value;
use url::Url;

use super::{Database, TestDns, TestTenant};

/// Doorward itself is an OpenID provider at hand: a tenant's users may come from another tenant.
fn upstreams(port: u16) -> Upstreams {
    let url = |text: &str| Url::parse(text).unwrap();
    let settings = upstream::Settings {
        allowed: vec![Target { host: "localhost".to_owned(), port }],
        google_issuer: UpstreamIssuer::parse(&format!("http://localhost:{port}/t/google")).unwrap(),
        github_url: url("https://github.com"),
        // It answers, although with a refusal.
        github_api_url: url(&format!("http://localhost:{port}/github-api")),
    };
    Upstreams::new(settings)
}

/// What a test wants otherwise than usual.
#[derive(Default)]
pub struct Setup {
    /// Threads and queues for hashing passwords.
    pub hashing: HashingSettings,
    pub trusted_proxies: TrustedProxies,
    /// Instead of the mailbox; if it is empty, letters go nowhere.
    pub smtp_url: Option<String>,
}

pub struct TestApp {
    pub context: Arc<Context>,
    pub clock: Arc<TestClock>,
    pub dns: TestDns,
    http: reqwest::Client,
    /// Where the server listens, whatever host a URL names.
    address: String,
    server: ServerHandle,
    mailbox: PathBuf,
}

/// Starts at the machine's hour and moves when it is told to.
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// For a folder of one test.
fn random_name() -> String {
    doorward::domain::entropy::random_letters(&OsEntropy, 16)
}

impl TestApp {
    pub async fn start(public_url: &str, database: &Database) -> Self {
        Self::start_with(public_url, database, Setup::default()).await
    }

    pub async fn start_with(public_url: &str, database: &Database, setup: Setup) -> Self {
        let Setup { hashing, trusted_proxies, smtp_url } = setup;
        let listeners = Listeners::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = format!("127.0.0.1:{}", listeners.port().unwrap());
        let public_url = match public_url {
            "http://localhost" => format!("http://localhost:{}", listeners.port().unwrap()),
            other => other.to_owned(),
        };
        let db = Db::open(database.url()).unwrap();
        db.migrate().unwrap();
        let key = MasterKey::generate(&OsEntropy);
        let clock = Arc::new(TestClock(AtomicI64::new(SystemClock.now().as_millis())));
        let entropy = Arc::new(OsEntropy);
        let folder = std::env::temp_dir().join(format!("doorward-mail-{}", random_name()));
        let dns = TestDns::start().await;
        let resources = Resources {
            db,
            clock: clock.clone(),
            hasher: PasswordHasher::start(hashing, entropy.clone()).unwrap(),
            entropy,
            public_url: PublicUrl::parse(&public_url).unwrap(),
            upstreams: upstreams(listeners.port().unwrap()),
            dns: TxtLookup::new(vec![dns.address]),
            mailer: match smtp_url {
                None => Mailer::Mailbox(Mailbox::open(folder.clone()).unwrap()),
                Some(url) if url.is_empty() => Mailer::Nowhere,
                Some(url) => {
                    let from = EmailAddress::parse("no-reply@doorward.example").unwrap();
                    Mailer::Smtp(Smtp::new(&url, &from).unwrap())
                }
            },
        };
        let context = Arc::new(Context::new(resources, &key));
        let state = Data::new(State {
            context: context.clone(),
            trusted_proxies,
            cookie_key: actix_web::cookie::Key::from(&*key.cookie_key()),
            metrics: HttpMetrics::new(TenantLabel::Off),
            metrics_place: MetricsPlace::Here,
            welcome: None,
        });
        let server = start(listeners, state).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { context, clock, dns, http, address, server: handle, mailbox: folder }
    }

    pub async fn stop(self) {
        self.server.stop(false).await;
        if let Mailer::Mailbox(_) = self.context.mailer {
            std::fs::remove_dir_all(self.mailbox).unwrap();
        }
    }

    /// The tenant as the server has it.
    pub async fn snapshot(&self, tenant: &TestTenant) -> Arc<TenantSnapshot> {
        let context = &self.context;
        let name = TenantName::Slug(tenant.tenant.slug.clone());
        let found = context.tenants.find(
            &context.db,
            &context.sealer,
            &context.public_url,
            name,
            context.now(),
        );
        found.await.unwrap().expect("a tenant")
    }

    /// Sends what was ordered, and says what has come to `email` so far, the newest first.
    pub async fn mail_to(&self, email: &str) -> Vec<KeptMail> {
        delivery::send_due(&self.context).await.unwrap();
        let Mailer::Mailbox(mailbox) = &self.context.mailer else { panic!("no mailbox") };
        mailbox.list().unwrap().into_iter().filter(|mail| mail.to == email).collect()
    }

    /// The first link in the newest letter to `email`.
    pub async fn mailed_link(&self, email: &str) -> String {
        let mail = self.mail_to(email).await.into_iter().next().expect("a letter");
        let link = mail.text.split_whitespace().find(|word| word.starts_with("http"));
        link.unwrap_or_else(|| panic!("no link in {mail:?}")).to_owned()
    }

    /// The six digits in the newest letter to `email`.
    pub async fn mailed_code(&self, email: &str) -> String {
        let mail = self.mail_to(email).await.into_iter().next().expect("a letter");
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        let code = mail.text.split_whitespace().find(is_code);
        code.unwrap_or_else(|| panic!("no code in {mail:?}")).to_owned()
    }

    /// The token in the link of the newest letter to `email`.
    pub async fn mailed_token(&self, email: &str) -> String {
        let link = Url::parse(&self.mailed_link(email).await).unwrap();
        let token = link.query_pairs().find(|(name, _)| name == "token");
        token.expect("a token").1.into_owned()
    }

    pub fn get(&self, url: &str) -> Call<'_> {
        self.call(Method::GET, url)
    }

    pub fn post(&self, url: &str) -> Call<'_> {
        self.call(Method::POST, url)
    }

    /// Sends just these bytes, in a connection of its own: what no client library would. They lack the blank
    /// line that ends a head, and a body goes behind it.
    pub fn send_raw(&self, head: &[u8], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request = [head, b"Connection: close\r\n\r\n", body].concat();
        // Whoever refuses a request need not read it to its end.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let read = read_whole(&mut stream, &mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| {
            let sent = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
            panic!("no answer to {sent:?}: {read:?} {text:?}")
        });
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let name = header::HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, header::HeaderValue::from_str(value.trim()).unwrap());
        }
        Answer { status, headers, body: body.to_owned() }
    }

    pub fn call(&self, method: Method, url: &str) -> Call<'_> {
        let url = Url::parse(url).unwrap();
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let path = &url[url::Position::BeforePath..];
        let request = self
            .http
            .request(method, format!("http://{}{path}", self.address))
            .header(header::HOST, host);
        Call { app: self, request }
    }
}

/// Reads an answer as long as it says it is, or to the end of the connection: which stays open for a while
/// where the request was refused unread.
fn read_whole(stream: &mut TcpStream, answer: &mut Vec<u8>) -> std::io::Result<()> {
    let mut some = [0; 16_384];
    while !is_whole(answer) {
        match stream.read(&mut some)? {
            0 => return Ok(()),
            read => answer.extend_from_slice(&some[..read]),
        }
    }
    Ok(())
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.is_some_and(|length| answer.len() - end - 4 >= length.trim().parse::<usize>().unwrap())
}

/// A request that is being put together.
pub struct Call<'a> {
    app: &'a TestApp,
    request: reqwest::RequestBuilder,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn basic(mut self, id: &str, secret: &str) -> Self {
        self.request = self.request.basic_auth(id, Some(secret));
        self
    }

    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// A form with a file in it (RFC 7578).
    pub fn upload(self, fields: &[(&str, &str)], file: &[u8]) -> Self {
        let part =
            |about: &str| format!("--b\r\nContent-Disposition: form-data; name={about}\r\n\r\n");
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(format!("{}{value}\r\n", part(&format!("\"{name}\""))).bytes());
        }
        body.extend([part("\"file\"; filename=\"a\"").as_bytes(), file, b"\r\n--b--\r\n"].concat());
        self.header("content-type", "multipart/form-data; boundary=b").body(body)
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.body(body.into());
        self
    }

    pub async fn send(self) -> Answer {
        let (client, request) = self.request.build_split();
        let request = request.unwrap();
        let what = format!("{} {}", request.method(), request.url().path());
        let response = client.execute(request).await.unwrap_or_else(|error| {
            panic!("{what} at {}: {error:?}", self.app.address);
        });
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
        Answer { status, headers, body }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The body of an answer that must have that status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The refresh token of an answer that must be good.
    #[track_caller]
    pub fn refresh_token(&self) -> String {
        self.expect(200)["refresh_token"].as_str().unwrap().to_owned()
    }

    /// A refusal in the form that every JSON endpoint has.
    #[track_caller]
    pub fn refused(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!(body["error"], error, "{self:?}");
        assert!(body["error_description"].is_string(), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        if status == 400 {
            assert_eq!(self.header("www-authenticate"), None, "{self:?}");
        }
    }

    /// Where a redirect leads.
    #[track_caller]
    pub fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        self.header("location").unwrap()
    }
}

//! What the environment says, parsed.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::mail_settings::{MailSettings, check_smtp_url};
use super::{PublicUrl, TrustedProxies};
use crate::domain::email_address::EmailAddress;
use crate::domain::tenant::SignUp;

/// Where the data is: all that the offline commands need.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    pub data_dir: PathBuf,
    pub upstreams: super::UpstreamSettings,
    /// The name servers to ask; none: those of the system.
    pub dns_servers: Vec<SocketAddr>,
    /// `None`: SQLite in the data directory.
    pub database_url: Option<String>,
    /// The master key in base64, if the environment gives it.
    pub master_key: Option<MasterKeySource>,
    pub public_url: Option<PublicUrl>,
    /// The server to send mail by, if there is one.
    pub mail: Option<MailSettings>,
}

#[derive(Clone)]
pub enum MasterKeySource {
    Text(String),
    File(PathBuf),
}

impl fmt::Debug for MasterKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct ServeSettings {
    pub store: StoreSettings,
    pub public_url: PublicUrl,
    pub listen: SocketAddr,
    pub trusted_proxies: TrustedProxies,
    /// `None`: on the same address as everything else, for loopback alone.
    pub metrics_listen: Option<SocketAddr>,
    pub tenant_label: TenantLabel,
    /// `None` leaves it as it is.
    pub console_sign_up: Option<SignUp>,
}

/// Whether metrics tell the tenants apart: useful with few of them, ruinous with many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantLabel {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// All that is wrong with the configuration.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration needs mending:")?;
        self.0.iter().try_for_each(|problem| writeln!(f, "  - {problem}"))
    }
}

impl Problems {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Problems {
    fn take<T, E: fmt::Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|why| self.0.push(format!("{name}: {why}"))).ok()
    }
}

const DEFAULT_DATA_DIR: &str = "./doorward-data";
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The defaults stand in for what is wrong, so that every problem is found.
fn upstream_settings(problems: &mut Problems) -> super::UpstreamSettings {
    use super::upstreams::{self, UpstreamSettings};
    let defaults = UpstreamSettings::default();
    let text = |name: &str| variable(name);
    let (allow, google) = ("DOORWARD_UPSTREAM_ALLOW", "DOORWARD_UPSTREAM_GOOGLE_ISSUER");
    let (github, api) = ("DOORWARD_UPSTREAM_GITHUB_URL", "DOORWARD_UPSTREAM_GITHUB_API_URL");
    let allowed = upstreams::parse_allowed(&text(allow).unwrap_or_default());
    let google_issuer = text(google).map(|text| upstreams::parse_issuer(&text)).transpose();
    let github_url = text(github).map(|text| upstreams::parse_url(&text)).transpose();
    let github_api_url = text(api).map(|text| upstreams::parse_url(&text)).transpose();
    UpstreamSettings {
        allowed: problems.take(allow, allowed).unwrap_or_default(),
        google_issuer: problems
            .take(google, google_issuer)
            .flatten()
            .unwrap_or(defaults.google_issuer),
        github_url: problems.take(github, github_url).flatten().unwrap_or(defaults.github_url),
        github_api_url: problems
            .take(api, github_api_url)
            .flatten()
            .unwrap_or(defaults.github_api_url),
    }
}

impl StoreSettings {
    /// From the environment; `data_dir` is the flag, which goes before it.
    pub fn from_environment(data_dir: Option<PathBuf>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let settings = Self::collect(data_dir, &mut problems);
        if problems.0.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// The same, with what is wrong left out: for finding what else is.
    pub fn as_far_as_told(data_dir: Option<PathBuf>) -> Self {
        Self::collect(data_dir, &mut Problems::default())
    }

    fn collect(data_dir: Option<PathBuf>, problems: &mut Problems) -> Self {
        let file =
            variable("DOORWARD_MASTER_KEY_FILE").map(PathBuf::from).map(MasterKeySource::File);
        let text = variable("DOORWARD_MASTER_KEY").map(MasterKeySource::Text);
        if file.is_some() && text.is_some() {
            let both = "DOORWARD_MASTER_KEY and DOORWARD_MASTER_KEY_FILE are both set: keep one";
            problems.0.push(both.to_owned());
        }
        let database_url = variable("DATABASE_URL");
        let known = ["sqlite://", "postgres://", "postgresql://"];
        if let Some(url) = &database_url
            && !known.iter().any(|scheme| url.starts_with(scheme))
        {
            problems.0.push(
                "DATABASE_URL: write sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"
                    .to_owned(),
            );
        }
        Self {
            data_dir: data_dir
                .or_else(|| variable("DOORWARD_DATA_DIR").map(PathBuf::from))
                .unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR)),
            upstreams: upstream_settings(problems),
            dns_servers: dns_servers(problems),
            database_url,
            master_key: text.or(file),
            public_url: variable("DOORWARD_PUBLIC_URL")
                .and_then(|text| problems.take("DOORWARD_PUBLIC_URL", PublicUrl::parse(&text))),
            mail: mail(problems),
        }
    }
}

fn dns_servers(problems: &mut Problems) -> Vec<SocketAddr> {
    let name = "DOORWARD_DNS_SERVERS";
    let servers = super::dns_servers::parse(&variable(name).unwrap_or_default());
    problems.take(name, servers).unwrap_or_default()
}

fn mail(problems: &mut Problems) -> Option<MailSettings> {
    let (smtp_url, from) = (variable("DOORWARD_SMTP_URL"), variable("DOORWARD_MAIL_FROM"));
    if smtp_url.is_some() != from.is_some() {
        problems.0.push(
            "DOORWARD_SMTP_URL and DOORWARD_MAIL_FROM belong together: set both or neither"
                .to_owned(),
        );
    }
    let right =
        smtp_url.as_deref().and_then(|url| problems.take("DOORWARD_SMTP_URL", check_smtp_url(url)));
    let from =
        from.and_then(|from| problems.take("DOORWARD_MAIL_FROM", EmailAddress::parse(&from)));
    right.and(smtp_url).zip(from).map(|(smtp_url, from)| MailSettings { smtp_url, from })
}

impl StoreSettings {
    /// Where `dev` keeps the letters that it catches.
    pub fn mailbox_dir(&self) -> PathBuf {
        self.data_dir.join("mailbox")
    }

    /// Where `dev` keeps the master key that it makes.
    pub fn key_file(&self) -> PathBuf {
        self.data_dir.join("master.key")
    }

    /// Where `dev` writes its facts.
    pub fn dev_file(&self) -> PathBuf {
        self.data_dir.join("dev.json")
    }

    pub fn database_url(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("doorward.db").display()))
    }
}

fn address(problems: &mut Problems, name: &str, text: &str) -> Option<SocketAddr> {
    let parsed =
        text.parse().map_err(|_| format!("`{text}` is no address and port, such as 0.0.0.0:8080"));
    problems.take(name, parsed)
}

fn listen_address(problems: &mut Problems) -> Option<SocketAddr> {
    let text = variable("DOORWARD_LISTEN");
    address(problems, "DOORWARD_LISTEN", text.as_deref().unwrap_or(DEFAULT_LISTEN))
}

/// Where to listen: `flag`, or what the environment says.
pub fn listen(flag: Option<SocketAddr>) -> Result<SocketAddr, Problems> {
    let mut problems = Problems::default();
    flag.or_else(|| listen_address(&mut problems)).ok_or(problems)
}

impl ServeSettings {
    pub fn from_environment(
        data_dir: Option<PathBuf>,
        listen: Option<SocketAddr>,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let store = StoreSettings::collect(data_dir, &mut problems);
        if variable("DOORWARD_PUBLIC_URL").is_none() {
            problems.0.push(
                "DOORWARD_PUBLIC_URL is not set: the https address under which browsers reach this server, \
                 such as https://auth.example.com"
                    .to_owned(),
            );
        }
        if store.master_key.is_none() && !store.key_file().exists() {
            problems.0.push(
                "DOORWARD_MASTER_KEY is not set: 32 random bytes in base64, made once with \
                 `openssl rand -base64 32` and kept safe; without it the signing keys cannot be opened"
                    .to_owned(),
            );
        }
        let listen = listen.or_else(|| listen_address(&mut problems));
        let metrics_listen = variable("DOORWARD_METRICS_LISTEN")
            .and_then(|text| address(&mut problems, "DOORWARD_METRICS_LISTEN", &text));
        let tenant_label = match variable("DOORWARD_METRICS_TENANT_LABEL").as_deref() {
            None | Some("off") => TenantLabel::Off,
            Some("on") => TenantLabel::On,
            Some(other) => {
                let problem =
                    format!("DOORWARD_METRICS_TENANT_LABEL: `{other}` is neither on nor off");
                problems.0.push(problem);
                TenantLabel::Off
            }
        };
        let trusted_proxies = problems.take(
            "DOORWARD_TRUSTED_PROXIES",
            TrustedProxies::parse(&variable("DOORWARD_TRUSTED_PROXIES").unwrap_or_default()),
        );
        let console_sign_up = match variable("DOORWARD_CONSOLE_SIGNUP").as_deref() {
            None => None,
            Some("open") => Some(SignUp::Open),
            Some("invite") => Some(SignUp::Closed),
            Some(other) => {
                problems
                    .0
                    .push(format!("DOORWARD_CONSOLE_SIGNUP: `{other}` is neither open nor invite"));
                None
            }
        };
        match (store.public_url.clone(), listen, trusted_proxies) {
            (Some(public_url), Some(listen), Some(trusted_proxies)) if problems.0.is_empty() => {
                Ok(Self {
                    store,
                    public_url,
                    console_sign_up,
                    listen,
                    trusted_proxies,
                    metrics_listen,
                    tenant_label,
                })
            }
            _ => Err(problems),
        }
    }
}

/// What the process says of itself, and to whom.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// A `tracing` filter, such as `info,doorward=debug`.
    pub filter: String,
    pub format: LogFormat,
    /// The OpenTelemetry collector that traces go to, if any.
    pub otlp_endpoint: Option<String>,
}

/// `DOORWARD_LOG`, `DOORWARD_LOG_FORMAT` and `DOORWARD_OTLP_ENDPOINT`.
pub fn logging() -> Result<LogSettings, Problems> {
    let mut problems = Problems::default();
    let filter = variable("DOORWARD_LOG").unwrap_or_else(|| "info,actix_server=warn".to_owned());
    let format = match variable("DOORWARD_LOG_FORMAT").as_deref() {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => {
            problems.0.push(format!("DOORWARD_LOG_FORMAT: `{other}` is neither text nor json"));
            LogFormat::Text
        }
    };
    let otlp_endpoint = variable("DOORWARD_OTLP_ENDPOINT");
    let is_web = |text: &String| {
        url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    if otlp_endpoint.as_ref().is_some_and(|text| !is_web(text)) {
        let how =
            "DOORWARD_OTLP_ENDPOINT: write the collector's address, such as http://127.0.0.1:4318";
        problems.0.push(how.to_owned());
    }
    let settings = LogSettings { filter, format, otlp_endpoint };
    if problems.0.is_empty() { Ok(settings) } else { Err(problems) }
}

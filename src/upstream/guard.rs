//! The one HTTP client for calls to upstream providers. It goes to public addresses alone, by https, follows
//! no redirect, and is bounded in time, size and number. What else it may call, the deployment says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::address::is_public;
use crate::domain::ids::TenantId;

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const CALL_PATIENCE: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 512 * 1024;
/// Calls under way at once to what tenants have named.
const MAX_CALLS: usize = 128;
/// No tenant uses up all of them, and none is slowed by another's provider.
const MAX_CALLS_OF_ONE: usize = 8;
/// Nor does one host, whichever tenants named it.
const MAX_CALLS_TO_ONE: usize = 32;
/// To what the deployment has named: Google and GitHub, for all tenants together.
const MAX_CALLS_OF_DEPLOYMENT: usize = 64;

/// Who has named the provider that is called, and so whom its slowness may slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    Deployment,
    Tenant(TenantId),
}

/// The client, on somebody's account.
#[derive(Clone, Copy)]
pub struct Caller<'c> {
    pub client: &'c GuardedClient,
    pub payer: Payer,
}

/// A host and port that may be called whatever its address, and without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("too many calls")]
    Busy,
    #[error("{0} may not be called")]
    Forbidden(String),
    #[error("the answer is too large")]
    TooLarge,
    #[error("{0}")]
    Failed(String),
}

pub struct GuardedClient {
    allowed: Vec<Target>,
    /// Made when first needed, since they read the system's root certificates: commands that call nobody need
    /// none, and a machine without any can do all the rest.
    public: OnceLock<Result<reqwest::Client, String>>,
    unguarded: OnceLock<Result<reqwest::Client, String>>,
    slots: Arc<Slots>,
}

/// Which addresses a call may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Public,
    /// For the allowed targets.
    Anywhere,
}

impl GuardedClient {
    pub fn new(allowed: Vec<Target>) -> Self {
        let (public, unguarded) = (OnceLock::new(), OnceLock::new());
        Self { allowed, public, unguarded, slots: Arc::default() }
    }

    fn client(&self, reach: Reach) -> Result<&reqwest::Client, CallError> {
        let kept = match reach {
            Reach::Public => &self.public,
            Reach::Anywhere => &self.unguarded,
        };
        let client = kept.get_or_init(|| client(reach).map_err(|error| with_causes(&error)));
        client.as_ref().map_err(|why| CallError::Failed(why.clone()))
    }

    pub fn is_allowed(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        url.host_str().is_some_and(|host| {
            self.allowed.iter().any(|target| target.host == host && Some(target.port) == port)
        })
    }

    /// How far a call to `url` may reach. A literal address is never resolved, so that it is looked at here.
    pub fn check(&self, url: &Url) -> Result<Reach, CallError> {
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if self.is_allowed(url) && !has_credentials && matches!(url.scheme(), "http" | "https") {
            return Ok(Reach::Anywhere);
        }
        let is_public_host = match url.host() {
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            None => false,
        };
        if url.scheme() == "https" && is_public_host && !has_credentials {
            Ok(Reach::Public)
        } else {
            Err(CallError::Forbidden(described(url)))
        }
    }

    async fn send(&self, payer: Payer, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|error| CallError::Failed(error.to_string()))?;
        let client = self.client(self.check(&url)?)?;
        let host = url.host_str().unwrap_or_default();
        let _slot = self.slots.take(payer, host).ok_or(CallError::Busy)?;
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = client.execute(request).await.map_err(failed)?;
        if answer.status().is_server_error() {
            return Err(CallError::Failed(format!("it answers {}", answer.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

fn client(reach: Reach) -> Result<reqwest::Client, reqwest::Error> {
    let client = reqwest::Client::builder()
        .user_agent("Doorward")
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_PATIENCE)
        .timeout(CALL_PATIENCE);
    match reach {
        Reach::Public => {
            client.https_only(true).dns_resolver(Arc::new(PublicAddresses(by_system))).build()
        }
        Reach::Anywhere => client.build(),
    }
}

impl Caller<'_> {
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        self.client.send(self.payer, request).await
    }
}

impl<'c> AsyncHttpClient<'c> for Caller<'_> {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// With the causes; without the URL, whose query may hold what nobody should read.
fn failed(error: reqwest::Error) -> CallError {
    let error = error.without_url();
    if error.is_timeout() {
        return CallError::Failed("it takes too long".to_owned());
    }
    match causes(&error).find(|cause| cause.is::<NoPublicAddress>()) {
        Some(cause) => CallError::Forbidden(cause.to_string()),
        None => CallError::Failed(with_causes(&error)),
    }
}

fn with_causes(error: &reqwest::Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
}

fn described(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// Resolves names and keeps the public addresses. What it answers is what is connected to, so that a name
/// that resolves otherwise a moment later changes nothing.
struct PublicAddresses(Lookup);

type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;
/// What a name stands for at this moment.
type Lookup = fn(String) -> Found;

fn by_system(name: String) -> Found {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

#[derive(Debug, thiserror::Error)]
#[error("a name without a public address")]
struct NoPublicAddress;

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let public = public_ones(found.await?.into_iter());
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

fn public_ones(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    addresses.filter(|address| is_public(address.ip())).collect()
}

/// How many calls are under way, by what bounds them.
#[derive(Default)]
struct Slots(Mutex<HashMap<String, usize>>);

/// A call's share of each of its bounds.
struct Slot {
    slots: Arc<Slots>,
    held: Vec<String>,
}

impl Slots {
    fn take(self: &Arc<Self>, payer: Payer, host: &str) -> Option<Slot> {
        let bounds = match payer {
            Payer::Deployment => vec![("deployment".to_owned(), MAX_CALLS_OF_DEPLOYMENT)],
            Payer::Tenant(id) => vec![
                ("tenants".to_owned(), MAX_CALLS),
                (format!("of {id}"), MAX_CALLS_OF_ONE),
                (format!("to {host}"), MAX_CALLS_TO_ONE),
            ],
        };
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bounds.iter().any(|(key, most)| taken.get(key).is_some_and(|count| count >= most)) {
            return None;
        }
        let held: Vec<String> = bounds.into_iter().map(|(key, _)| key).collect();
        for key in &held {
            *taken.entry(key.clone()).or_default() += 1;
        }
        Some(Slot { slots: Arc::clone(self), held })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.held {
            if let Some(count) = taken.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    taken.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn client() -> GuardedClient {
        let allowed = Target { host: "127.0.0.1".to_owned(), port: 4_000 };
        GuardedClient::new(vec![allowed])
    }

    fn refused(client: &GuardedClient, url: &str) -> bool {
        matches!(client.check(&Url::parse(url).unwrap()), Err(CallError::Forbidden(_)))
    }

    #[test]
    fn literal_addresses_that_are_not_public_are_refused_however_they_are_written() {
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://0/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://[fd00:ec2::254]/",
            "https://127.0.0.1:4001/",
            "https://１２７.0.0.1/",
        ] {
            assert!(refused(&client(), url), "{url}");
        }
    }

    #[test]
    fn anything_but_https_is_refused() {
        for url in ["http://example.com/", "ftp://example.com/", "file:///etc/passwd"] {
            assert!(refused(&client(), url), "{url}");
        }
        assert!(refused(&client(), "https://user:secret@example.com/"));
        assert!(!refused(&client(), "https://example.com/"));
    }

    #[test]
    fn what_the_deployment_allows_is_one_host_and_port() {
        assert!(!refused(&client(), "http://127.0.0.1:4000/x"));
        assert!(!refused(&client(), "https://127.0.0.1:4000/x"));
        assert!(refused(&client(), "http://localhost:4000/"));
        assert!(refused(&client(), "http://u@127.0.0.1:4000/"));
    }

    async fn send(client: &GuardedClient, url: String) -> Result<HttpResponse, CallError> {
        let request = http::Request::get(url).body(Vec::new()).unwrap();
        Caller { client, payer: tenant(0) }.send(request).await
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future)
    }

    /// `localhost` stands for every name whose owner lets it point inwards.
    #[test]
    fn a_name_that_points_inwards_is_refused_after_it_was_resolved() {
        block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            for host in ["localhost", "localhost.", "x.localhost"] {
                let answer = send(&client(), format!("https://{host}:{port}/")).await;
                assert!(
                    matches!(answer, Err(CallError::Forbidden(_) | CallError::Failed(_))),
                    "{host}: {answer:?}"
                );
            }
            let answer = send(&client(), format!("https://localhost:{port}/")).await;
            assert!(matches!(answer, Err(CallError::Forbidden(_))), "{answer:?}");
            let arrived = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
            assert!(arrived.is_err(), "somebody connected");
        });
    }

    #[test]
    fn of_several_addresses_only_the_public_ones_are_used() {
        let addresses = ["127.0.0.1:0", "8.8.8.8:0", "[::1]:0", "10.0.0.1:0"];
        let addresses = addresses.map(|address| address.parse().unwrap());
        assert_eq!(public_ones(addresses.into_iter()), ["8.8.8.8:0".parse().unwrap()]);
    }

    /// The first answer is for whoever checks, the second for whoever connects: here both are one.
    #[test]
    fn a_name_is_looked_at_each_time_that_it_is_connected_to() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let rebinding: Lookup = |_| {
            let answers = ["8.8.8.8:0", "127.0.0.1:0"];
            let answer = answers[ASKED.fetch_add(1, Ordering::Relaxed) % answers.len()];
            Box::pin(async move { Ok(vec![answer.parse().unwrap()]) })
        };
        let resolver = PublicAddresses(rebinding);
        let resolve = || resolver.resolve("rebind.example".parse().unwrap());
        block_on(async {
            let first: Vec<_> = resolve().await.unwrap().collect();
            assert_eq!(first, ["8.8.8.8:0".parse().unwrap()]);
            assert_eq!(ASKED.load(Ordering::Relaxed), 1, "it is asked once for each connection");
            let second = resolve().await.err().unwrap();
            assert!(second.is::<NoPublicAddress>(), "{second}");
        });
    }

    #[test]
    fn a_redirect_is_an_answer_and_is_not_followed() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1_024]).await.unwrap();
                let answer = format!(
                    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/secret\r\n\
                     Content-Length: 0\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                listener
            });
            let allowed = Target { host: "127.0.0.1".to_owned(), port };
            let client = GuardedClient::new(vec![allowed]);
            let answer = send(&client, format!("http://127.0.0.1:{port}/")).await.unwrap();
            assert_eq!(answer.status(), 302);
            let listener = server.await.unwrap();
            let again = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
            assert!(again.is_err(), "the redirect was followed");
        });
    }

    fn tenant(number: u8) -> Payer {
        Payer::Tenant(TenantId::from_bytes([number; 16]))
    }

    #[test]
    fn calls_are_bounded_and_no_tenant_or_host_uses_up_those_of_others() {
        let slots = Arc::new(Slots::default());
        let host = |port: usize| format!("host-{port}.example");
        let mut held: Vec<Slot> =
            (0..MAX_CALLS_OF_ONE).map(|port| slots.take(tenant(0), &host(port)).unwrap()).collect();
        assert!(slots.take(tenant(0), "other.example").is_none(), "one tenant has its share");
        for number in 1..=4 {
            held.extend((0..8).map(|_| slots.take(tenant(number), "slow.example").unwrap()));
        }
        assert!(slots.take(tenant(5), "slow.example").is_none(), "one host has its share");
        let mut number = 10;
        while held.len() < MAX_CALLS {
            held.extend((0..8).map(|port| slots.take(tenant(number), &host(port)).unwrap()));
            number += 1;
        }
        assert!(slots.take(tenant(99), "one-more.example").is_none(), "all of them");
        assert!(slots.take(Payer::Deployment, "slow.example").is_some(), "Google goes on");
        held.clear();
        assert!(slots.take(tenant(0), "slow.example").is_some());
        assert!(slots.0.lock().unwrap().is_empty(), "nothing is left behind");
    }
}

//! A machine's access token (RFC 6749 §4.4): fetched when it is first needed, kept until shortly before it expires.

use std::error::Error;
use std::time::{Duration, Instant};

use oauth2::basic::BasicClient;
use oauth2::{
    ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, TokenResponse,
    TokenUrl,
};
use tokio::sync::Mutex;

const EARLY: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(10);

type Client =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Made once, and shared.
pub struct TokenSource {
    client: Client,
    http: reqwest::Client,
    held: Mutex<Option<(String, Instant)>>,
}

impl TokenSource {
    pub fn new(issuer: &str, id: String, secret: String) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            client: BasicClient::new(ClientId::new(id))
                .set_client_secret(ClientSecret::new(secret))
                .set_token_uri(TokenUrl::new(format!("{issuer}/oauth2/token"))?),
            // A token endpoint never redirects; whoever followed would carry the secret elsewhere.
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(PATIENCE)
                .build()?,
            held: Mutex::default(),
        })
    }

    /// Calls that come at once share one request; the next call after a failure tries again.
    pub async fn token(&self) -> Result<String, Box<dyn Error>> {
        let mut held = self.held.lock().await;
        if let Some((token, until)) = &*held
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let send = |request| send(&self.http, request);
        let answer = self.client.exchange_client_credentials().request_async(&send).await?;
        let token = answer.access_token().secret().clone();
        let life = answer.expires_in().unwrap_or_default();
        *held = Some((token.clone(), Instant::now() + life.saturating_sub(EARLY)));
        Ok(token)
    }
}

async fn send(
    http: &reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, reqwest::Error> {
    let response = http.execute(request.try_into()?).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    Ok(answer)
}

//! Redeeming a code of our own, without going over the network for it, and looking into what comes of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::domain::parameters::Parameters;
use crate::flows::oauth::client::Client;
use crate::flows::oauth::error::Refusal;
use crate::flows::oauth::issue::TokenAnswer;
use crate::flows::oauth::token;
use crate::flows::{Context, Failure, TenantSnapshot};

/// `None` if the token endpoint would refuse it.
pub(super) async fn redeem(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    code: &str,
    redirect_uri: &str,
    verifier: &str,
    address: Option<&str>,
) -> Result<Option<TokenAnswer>, Failure> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_verifier", verifier)
        .finish();
    let parameters =
        Parameters::parse(form.as_bytes()).map_err(|error| Failure::Internal(error.to_string()))?;
    match token::exchange(context, tenant, client, &parameters, address).await {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::Client(_)) => Ok(None),
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}

/// The claims of a token that we have just made, and hence need not verify.
pub fn payload(jwt: &str) -> Value {
    part(jwt, 1)
}

pub fn header(jwt: &str) -> Value {
    part(jwt, 0)
}

fn part(jwt: &str, at: usize) -> Value {
    let part = jwt.split('.').nth(at).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

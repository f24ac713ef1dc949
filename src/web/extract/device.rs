//! Where a request comes from, for its owner to recognise it by.

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use crate::flows::account::throttle::Asker;
use crate::storage::Device;
use crate::web::state::State;

const MAX_USER_AGENT: usize = 300;

pub fn device(request: &HttpRequest) -> Device {
    let header = |name: header::HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok())
    };
    let user_agent =
        header(header::USER_AGENT).map(|text| text.chars().take(MAX_USER_AGENT).collect());
    Device { user_agent, address: address(request) }
}

/// The client's address.
pub fn address(request: &HttpRequest) -> Option<String> {
    let state = request.app_data::<web::Data<State>>()?;
    let peer = request.peer_addr().map(|peer| peer.ip());
    // Some proxies append to the line that came, some add one of their own: read as one list (RFC 9110 §5.3),
    // since the first line alone is what the client says of itself. What is no text vouches for nobody.
    let lines = request.headers().get_all(header::X_FORWARDED_FOR);
    let hops: Vec<&str> = lines.map(|value| value.to_str().unwrap_or("?")).collect();
    state.client_address(peer, &hops.join(",")).map(|address| address.to_string())
}

/// Who asks by one of our pages.
pub fn asker(address: Option<&str>) -> Asker<'_> {
    Asker { address, client: None }
}

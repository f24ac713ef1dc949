//! Where a request comes from, for its owner to recognise it by.

use actix_web::http::header;
use actix_web::{HttpRequest, web};

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
    let forwarded =
        request.headers().get(header::X_FORWARDED_FOR).and_then(|value| value.to_str().ok());
    state.client_address(peer, forwarded).map(|address| address.to_string())
}

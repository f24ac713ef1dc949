//! Where a request comes from, for its owner to recognise it by.

use actix_web::http::header::{self, HeaderMap};
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
    let forwarded = forwarded_for(request.headers());
    state.client_address(peer, &forwarded).map(|address| address.to_string())
}

/// Who asks by one of our pages.
pub fn asker(address: Option<&str>) -> Asker<'_> {
    Asker { address, client: None }
}

/// A proxy may add a line of its own to those that the client sent: they are one list (RFC 9110 §5.3). The first
/// line alone is what the client says of itself. What is no text vouches for nobody.
fn forwarded_for(headers: &HeaderMap) -> String {
    let lines = headers.get_all(header::X_FORWARDED_FOR);
    lines.map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_line_of_the_proxy_comes_after_those_of_the_client() {
        let request = TestRequest::default()
            .append_header((header::X_FORWARDED_FOR, "6.6.6.6, 7.7.7.7"))
            .append_header((header::X_FORWARDED_FOR, "203.0.113.9"))
            .to_http_request();
        assert_eq!(forwarded_for(request.headers()), "6.6.6.6, 7.7.7.7,203.0.113.9");
    }
}

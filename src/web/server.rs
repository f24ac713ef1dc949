//! Binding and running the HTTP server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};

use super::request_log::{self, RequestIds};
use super::{headers, ops, routes, state::State, unread_body};

/// The largest body that any endpoint takes.
const MAX_BODY: usize = 64 * 1024;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// What is under way when the server is told to stop has this long.
const SHUTDOWN_SECONDS: u64 = 20;

/// Sockets that listen already, so that the port is known before the first request is served.
pub struct Listeners(Vec<TcpListener>);

impl Listeners {
    pub fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let mut listeners = Self(vec![listener]);
        // `localhost` is either loopback; some clients ask the IPv6 one first.
        if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let other = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), listeners.port()?);
            listeners.0.extend(TcpListener::bind(other));
        }
        Ok(listeners)
    }

    pub fn port(&self) -> std::io::Result<u16> {
        match self.0.first() {
            Some(listener) => Ok(listener.local_addr()?.port()),
            None => Err(std::io::Error::other("no listener")),
        }
    }
}

/// The server, to be awaited. SIGTERM and SIGINT stop it: no new connections, and what is under way is
/// finished.
pub fn start(listeners: Listeners, state: web::Data<State>) -> std::io::Result<Server> {
    let request_ids = web::Data::new(RequestIds::new(&*state.context.entropy));
    let mut server = HttpServer::new(move || {
        let state = state.clone();
        App::new()
            .app_data(state.clone())
            .app_data(request_ids.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .wrap(from_fn(headers::security))
            .wrap(from_fn(request_log::log))
            .wrap(from_fn(unread_body::hold))
            .configure(|config| routes::configure(config, &state))
            .default_service(web::to(not_found))
    })
    .client_request_timeout(HEADER_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_SECONDS);
    for listener in listeners.0 {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}

/// `/metrics` and nothing else.
pub fn start_metrics(listeners: Listeners, state: web::Data<State>) -> std::io::Result<Server> {
    let mut server = HttpServer::new(move || {
        App::new().app_data(state.clone()).route("/metrics", web::get().to(ops::metrics::get))
    })
    .workers(1)
    .disable_signals();
    for listener in listeners.0 {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n")
}

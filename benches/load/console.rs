//! The console's pages, as an operator who is signed in opens them.

use std::collections::BTreeMap;

use super::Options;
use super::http::{Connection, form, get};
use super::measure::{Figures, repeat};
use super::server::Server;

/// Every page of the console, and the lists by all that they can be asked for. `{app}` stands for the app of the
/// tenant that is measured.
pub const PAGES: &[&str] = &[
    "/console",
    "/console?search=bulk",
    "/console?search=nobody",
    "/console/accounts",
    "/console/deployment",
    "/console/t/acme",
    "/console/t/acme/users",
    "/console/t/acme/users?search=u",
    // The first of those that both databases are filled with.
    "/console/t/acme/users/usr0000000000000000000000",
    "/console/t/acme/apps",
    "/console/t/acme/apps?search=a",
    "/console/t/acme/apps/{app}",
    "/console/t/acme/roles",
    "/console/t/acme/members",
    "/console/t/acme/keys",
    "/console/t/acme/settings",
    "/console/t/acme/sign-in",
    "/console/t/acme/branding",
    "/console/t/acme/audit",
    "/console/t/acme/audit?action=user.created",
    "/console/t/acme/mail",
];

pub fn measure(server: &Server, options: &Options, page: &str) -> Figures {
    let cookie = sign_in(server);
    let page = &page.replace("{app}", server.fact("/app/client_id"));
    repeat(options.connections, options.seconds, Some(server), |_| {
        let request = get(page, &cookie);
        let mut connection = server.connect();
        move || {
            connection.send(&request).expect(200);
        }
    })
}

/// Through the hosted login of the built-in tenant; the `Cookie` header of it.
fn sign_in(server: &Server) -> String {
    let mut browser = Browser { connection: server.connect(), cookies: BTreeMap::new() };
    let page = browser.open("/console");
    let field = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        page.split_once(&start).unwrap().1.split('"').next().unwrap().to_owned()
    };
    let (email, password) = (server.fact("/console/email"), server.fact("/console/password"));
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("csrf", &field("csrf"))
        .append_pair("request", &field("request"))
        .append_pair("email", email)
        .append_pair("password", password)
        .finish();
    browser.send(&|cookie| form("/t/console/login", cookie, &body));
    browser.cookie()
}

struct Browser {
    connection: Connection,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn cookie(&self) -> String {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }

    fn open(&mut self, path: &str) -> String {
        self.send(&|cookie| get(path, cookie))
    }

    /// The page at the end of all redirects.
    fn send(&mut self, request: &dyn Fn(&str) -> Vec<u8>) -> String {
        let cookie = self.cookie();
        let reply = self.connection.send(&request(&cookie));
        for pair in reply.headers("set-cookie") {
            let (name, value) = pair.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let Some(location) = reply.header("location") else {
            return reply.expect(200).body.to_owned();
        };
        let path = match location.split_once("://") {
            Some((_, rest)) => format!("/{}", rest.split_once('/').unwrap().1),
            None => location.to_owned(),
        };
        self.open(&path)
    }
}

//! Whether anything costs more because there is more: each hot path and each page of the console on an almost
//! empty database, with no more than fills a page, and on a full one, by turns, in one run.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use super::Options;
use super::console;
use super::http::get;
use super::measure::{Figures, repeat};
use super::scenarios::{measure_code, measure_introspect, measure_login, measure_refresh};
use super::server::Server;

/// Tenants with keys of their own, to spread requests over: keys are sealed for their tenant, so that
/// only the product makes them.
const REAL_TENANTS: usize = 200;
/// Each measurement is taken so often on either database, and the best is what counts: others use the machine too.
const ROUNDS: usize = 3;

/// What the almost empty database holds: lists are as long on either.
const PAGEFUL_OF_TENANTS: usize = 100;
/// A tenth of them in the tenant that is measured.
const PAGEFUL_OF_USERS: usize = 1_000;

type Measurement = fn(&Server, &Options) -> Figures;

const PATHS: &[(&str, Measurement)] = &[
    ("refresh", measure_refresh),
    ("JWKS", measure_jwks),
    ("JWKS of many tenants by turns", measure_many_jwks),
    ("authorize and redeem", measure_code),
    ("introspect", measure_introspect),
    ("JSON login", |server, options| measure_login(server, options, options.connections)),
];

pub fn run(options: &Options) {
    let full_url = options.postgres.as_deref().map(|url| second_database(url, "full"));
    let empty = Server::start_on("empty", options.postgres.clone(), |server| {
        make_tenants(server);
        fill(server, PAGEFUL_OF_TENANTS, PAGEFUL_OF_USERS);
    });
    let full = Server::start_on("full", full_url, |server| {
        make_tenants(server);
        let started = Instant::now();
        fill(server, options.tenants, options.users);
        println!(
            "filled with {} tenants, {} users, sessions, families and audit events in {} s",
            options.tenants,
            options.users,
            started.elapsed().as_secs()
        );
    });
    for (name, server) in [("empty", &empty), ("full", &full)] {
        println!(
            "{name}: start to first answer {:.0} ms, idle {:.1} MB",
            server.start_ms,
            server.rss_mb()
        );
    }
    Figures::heading();
    for (name, measurement) in PATHS.iter().filter(|(name, _)| options.wants(name)) {
        compare(&empty, &full, name, |server| measurement(server, options));
    }
    for page in console::PAGES.iter().filter(|page| options.wants(page)) {
        compare(&empty, &full, page, |server| console::measure(server, options, page));
    }
    for (name, server) in [("empty", &empty), ("full", &full)] {
        println!("{name}: peak RSS {:.1} MB, now {:.1} MB", server.peak_rss_mb(), server.rss_mb());
    }
    empty.remove();
    full.remove();
}

fn compare(empty: &Server, full: &Server, name: &str, measure: impl Fn(&Server) -> Figures) {
    let mut best: [Option<Figures>; 2] = [None, None];
    for _ in 0..ROUNDS {
        for (best, server) in best.iter_mut().zip([empty, full]) {
            let figures = measure(server);
            if best.as_ref().is_none_or(|best| figures.per_second() > best.per_second()) {
                *best = Some(figures);
            }
        }
    }
    let [Some(on_empty), Some(on_full)] = best else { unreachable!("measured above") };
    on_empty.print(name, "");
    let ratio = on_empty.per_second() / on_full.per_second();
    on_full.print("  on the full database", &format!("{ratio:.2} times the cost"));
}

fn measure_jwks(server: &Server, options: &Options) -> Figures {
    hammer(server, options, |_| "acme".to_owned())
}

fn measure_many_jwks(server: &Server, options: &Options) -> Figures {
    hammer(server, options, |round| format!("real-{}", round % REAL_TENANTS))
}

fn hammer(server: &Server, options: &Options, slug: impl Fn(usize) -> String + Sync) -> Figures {
    repeat(options.connections, options.seconds, Some(server), |worker| {
        let (mut connection, slug) = (server.connect(), &slug);
        let mut round = worker * 17;
        move || {
            round += 1;
            let path = format!("/t/{}/.well-known/jwks.json", slug(round));
            connection.send(&get(&path, "")).expect(200);
        }
    })
}

fn make_tenants(server: &Server) {
    for number in 0..REAL_TENANTS {
        let slug = format!("real-{number}");
        server.command(&["tenant", "create", "--slug", &slug, "--name", &slug]);
    }
}

/// A second database on the same server.
fn second_database(url: &str, name: &str) -> String {
    let mut connection = PgConnection::establish(url).unwrap();
    let mut second = url::Url::parse(url).unwrap();
    let database = format!("{}_{name}", second.path().trim_start_matches('/'));
    connection.batch_execute(&format!("CREATE DATABASE {database}")).unwrap();
    second.set_path(&database);
    second.to_string()
}

/// Rows as the product would have written them, without the work of writing them one by one: a tenth of the
/// users in the tenant that is measured, the others spread over all.
fn fill(server: &Server, tenants: usize, users: usize) {
    let acme = "(SELECT id FROM tenants WHERE slug = 'acme')";
    let app = server.fact("/app/client_id");
    let (series, number) = match &server.database {
        Some(_) => ("generate_series(0, {count} - 1) AS series(n)", "lpad(n::text, 22, '0')"),
        None => (
            "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {count} - 1) SELECT n FROM s)",
            "printf('%022d', n)",
        ),
    };
    let of_tenants = series.replace("{count}", &tenants.to_string());
    let of_users = series.replace("{count}", &users.to_string());
    let other = number
        .replace("n::text", &format!("(n % {tenants})::text"))
        .replace(", n)", &format!(", n % {tenants})"));
    let tenant = format!("CASE WHEN n % 10 = 0 THEN {acme} ELSE 'ten' || {other} END");
    let application = format!("CASE WHEN n % 10 = 0 THEN '{app}' ELSE 'app' || {other} END");
    // The far future: nothing of it is swept out.
    let (now, later) = ("1800000000000", "4000000000000");
    let statements = [
        format!(
            "INSERT INTO tenants (id, slug, name, status, sign_up, created_at)
             SELECT 'ten' || {number}, 'bulk-' || n, 'Bulk ' || n, 'active', 'open', {now} FROM {of_tenants}"
        ),
        format!(
            "INSERT INTO applications (tenant_id, id, name, kind, status, direct_login, is_default,
                access_token_algorithm, id_token_algorithm, access_token_seconds, refresh_idle_seconds,
                refresh_absolute_seconds, created_at)
             SELECT 'ten' || {number}, 'app' || {number}, 'App', 'web', 'active', TRUE, TRUE, 'ES256', 'RS256', 900,
                604800, 2592000, {now} FROM {of_tenants}"
        ),
        format!(
            "INSERT INTO users (tenant_id, id, email, email_key, email_verified, status, created_at)
             SELECT {tenant}, 'usr' || {number}, 'u' || n || '@bulk.example', 'u' || n || '@bulk.example', TRUE,
                'active', {now} FROM {of_users}"
        ),
        format!(
            "INSERT INTO sessions (tenant_id, id, user_id, kind, authenticated_at, methods, created_at, last_seen_at)
             SELECT {tenant}, 'ses' || {number}, 'usr' || {number}, 'browser', {now}, 'pwd', {later}, {now}
             FROM {of_users}"
        ),
        format!(
            "INSERT INTO refresh_families (tenant_id, id, application_id, user_id, session_id, scope,
                authenticated_at, generation, rotated_at, client_authenticated, idle_expires_at, expires_at)
             SELECT {tenant}, 'fam' || {number}, {application}, 'usr' || {number}, 'ses' || {number}, 'openid',
                {now}, 1, {now}, TRUE, {later}, {later} FROM {of_users}"
        ),
        format!(
            "INSERT INTO audit_events (tenant_id, id, at, action, actor, target)
             SELECT {tenant}, 'evt' || {number}, {now}, 'user.signed_in', 'usr' || {number}, 'ses' || {number}
             FROM {of_users}"
        ),
        "ANALYZE".to_owned(),
    ];
    let mut execute: Box<dyn FnMut(&str)> = match &server.database {
        Some(url) => {
            let mut connection = PgConnection::establish(url).unwrap();
            Box::new(move |statement| connection.batch_execute(statement).unwrap())
        }
        None => {
            let path = server.folder.join("doorward.db");
            let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            connection.batch_execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF").unwrap();
            Box::new(move |statement| connection.batch_execute(statement).unwrap())
        }
    };
    for statement in &statements {
        execute(statement);
    }
}

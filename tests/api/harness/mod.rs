//! What every test starts from: a server of its own in this process, on a fresh database, with a clock
//! that stands still until the test moves it.

pub mod addresses;
mod app;
mod browser;
mod database;
mod dns;
pub mod federation;
mod mail_server;
mod rows;
mod tenant;

pub use app::{Answer, Call, Setup, TestApp};
pub use browser::{Browser, absolute, field};
pub use database::Database;
pub use dns::{Manner, TestDns};
pub use mail_server::{MailServer, Replies};
pub use tenant::{PASSWORD, Query, TestClient, TestTenant, VERIFIER, claims, query};

/// Runs each of the named tests on SQLite and on PostgreSQL. One that is not named is dead code, which the
/// lints refuse. `at URL;` before them gives the deployment another public URL than that of a server on loopback.
macro_rules! on_both_databases {
    ($($test:ident,)*) => { $crate::harness::on_both_databases! { at "http://localhost"; $($test,)* } };
    (at $url:expr; $($test:ident,)*) => { $(
        mod $test {
            #[test]
            fn on_sqlite() {
                $crate::harness::run_as($url, $crate::harness::Database::sqlite(), super::$test);
            }

            #[test]
            fn on_postgres() {
                $crate::harness::run_as($url, $crate::harness::Database::postgres(), super::$test);
            }
        }
    )* };
}
pub(crate) use on_both_databases;

pub fn run(database: Database, test: impl AsyncFnOnce(&TestApp)) {
    run_as("http://localhost", database, test);
}

/// With another public URL than that of a server on loopback.
pub fn run_as(public_url: &str, database: Database, test: impl AsyncFnOnce(&TestApp)) {
    run_with(public_url, database, Setup::default(), test);
}

pub fn run_with(
    public_url: &str,
    database: Database,
    setup: Setup,
    test: impl AsyncFnOnce(&TestApp),
) {
    actix_web::rt::System::new().block_on(async {
        let app = TestApp::start_with(public_url, &database, setup).await;
        test(&app).await;
        app.stop().await;
    });
    database.remove();
}

//! PostgreSQL goes away and comes back: requests are told to try again, and nothing acknowledged is lost.

use std::time::Duration;

use diesel::{Connection, PgConnection, RunQueryDsl};
use futures_util::future::join_all;

use crate::harness::{Database, TestApp, run};

#[test]
fn while_the_database_is_away_requests_are_told_to_come_back_and_then_all_is_as_it_was() {
    let database = Database::postgres();
    let Database::Postgres { server, name } = &database else { unreachable!() };
    let (server, name) = (server.clone(), name.clone());
    run(database, async |app: &TestApp| {
        let acme = app.tenant("acme").await;
        let first = app.sign_in(&acme, &acme.spa).await["refresh_token"].clone();
        let answer = app.refresh(&acme, &acme.spa, first.as_str().unwrap()).await.expect(200);
        let token = answer["refresh_token"].as_str().unwrap();

        let mut admin = PgConnection::establish(&server).unwrap();
        let mut execute =
            |statement: String| diesel::sql_query(statement).execute(&mut admin).unwrap();
        execute(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
        execute(format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
        for _ in 0..10 {
            let answer = app.refresh(&acme, &acme.spa, token).await;
            answer.refused(503, "temporarily_unavailable");
            assert!(answer.header("retry-after").is_some());
        }
        let page = app.get(&acme.url("/login?request=req0000000000000000000001")).send().await;
        assert_eq!(page.status, 503, "{page:?}");
        assert!(page.body.contains("<h1>"), "{page:?}");
        assert_eq!(app.get("http://localhost/readyz").send().await.status, 503);
        assert_eq!(app.get("http://localhost/healthz").send().await.status, 200);
        let jwks = app.get(&acme.url("/.well-known/jwks.json")).send().await;
        assert_eq!(jwks.status, 200, "what is in memory is served: {jwks:?}");

        execute(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
        let mut attempts = 0;
        while app.refresh(&acme, &acme.spa, token).await.status == 503 {
            attempts += 1;
            assert!(attempts < 100, "it does not come back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        app.refresh(&acme, &acme.spa, token).await.expect(200);
        assert_eq!(app.get("http://localhost/readyz").send().await.status, 200);

        // Connections that died while they rested cost no request its answer.
        let at_once = || join_all((0..16).map(|_| app.refresh(&acme, &acme.spa, token)));
        for answer in at_once().await {
            answer.expect(200);
        }
        execute(format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        for answer in at_once().await {
            answer.expect(200);
        }
    });
}

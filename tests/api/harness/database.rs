//! A database for one test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{Connection, PgConnection, RunQueryDsl};
use doorward::storage::DatabaseUrl;

pub enum Database {
    Sqlite { folder: PathBuf },
    Postgres { server: String, name: String },
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(unique_name());
        std::fs::create_dir(&folder).unwrap();
        Self::Sqlite { folder }
    }

    pub fn postgres() -> Self {
        let server = std::env::var("DOORWARD_TEST_POSTGRES").expect(
            "DOORWARD_TEST_POSTGRES must name a PostgreSQL whose user may create databases; `tests/run` starts one",
        );
        let name = unique_name();
        execute(&server, &format!("CREATE DATABASE {name}"));
        Self::Postgres { server, name }
    }

    pub fn url(&self) -> DatabaseUrl {
        let text = match self {
            Self::Sqlite { folder } => format!("sqlite://{}", folder.join("test.db").display()),
            Self::Postgres { server, name } => {
                let (server, _) = server.rsplit_once('/').unwrap();
                format!("{server}/{name}")
            }
        };
        DatabaseUrl::parse(&text).unwrap()
    }

    pub fn remove(&self) {
        match self {
            Self::Sqlite { folder } => std::fs::remove_dir_all(folder).unwrap(),
            Self::Postgres { server, name } => {
                execute(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
            }
        }
    }
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("doorward_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn execute(server: &str, statement: &str) {
    let mut connection = PgConnection::establish(server).unwrap();
    diesel::sql_query(statement).execute(&mut connection).unwrap();
}

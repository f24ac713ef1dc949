//! The database behind the server's back: for what no answer shows, and for what only an outage does.

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use doorward::storage::DatabaseUrl;

use super::TestApp;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl TestApp {
    /// Runs one statement and answers how many rows it touched.
    pub fn execute(&self, statement: &str) -> usize {
        match self.context.db.url() {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
                sql_query(statement).execute(&mut connection).unwrap()
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::establish(url).unwrap();
                sql_query(statement).execute(&mut connection).unwrap()
            }
        }
    }

    /// Runs one statement that the database should refuse, and answers what it says.
    pub fn refused_by_the_database(&self, statement: &str) -> String {
        let refused = match self.context.db.url() {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
                sql_query(statement).execute(&mut connection)
            }
            DatabaseUrl::Postgres(url) => {
                sql_query(statement).execute(&mut PgConnection::establish(url).unwrap())
            }
        };
        refused.unwrap_err().to_string()
    }

    /// How many rows the table has.
    pub fn count(&self, table: &str) -> usize {
        let count = format!("SELECT CAST(COUNT(*) AS TEXT) AS line FROM {table}");
        let found: Line = match self.context.db.url() {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                sql_query(count).get_result(&mut connection).unwrap()
            }
            DatabaseUrl::Postgres(url) => {
                sql_query(count).get_result(&mut PgConnection::establish(url).unwrap()).unwrap()
            }
        };
        found.line.parse().unwrap()
    }

    /// All that the database holds: its files, the log of writes included, or every row as text.
    pub fn everything_stored(&self) -> Vec<u8> {
        match self.context.db.url() {
            DatabaseUrl::Sqlite(path) => {
                let folder = std::fs::read_dir(path.parent().unwrap()).unwrap();
                folder.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::establish(url).unwrap();
                let tables = "SELECT quote_ident(table_name) AS line FROM information_schema.tables \
                              WHERE table_schema = 'public'";
                let mut stored = String::new();
                for table in lines(&mut connection, tables) {
                    let rows = format!("SELECT t::text AS line FROM {table} t");
                    stored.push_str(&lines(&mut connection, &rows).join("\n"));
                }
                stored.into_bytes()
            }
        }
    }
}

fn lines(connection: &mut PgConnection, query: &str) -> Vec<String> {
    let lines: Vec<Line> = sql_query(query).load(connection).unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

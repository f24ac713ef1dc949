//! What the databases themselves say of the schema: that no row can point into another tenant, and that both
//! databases and the source have the same one.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use doorward::storage::{DatabaseUrl, Db};

use crate::harness::Database;

/// What belongs to no tenant: the table of them, and what is counted for all of them together. The latter says
/// of a mailbox that letters go to it, and no more.
const ABOVE_TENANTS: [&str; 2] = ["tenants", "deployment_allowances"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Catalogue {
    /// By table: name, type and whether it may be null.
    columns: BTreeMap<String, BTreeSet<String>>,
    /// By table, in the order of the key.
    primary_keys: BTreeMap<String, Vec<String>>,
    /// Table, columns, and what they refer to.
    foreign_keys: BTreeSet<(String, Vec<String>)>,
    /// Table, columns, and whether it is unique or partial. Primary keys as well.
    indexes: BTreeSet<(String, Vec<String>, String)>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    says: String,
}

const SQLITE: [&str; 4] = [
    "SELECT m.name AS of, '' AS key, 0 AS position,
            c.name || ' ' || replace(lower(c.type), 'blob', 'bytea') || CASE WHEN c.\"notnull\" THEN '' ELSE ' null' END AS says
       FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
    "SELECT m.name AS of, '' AS key, c.pk AS position, c.name AS says
       FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk > 0",
    "SELECT m.name AS of, CAST(f.id AS TEXT) AS key, f.seq AS position,
            f.\"from\" || ' -> ' || f.\"table\" || '.' || f.\"to\" || ' ' || lower(f.on_delete) AS says
       FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
    "SELECT m.name AS of,
            CASE WHEN i.\"unique\" THEN 'unique ' ELSE '' END || CASE WHEN i.partial THEN 'partial ' ELSE '' END || '|' || i.name AS key,
            c.seqno AS position, c.name AS says
       FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c WHERE m.type = 'table'",
];

const POSTGRES: [&str; 4] = [
    "SELECT table_name::text AS of, '' AS key, 0::bigint AS position,
            column_name || ' ' || data_type || CASE WHEN is_nullable = 'YES' THEN ' null' ELSE '' END AS says
       FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT t.relname::text AS of, '' AS key, k.ord AS position, a.attname::text AS says
       FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid,
            unnest(c.conkey) WITH ORDINALITY k(num, ord) JOIN pg_attribute a ON a.attnum = k.num
      WHERE c.contype = 'p' AND a.attrelid = c.conrelid AND c.connamespace = 'public'::regnamespace",
    "SELECT t.relname::text AS of, c.conname::text AS key, k.ord AS position,
            a.attname || ' -> ' || r.relname || '.' || b.attname || ' ' ||
            CASE c.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'no action' END AS says
       FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid,
            unnest(c.conkey, c.confkey) WITH ORDINALITY k(num, ref, ord), pg_attribute a, pg_attribute b
      WHERE c.contype = 'f' AND a.attrelid = c.conrelid AND a.attnum = k.num
        AND b.attrelid = c.confrelid AND b.attnum = k.ref",
    "SELECT t.relname::text AS of,
            CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || CASE WHEN i.indpred IS NULL THEN '' ELSE 'partial ' END || '|' || x.relname AS key,
            k.ord AS position, a.attname::text AS says
       FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid,
            unnest(i.indkey::int2[]) WITH ORDINALITY k(num, ord), pg_attribute a
      WHERE t.relnamespace = 'public'::regnamespace AND a.attrelid = t.oid AND a.attnum = k.num",
];

fn catalogue(database: &Database) -> Catalogue {
    Db::open(database.url()).unwrap().migrate().unwrap();
    let [columns, primary_keys, foreign_keys, indexes] = match database.url() {
        DatabaseUrl::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            SQLITE.map(|query| diesel::sql_query(query).load::<Line>(&mut connection).unwrap())
        }
        DatabaseUrl::Postgres(url) => {
            let mut connection = PgConnection::establish(&url).unwrap();
            POSTGRES.map(|query| diesel::sql_query(query).load::<Line>(&mut connection).unwrap())
        }
    };
    let mut catalogue = Catalogue::default();
    for line in columns {
        catalogue.columns.entry(line.of).or_default().insert(line.says);
    }
    for ((table, _), columns) in grouped(primary_keys) {
        catalogue.primary_keys.insert(table, columns);
    }
    for ((table, _), columns) in grouped(foreign_keys) {
        catalogue.foreign_keys.insert((table, columns));
    }
    for ((table, key), columns) in grouped(indexes) {
        let kind = key.split('|').next().unwrap().trim().to_owned();
        catalogue.indexes.insert((table, columns, kind));
    }
    let migrations = "__diesel_schema_migrations";
    catalogue.columns.remove(migrations);
    catalogue.primary_keys.remove(migrations);
    catalogue.indexes.retain(|(table, _, _)| table != migrations);
    assert!(catalogue.columns.len() > 10, "{catalogue:?}");
    catalogue
}

/// What the lines of one table and key say, in their order.
fn grouped(mut lines: Vec<Line>) -> BTreeMap<(String, String), Vec<String>> {
    lines.retain(|line| line.of != "sqlite_sequence");
    lines.sort_by_key(|line| line.position);
    let mut groups: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for line in lines {
        groups.entry((line.of, line.key)).or_default().push(line.says);
    }
    groups
}

fn no_row_can_point_into_another_tenant(database: &Database) {
    let catalogue = catalogue(database);
    let of_tenants =
        || catalogue.columns.keys().filter(|table| !ABOVE_TENANTS.contains(&table.as_str()));
    for table in of_tenants() {
        let key = &catalogue.primary_keys[table];
        assert_eq!(key[0], "tenant_id", "the primary key of {table} begins with the tenant");
        let mut links = catalogue.foreign_keys.iter().filter(|(from, _)| from == table).peekable();
        assert!(links.peek().is_some(), "{table} is tied to no tenant");
        for (_, link) in links {
            let first = &link[0];
            let to_the_tenant = link.len() == 1 && first == "tenant_id -> tenants.id cascade";
            let within_the_tenant = link.len() > 1
                && first.starts_with("tenant_id -> ")
                && first.ends_with(".tenant_id cascade");
            assert!(to_the_tenant || within_the_tenant, "{table} may point elsewhere: {link:?}");
        }
    }
    for (table, columns, kind) in &catalogue.indexes {
        let is_the_tenants_own =
            columns[0] == "tenant_id" || ABOVE_TENANTS.contains(&table.as_str());
        assert!(
            is_the_tenants_own || !kind.contains("unique"),
            "{table}: what is unique across tenants tells one of the other: {columns:?}"
        );
    }
}

#[test]
fn no_row_can_point_into_another_tenant_on_sqlite() {
    let database = Database::sqlite();
    no_row_can_point_into_another_tenant(&database);
    database.remove();
}

#[test]
fn no_row_can_point_into_another_tenant_on_postgres() {
    let database = Database::postgres();
    no_row_can_point_into_another_tenant(&database);
    database.remove();
}

#[test]
fn both_databases_have_the_same_schema_and_the_source_knows_it() {
    let (sqlite, postgres) = (Database::sqlite(), Database::postgres());
    let (on_sqlite, on_postgres) = (catalogue(&sqlite), catalogue(&postgres));
    assert_eq!(on_sqlite.columns, on_postgres.columns);
    assert_eq!(on_sqlite.primary_keys, on_postgres.primary_keys);
    assert_eq!(on_sqlite.foreign_keys, on_postgres.foreign_keys);
    assert_eq!(on_sqlite.indexes, on_postgres.indexes);
    assert_eq!(on_sqlite.columns, in_the_source());
    sqlite.remove();
    postgres.remove();
}

/// The columns that `schema.rs` declares.
fn in_the_source() -> BTreeMap<String, BTreeSet<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/storage/schema.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in source.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            table = name.to_owned();
        } else if let Some((column, kind)) = line.split_once(" -> ") {
            let kind = kind.trim_end_matches(',');
            let (kind, null) = match kind.strip_prefix("Nullable<") {
                Some(inner) => (inner.trim_end_matches('>'), " null"),
                None => (kind, ""),
            };
            let kind = match kind {
                "Text" => "text",
                "BigInt" => "bigint",
                "Integer" => "integer",
                "Bool" => "boolean",
                "Binary" => "bytea",
                other => panic!("{table}.{column} is of type {other}"),
            };
            tables.entry(table.clone()).or_default().insert(format!("{column} {kind}{null}"));
        }
    }
    tables
}

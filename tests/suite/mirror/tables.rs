//! The rows of a copy, read as texts from either database.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use tidu::mirror::schema::{ColumnKind, Table};

/// A row: the values by the names of their columns; an absent one is `-`.
pub type Row = BTreeMap<&'static str, String>;

/// A database that a test reads.
pub enum Kept<'a> {
    Sqlite(&'a Path),
    /// The address, and the schema.
    Postgres(&'a str),
}

impl Kept<'_> {
    /// All rows of a table, in the order of its key.
    pub async fn rows(&self, table: &'static Table) -> Vec<Row> {
        match self {
            Self::Sqlite(path) => rows_of_sqlite(path, table),
            Self::Postgres(address) => rows_of_postgres(address, table).await,
        }
    }
}

fn rows_of_sqlite(path: &Path, table: &'static Table) -> Vec<Row> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let order = table.primary.join(", ");
    let statement = format!("SELECT {} FROM {} ORDER BY {order}", table.column_list(), table.name);
    let mut statement = connection.prepare(&statement).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let text = |at: usize| match row.get_ref(at).unwrap() {
            ValueRef::Null => "-".to_owned(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        };
        Ok(table.columns.iter().enumerate().map(|(at, (name, _))| (*name, text(at))).collect())
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

async fn rows_of_postgres(address: &str, table: &'static Table) -> Vec<Row> {
    let (client, connection) =
        tokio_postgres::connect(address, tokio_postgres::NoTls).await.unwrap();
    let speaking = tokio::spawn(async move { drop(connection.await) });
    let column = |(name, kind): &(&str, ColumnKind)| match kind {
        ColumnKind::Boolean => format!("{name}::int::text"),
        ColumnKind::Instant => {
            format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        _ => format!("{name}::text"),
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    let texts = table.columns.iter().filter(|(name, _)| table.primary.contains(name));
    // By the columns and not by the texts selected from them; as SQLite orders texts, by bytes.
    let order: Vec<String> = texts
        .map(|(name, kind)| match kind {
            ColumnKind::Text => format!("t.{name} COLLATE \"C\""),
            _ => format!("t.{name}"),
        })
        .collect();
    let statement = format!(
        "SELECT {} FROM tidu.{} t ORDER BY {}",
        columns.join(", "),
        table.name,
        order.join(", ")
    );
    let rows = client.query(&statement, &[]).await.unwrap();
    let row = |row: &tokio_postgres::Row| {
        let text = |at: usize| row.get::<_, Option<String>>(at).unwrap_or_else(|| "-".to_owned());
        table.columns.iter().enumerate().map(|(at, (name, _))| (*name, text(at))).collect()
    };
    let rows = rows.iter().map(row).collect();
    speaking.abort();
    rows
}

//! A copy in a schema of PostgreSQL. An advisory lock of the session keeps other mirrors out; the
//! place is compared at each commit, so even a session that lost its lock unnoticed harms nothing.

use std::{error::Error as _, fmt::Write as _, pin::pin};

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, NoTls, error::SqlState, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Address, Database, Loading, MirrorError, Place, Row, Value,
    address::{Server, in_full},
    refuse_foreign, refuse_second, require_version,
    schema::{COPIED, Dialect, STATE, Table, VIEWS},
    write_place,
};
use crate::{
    lang::say,
    limits::{CONNECT_DURATION_MAX, MIRROR_LOCK_POLL, MIRROR_LOCK_WAIT_MAX},
};

/// The first key of the advisory lock; the second follows from the schema.
const LOCK: i32 = 0x7469_6475;

/// A session with a server of PostgreSQL.
pub struct Postgres {
    client: Client,
    shown: String,
    /// Speaks with the server; ends with the session.
    connection: JoinHandle<()>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Postgres {
    async fn connect(server: &Server) -> Result<Self, MirrorError> {
        let shown = server.shown.clone();
        let lost = |error: &tokio_postgres::Error| classified(&shown, error);
        let late = |_| {
            let seconds = CONNECT_DURATION_MAX.as_secs();
            MirrorError::Lost(say!(
                en: "{shown}: no connection within {seconds} s", zh: "{shown}：{seconds} 秒内未能连接"
            ))
        };
        let (client, connection) = match &server.tls {
            None => {
                let connecting = timeout(CONNECT_DURATION_MAX, server.config.connect(NoTls));
                let (client, connection) =
                    connecting.await.map_err(late)?.map_err(|error| lost(&error))?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
            Some(files) => {
                let config = files.read().map_err(|e| MirrorError::Failed(e.to_string()))?;
                let tls = MakeRustlsConnect::new(config);
                let connecting = timeout(CONNECT_DURATION_MAX, server.config.connect(tls));
                let (client, connection) =
                    connecting.await.map_err(late)?.map_err(|error| lost(&error))?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
        };
        Ok(Self { client, shown, connection })
    }

    /// Keeps other mirrors out. The session of one that was killed may live for a moment.
    async fn lock(&self, schema: &str) -> Result<(), MirrorError> {
        let statement = "SELECT pg_try_advisory_lock($1, hashtext($2))";
        let trying = async {
            loop {
                let row = self.client.query_one(statement, &[&LOCK, &schema]).await;
                if row.map_err(|error| self.error(&error))?.get(0) {
                    return Ok(());
                }
                tokio::time::sleep(MIRROR_LOCK_POLL).await;
            }
        };
        timeout(MIRROR_LOCK_WAIT_MAX, trying).await.unwrap_or(Err(refuse_second(&self.shown)))
    }

    /// Makes the tables if there are none.
    async fn prepare(&self, schema: &str) -> Result<(), MirrorError> {
        self.batch(
            "SET client_min_messages = warning; SET TIME ZONE 'UTC'; SET bytea_output = hex",
        )
        .await?;
        let known = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE n.nspname = $1 AND c.relname = $2";
        let has = async |name: &str| {
            let row = self.client.query_opt(known, &[&schema, &name]).await;
            row.map(|row| row.is_some()).map_err(|error| self.error(&error))
        };
        if !has(STATE.name).await? {
            for name in COPIED.iter().map(|table| table.name).chain(VIEWS) {
                if has(name).await? {
                    return Err(refuse_foreign(&format!("{schema}.{name}"), &self.shown));
                }
            }
            let there = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
            let there = self.client.query_opt(there, &[&schema]).await;
            let make = match there.map_err(|error| self.error(&error))? {
                Some(_) => String::new(),
                None => format!("CREATE SCHEMA {schema};"),
            };
            let creation = Dialect::Postgres.creation();
            self.batch(&format!(
                "BEGIN; {make} SET LOCAL search_path TO {schema}; {creation} COMMIT;"
            ))
            .await?;
        }
        self.batch(&format!("SET search_path TO {schema}")).await
    }

    async fn batch(&self, statements: &str) -> Result<(), MirrorError> {
        self.client.batch_execute(statements).await.map_err(|error| self.error(&error))
    }

    async fn run(
        &self,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, MirrorError> {
        self.client.execute(statement, values).await.map_err(|error| self.error(&error))
    }

    async fn delete(&self, table: &Table, keys: &[Row]) -> Result<(), MirrorError> {
        // Keys are texts on the way, and get the type of their column in the statement.
        let mut columns: Vec<Vec<String>> = vec![Vec::new(); table.replaced_by.len()];
        for key in keys {
            for (column, value) in columns.iter_mut().zip(key) {
                column.push(value.as_text());
            }
        }
        let (mut arrays, mut names, mut equal) = (Vec::new(), Vec::new(), Vec::new());
        for (i, column) in table.replaced_by.iter().enumerate() {
            arrays.push(format!("${}::text[]", i + 1));
            names.push(format!("k{i}"));
            let is_number = table
                .columns
                .iter()
                .any(|(name, kind)| name == column && *kind == super::schema::ColumnKind::Integer);
            let cast = if is_number { "::bigint" } else { "" };
            equal.push(format!("t.{column} = k.k{i}{cast}"));
        }
        let statement = format!(
            "DELETE FROM {} t USING unnest({}) AS k({}) WHERE {}",
            table.name,
            arrays.join(", "),
            names.join(", "),
            equal.join(" AND ")
        );
        let values: Vec<&(dyn ToSql + Sync)> =
            columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
        self.run(&statement, &values).await.map(drop)
    }

    async fn insert(&self, table: &Table, rows: &[Row]) -> Result<(), MirrorError> {
        let mut text = String::new();
        for row in rows {
            for (i, value) in row.iter().enumerate() {
                if i > 0 {
                    text.push('\t');
                }
                value.write_copied(&mut text);
            }
            text.push('\n');
        }
        let statement = format!("COPY {} ({}) FROM STDIN", table.name, table.column_list());
        let copying = async {
            let mut sink = pin!(self.client.copy_in(&statement).await?);
            sink.send(Bytes::from(text)).await?;
            sink.finish().await
        };
        copying.await.map(drop).map_err(|error| self.error(&error))
    }

    fn error(&self, error: &tokio_postgres::Error) -> MirrorError {
        classified(&self.shown, error)
    }
}

impl Database for Postgres {
    async fn open(address: &Address) -> Result<Self, MirrorError> {
        let Address::Postgres(server) = address else {
            return Err(MirrorError::Failed(address.shown()));
        };
        let session = Self::connect(server).await?;
        session.lock(&server.schema).await?;
        session.prepare(&server.schema).await?;
        Ok(session)
    }

    async fn place(&mut self) -> Result<Option<Place>, MirrorError> {
        let version = self.client.query_opt("SELECT schema_version FROM mirror_state", &[]).await;
        let Some(row) = version.map_err(|error| self.error(&error))? else { return Ok(None) };
        require_version(row.get(0), &self.shown)?;
        let statement = format!("SELECT {} FROM mirror_state", STATE.column_list());
        let row = self.client.query_one(&statement, &[]).await;
        let row = row.map_err(|error| self.error(&error))?;
        let number = |at: usize| {
            let number: Option<i64> = row.get(at);
            number.and_then(|number| u64::try_from(number).ok())
        };
        let loading = number(5).map(|known_at| Loading { known_at, token: row.get(6) });
        Ok(Some(Place {
            log_id: row.get(2),
            next_position: number(3).unwrap_or_default(),
            rules_version: number(4).and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            loading,
            rights: row.get(7),
            erased_events: number(8).unwrap_or_default(),
        }))
    }

    async fn begin(&mut self) -> Result<(), MirrorError> {
        self.batch("BEGIN").await
    }

    async fn replace(
        &mut self,
        table: &'static Table,
        keys: &[Row],
        rows: &[Row],
    ) -> Result<(), MirrorError> {
        if !keys.is_empty() {
            self.delete(table, keys).await?;
        }
        if rows.is_empty() { Ok(()) } else { self.insert(table, rows).await }
    }

    async fn sweep(&mut self, table: &'static Table, known_at: u64) -> Result<(), MirrorError> {
        let known_at = i64::try_from(known_at).unwrap_or(i64::MAX);
        let statement = format!("DELETE FROM {} WHERE known_at <> $1", table.name);
        self.run(&statement, &[&known_at]).await.map(drop)
    }

    async fn clear(&mut self, table: &'static Table) -> Result<(), MirrorError> {
        self.run(&format!("DELETE FROM {}", table.name), &[]).await.map(drop)
    }

    async fn commit(&mut self, before: Option<&Place>, place: &Place) -> Result<bool, MirrorError> {
        let before = before.map(|before| super::rows::number(before.next_position));
        let mut row = place.row();
        row.push(before.unwrap_or(Value::Absent));
        let values: Vec<&(dyn ToSql + Sync)> =
            row.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let is_kept = self.run(&write_place('$'), &values).await? == 1;
        self.batch(if is_kept { "COMMIT" } else { "ROLLBACK" }).await?;
        Ok(is_kept)
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &tokio_postgres::types::Type,
        out: &mut bytes::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Absent => Ok(tokio_postgres::types::IsNull::Yes),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Boolean(flag) => flag.to_sql(kind, out),
        }
    }

    fn accepts(kind: &tokio_postgres::types::Type) -> bool {
        <String as ToSql>::accepts(kind)
            || <i64 as ToSql>::accepts(kind)
            || <bool as ToSql>::accepts(kind)
    }

    tokio_postgres::types::to_sql_checked!();
}

impl Value {
    fn as_text(&self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(flag) => flag.to_string(),
        }
    }

    /// Writes it in the text format of COPY.
    fn write_copied(&self, text: &mut String) {
        match self {
            Self::Absent => text.push_str("\\N"),
            Self::Integer(number) => drop(write!(text, "{number}")),
            Self::Boolean(flag) => text.push(if *flag { 't' } else { 'f' }),
            Self::Text(value) => {
                for letter in value.chars() {
                    match letter {
                        '\\' => text.push_str("\\\\"),
                        '\n' => text.push_str("\\n"),
                        '\r' => text.push_str("\\r"),
                        '\t' => text.push_str("\\t"),
                        letter => text.push(letter),
                    }
                }
            }
        }
    }
}

/// An error by what helps against it.
fn classified(shown: &str, error: &tokio_postgres::Error) -> MirrorError {
    let why = in_full(error);
    let text = say!(en: "{shown}: {why}", zh: "{shown}：{why}");
    let Some(code) = error.code() else {
        // Without an answer of the server: the connection is lost, or TLS does not come about.
        let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        // A certificate that is not trusted does not become so by itself.
        let inner = cause.and_then(std::io::Error::get_ref);
        let by_tls = matches!(inner, Some(inner) if inner.is::<rustls::Error>());
        let is_io = error.is_closed() || (cause.is_some() && !by_tls);
        return if is_io { MirrorError::Lost(text) } else { MirrorError::Failed(text) };
    };
    // Connections, resources, an operator's doing, and transactions that got into each other's way.
    let is_passing = ["08", "53", "57", "40"].iter().any(|class| code.code().starts_with(class));
    if is_passing && *code != SqlState::QUERY_CANCELED {
        return MirrorError::Lost(text);
    }
    // Who may do what, and which database: nothing that a repetition changes.
    match ["28", "3D", "42501"].iter().any(|class| code.code().starts_with(class)) {
        true => MirrorError::Refused(text),
        false => MirrorError::Failed(text),
    }
}

//! A copy in a file of SQLite. Readers may read it at any time (write-ahead log); a lock file
//! beside it keeps other mirrors out.

use std::{fs::File, io};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params_from_iter, types};
use tokio::task::block_in_place;

use super::{
    Address, Database, Loading, MirrorError, Place, Row, Value, refuse_foreign, refuse_second,
    require_version,
    schema::{COPIED, Dialect, STATE, Table, VIEWS},
    write_place,
};
use crate::{files, lang::say, limits::MIRROR_BUSY_MAX};

/// A file of SQLite that this process keeps.
pub struct Sqlite {
    connection: Connection,
    shown: String,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl Sqlite {
    fn opened(address: &Address) -> Result<Self, MirrorError> {
        let (Address::Sqlite(path), shown) = (address, address.shown()) else {
            return Err(MirrorError::Failed(address.shown()));
        };
        let lock =
            files::lock(&files::beside(path, ".lock")).map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => refuse_second(&shown),
                _ => MirrorError::Failed(say!(
                    en: "{shown}: its lock file cannot be made: {error}",
                    zh: "{shown}：无法建立锁文件：{error}"
                )),
            })?;
        let connection = Connection::open(path).map_err(|error| classified(&shown, &error))?;
        let copy = Self { connection, shown, _lock: lock };
        copy.prepare().map_err(|error| copy.error(&error))??;
        Ok(copy)
    }

    /// Makes the tables if there are none. The outer error is one of the database.
    fn prepare(&self) -> rusqlite::Result<Result<(), MirrorError>> {
        let Self { connection, shown, .. } = self;
        connection.busy_timeout(MIRROR_BUSY_MAX)?;
        let known = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?1";
        let has = |name: &str| {
            connection.query_row(known, [name], |row| row.get::<_, String>(0)).optional()
        };
        if has(STATE.name)?.is_none() {
            for name in COPIED.iter().map(|table| table.name).chain(VIEWS) {
                if has(name)?.is_some() {
                    return Ok(Err(refuse_foreign(name, shown)));
                }
            }
        }
        // Without a sync for each transaction a power loss takes back whole ones, place and all.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        if has(STATE.name)?.is_none() {
            let creation = Dialect::Sqlite.creation();
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {creation} COMMIT;"))?;
        }
        Ok(Ok(()))
    }

    fn error(&self, error: &rusqlite::Error) -> MirrorError {
        classified(&self.shown, error)
    }

    fn run(&self, statement: &str, row: &[Value]) -> Result<usize, MirrorError> {
        let run = || self.connection.prepare_cached(statement)?.execute(params_from_iter(row));
        run().map_err(|error| self.error(&error))
    }
}

impl Database for Sqlite {
    async fn open(address: &Address) -> Result<Self, MirrorError> {
        block_in_place(|| Self::opened(address))
    }

    async fn place(&mut self) -> Result<Option<Place>, MirrorError> {
        let statement = format!("SELECT {} FROM mirror_state", STATE.column_list());
        let read = |row: &rusqlite::Row<'_>| {
            let loading: Option<u64> = row.get(5)?;
            let token: String = row.get(6)?;
            let place = Place {
                log_id: row.get(2)?,
                next_position: row.get(3)?,
                rules_version: row.get(4)?,
                loading: loading.map(|known_at| Loading { known_at, token }),
                rights: row.get(7)?,
                erased_events: row.get(8)?,
            };
            Ok((row.get::<_, i64>(1)?, place))
        };
        let version = "SELECT schema_version FROM mirror_state";
        let found = self.connection.query_row(version, [], |row| row.get(0)).optional();
        let Some(version) = found.map_err(|error| self.error(&error))? else { return Ok(None) };
        require_version(version, &self.shown)?;
        let place = self.connection.query_row(&statement, [], read);
        place.map(|(_, place)| Some(place)).map_err(|error| self.error(&error))
    }

    async fn begin(&mut self) -> Result<(), MirrorError> {
        self.run("BEGIN IMMEDIATE", &[]).map(drop)
    }

    async fn replace(
        &mut self,
        table: &'static Table,
        keys: &[Row],
        rows: &[Row],
    ) -> Result<(), MirrorError> {
        block_in_place(|| {
            let (name, columns) = (table.name, table.column_list());
            let matching = table.replaced_by.iter().enumerate();
            let matching: Vec<String> =
                matching.map(|(i, column)| format!("{column} = ?{}", i + 1)).collect();
            let delete = format!("DELETE FROM {name} WHERE {}", matching.join(" AND "));
            for key in keys {
                self.run(&delete, key)?;
            }
            let places: Vec<String> = (1..=table.columns.len()).map(|i| format!("?{i}")).collect();
            let insert = format!("INSERT INTO {name} ({columns}) VALUES ({})", places.join(", "));
            rows.iter().try_for_each(|row| self.run(&insert, row).map(drop))
        })
    }

    async fn sweep(&mut self, table: &'static Table, known_at: u64) -> Result<(), MirrorError> {
        let statement = format!("DELETE FROM {} WHERE known_at <> ?1", table.name);
        block_in_place(|| self.run(&statement, &[super::rows::number(known_at)]).map(drop))
    }

    async fn clear(&mut self, table: &'static Table) -> Result<(), MirrorError> {
        block_in_place(|| self.run(&format!("DELETE FROM {}", table.name), &[]).map(drop))
    }

    async fn commit(&mut self, before: Option<&Place>, place: &Place) -> Result<bool, MirrorError> {
        block_in_place(|| {
            let mut row = place.row();
            row.push(before.map_or(Value::Absent, |b| super::rows::number(b.next_position)));
            let is_kept = self.run(&write_place('?'), &row)? == 1;
            self.run(if is_kept { "COMMIT" } else { "ROLLBACK" }, &[])?;
            Ok(is_kept)
        })
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<types::ToSqlOutput<'_>> {
        let value = match self {
            Self::Absent => types::ValueRef::Null,
            Self::Text(text) => types::ValueRef::Text(text.as_bytes()),
            Self::Integer(number) => types::ValueRef::Integer(*number),
            Self::Boolean(flag) => types::ValueRef::Integer(i64::from(*flag)),
        };
        Ok(types::ToSqlOutput::Borrowed(value))
    }
}

/// An error by what helps against it.
fn classified(shown: &str, error: &rusqlite::Error) -> MirrorError {
    let text = say!(en: "{shown}: {error}", zh: "{shown}：{error}");
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => MirrorError::Refused(say!(
            en: "{shown}: it is a file of something else; name a new file",
            zh: "{shown}：该文件不是 SQLite 数据库；请指定一个新文件"
        )),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure,
        ) => MirrorError::Lost(text),
        _ => MirrorError::Failed(text),
    }
}

//! A copy of a log and of its register in a database: tables that are kept up to date, for systems
//! that ask in SQL.
//!
//! ```text
//! address.rs   the database that --to names       schema.rs    the tables, in both dialects
//! rows.rs      messages of the service as rows    sqlite.rs, postgres.rs   the databases
//! ```
//!
//! Rows and the place in the log change in one transaction. This room never folds facts, never
//! asks the server and never skips an event: the caller brings answers, and says how far they go.

mod address;
mod postgres;
pub mod rows;
pub mod schema;
mod sqlite;

use self::schema::{SCHEMA_VERSION, STATE, Table};
pub use self::{
    address::{Address, DatabaseFiles, FLAGS},
    postgres::Postgres,
    rows::{Row, Value},
    sqlite::Sqlite,
};
use crate::lang::say;

/// Why a database does not do what it is asked to.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// It is not a database for this copy, and stays as it is; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// It cannot be reached, or cannot work just now: trying again may help.
    #[error("{0}")]
    Lost(String),
    /// It fails in another way.
    #[error("{0}")]
    Failed(String),
}

/// The place of a copy in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Names the history.
    pub log_id: String,
    /// Every event below it is in the copy.
    pub next_position: u64,
    /// The version of the rules by which the register answered.
    pub rules_version: u32,
    /// All titles are being asked for again.
    pub loading: Option<Loading>,
    /// Names the rights of the caller to whom the answers were given.
    pub rights: String,
    /// Events that were erased when the copy was begun.
    pub erased_events: u64,
}

/// How far a copy has asked for all titles again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loading {
    /// The log size of the answers.
    pub known_at: u64,
    /// Token of the next page.
    pub token: String,
}

/// A database with a copy. After an error it is dropped, and an open transaction with it.
pub trait Database: Sized + Send {
    /// Opens the database, makes the tables if there are none, and keeps other mirrors out.
    ///
    /// # Errors
    /// [`MirrorError::Refused`] for a database of something else, of a newer version, or with
    /// another mirror at work.
    fn open(address: &Address) -> impl Future<Output = Result<Self, MirrorError>> + Send;

    /// The place of the copy; `None` if it has not begun.
    fn place(&mut self) -> impl Future<Output = Result<Option<Place>, MirrorError>> + Send;

    /// Begins a transaction.
    fn begin(&mut self) -> impl Future<Output = Result<(), MirrorError>> + Send;

    /// Deletes the rows of a table with some keys, and writes others.
    fn replace(
        &mut self,
        table: &'static Table,
        keys: &[Row],
        rows: &[Row],
    ) -> impl Future<Output = Result<(), MirrorError>> + Send;

    /// Deletes the rows of a table that were known at another log size.
    fn sweep(
        &mut self,
        table: &'static Table,
        known_at: u64,
    ) -> impl Future<Output = Result<(), MirrorError>> + Send;

    /// Deletes all rows of a table.
    fn clear(
        &mut self,
        table: &'static Table,
    ) -> impl Future<Output = Result<(), MirrorError>> + Send;

    /// Writes the place and ends the transaction; true if the place was still `before`. Otherwise
    /// nothing of the transaction is kept.
    fn commit(
        &mut self,
        before: Option<&Place>,
        place: &Place,
    ) -> impl Future<Output = Result<bool, MirrorError>> + Send;
}

impl Place {
    /// The row of the place.
    fn row(&self) -> Row {
        let loading = self.loading.as_ref();
        vec![
            Value::Integer(1),
            Value::Integer(SCHEMA_VERSION),
            Value::Text(self.log_id.clone()),
            rows::number(self.next_position),
            rows::number(self.rules_version.into()),
            loading.map_or(Value::Absent, |loading| rows::number(loading.known_at)),
            Value::Text(loading.map(|loading| loading.token.clone()).unwrap_or_default()),
            Value::Text(self.rights.clone()),
            rows::number(self.erased_events),
        ]
    }
}

/// The statement that writes a place if the one before is still there; its last parameter is the
/// position of that one. The databases differ in the names of parameters only.
fn write_place(parameter: char) -> String {
    let count = STATE.columns.len();
    let values: Vec<String> = (1..=count).map(|n| format!("{parameter}{n}")).collect();
    let others = STATE.columns.iter().skip(1);
    let set: Vec<String> = others.map(|(name, _)| format!("{name} = excluded.{name}")).collect();
    let (values, set) = (values.join(", "), set.join(", "));
    format!(
        "INSERT INTO mirror_state ({}) VALUES ({values}) ON CONFLICT (only_row) DO UPDATE SET \
         {set} WHERE mirror_state.next_position = {parameter}{}",
        STATE.column_list(),
        count + 1
    )
}

/// Refuses a copy that a newer version of this program has made.
fn require_version(version: i64, database: &str) -> Result<(), MirrorError> {
    if version == SCHEMA_VERSION {
        return Ok(());
    }
    Err(MirrorError::Refused(say!(
        en: "{database}: the copy has version {version} of the tables, and this tidu knows \
             {SCHEMA_VERSION}; use the tidu that made it, or name another database or schema",
        zh: "{database}：其中数据表的版本为 {version}，此 tidu 只识别 {SCHEMA_VERSION}；请使用当初\
             写入它的 tidu，或指定另一个数据库或模式（schema）"
    )))
}

/// Refuses a database with a table or view of another purpose.
fn refuse_foreign(name: &str, database: &str) -> MirrorError {
    MirrorError::Refused(say!(
        en: "{database}: it has a table or view {name} that no mirror has made; name an empty \
             database or another schema",
        zh: "{database}：其中已有并非由 mirror 建立的表或视图 {name}；请指定空数据库或另一个模式\
             （schema）"
    ))
}

/// Refuses to work beside another mirror.
fn refuse_second(database: &str) -> MirrorError {
    MirrorError::Refused(say!(
        en: "{database}: another `tidu mirror` keeps this copy; end it, or name another database",
        zh: "{database}：另有 tidu mirror 正在维护此副本；请先结束它，或指定另一个数据库"
    ))
}

//! The tables of a copy: names, columns and keys, and their text in both dialects. Names and
//! meanings are stable, and `docs/mirror.md` lists them; a change raises [`SCHEMA_VERSION`].
//!
//! Nothing here knows a database or a message.

use std::fmt::Write as _;

/// The version of the tables. A copy of a newer version is refused.
pub const SCHEMA_VERSION: i64 = 1;

/// The last day in a stretch that nothing on record ends.
pub const NO_LAST_DAY: &str = "9999-12-31";
/// The first day of one that nothing on record begins.
pub const NO_FIRST_DAY: &str = "1900-01-01";

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A text; empty where there is none.
    Text,
    /// An integer, absent where there is none.
    Integer,
    /// True or false.
    Boolean,
    /// A civil day in Shanghai, absent where there is none.
    Day,
    /// An instant, absent where there is none.
    Instant,
    /// An event as protobuf JSON, absent where its content is withheld.
    Json,
}

use ColumnKind::{Boolean, Day, Instant, Integer, Json, Text};

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in the order of a row.
    pub columns: &'static [(&'static str, ColumnKind)],
    /// The columns that no two rows have alike.
    pub primary: &'static [&'static str],
    /// The first columns by which rows are replaced.
    pub replaced_by: &'static [&'static str],
    /// Further indexes, each of a column.
    pub indexes: &'static [&'static str],
}

/// The events of the log, one row a position.
pub const EVENTS: Table = Table {
    name: "events",
    columns: &[
        ("position", Integer),
        ("recorded_time", Instant),
        ("kind", Text),
        ("authority", Text),
        ("programme", Text),
        ("region", Text),
        ("designee", Text),
        ("effective_day", Day),
        ("batch", Text),
        ("round", Text),
        ("document", Text),
        ("recorded_by", Text),
        ("withheld", Boolean),
        ("event", Json),
    ],
    primary: &["position"],
    replaced_by: &["position"],
    indexes: &["designee", "batch"],
};

/// The identifiers of each subject.
pub const IDENTIFIERS: Table = Table {
    name: "identifiers",
    columns: &[("identifier", Text), ("subject", Text), ("known_at", Integer)],
    primary: &["identifier"],
    replaced_by: &["identifier"],
    indexes: &["subject"],
};

/// Subjects, one row a stretch of days.
pub const DESIGNEES: Table = Table {
    name: "designees",
    columns: &[
        ("subject", Text),
        ("from_day", Day),
        ("to_day", Day),
        ("designee", Text),
        ("name", Text),
        ("region", Text),
        ("region_inferred", Boolean),
        ("industry", Text),
        ("responsible_authority", Text),
        ("ended_on", Day),
        ("known_at", Integer),
    ],
    primary: &["subject", "from_day"],
    replaced_by: &["subject"],
    indexes: &["designee", "name"],
};

/// Titles, one row a stretch of days.
pub const TITLES: Table = Table {
    name: "titles",
    columns: &[
        ("subject", Text),
        ("programme", Text),
        ("authority", Text),
        ("item", Text),
        ("from_day", Day),
        ("to_day", Day),
        ("status", Text),
        ("valid_from", Day),
        ("valid_to", Day),
        ("valid_to_inferred", Boolean),
        ("batch", Text),
        ("sublist", Text),
        ("round", Text),
        ("recommended_by", Text),
        ("rule_version", Text),
        ("end_cause", Text),
        ("ended_on", Day),
        ("ended_position", Integer),
        ("ground", Text),
        ("ban_until", Day),
        ("ban_until_inferred", Boolean),
        ("successor", Text),
        ("converted_to", Text),
        ("rectify_by", Day),
        ("known_at", Integer),
    ],
    primary: &["subject", "programme", "authority", "item", "from_day"],
    replaced_by: &["subject"],
    indexes: &["batch", "to_day"],
};

/// Batches, one row for the whole and one for each sub-list.
pub const BATCHES: Table = Table {
    name: "batches",
    columns: &[
        ("programme", Text),
        ("authority", Text),
        ("batch", Text),
        ("sublist", Text),
        ("state", Text),
        ("opened_on", Day),
        ("sealed_on", Day),
        ("document", Text),
        ("noticed", Integer),
        ("designated", Integer),
        ("supplements", Integer),
        ("reviewed", Integer),
        ("reviewed_supplements", Integer),
        ("not_designated", Integer),
        ("recommended", Integer),
        ("reviews_noticed", Integer),
        ("declared_designated", Integer),
        ("declared_reviewed", Integer),
        ("known_at", Integer),
    ],
    primary: &["programme", "authority", "batch", "sublist"],
    replaced_by: &["programme", "authority", "batch"],
    indexes: &[],
};

/// The place of the copy in its log: one row.
pub const STATE: Table = Table {
    name: "mirror_state",
    columns: &[
        ("only_row", Integer),
        ("schema_version", Integer),
        ("log_id", Text),
        ("next_position", Integer),
        ("rules_version", Integer),
        ("loading_at", Integer),
        ("loading_token", Text),
        ("rights", Text),
        ("erased_events", Integer),
    ],
    primary: &["only_row"],
    replaced_by: &["only_row"],
    indexes: &[],
};

/// The tables with rows of the log.
pub const COPIED: [&Table; 5] = [&EVENTS, &IDENTIFIERS, &DESIGNEES, &TITLES, &BATCHES];

/// The tables whose rows follow from the register and name the log size of their answer.
pub const ANSWERED: [&Table; 4] = [&IDENTIFIERS, &DESIGNEES, &TITLES, &BATCHES];

/// The views, which change at midnight in Shanghai without a write.
pub const VIEWS: [&str; 2] = ["designees_today", "titles_today"];

/// The dialect of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    fn column_type(self, kind: ColumnKind) -> &'static str {
        match (self, kind) {
            (_, Text) => "TEXT NOT NULL",
            (Self::Sqlite, Integer) => "INTEGER",
            (Self::Postgres, Integer) => "BIGINT",
            (Self::Sqlite, Boolean) => "INTEGER NOT NULL",
            (Self::Postgres, Boolean) => "BOOLEAN NOT NULL",
            (Self::Sqlite, Day | Instant | Json) => "TEXT",
            (Self::Postgres, Day) => "DATE",
            (Self::Postgres, Instant) => "TIMESTAMPTZ",
            (Self::Postgres, Json) => "JSONB",
        }
    }

    /// Today in Shanghai.
    fn today(self) -> &'static str {
        match self {
            Self::Sqlite => "date('now', '+8 hours')",
            Self::Postgres => "(now() AT TIME ZONE 'Asia/Shanghai')::date",
        }
    }

    /// The statements that make all tables, indexes and views.
    #[must_use]
    pub fn creation(self) -> String {
        let mut text = String::new();
        for table in COPIED.into_iter().chain([&STATE]) {
            self.create(table, &mut text);
        }
        let today = self.today();
        let _ = write!(
            text,
            "CREATE VIEW designees_today AS SELECT * FROM designees \
             WHERE {today} BETWEEN from_day AND to_day;\n\
             CREATE VIEW titles_today AS SELECT d.designee, d.name, d.region, d.region_inferred, \
             d.industry, d.responsible_authority, t.* FROM titles t \
             JOIN designees d ON d.subject = t.subject AND {today} BETWEEN d.from_day AND d.to_day \
             WHERE {today} BETWEEN t.from_day AND t.to_day AND t.status <> 'not-on-record';\n"
        );
        text
    }

    fn create(self, table: &Table, text: &mut String) {
        let columns = table.columns.iter().map(|(name, kind)| {
            let is_key = table.primary.contains(name);
            let must = if is_key && *kind != Text { " NOT NULL" } else { "" };
            format!("{name} {}{must}", self.column_type(*kind))
        });
        let columns: Vec<String> = columns.collect();
        let (name, columns, primary) = (table.name, columns.join(", "), table.primary.join(", "));
        let _ = writeln!(text, "CREATE TABLE {name} ({columns}, PRIMARY KEY ({primary}));");
        for column in table.indexes {
            let _ = writeln!(text, "CREATE INDEX {name}_{column} ON {name} ({column});");
        }
    }
}

impl Table {
    /// The names of its columns with commas between them.
    #[must_use]
    pub fn column_list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

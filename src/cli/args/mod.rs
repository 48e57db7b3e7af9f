//! Arguments that several commands share.

mod catalogue;
mod delivery;
mod expected;
mod filter;
mod moment;
mod query;
mod server;
mod servers;
mod table;
mod within;

use clap::{Args, ValueEnum, builder::RangedU64ValueParser};

pub(crate) use self::{
    catalogue::{CatalogueArgs, is_standard},
    delivery::{DeliveryArgs, duration},
    expected::ExpectArgs,
    filter::FilterArgs,
    moment::{moment, since, today, until},
    query::{MomentArgs, TitleArgs, parse_date},
    server::{DEFAULT_SERVER, IdentityArgs, PLAIN_ADDRESS, ServerAddress, ServerArgs},
    servers::ServerAddresses,
    table::{Form, TableArgs},
    within::{Within, within},
};

/// The server and the output format.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Output::Human, global = true)]
    pub(crate) output: Output,
}

/// Reads a number of rows. None at all would be an answer without a day.
pub(crate) fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people: tables and sentences
    Human,
    /// For programs: protobuf JSON, one message a line, as over HTTP
    Json,
    /// For scripts: the same with ISO dates, hashes in hexadecimal, and numbers as numbers
    PlainJson,
    /// For spreadsheets: a header and a row for each line; lists only
    Csv,
    /// As csv, with tabs between the fields
    Tsv,
}

impl Output {
    /// True for people, false for programs.
    pub(crate) fn is_human(self) -> bool {
        self == Self::Human
    }
}

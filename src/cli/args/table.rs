//! The output of a list: for people, for programs, or as a table that `record` reads.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Output, ServerArgs};
use crate::{
    cli::{CliError, tables::Target},
    lang::say,
};

/// The server, the output format, and a file instead.
#[derive(Clone, Debug, Args)]
pub(crate) struct TableArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Output format
    #[arg(long, short, value_enum, default_value_t = TableOutput::Human, global = true)]
    output: TableOutput,
    /// File to write instead, FILE.csv or FILE.xlsx, with headers that `record` reads. A CSV opened
    /// in a spreadsheet loses digits of codes; a workbook does not
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// An output format of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TableOutput {
    /// For people: tables and sentences
    Human,
    /// For programs: protobuf JSON, one message a line, as over HTTP
    Json,
    /// For scripts: the same with ISO dates, hashes in hexadecimal, and numbers as numbers
    PlainJson,
    /// For spreadsheets: all rows, with headers that `record` reads
    Csv,
    /// For scripts: the rows that people get, with tabs between the fields, codes and English words
    Tsv,
}

/// The form of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Printed.
    Printed(Output),
    /// A table, with all its rows.
    Table(Target),
}

impl TableArgs {
    /// The form of the output. The name of a file tells its format, so no other may be asked for.
    pub(crate) fn form(&self) -> Result<Form, CliError> {
        let target = self.to.as_deref().map(Target::file).transpose()?;
        match (target, self.output) {
            (None, TableOutput::Human) => Ok(Form::Printed(Output::Human)),
            (None, TableOutput::Json) => Ok(Form::Printed(Output::Json)),
            (None, TableOutput::PlainJson) => Ok(Form::Printed(Output::PlainJson)),
            (None, TableOutput::Tsv) => Ok(Form::Printed(Output::Tsv)),
            (None, TableOutput::Csv) => Ok(Form::Table(Target::Standard)),
            (Some(target), TableOutput::Human) => Ok(Form::Table(target)),
            (Some(target @ Target::Csv(_)), TableOutput::Csv) => Ok(Form::Table(target)),
            (Some(_), _) => Err(CliError::Refused(say!(
                en: "--to writes the format of the file's name; leave --output out",
                zh: "--to 按文件扩展名决定格式，请勿同时使用 --output"
            ))),
        }
    }
}

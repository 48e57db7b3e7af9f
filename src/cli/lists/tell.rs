//! What programs are told of lists: a line of JSON for each answer and each fault, or a table of
//! all that is to be mended. Either is the same whatever the language of the process.

use serde_json::{Map, Value, json};

use super::{
    duplicates::Duplicate,
    parts::{Place, Rows, as_fault},
};
use crate::{
    cli::{
        CliError,
        args::Output,
        print::{Heading, Printer, no_table, print_json},
    },
    import::{ImportError, Note, RowError},
    lang::{Both, Lang, both},
    protocol::{json::Json, pb},
};

const FINDINGS: [Heading; 9] = [
    Heading::new("file", "file", "文件"),
    Heading::new("sheet", "sheet", "工作表"),
    Heading::new("row", "row", "行"),
    Heading::new("column", "column", "列"),
    Heading::new("level", "level", "级别"),
    Heading::new("reason", "reason", "原因码"),
    Heading::new("value", "value", "内容"),
    Heading::new("message", "message", "英文说明"),
    Heading::new("message_zh", "message in Chinese", "说明"),
];

/// The form in which a command tells of its lists.
pub(crate) enum Teller {
    /// People get tables and sentences, which are not made here.
    People,
    /// Programs get JSON lines, plain ones if it is true.
    Lines(Box<Json>, bool),
    /// Spreadsheets get a row for each fault, warning and note.
    Table(Box<Printer>),
}

/// How much a finding weighs.
#[derive(Clone, Copy)]
enum Level {
    /// It keeps the list from being recorded.
    Error,
    /// It blocks nothing.
    Warning,
    /// An assumption in reading the list.
    Note,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A row of the table.
struct Finding<'a> {
    place: Place<'a>,
    column: &'a str,
    level: Level,
    reason: &'a str,
    value: &'a str,
    message: Both,
}

impl Teller {
    /// For a command whose answers are no table.
    ///
    /// # Errors
    /// If a table is asked for.
    pub(crate) fn of_answers(output: Output) -> Result<Self, CliError> {
        match output {
            Output::Human => Ok(Self::People),
            Output::Json | Output::PlainJson => {
                Ok(Self::Lines(Box::new(Json::new()?), output == Output::PlainJson))
            }
            Output::Csv | Output::Tsv => Err(no_table()),
        }
    }

    /// For a command that can tell its findings in a table.
    pub(crate) fn of_findings(output: Output) -> Result<Self, CliError> {
        match output {
            Output::Csv | Output::Tsv => Ok(Self::Table(Box::new(Printer::new(output, FINDINGS)?))),
            output => Self::of_answers(output),
        }
    }

    pub(crate) fn is_for_people(&self) -> bool {
        matches!(self, Self::People)
    }

    /// Ends a table. One without findings has a header.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        match self {
            Self::Table(printer) => printer.finish(None),
            Self::People | Self::Lines(..) => Ok(()),
        }
    }

    /// Tells an answer of Append with the places of its rejections and warnings, and the notes on
    /// how its files were read.
    pub(crate) fn answer(
        &mut self,
        rows: &Rows<'_>,
        answer: &pb::AppendResponse,
    ) -> Result<(), CliError> {
        match self {
            Self::People => Ok(()),
            Self::Lines(json, is_plain) => print(&answer_line(json, *is_plain, rows, answer)?),
            Self::Table(printer) => {
                let warnings: Vec<_> = answer.warnings.iter().map(as_fault).collect();
                for (level, faults) in
                    [(Level::Error, &answer.rejections), (Level::Warning, &warnings)]
                {
                    for fault in faults {
                        add(printer, &of_server(rows, level, fault))?;
                    }
                }
                notes(rows).try_for_each(|(file, note)| {
                    add(
                        printer,
                        &Finding {
                            place: Place { file, sheet: &note.sheet, row: note.row },
                            column: &note.column,
                            level: Level::Note,
                            reason: note.reason.as_str(),
                            value: "",
                            message: note.message.clone(),
                        },
                    )
                })
            }
        }
    }

    /// Tells the faults for which a file was not read.
    pub(super) fn faults(&mut self, file: &str, error: &ImportError) -> Result<(), CliError> {
        let of_file = |reason| Finding {
            place: Place { file, sheet: "", row: 0 },
            column: "",
            level: Level::Error,
            reason,
            value: "",
            message: Both::made(|| error.to_string()),
        };
        let faults = match error {
            ImportError::Option { .. } => vec![of_file("OPTION_INVALID")],
            ImportError::File { .. } | ImportError::Schema => vec![of_file("FILE_INVALID")],
            ImportError::Rows(faults) => faults.iter().map(|fault| of_row(file, fault)).collect(),
        };
        faults.iter().try_for_each(|fault| self.fault(fault))
    }

    /// Tells the rows that state a fact again.
    pub(super) fn duplicates(&mut self, duplicates: &[Duplicate<'_>]) -> Result<(), CliError> {
        for duplicate in duplicates {
            let Duplicate { place, earlier, designee, .. } = duplicate;
            let finding = Finding {
                place: *place,
                column: "",
                level: Level::Error,
                reason: "DUPLICATE_IN_LIST",
                value: designee,
                message: both!(
                    en: "{earlier} states the same: {0}",
                    zh: "{earlier}已写明同一事项：{0}",
                    duplicate.fact()
                ),
            };
            match self {
                Self::People => {}
                Self::Table(printer) => add(printer, &finding)?,
                Self::Lines(..) => {
                    let mut object = fault_line(&finding);
                    object.remove("value");
                    object.insert("designee".to_owned(), json!(designee));
                    object.insert("earlier".to_owned(), Value::Object(members(*earlier, "")));
                    print(&Value::Object(object))?;
                }
            }
        }
        Ok(())
    }

    fn fault(&mut self, fault: &Finding<'_>) -> Result<(), CliError> {
        match self {
            Self::People => Ok(()),
            Self::Lines(..) => print(&Value::Object(fault_line(fault))),
            Self::Table(printer) => add(printer, fault),
        }
    }
}

fn of_row<'a>(file: &'a str, fault: &'a RowError) -> Finding<'a> {
    let RowError { sheet, row, column, value, message } = fault;
    Finding {
        place: Place { file, sheet, row: *row },
        column,
        level: Level::Error,
        reason: "ROW_INVALID",
        value,
        message: message.clone(),
    }
}

fn of_server<'f>(rows: &'f Rows<'_>, level: Level, fault: &'f pb::Rejection) -> Finding<'f> {
    let place = rows.place(fault.index).unwrap_or(Place { file: "", sheet: "", row: 0 });
    Finding {
        place,
        column: rows.column(fault.index, &fault.field),
        level,
        reason: &fault.reason,
        value: &fault.value,
        message: Both::made(|| rows.message(fault)),
    }
}

fn add(printer: &mut Printer, finding: &Finding<'_>) -> Result<(), CliError> {
    let Finding { place: Place { file, sheet, row }, column, level, reason, value, message } =
        finding;
    // A fault of a whole file has no row.
    let row = if *row == 0 { String::new() } else { row.to_string() };
    let zh = Lang::Zh.speaking(|| message.to_string());
    let (row, zh) = (row.as_str(), zh.as_str());
    printer.add_cells([*file, sheet, row, column, level.name(), reason, value, message.en(), zh])
}

/// The notes on how the files of some rows were read, each with its file.
fn notes<'a>(rows: &Rows<'a>) -> impl Iterator<Item = (&'a str, &'a Note)> {
    let mut reports: Vec<_> =
        rows.parts.iter().filter_map(|part| Some((part.file, part.report?))).collect();
    reports.dedup_by_key(|(file, _)| *file);
    reports.into_iter().flat_map(|(file, report)| report.notes.iter().map(move |note| (file, note)))
}

fn answer_line(
    json: &Json,
    is_plain: bool,
    rows: &Rows<'_>,
    answer: &pb::AppendResponse,
) -> Result<Value, CliError> {
    let name = "AppendResponse";
    let whole = if is_plain { json.plain(name, answer)? } else { json.whole(name, answer)? };
    let unreadable = |e: serde_json::Error| CliError::Message(e.to_string());
    let mut object: Map<String, Value> = serde_json::from_str(&whole).map_err(unreadable)?;
    let warnings: Vec<_> = answer.warnings.iter().map(as_fault).collect();
    for (list, faults) in [("rejections", &answer.rejections), ("warnings", &warnings)] {
        let Some(Value::Array(items)) = object.get_mut(list) else { continue };
        for (item, fault) in items.iter_mut().zip(faults) {
            let Value::Object(item) = item else { continue };
            if let Some(place) = rows.place(fault.index) {
                item.extend(members(place, rows.column(fault.index, &fault.field)));
            }
            if let Some(earlier) = rows.earlier(fault) {
                item.insert("earlier".to_owned(), Value::Object(members(earlier, "")));
            }
        }
    }
    object.insert("files".to_owned(), json!(rows.files()));
    let notes: Vec<_> = notes(rows).map(|(file, of)| note(file, of)).collect();
    object.insert("notes".to_owned(), Value::Array(notes));
    Ok(Value::Object(object))
}

fn note(file: &str, note: &Note) -> Value {
    let place = Place { file, sheet: &note.sheet, row: note.row };
    let mut object = members(place, &note.column);
    object.insert("reason".to_owned(), json!(note.reason.as_str()));
    say_in(&mut object, &note.message);
    Value::Object(object)
}

fn fault_line(finding: &Finding<'_>) -> Map<String, Value> {
    let Finding { place, column, reason, value, message, .. } = finding;
    let mut object = members(*place, column);
    object.insert("value".to_owned(), json!(value));
    object.insert("kind".to_owned(), json!("fault"));
    object.insert("reason".to_owned(), json!(reason));
    say_in(&mut object, message);
    object
}

/// The members with a message: both languages, so that neither depends on that of the process.
fn say_in(object: &mut Map<String, Value>, message: &Both) {
    object.insert("message".to_owned(), json!(message.en()));
    let zh = Lang::Zh.speaking(|| message.to_string());
    object.insert("messageZh".to_owned(), json!(zh));
}

/// The members of a place in a list: `file`, `sheet`, `row`, `column`.
fn members(place: Place<'_>, column: &str) -> Map<String, Value> {
    let Place { file, sheet, row } = place;
    [("file", json!(file)), ("sheet", json!(sheet)), ("row", json!(row)), ("column", json!(column))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn print(value: &Value) -> Result<(), CliError> {
    print_json(&value.to_string())
}

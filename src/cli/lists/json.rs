//! What programs are told: one line of JSON for each answer and each fault, with the places of
//! lists.

use serde_json::{Map, Value, json};

use super::{
    duplicates::Duplicate,
    parts::{Place, Rows, as_fault},
};
use crate::{
    cli::{CliError, print::print_json},
    import::{ImportError, Note, RowError},
    protocol::{json::Json, pb},
};

/// Prints an answer of Append with the places of its rejections and warnings, and the notes on how
/// its files were read.
pub(crate) fn print_answer(rows: &Rows<'_>, answer: &pb::AppendResponse) -> Result<(), CliError> {
    let whole = Json::new()?.whole("AppendResponse", answer)?;
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
    let notes = rows.parts.iter().filter_map(|part| Some((part.file, part.report?)));
    let mut notes: Vec<_> = notes.collect();
    notes.dedup_by_key(|(file, _)| *file);
    let notes = notes.iter().flat_map(|(file, report)| report.notes.iter().map(|n| note(file, n)));
    object.insert("notes".to_owned(), notes.collect());
    print(&Value::Object(object))
}

fn note(file: &str, note: &Note) -> Value {
    let place = Place { file, sheet: &note.sheet, row: note.row };
    let mut object = members(place, &note.column);
    object.insert("reason".to_owned(), json!(note.reason.as_str()));
    object.insert("message".to_owned(), json!(note.message));
    Value::Object(object)
}

/// The members of a place in a list: `file`, `sheet`, `row`, `column`.
fn members(place: Place<'_>, column: &str) -> Map<String, Value> {
    let Place { file, sheet, row } = place;
    [("file", json!(file)), ("sheet", json!(sheet)), ("row", json!(row)), ("column", json!(column))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Prints the faults for which a file was not read, each in a line.
pub(super) fn print_faults(file: &str, error: &ImportError) -> Result<(), CliError> {
    let ImportError::Rows(faults) = error else {
        let place = Place { file, sheet: "", row: 0 };
        return print(&fault(members(place, ""), "", &error.to_string()));
    };
    for RowError { sheet, row, column, value, message } in faults {
        let place = Place { file, sheet, row: *row };
        let mut object = members(place, column);
        object.insert("value".to_owned(), json!(value));
        print(&fault(object, "", message))?;
    }
    Ok(())
}

/// Prints the rows that state a fact again, each in a line.
pub(super) fn print_duplicate_faults(duplicates: &[Duplicate<'_>]) -> Result<(), CliError> {
    for duplicate in duplicates {
        let mut object = members(duplicate.place, "");
        object.insert("designee".to_owned(), json!(duplicate.designee));
        object.insert("earlier".to_owned(), Value::Object(members(duplicate.earlier, "")));
        let message = format!("{} states the same: {}", duplicate.earlier, duplicate.fact);
        print(&fault(object, "DUPLICATE_IN_LIST", &message))?;
    }
    Ok(())
}

fn fault(mut object: Map<String, Value>, reason: &str, message: &str) -> Value {
    object.insert("kind".to_owned(), json!("fault"));
    object.insert("reason".to_owned(), json!(reason));
    object.insert("message".to_owned(), json!(message));
    Value::Object(object)
}

fn print(value: &Value) -> Result<(), CliError> {
    print_json(&value.to_string())
}

//! CSV: UTF-8, lines that end in CR LF, as RFC 4180 has them.

use std::{
    borrow::Cow,
    io::{self, Write as _},
};

use super::Value;
use crate::{
    cli::{destination::Destination, print::date},
    import::guard,
};

/// Tells a spreadsheet that the text is UTF-8. Without it, Chinese is shown as other characters.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A table in CSV.
pub(super) struct CsvTable(Destination);

impl CsvTable {
    /// Begins with the headers, behind a mark of the encoding if it is to be opened as a file.
    pub(super) fn begin(mut out: Destination, marked: bool, headers: &[&str]) -> io::Result<Self> {
        if marked {
            out.write_all(BYTE_ORDER_MARK.as_bytes())?;
        }
        let mut table = Self(out);
        let headers: Vec<_> = headers.iter().map(|header| field(header)).collect();
        table.line(&headers)?;
        Ok(table)
    }

    pub(super) fn add(&mut self, cells: &[Value]) -> io::Result<()> {
        let fields: Vec<_> = cells.iter().map(cell).collect();
        self.line(&fields)
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.0.commit()
    }

    fn line(&mut self, fields: &[Cow<'_, str>]) -> io::Result<()> {
        self.0.write_all(format!("{}\r\n", fields.join(",")).as_bytes())
    }
}

fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Text(text) => field(text),
        Value::Day(day) => Cow::Owned(date(day.as_ref())),
        Value::Number(number) => Cow::Owned(number.to_string()),
    }
}

/// A text as a field, which no spreadsheet takes for a formula.
pub(crate) fn field(text: &str) -> Cow<'_, str> {
    let text = guard(text);
    if text.contains(['"', ',', '\n', '\r']) || text.trim().len() < text.len() {
        return Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_guarded_where_they_need_it() {
        for (text, expected) in [
            ("广州甲有限公司", "广州甲有限公司"),
            ("a,b", "\"a,b\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("a\nb", "\"a\nb\""),
            (" a", "\" a\""),
            ("=A1,2", "\"'=A1,2\""),
            ("-", "'-"),
        ] {
            assert_eq!(field(text), expected);
        }
    }
}

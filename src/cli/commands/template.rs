//! `tidu template`: a list to fill in for each fact, and to record.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::{
    cli::{
        CliError,
        destination::Destination,
        print::print_line,
        tables::{TableFile, Target, Value},
    },
    files::AtomicFile,
    import::{self, FactKind, Template},
    lang::say,
    limits::XLSX_COLUMN_WIDTH,
    protocol::json::Json,
};

#[derive(Debug, Args)]
#[command(after_help = "\
A template has comments on its columns, a header and an example. Lines above the header that begin
with # are not read. The example is never recorded: replace it, or delete it. A list that is filled
in is recorded without other options.

Examples:
  tidu template designated --to list.xlsx
  tidu template revoked --to list.csv
  tidu template batch-sealed -o jsonl")]
pub(crate) struct TemplateArgs {
    /// The fact that the list is to state
    #[arg(value_enum)]
    fact: FactKind,
    /// Output format [default: that of the file's name, or csv]
    #[arg(long, short, value_enum)]
    output: Option<TemplateFormat>,
    /// File to write, FILE.csv, FILE.xlsx or FILE.jsonl [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// A format of templates on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TemplateFormat {
    /// Comma-separated values
    Csv,
    /// JSON lines
    Jsonl,
}

pub(super) fn run(args: &TemplateArgs) -> Result<(), CliError> {
    let ending = |path: &PathBuf| path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    let ending = args.to.as_ref().and_then(ending);
    match (args.to.as_deref(), ending.as_deref(), args.output) {
        (None, _, None | Some(TemplateFormat::Csv)) => csv(args.fact, &Target::Standard)?,
        (None, _, Some(TemplateFormat::Jsonl)) => jsonl(args.fact, None)?,
        (Some(path), Some("csv"), None | Some(TemplateFormat::Csv)) => {
            csv(args.fact, &Target::Csv(path.to_path_buf()))?;
        }
        (Some(path), Some("jsonl"), None | Some(TemplateFormat::Jsonl)) => {
            jsonl(args.fact, Some(path))?;
        }
        (Some(path), Some("xlsx"), None) => xlsx(args.fact, path)?,
        (Some(_), Some("csv" | "jsonl" | "xlsx"), Some(_)) => {
            return Err(CliError::Refused(say!(
                en: "--to writes the format of the file's name; leave --output out",
                zh: "--to 按文件名决定格式；请去掉 --output"
            )));
        }
        (Some(path), ..) => {
            return Err(CliError::Refused(say!(
                en: "--to {0}: the name ends in .csv, .xlsx or .jsonl, which is the format",
                zh: "--to {0}：文件名须以 .csv、.xlsx 或 .jsonl 结尾，以此决定格式",
                path.display()
            )));
        }
    }
    match &args.to {
        Some(path) => {
            let path = path.display();
            print_line(&say!(en: "a template written to {path}", zh: "模板已写入 {path}"))
        }
        None => Ok(()),
    }
}

fn csv(kind: FactKind, target: &Target) -> Result<(), CliError> {
    let Template { comments, header, example } = import::template(kind);
    let mut lines = comments.into_iter().map(|comment| vec![comment]).chain([header, example]);
    let mut table = TableFile::begin(target, "", &lines.next().unwrap_or_default())?;
    for line in lines {
        table.add(&line.into_iter().map(Value::Text).collect::<Vec<_>>())?;
    }
    table.finish().map(drop)
}

fn jsonl(kind: FactKind, path: Option<&Path>) -> Result<(), CliError> {
    let failed = |e| CliError::Io(say!(en: "cannot write the template", zh: "无法写入模板"), e);
    let mut out = match path {
        Some(path) => Destination::file(path).map_err(failed)?,
        None => Destination::standard(),
    };
    let event = import::example_event(kind).unwrap_or_default();
    let event = Json::new()?.line("Event", &event)?;
    let name = kind.name();
    for line in [
        format!("# {name}：每行一个事件，格式见示例；以 # 开头的行不读取"),
        format!("# One event a line for each {name}, as in the example below, without its #."),
        "# Lines that begin with # are not read. docs/events.md and event.proto explain members."
            .to_owned(),
        format!("# {event}"),
    ] {
        writeln!(out, "{line}").map_err(failed)?;
    }
    out.commit().map_err(failed)
}

fn xlsx(kind: FactKind, path: &Path) -> Result<(), CliError> {
    let name = path.display();
    let failed = |e| CliError::Io(say!(en: "cannot write {name}", zh: "无法写入 {name}"), e);
    let mut file = AtomicFile::create(path).map_err(failed)?;
    let template = import::template(kind);
    let mut book = workbook(&template).map_err(|e| failed(std::io::Error::other(e)))?;
    book.save_to_writer(&mut file).map_err(|e| failed(std::io::Error::other(e)))?;
    file.commit().map_err(failed)
}

/// A workbook whose cells are texts, so that a code of digits stays one.
fn workbook(template: &Template) -> Result<Workbook, XlsxError> {
    let mut book = Workbook::new();
    let (text, bold) = (Format::new().set_num_format("@"), Format::new().set_bold());
    let sheet = book.add_worksheet();
    sheet.set_name("名单")?;
    for (column, _) in (0_u16..).zip(&template.header) {
        sheet.set_column_width(column, XLSX_COLUMN_WIDTH)?;
        sheet.set_column_format(column, &text)?;
    }
    let mut row = 0_u32;
    for comment in &template.comments {
        sheet.write_string(row, 0, comment)?;
        row += 1;
    }
    for (cells, format) in [(&template.header, &bold), (&template.example, &text)] {
        for (column, cell) in (0_u16..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            sheet.write_string_with_format(row, column, cell, format)?;
        }
        row += 1;
    }
    Ok(book)
}

//! Faults of a file as a whole. Each names what to do with the file, in either language.

use std::fmt;

use crate::lang::{Both, comma, say, word};

/// Things of which a list has at most so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Things {
    /// Rows of a list.
    Rows,
    /// Columns of a table.
    Columns,
    /// Cells, blank ones included.
    Cells,
    /// Bytes of the texts of all cells.
    CellBytes,
    /// Bytes of one text.
    TextBytes,
    /// Texts of a workbook that differ.
    Texts,
    /// Tables of a file.
    Tables,
    /// Tables of a web page, one in another.
    NestedTables,
    /// Merged regions of a workbook.
    MergedRegions,
    /// Formats, names and sheets of a workbook.
    Formats,
    /// Files in a workbook, which is an archive.
    Files,
    /// Bytes of a file when it is unpacked.
    UnpackedBytes,
}

impl fmt::Display for Things {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => word!(en: "rows", zh: "行数"),
            Self::Columns => word!(en: "columns", zh: "列数"),
            Self::Cells => word!(en: "cells", zh: "单元格数"),
            Self::CellBytes => word!(en: "bytes of text in its cells", zh: "单元格文字的字节数"),
            Self::TextBytes => word!(en: "bytes in one text", zh: "单个文本的字节数"),
            Self::Texts => word!(en: "different texts", zh: "不同文本的个数"),
            Self::Tables => word!(en: "tables", zh: "表格数"),
            Self::NestedTables => word!(en: "tables within each other", zh: "嵌套表格的层数"),
            Self::MergedRegions => word!(en: "merged regions", zh: "合并单元格数"),
            Self::Formats => {
                word!(en: "formats, names and sheets", zh: "格式、名称和工作表的个数")
            }
            Self::Files => word!(en: "files", zh: "文件数"),
            Self::UnpackedBytes => word!(en: "bytes when unpacked", zh: "解压后的字节数"),
        })
    }
}

/// A fault of a file as a whole.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FileFault {
    /// The file holds no rows.
    #[error("{}", say!(en: "it has no rows{detail}", zh: "没有数据行{detail}"))]
    Empty {
        /// More about the place; begins with a separator or is empty.
        detail: Both,
    },
    /// It is not a list.
    #[error("{}", say!(
        en: "this is {what}, not a list; {cure}",
        zh: "这是“{what}”，不是名单；{cure}"
    ))]
    Foreign {
        /// Its kind.
        what: Both,
        /// What to do with it.
        cure: Both,
    },
    /// It cannot be opened without a password.
    #[error("{}", say!(
        en: "the workbook has a password; open it, take the password off, save it and record \
             that file",
        zh: "工作簿设有密码；请打开后取消密码，另存后再记录"
    ))]
    Locked,
    /// A cell lies so far from the others that the cells between them are too many.
    #[error("{}", say!(
        en: "cell {cell}{sheet} lies far from the table; {cure} and save it again",
        zh: "{sheet}单元格 {cell} 离表格太远；请{cure}，然后重新保存"
    ))]
    FarCell {
        /// ` of sheet 名单`; empty if the sheet has no name.
        sheet: Both,
        /// The place of the cell: `H1048576`.
        cell: String,
        /// What to delete.
        cure: Both,
    },
    /// The text holds bytes that no text has.
    #[error("{}", say!(
        en: "line {line} holds NUL bytes ({in_line} there, {count} in the file), which no text \
             has; open it in a spreadsheet and save it again as XLSX, or as CSV in UTF-8",
        zh: "第 {line} 行含有文本中不应有的 NUL 字节（该行 {in_line} 个，全文件 {count} 个）；请用\
             电子表格软件打开，另存为 XLSX 或 UTF-8 编码的 CSV"
    ))]
    NulBytes {
        /// Physical line of the first.
        line: u32,
        /// How many of them are on it.
        in_line: u32,
        /// How many of them the file holds.
        count: u32,
    },
    /// It holds more than a list can have.
    #[error("{}", say!(
        en: "it has more than {max} {what}, which is the limit; divide the list",
        zh: "{what}超过上限 {max}；请拆分名单"
    ))]
    TooLarge {
        /// The things, with their unit.
        what: Things,
        /// The limit.
        max: u64,
    },
    /// The workbook cannot be opened.
    #[error("{}", say!(
        en: "it cannot be read as {format}: {cause}; open it and save it again as XLSX",
        zh: "无法按 {format} 格式读取：{cause}；请打开后重新保存为 XLSX"
    ))]
    Workbook {
        /// The format its first bytes announce.
        format: &'static str,
        /// The reader's message.
        cause: Both,
    },
    /// The text is not valid in its encoding.
    #[error("{}", say!(
        en: "line {line} is not {encoding}; save the list as CSV in UTF-8",
        zh: "第 {line} 行不是有效的 {encoding} 编码；请将名单另存为 UTF-8 编码的 CSV"
    ))]
    Encoding {
        /// The encoding that was found.
        encoding: Both,
        /// Physical line of the first bad byte.
        line: u32,
    },
    /// A quoted field is never closed.
    #[error("{}", say!(
        en: "line {line}: a field opens with a quotation mark that is never closed",
        zh: "第 {line} 行：有一个字段以引号开头，但引号没有闭合"
    ))]
    OpenQuote {
        /// Physical line of the opening mark.
        line: u32,
    },
    /// No header row was found.
    #[error("{}", say!(
        en: "no table found: none of the first {rows} rows has a column for the name ({names}) or \
             the code ({codes}). {found}If the column has another header, name it: --column \
             name=企业全称",
        zh: "没有找到表格：前 {rows} 行中没有名称列（{names}）或代码列（{codes}）。{found}如果该列用的是\
             别的表头，请指明：--column name=企业全称"
    ))]
    NoTable {
        /// Number of rows that were searched.
        rows: usize,
        /// Headers known for names.
        names: String,
        /// Headers known for codes.
        codes: String,
        /// The rows found instead; ends in a space or is empty.
        found: Both,
    },
    /// Two columns supply one field.
    #[error("{}", say!(
        en: "the columns {first} and {second} both read as {field}; say which: --column \
             {field}={first}",
        zh: "“{first}”列和“{second}”列都会读作 {field}；请指明用哪一列：--column {field}={first}"
    ))]
    TwoColumns {
        /// The field.
        field: &'static str,
        /// Header of one column.
        first: String,
        /// Header of the other.
        second: String,
    },
    /// A chosen column does not exist.
    #[error("{}", say!(
        en: "--column {field}={header}: the file has no such column; it has {found}",
        zh: "--column {field}={header}：文件中没有这一列；现有的列是 {found}"
    ))]
    NoSuchColumn {
        /// The field that it was chosen for.
        field: String,
        /// The header that was not found.
        header: String,
        /// The headers there are.
        found: String,
    },
    /// A chosen column holds personal data.
    #[error("{}", say!(
        en: "--column {field}={header}: the column holds personal data, which the log cannot \
             forget",
        zh: "--column {field}={header}：该列是个人信息，一旦写入日志就无法删除"
    ))]
    PersonalColumn {
        /// The field that it was chosen for.
        field: String,
        /// Its header.
        header: String,
    },
    /// Rows or columns are hidden, and the caller has not said whether they count.
    #[error("{}{}", in_sheet(sheet), say!(
        en: "hidden {what}: nobody sees them who opens the list; say --hidden skip to leave them \
             out, or --hidden read to read them",
        zh: "有隐藏的{what}：打开名单的人看不到它们；请写明 --hidden skip（不读）或 --hidden read（读入）"
    ))]
    Hidden {
        /// Name of the sheet; may be empty.
        sheet: String,
        /// The rows and columns.
        what: Both,
    },
    /// A title names another fact than the caller.
    #[error("{}", say!(
        en: "{place}: {title} names {named}, and --fact says {stated}; say --fact with the fact \
             of these rows, or correct the title in the list",
        zh: "{place}：“{title}”说的是{named}，而 --fact 写的是 {stated}；请用 --fact 写明这些行的事项，\
             或更正名单中的标题"
    ))]
    OtherFact {
        /// Its sheet and row.
        place: Box<Both>,
        /// The title, shortened.
        title: String,
        /// The facts that it names.
        named: Both,
        /// The fact that the caller states.
        stated: String,
    },
    /// A title names several facts, and nothing else decides.
    #[error("{}", say!(
        en: "{place}: {title} can mean {named}; say which: --fact",
        zh: "{place}：“{title}”可以指{named}；请用 --fact 写明是哪一种"
    ))]
    SeveralFacts {
        /// Its sheet and row.
        place: Box<Both>,
        /// The title, shortened.
        title: Both,
        /// The facts that it names.
        named: Both,
    },
    /// A column that is not read states facts.
    #[error("{}{}", in_sheet(sheet), say!(
        en: "the column {column} is not read, and says {words}, which can decide the fact of a \
             row; say --column fact={column} to read it, or --column ignore={column} to leave it \
             out",
        zh: "“{column}”列没有读入，但其中写有“{words}”，可能决定每行是什么事项；要读入请写 --column \
             fact={column}，不读请写 --column ignore={column}"
    ))]
    FactsLeftOut {
        /// Name of the sheet; may be empty.
        sheet: String,
        /// Its header, or its letter.
        column: String,
        /// Some of its words.
        words: String,
    },
    /// Lone texts can be names or headings.
    #[error("{}{}", in_sheet(sheet), say!(
        en: "{rows}: a text alone in its row ({first}) can be a name or a heading; say \
             --lone-names read to read it as a name, or --lone-names skip to leave it out",
        zh: "{rows}：整行只有一个单元格（{first}），可能是企业名称，也可能是小标题；请写明 --lone-names \
             read（当作名称）或 --lone-names skip（不读）"
    ))]
    LoneNames {
        /// Name of the sheet; may be empty.
        sheet: String,
        /// The rows.
        rows: Both,
        /// The first of the texts.
        first: String,
    },
    /// Headers that are not known begin a table of enterprises.
    #[error("{}", say!(
        en: "{place} has the headers {headers}, of which none is known for a name or a code, but \
             row {row} below it holds {text}; name its column: --column name=HEADER",
        zh: "{place}的表头是 {headers}，其中没有已知的名称列或代码列，但下面第 {row} 行有“{text}”；请指明\
             它的列：--column name=表头"
    ))]
    UnknownHeaders {
        /// Sheet and row of the headers.
        place: Both,
        /// The headers.
        headers: String,
        /// A row with an enterprise.
        row: u32,
        /// Its name or code, shortened.
        text: String,
    },
    /// The chosen sheet does not exist.
    #[error("{}", no_such_sheet(wanted, found))]
    NoSuchSheet {
        /// The name asked for.
        wanted: String,
        /// The sheets there are.
        found: Vec<String>,
    },
}

fn in_sheet(sheet: &str) -> String {
    if sheet.is_empty() {
        return String::new();
    }
    say!(en: "sheet {sheet}: ", zh: "工作表“{sheet}”：")
}

fn no_such_sheet(wanted: &str, found: &[String]) -> String {
    let found = found.join(comma());
    say!(
        en: "--sheet {wanted}: the file has no such sheet; it has {found}",
        zh: "--sheet {wanted}：文件中没有这个工作表；现有的工作表是 {found}"
    )
}

//! The caller's statements about the whole list. A value that cannot be used is refused before a
//! row is read.

use super::{AuthorityOf, columns::Choice, error::ImportError, fields::Field, values};

/// The fact that every row states, in a list of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FactKind {
    /// Designated (认定).
    Designated,
    /// In a public notice (公示).
    Notice,
    /// Review passed (复核通过).
    ReviewPassed,
    /// Review failed (复核未通过).
    ReviewFailed,
    /// Revoked (撤销).
    Revoked,
    /// Renamed (更名).
    Renamed,
}

/// Values for all rows, and settings for reading the file. A cell that is not empty takes
/// precedence.
///
/// Each value has the name of its option: `valid_to` is `--valid-to`. Nothing here applies to JSON
/// lines, which state everything themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The fact that the rows state. Without it and without a column: designated.
    pub fact: Option<FactKind>,
    /// Authority that states the facts: a code or a name. A province in a row never replaces it.
    pub authority: Option<String>,
    /// Programme: an id or its Chinese name.
    pub programme: Option<String>,
    /// Batch: `4`, `第四批`.
    pub batch: Option<String>,
    /// Sub-list: code or name of the authority it comes from.
    pub sublist: Option<String>,
    /// Document number (文号).
    pub document: Option<String>,
    /// Day the document was signed.
    pub document_date: Option<String>,
    /// Day the document was published.
    pub published_date: Option<String>,
    /// First day on which the facts hold.
    pub date: Option<String>,
    /// Last day of validity.
    pub valid_to: Option<String>,
    /// Authority that recommended: a code or a name.
    pub recommended_by: Option<String>,
    /// Type, site or product.
    pub item: Option<String>,
    /// Review round.
    pub round: Option<String>,
    /// Version of the measure.
    pub rule_version: Option<String>,
    /// Reason of a failed review or of a revocation.
    pub reason: Option<String>,
    /// Last day on which the holder of a revoked title may not apply again.
    pub ban_until: Option<String>,
    /// The rows are published after their batch or round was sealed.
    pub supplement: bool,
    /// Address at which the document was published.
    pub url: Option<String>,
    /// First day of the notice.
    pub notice_from: Option<String>,
    /// Last day of the notice.
    pub notice_to: Option<String>,
    /// The only sheet to read. Without it: all visible sheets with a table.
    pub sheet: Option<String>,
    /// Field and header of columns with other headers; the field `ignore` leaves a column out.
    pub columns: Vec<(String, String)>,
}

impl Options {
    /// The value for rows whose cell is empty.
    pub(super) fn value(&self, field: Field) -> Option<&str> {
        if field == Field::Supplement {
            return self.supplement.then_some("yes");
        }
        let value = match field {
            Field::Authority => &self.authority,
            Field::Programme => &self.programme,
            Field::Batch => &self.batch,
            Field::Sublist => &self.sublist,
            Field::Document => &self.document,
            Field::DocumentDate => &self.document_date,
            Field::PublishedDate => &self.published_date,
            Field::Date => &self.date,
            Field::ValidTo => &self.valid_to,
            Field::RecommendedBy => &self.recommended_by,
            Field::Item => &self.item,
            Field::Round => &self.round,
            Field::RuleVersion => &self.rule_version,
            Field::Reason => &self.reason,
            Field::BanUntil => &self.ban_until,
            Field::Url => &self.url,
            Field::NoticeFrom => &self.notice_from,
            Field::NoticeTo => &self.notice_to,
            _ => &None,
        };
        value.as_deref().map(str::trim).filter(|value| !value.is_empty())
    }
}

/// The option that supplies a field for all rows.
pub(super) fn flag(field: Field) -> String {
    format!("--{}", field.name().replace('_', "-"))
}

/// Checks the options and returns their choices of columns.
pub(super) fn check(
    options: &Options,
    authority_of: AuthorityOf,
) -> Result<Vec<Choice>, ImportError> {
    use Field::{
        Authority, BanUntil, Batch, Date, DocumentDate, NoticeFrom, NoticeTo, Programme,
        PublishedDate, Reason, RecommendedBy, Sublist, ValidTo,
    };
    let refuse = |field, message| ImportError::Option { option: flag(field), message };
    for field in [Date, DocumentDate, PublishedDate, ValidTo, NoticeFrom, NoticeTo, BanUntil] {
        let checked = options.value(field).map(values::date).transpose();
        checked.map_err(|message| refuse(field, message))?;
    }
    for field in [Authority, RecommendedBy, Sublist] {
        let checked = options.value(field).map(|text| values::authority(text, authority_of));
        checked.transpose().map_err(|message| refuse(field, message))?;
    }
    let programme = options.value(Programme).map(values::programme).transpose();
    programme.map_err(|message| refuse(Programme, message))?;
    let batch = options.value(Batch).map(values::batch).transpose();
    batch.map_err(|message| refuse(Batch, message))?;
    let reason = options.value(Reason).map(values::reason).transpose();
    reason.map_err(|message| refuse(Reason, message))?;
    options.columns.iter().map(|(field, header)| choice(field, header)).collect()
}

fn choice(field: &str, header: &str) -> Result<Choice, ImportError> {
    let header = header.trim().to_owned();
    if field == "ignore" {
        return Ok(Choice { field: None, header });
    }
    match Field::named(&field.replace('-', "_")) {
        Some(field) => Ok(Choice { field: Some(field), header }),
        None => Err(ImportError::Option {
            option: format!("--column {field}={header}"),
            message: format!("{field} is not a field; the fields are {}, ignore", Field::names()),
        }),
    }
}

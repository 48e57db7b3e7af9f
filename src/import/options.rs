//! The caller's statements about the whole list. A value that cannot be used is refused before a
//! row is read.

use super::{
    AuthorityOf, Format, Note, NoteReason,
    choices::{END_CAUSES, IDENTIFIER_REASONS, choose},
    columns::Choice,
    error::ImportError,
    fact_kinds::{FactKind, KindSet},
    fields::{Field, FieldSet, Form},
    values::{self, OddCodes},
};
use crate::lang::{Both, both, comma, say};

/// The caller's word on parts of a list that may or may not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReadOrSkip {
    /// Read them.
    Read,
    /// Leave them out.
    Skip,
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
    /// Name and value of further fields: `pool` and `2026-A`.
    pub values: Vec<(String, String)>,
    /// The only sheet to read. Without it: all visible sheets with a table.
    pub sheet: Option<String>,
    /// The reading of codes whose check character is wrong.
    pub odd_codes: OddCodes,
    /// Whether hidden rows and columns are read. Without it, a list that has some is refused.
    pub hidden: Option<ReadOrSkip>,
    /// Whether a lone text in the name column is a name, where nothing in the list tells.
    pub lone_names: Option<ReadOrSkip>,
    /// Field and header, or letters, of columns with other headers; the field `ignore` leaves a
    /// column out.
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
            _ => return self.set(field),
        };
        value.as_deref().map(str::trim).filter(|value| !value.is_empty())
    }
}

impl Options {
    /// The value that `--set` gives a field.
    fn set(&self, field: Field) -> Option<&str> {
        let set = self.values.iter().find(|(name, _)| name == field.name());
        set.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Fields whose option has their name.
const OWN: FieldSet = FieldSet::of(&[
    Field::Authority,
    Field::Programme,
    Field::Batch,
    Field::Sublist,
    Field::Document,
    Field::DocumentDate,
    Field::PublishedDate,
    Field::Date,
    Field::ValidTo,
    Field::RecommendedBy,
    Field::Item,
    Field::Round,
    Field::RuleVersion,
    Field::Reason,
    Field::BanUntil,
    Field::Supplement,
    Field::Url,
    Field::NoticeFrom,
    Field::NoticeTo,
]);

/// Fields that `--set` supplies. The others differ from row to row, or are themselves supplied.
const SETTABLE: FieldSet = FieldSet::of(&[
    Field::SubjectKind,
    Field::RecommendedOn,
    Field::Purpose,
    Field::Scope,
    Field::Outcome,
    Field::Pool,
    Field::ToProgramme,
    Field::ToItem,
    Field::Due,
    Field::Scheme,
    Field::FromRegion,
    Field::ToRegion,
    Field::FromAuthority,
    Field::ToAuthority,
    Field::Stage,
    Field::Restructuring,
    Field::Ends,
    Field::Year,
    Field::Change,
    Field::OccurredOn,
    Field::ReportedOn,
    Field::Title,
    Field::Instrument,
    Field::IssuerName,
    Field::InForceFrom,
    Field::InForceTo,
    Field::IssuingBodies,
    Field::Amends,
    Field::Repealed,
    Field::DesignatedCount,
    Field::ReviewedCount,
    Field::Assessor,
    Field::Part,
    Field::Region,
]);

/// The option that supplies a field for all rows.
pub(super) fn flag(field: Field) -> String {
    if OWN.has(field) {
        return format!("--{}", field.name().replace('_', "-"));
    }
    format!("--set {}", field.name())
}

/// As [`flag`], as a person types it; `None` if each row states the field itself.
pub(super) fn supplied_by(field: Field) -> Option<String> {
    if OWN.has(field) {
        return Some(flag(field));
    }
    SETTABLE.has(field).then(|| format!("--set {}=VALUE", field.name()))
}

/// How to supply a field that a row lacks.
pub(super) fn or_option(field: Field) -> String {
    match supplied_by(field) {
        Some(option) => say!(
            en: "; {option} supplies it for all rows without one",
            zh: "；可用 {option} 为没有填写的行统一给出"
        ),
        None => String::new(),
    }
}

/// Checks the options and returns their choices of columns.
pub(super) fn check(
    options: &Options,
    authority_of: AuthorityOf,
) -> Result<Vec<Choice>, ImportError> {
    for (name, _) in &options.values {
        if !Field::named(name).is_some_and(|field| SETTABLE.has(field)) {
            let names: Vec<_> = SETTABLE.iter().map(Field::name).collect();
            return Err(ImportError::Option {
                option: format!("--set {name}"),
                message: both!(
                    en: "{name} is not set so; the fields are {0}",
                    zh: "{name} 不能这样给出；可给出的字段有 {0}",
                    names.join(comma())
                ),
            });
        }
    }
    let refuse = |field, message| ImportError::Option { option: flag(field), message };
    for field in OWN.and(SETTABLE).iter() {
        let Some(value) = options.value(field) else { continue };
        let checked = match field.form() {
            Form::FirstDay => values::date(value).map(drop),
            Form::LastDay => values::last_day(value).map(drop),
            Form::Authority => values::authority(value, authority_of).map(drop),
            Form::Programme => values::programme(value).map(drop),
            Form::Batch => values::batch(value).map(drop),
            Form::Words if field == Field::Reason => reason(options.fact, value),
            // Other words depend on the fact; the row checks them.
            _ => Ok(()),
        };
        checked.map_err(|message| refuse(field, message))?;
    }
    let choices = options.columns.iter().map(|(field, header)| choice(field, header));
    let of_batches = matches!(options.fact, Some(FactKind::BatchOpened | FactKind::BatchSealed));
    choices.chain(of_batches.then(|| Ok(Choice::of_batches()))).collect()
}

/// Checks a reason for the fact of the list, or for some fact if each row has its own.
fn reason(fact: Option<FactKind>, text: &str) -> Result<(), Both> {
    let ground = values::reason(text).map(drop);
    match fact {
        Some(FactKind::NoticeWithdrawn | FactKind::PoolLeft) => Ok(()),
        Some(FactKind::SubjectEnded) => choose(END_CAUSES, text).map(drop),
        Some(FactKind::IdentifierChanged) => choose(IDENTIFIER_REASONS, text).map(drop),
        Some(_) => ground,
        None if choose(END_CAUSES, text).is_ok() => Ok(()),
        None if choose(IDENTIFIER_REASONS, text).is_ok() => Ok(()),
        None => ground,
    }
}

/// Refuses options that a format has no use for.
pub(super) fn reject_unusable(options: &Options, format: Format) -> Result<(), ImportError> {
    let refuse = |option: String, message: Both| Err(ImportError::Option { option, message });
    if format == Format::JsonLines {
        let given = OWN.and(SETTABLE).iter().find(|field| options.value(*field).is_some());
        let option = match given {
            Some(field) => Some(flag(field)),
            None if options.fact.is_some() => Some("--fact".to_owned()),
            None if !options.columns.is_empty() => Some("--column".to_owned()),
            None if options.odd_codes != OddCodes::Refuse => Some("--odd-codes".to_owned()),
            None if options.hidden.is_some() => Some("--hidden".to_owned()),
            None if options.lone_names.is_some() => Some("--lone-names".to_owned()),
            None => options.sheet.is_some().then(|| "--sheet".to_owned()),
        };
        return match option {
            Some(option) => refuse(
                option,
                Both::word(
                    "it cannot apply to JSON lines, whose events state everything themselves; \
                     leave it out",
                    "该选项不能用于 JSON 行，其中的事件已写明一切；请去掉",
                ),
            ),
            None => Ok(()),
        };
    }
    if format != Format::Csv {
        return Ok(());
    }
    let message = |has: Both| {
        both!(
            en: "it cannot apply to CSV, which has {has}; leave it out",
            zh: "该选项不能用于 CSV：{has}；请去掉"
        )
    };
    if options.sheet.is_some() {
        let has = Both::word("one table without a name", "CSV 只有一个没有名称的表格");
        return refuse("--sheet".to_owned(), message(has));
    }
    if options.hidden.is_some() {
        let has = Both::word("no hidden rows or columns", "CSV 没有隐藏的行或列");
        return refuse("--hidden".to_owned(), message(has));
    }
    Ok(())
}

/// Options that describe the whole publication. They may be given for any fact of it.
const OF_PUBLICATION: FieldSet =
    FieldSet::of(&[Field::Authority, Field::Programme, Field::Batch, Field::Date]);

/// Refuses options and chosen columns for fields that no fact of the list takes. Of those that
/// describe the publication it only says so.
pub(super) fn reject_untaken(
    options: &Options,
    choices: &[Choice],
    kinds: KindSet,
) -> Result<Vec<Note>, ImportError> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let takes = kinds.takes();
    let given = OWN.and(SETTABLE).iter().filter(|field| options.value(*field).is_some());
    let given: Vec<_> = given.filter(|field| !takes.has(*field)).collect();
    let chosen = choices.iter().filter_map(|choice| Some((choice.field?, &choice.header)));
    let chosen = chosen.filter(|(field, _)| !takes.has(*field));
    let chosen = chosen.map(|(field, header)| (field, column_flag(field, header)));
    let refused = given.iter().filter(|field| !OF_PUBLICATION.has(**field));
    let mut refused = refused.map(|field| (*field, flag(*field))).chain(chosen);
    if let Some((field, option)) = refused.next() {
        let message = both!(
            en: "{0}; it belongs to {1}",
            zh: "{0}；它属于{1}",
            lacks(kinds, field),
            taking(field)
        );
        return Err(ImportError::Option { option, message });
    }
    let note = |field: Field| Note {
        reason: NoteReason::NotUsed,
        sheet: String::new(),
        row: 0,
        column: String::new(),
        message: both!(
            en: "{0} is not used: {1}",
            zh: "{0} 没有用到：{1}",
            flag(field),
            lacks(kinds, field)
        ),
    };
    Ok(given.into_iter().map(note).collect())
}

fn column_flag(field: Field, header: &str) -> String {
    format!("--column {}={header}", field.name())
}

fn lacks(kinds: KindSet, field: Field) -> String {
    let (names, label) = (kinds.names(), field.label());
    say!(
        en: "the list states {names}, which has no {label}",
        zh: "名单写的是{names}，没有“{label}”这一项"
    )
}

/// The facts that take a field.
pub(super) fn taking(field: Field) -> String {
    let kinds = FactKind::all().filter(|kind| kind.takes().has(field));
    kinds.map(FactKind::said).collect::<Vec<_>>().join(comma())
}

fn choice(field: &str, header: &str) -> Result<Choice, ImportError> {
    let header = header.trim().to_owned();
    if header.is_empty() {
        return Err(ImportError::Option {
            option: format!("--column {field}="),
            message: Both::word(
                "it names no column; write a header or letters behind the =",
                "没有写明是哪一列；请在 = 后面写表头或列字母",
            ),
        });
    }
    if field == "ignore" {
        return Ok(Choice { field: None, header });
    }
    match Field::named(&field.replace('-', "_")) {
        Some(field) => Ok(Choice { field: Some(field), header }),
        None => Err(ImportError::Option {
            option: format!("--column {field}={header}"),
            message: both!(
                en: "{field} is not a field; the fields are {0}, ignore",
                zh: "{field} 不是字段名；字段有 {0}, ignore",
                Field::names()
            ),
        }),
    }
}

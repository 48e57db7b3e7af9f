//! Reading fields: one function for each kind of value. Each brings the field into its normal form.
//! Otherwise it notes a fault with the field's path and returns `None`.

use std::borrow::Cow;

use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, DocumentNumber, IndustryCode, Issuer, Name,
        PartialDate, RegionCode,
        catalogue::Catalogue,
        fault::{Fault, ParseError, Reason},
        kind::ProgrammeId,
        name,
        text::echo,
    },
    limits::{ID_BYTES_MAX, NAME_CHARS_MAX, TEXT_BYTES_MAX},
    protocol::pb,
};

/// Whether a field must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The field is required.
    Required,
    /// The field may be empty.
    Optional,
}

/// The origin of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A caller: the server infers missing values now.
    Caller,
    /// The log: inferred values are stored in it, and stay.
    Stored,
}

/// Reads the fields of one event.
pub(crate) struct Fields<'a> {
    pub(super) source: Source,
    pub(super) catalogue: &'a Catalogue,
    index: usize,
    prefix: String,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, source: Source, index: usize) -> Self {
        let (faults, warnings) = (Vec::new(), Vec::new());
        Self { source, catalogue, index, prefix: String::new(), faults, warnings }
    }

    /// Faults and warnings.
    pub(crate) fn finish(self) -> (Vec<Fault>, Vec<Fault>) {
        (self.faults, self.warnings)
    }

    /// Reads inside a nested message.
    pub(super) fn within<T>(&mut self, field: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.prefix.len();
        self.prefix.push_str(field);
        self.prefix.push('.');
        let value = read(self);
        self.prefix.truncate(length);
        value
    }

    fn note(&self, field: &str, value: &str, error: ParseError) -> Fault {
        Fault {
            index: self.index,
            field: format!("{}{field}", self.prefix),
            value: echo(value),
            reason: error.reason,
            message: error.message,
            rule: error.rule.to_owned(),
            conflicts: Vec::new(),
            demand: error.demand,
        }
    }

    pub(super) fn fault(&mut self, field: &str, value: &str, error: ParseError) {
        let fault = self.note(field, value, error);
        self.faults.push(fault);
    }

    pub(super) fn warn(&mut self, field: &str, value: &str, error: ParseError) {
        let fault = self.note(field, value, error);
        self.warnings.push(fault);
    }

    pub(super) fn fault_required(&mut self, field: &str) {
        let error = ParseError::new(Reason::FieldRequired, "is required", "");
        self.fault(field, "", error);
    }

    fn parsed<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, ParseError>,
    ) -> Option<T> {
        parse(text).map_err(|error| self.fault(field, text, error)).ok()
    }

    /// True if the field is present; notes a fault if it is required and absent.
    fn check_present(&mut self, field: &str, empty: bool, need: Need) -> bool {
        if empty && need == Need::Required {
            self.fault_required(field);
        }
        !empty
    }

    pub(crate) fn authority(
        &mut self,
        field: &str,
        text: &mut String,
        need: Need,
    ) -> Option<AuthorityCode> {
        if !self.check_present(field, text.is_empty(), need) {
            return None;
        }
        let code = self.parsed(field, text, AuthorityCode::parse)?;
        set(text, code.as_str());
        Some(code)
    }

    pub(super) fn issuer(&mut self, field: &str, text: &mut String) -> Option<Issuer> {
        if !self.check_present(field, text.is_empty(), Need::Required) {
            return None;
        }
        let issuer = self.parsed(field, text, Issuer::parse)?;
        set(text, issuer.as_str());
        Some(issuer)
    }

    pub(super) fn designee(&mut self, field: &str, text: &mut String) -> Option<DesigneeId> {
        if !self.check_present(field, text.is_empty(), Need::Required) {
            return None;
        }
        let id = self.parsed(field, text, DesigneeId::parse)?;
        if let DesigneeId::Uscc(uscc) = &id
            && !uscc.organisation_code_is_valid()
        {
            let message =
                "the check digit of the organisation code inside (positions 9 to 17) is wrong";
            let error = ParseError::new(Reason::OrganisationCodeCheck, message, "GB 11714-1997");
            self.warn(field, text, error);
        }
        match &id {
            DesigneeId::Uscc(code) => set(text, code.as_str()),
            _ if self.source == Source::Caller => *text = id.to_string(),
            _ => {}
        }
        Some(id)
    }

    pub(super) fn programme(&mut self, field: &str, text: &str) -> Option<ProgrammeId> {
        if !self.check_present(field, text.is_empty(), Need::Required) {
            return None;
        }
        let catalogue = self.catalogue;
        self.parsed(field, text, |text| catalogue.find(text))
    }

    pub(super) fn region(&mut self, field: &str, text: &mut String) -> Option<RegionCode> {
        if text.is_empty() {
            return None;
        }
        let region = self.parsed(field, text, RegionCode::parse)?;
        if text.len() != 6 {
            *text = region.to_string();
        }
        Some(region)
    }

    pub(super) fn industry(&mut self, field: &str, text: &mut String) -> Option<IndustryCode> {
        if text.is_empty() {
            return None;
        }
        let industry = self.parsed(field, text, IndustryCode::parse)?;
        set(text, industry.as_str());
        Some(industry)
    }

    /// Notes a fault if the text is empty.
    pub(super) fn require_present(&mut self, field: &str, text: &str) {
        self.check_present(field, text.is_empty(), Need::Required);
    }

    /// A year within the bounds of dates.
    pub(super) fn year(&mut self, field: &str, year: u32) -> Option<u16> {
        if !self.check_present(field, year == 0, Need::Required) {
            return None;
        }
        let date = i32::try_from(year).ok().map(|year| PartialDate::parse_parts(year, 0, 0));
        match date {
            Some(Ok(_)) => u16::try_from(year).ok(),
            _ => {
                let message = "is not a year that a date can have";
                let error = ParseError::new(Reason::DateInvalid, message, "");
                self.fault(field, &year.to_string(), error);
                None
            }
        }
    }

    /// A decimal number as published: digits, with an optional sign and point.
    pub(super) fn decimal(&mut self, field: &str, text: &mut String) {
        trim(text);
        if !self.check_present(field, text.is_empty(), Need::Required) {
            return;
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.len() > ID_BYTES_MAX || !all_digits(whole) || !all_digits(fraction) {
            let message = "is not a decimal number like 87.04";
            self.fault(field, text, ParseError::new(Reason::FieldInvalid, message, ""));
        }
    }

    pub(super) fn name(&mut self, field: &str, text: &mut String, need: Need) -> Option<Name> {
        if !self.check_present(field, text.is_empty(), need) {
            return None;
        }
        let name = self.parsed(field, text, Name::parse)?;
        set(text, name.as_str());
        Some(name)
    }

    /// A name that is stored but never matched.
    pub(super) fn published(&mut self, field: &str, text: &mut String) {
        if text.is_empty() {
            return;
        }
        match name::published(text) {
            Ok(Cow::Borrowed(_)) => {}
            Ok(Cow::Owned(changed)) => *text = changed,
            Err(error) => self.fault(field, &text.clone(), error),
        }
    }

    pub(super) fn document(&mut self, field: &str, text: &mut String) {
        if text.is_empty() {
            return;
        }
        if let Some(document) = self.parsed(field, text, DocumentNumber::parse) {
            set(text, document.as_str());
        }
    }

    /// A batch, round or rule version: a short word.
    pub(super) fn id(&mut self, field: &str, text: &mut String, need: Need) -> Option<String> {
        trim(text);
        if !self.check_present(field, text.is_empty(), need) {
            return None;
        }
        let well_formed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if text.len() > ID_BYTES_MAX || !text.bytes().all(well_formed) {
            let message = format!(
                "must be 1 to {ID_BYTES_MAX} letters, digits, hyphens, dots and underscores"
            );
            let error = ParseError::new(Reason::IdentifierInvalid, message, "");
            self.fault(field, text, error);
            return None;
        }
        Some(text.clone())
    }

    /// A type, site or product: a name that may be empty.
    pub(super) fn item(&mut self, field: &str, text: &mut String) -> Option<String> {
        trim(text);
        let too_long = text.chars().count() > NAME_CHARS_MAX;
        if too_long || text.chars().any(char::is_control) {
            let message =
                format!("must be at most {NAME_CHARS_MAX} characters, without control characters");
            self.fault(field, text, ParseError::new(Reason::IdentifierInvalid, message, ""));
            return None;
        }
        Some(text.clone())
    }

    /// Free text.
    pub(super) fn text(&mut self, field: &str, text: &mut String, need: Need) {
        trim(text);
        if self.check_present(field, text.is_empty(), need) && text.len() > TEXT_BYTES_MAX {
            let message = format!("has {} bytes; {TEXT_BYTES_MAX} are allowed", text.len());
            self.fault(field, text, ParseError::new(Reason::FieldInvalid, message, ""));
        }
    }

    /// A digest of 32 bytes; `None` if it is empty.
    pub(super) fn digest(&mut self, field: &str, digest: &[u8]) -> Option<[u8; 32]> {
        if digest.is_empty() {
            return None;
        }
        let read = digest.try_into().ok();
        if read.is_none() {
            let message = format!("has {} bytes; a digest has 32", digest.len());
            self.fault(field, "", ParseError::new(Reason::FieldInvalid, message, ""));
        }
        read
    }

    pub(super) fn date(
        &mut self,
        field: &str,
        date: Option<&pb::Date>,
        need: Need,
    ) -> Option<PartialDate> {
        let Some(date) = date else {
            self.check_present(field, true, need);
            return None;
        };
        let pb::Date { year, month, day } = *date;
        let parsed = PartialDate::parse_parts(year, month, day);
        parsed
            .map_err(|error| {
                let text = format!("{year:04}-{month:02}-{day:02}");
                self.fault(field, &text, error);
            })
            .ok()
    }

    pub(super) fn first_day(
        &mut self,
        field: &str,
        date: Option<&pb::Date>,
        need: Need,
    ) -> Option<CivilDate> {
        self.date(field, date, need).map(PartialDate::first_day)
    }

    pub(super) fn last_day(&mut self, field: &str, date: Option<&pb::Date>) -> Option<CivilDate> {
        self.date(field, date, Need::Optional).map(PartialDate::last_day)
    }

    /// Notes a fault if an end lies before its beginning.
    pub(super) fn require_order(&mut self, field: &str, from: CivilDate, to: Option<CivilDate>) {
        if let Some(to) = to.filter(|to| *to < from) {
            let message = format!("lies before {from}, the beginning");
            let error =
                ParseError::new(Reason::DateOrder, message, "an end is not before its beginning");
            self.fault(field, &to.to_string(), error);
        }
    }

    /// An enum value that is known, and stated if it is required.
    pub(super) fn choice<E: TryFrom<i32> + PartialEq + Default>(
        &mut self,
        field: &str,
        number: i32,
        need: Need,
    ) -> Option<E> {
        let Ok(value) = E::try_from(number) else {
            self.fault(field, &number.to_string(), ParseError::unknown_enum());
            return None;
        };
        let stated = self.check_present(field, value == E::default(), need);
        (stated || need == Need::Optional).then_some(value)
    }

    pub(super) fn position(&mut self, field: &str, position: Option<u64>) -> Option<u64> {
        self.check_present(field, position.is_none(), Need::Required);
        position
    }
}

/// Replaces a text if it differs, so that a text in its normal form costs nothing.
fn set(text: &mut String, value: &str) {
    if text != value {
        value.clone_into(text);
    }
}

fn trim(text: &mut String) {
    let trimmed = text.trim();
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned();
    }
}

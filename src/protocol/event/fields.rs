//! Reading fields: one function for each kind of value. Each brings the field into its normal form.
//! Otherwise it notes a fault with the field's path and returns `None`.
//!
//! Whatever the log has accepted is read for ever. So a [`Fields::fault`] counts for callers only,
//! and a new one cannot make an old log unreadable. Values from the log are taken as they are. Only
//! [`Fields::unreadable`] refuses a stored event: the code cannot go on without that value.

use crate::{
    domain::{
        AuthorityCode, BodyCode, CivilDate, IndustryCode, Issuer, PartialDate, RegionCode,
        catalogue::Catalogue,
        fault::{Breach, Fault, Faults, Key, RuleId},
        kind::ProgrammeId,
        personal,
    },
    limits::ID_BYTES_MAX,
    protocol::{pb, time::written},
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
    /// A caller: the server checks every value, and infers missing ones now.
    Caller,
    /// The log: values were checked and inferred when they were recorded, and stay.
    Stored,
}

/// Reads the fields of one event.
pub(crate) struct Fields<'a> {
    pub(super) source: Source,
    pub(super) catalogue: &'a Catalogue,
    index: usize,
    prefix: String,
    faults: Faults,
    warnings: Faults,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, source: Source, index: usize) -> Self {
        let (faults, warnings) = (Faults::of_event(), Faults::of_event());
        Self { source, catalogue, index, prefix: String::new(), faults, warnings }
    }

    /// Faults and warnings.
    pub(crate) fn finish(self) -> (Faults, Faults) {
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

    pub(super) fn is_stored(&self) -> bool {
        self.source == Source::Stored
    }

    /// Refuses a caller's value.
    pub(super) fn fault(&mut self, field: &str, value: &str, breach: impl Into<Breach>) {
        if !self.is_stored() {
            self.unreadable(field, value, breach);
        }
    }

    /// Refuses a value of anybody, because the code cannot go on without it. A value with data
    /// about a person is not repeated.
    pub(super) fn unreadable(&mut self, field: &str, value: &str, breach: impl Into<Breach>) {
        let Self { index, prefix, faults, .. } = self;
        let breach = breach.into();
        let rule = breach.rule();
        faults.add(rule, || {
            let value = if personal::find(value).is_some() { "" } else { value };
            Fault::new(*index, format!("{prefix}{field}"), value, breach)
        });
    }

    pub(super) fn warn(&mut self, field: &str, value: &str, breach: impl Into<Breach>) {
        if !self.is_stored() {
            let Self { index, prefix, warnings, .. } = self;
            let breach = breach.into();
            let rule = breach.rule();
            warnings.add(rule, || Fault::new(*index, format!("{prefix}{field}"), value, breach));
        }
    }

    pub(super) fn fault_required(&mut self, field: &str) {
        self.fault(field, "", RuleId::FieldRequired);
    }

    pub(super) fn unreadable_without(&mut self, field: &str) {
        self.unreadable(field, "", RuleId::FieldRequired);
    }

    pub(super) fn parsed<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, Breach>,
    ) -> Option<T> {
        parse(text).map_err(|breach| self.unreadable(field, text, breach)).ok()
    }

    /// True if the field is present. Refuses a caller's event without it if it is required.
    pub(super) fn check_present(&mut self, field: &str, empty: bool, need: Need) -> bool {
        if empty && need == Need::Required {
            self.fault_required(field);
        }
        !empty
    }

    /// As [`Fields::check_present`], for a value that the code cannot go on without.
    pub(super) fn check_stated(&mut self, field: &str, empty: bool, need: Need) -> bool {
        if empty && need == Need::Required {
            self.unreadable_without(field);
        }
        !empty
    }

    pub(crate) fn authority(
        &mut self,
        field: &str,
        text: &mut String,
        need: Need,
    ) -> Option<AuthorityCode> {
        if !self.check_stated(field, text.is_empty(), need) {
            return None;
        }
        let code = self.parsed(field, text, AuthorityCode::parse)?;
        set(text, code.as_str());
        Some(code)
    }

    /// The code of a body. One that the table does not have is left out when it comes from the log.
    pub(super) fn body(&mut self, field: &str, text: &mut String) -> Option<BodyCode> {
        if self.is_stored() {
            return BodyCode::parse(text).ok();
        }
        if !self.check_present(field, text.is_empty(), Need::Required) {
            return None;
        }
        let body = self.parsed(field, text, BodyCode::parse)?;
        set(text, body.as_str());
        Some(body)
    }

    pub(super) fn issuer(&mut self, field: &str, text: &mut String) -> Option<Issuer> {
        if !self.check_stated(field, text.is_empty(), Need::Required) {
            return None;
        }
        let issuer = self.parsed(field, text, Issuer::parse)?;
        set(text, issuer.as_str());
        Some(issuer)
    }

    pub(super) fn programme(&mut self, field: &str, text: &str) -> Option<ProgrammeId> {
        if !self.check_stated(field, text.is_empty(), Need::Required) {
            return None;
        }
        let catalogue = self.catalogue;
        self.parsed(field, text, |text| catalogue.find(text))
    }

    pub(super) fn region(&mut self, field: &str, text: &mut String) -> Option<RegionCode> {
        if text.is_empty() {
            return None;
        }
        if self.is_stored() {
            return RegionCode::recorded(text);
        }
        let region = self.parsed(field, text, RegionCode::parse)?;
        if !region.is_listed() {
            self.warn(field, text, RuleId::RegionNotListed);
        }
        if text.len() != 6 {
            *text = region.to_string();
        }
        Some(region)
    }

    /// A region that the code cannot go on without.
    pub(super) fn required_region(&mut self, field: &str, text: &mut String) -> Option<RegionCode> {
        let region = self.region(field, text);
        // A caller's faulty region is refused already.
        if region.is_none() && (self.is_stored() || text.is_empty()) {
            self.unreadable_without(field);
        }
        region
    }

    pub(super) fn industry(&mut self, field: &str, text: &mut String) -> Option<IndustryCode> {
        if text.is_empty() {
            return None;
        }
        if self.is_stored() {
            return IndustryCode::parse(text).ok();
        }
        let industry = self.parsed(field, text, IndustryCode::parse)?;
        set(text, industry.as_str());
        Some(industry)
    }

    /// A year within the bounds of dates.
    pub(super) fn year(&mut self, field: &str, year: u32) -> Option<u16> {
        if self.is_stored() {
            let read = u16::try_from(year).ok();
            self.check_stated(field, read.is_none(), Need::Required);
            return read;
        }
        if !self.check_present(field, year == 0, Need::Required) {
            return None;
        }
        let date = i32::try_from(year).ok().map(|year| PartialDate::parse_parts(year, 0, 0));
        match date {
            Some(Ok(_)) => u16::try_from(year).ok(),
            _ => {
                self.fault(field, &year.to_string(), RuleId::YearUnknown);
                None
            }
        }
    }

    /// A decimal number as published: digits, with an optional sign and point.
    pub(super) fn decimal(&mut self, field: &str, text: &mut String) {
        if self.is_stored() {
            return;
        }
        trim(text);
        if !self.check_present(field, text.is_empty(), Need::Required) {
            return;
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.len() > ID_BYTES_MAX || !all_digits(whole) || !all_digits(fraction) {
            self.fault(field, text, RuleId::DecimalForm);
        }
    }

    /// A digest of 32 bytes; `None` if it is empty.
    pub(super) fn digest(&mut self, field: &str, digest: &[u8]) -> Option<[u8; 32]> {
        if digest.is_empty() {
            return None;
        }
        let read = digest.try_into().ok();
        if read.is_none() {
            self.fault(field, "", RuleId::DigestLength.with(Key::Count, digest.len()));
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
            self.check_stated(field, true, need);
            return None;
        };
        let pb::Date { year, month, day } = *date;
        let parsed = PartialDate::parse_parts(year, month, day);
        parsed
            .map_err(|breach| {
                self.unreadable(field, &written(*date), breach);
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
            self.fault(field, &to.to_string(), RuleId::DateOrder.with(Key::From, from));
        }
    }

    /// An enum value without which the code cannot go on.
    pub(super) fn choice<E: TryFrom<i32> + PartialEq + Default>(
        &mut self,
        field: &str,
        number: i32,
        need: Need,
    ) -> Option<E> {
        let value = self.check_choice(field, number, need);
        if value.is_none() && self.is_stored() {
            self.unreadable(field, &number.to_string(), RuleId::EnumUnknown);
        }
        value
    }

    /// An enum value that is known and, if it is required, stated. The code can go on without it.
    pub(super) fn check_choice<E: TryFrom<i32> + PartialEq + Default>(
        &mut self,
        field: &str,
        number: i32,
        need: Need,
    ) -> Option<E> {
        let Ok(value) = E::try_from(number) else {
            self.fault(field, &number.to_string(), RuleId::EnumUnknown);
            return None;
        };
        let stated = self.check_present(field, value == E::default(), need);
        (stated || need == Need::Optional || self.is_stored()).then_some(value)
    }

    /// Refuses a caller's list that has more entries than it may. True if its entries are to be
    /// read.
    pub(super) fn require_bounded(&mut self, field: &str, count: usize, most: usize) -> bool {
        if count > most {
            let breach = RuleId::ListLength.with(Key::Count, count).with(Key::Limit, most);
            self.fault(field, "", breach);
        }
        count <= most || self.is_stored()
    }

    pub(super) fn position(&mut self, field: &str, position: Option<u64>) -> Option<u64> {
        self.check_stated(field, position.is_none(), Need::Required);
        position
    }
}

/// Replaces a text if it differs, so that a text in its normal form costs nothing.
pub(super) fn set(text: &mut String, value: &str) {
    if text != value {
        value.clone_into(text);
    }
}

pub(super) fn trim(text: &mut String) {
    let trimmed = text.trim();
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned();
    }
}

//! Reading the texts of an event: names, identifiers with names, documents, words and web
//! addresses. No text of a caller may hold data about a person, and none is repeated that does.

use std::borrow::Cow;

use super::fields::{Fields, Need, set, trim};
use crate::{
    domain::{
        DesigneeId, DocumentNumber, Name, Uscc,
        characters::require_visible,
        fault::{Key, RuleId},
        name,
        personal::{self, PersonalData},
    },
    limits::{ID_BYTES_MAX, NAME_CHARS_MAX, TEXT_BYTES_MAX},
};

impl Fields<'_> {
    pub(super) fn designee(&mut self, field: &str, text: &mut String) -> Option<DesigneeId> {
        if !self.check_stated(field, text.is_empty(), Need::Required) {
            return None;
        }
        if self.is_stored() {
            return self.parsed(field, text, DesigneeId::recorded);
        }
        let parsed = DesigneeId::parse(text);
        let is_plain_code = matches!(
            &parsed,
            Ok(DesigneeId::Uscc(code)) if code.organisation_code_is_valid()
        );
        if !is_plain_code && !self.require_impersonal(field, personal::find_in_designee(text)) {
            return None;
        }
        let id = self.parsed(field, text, |_| parsed)?;
        if let DesigneeId::Uscc(code) = &id {
            self.warn_of_odd_code(field, *code, is_plain_code);
        }
        // A provisional identifier holds a name. Folding it keeps most characters without a glyph.
        if let DesigneeId::Provisional { .. } = &id
            && !self.require_visible(field, text.trim())
        {
            return None;
        }
        match &id {
            DesigneeId::Uscc(code) => set(text, code.as_str()),
            _ => *text = id.to_string(),
        }
        Some(id)
    }

    /// Warns of a code that is accepted and that nobody may have issued so.
    fn warn_of_odd_code(&mut self, field: &str, code: Uscc, organisation_is_valid: bool) {
        if code.is_known_exception() {
            return self.warn(field, code.as_str(), RuleId::UsccKnownException);
        }
        if !organisation_is_valid {
            self.warn(field, code.as_str(), RuleId::OrganisationCodeCheck);
        }
        if let Some(rule) = code.suspicion() {
            self.warn(field, code.as_str(), rule);
        }
    }

    pub(super) fn name(&mut self, field: &str, text: &mut String, need: Need) -> Option<Name> {
        if self.is_stored() {
            let stated = !text.is_empty() || need == Need::Required;
            return stated.then(|| Name::recorded(text));
        }
        if !self.check_present(field, text.is_empty(), need) {
            return None;
        }
        if !self.require_impersonal(field, personal::find(text)) {
            return None;
        }
        let name = self.parsed(field, text, Name::parse)?;
        set(text, name.as_str());
        Some(name)
    }

    /// A name that is stored but never matched.
    pub(super) fn published(&mut self, field: &str, text: &mut String) {
        if text.is_empty() || self.is_stored() {
            return;
        }
        if !self.require_impersonal(field, personal::find(text)) {
            return;
        }
        match name::published(text) {
            Ok(Cow::Borrowed(_)) => {}
            Ok(Cow::Owned(changed)) => *text = changed,
            Err(breach) => self.fault(field, &text.clone(), breach),
        }
    }

    pub(super) fn document(&mut self, field: &str, text: &mut String) {
        if text.is_empty()
            || self.is_stored()
            || !self.require_impersonal(field, personal::find(text))
            || !self.require_visible(field, text.trim())
        {
            return;
        }
        if let Some(document) = self.parsed(field, text, DocumentNumber::parse) {
            set(text, document.as_str());
        }
    }

    /// A batch, round or rule version: a short word.
    pub(super) fn id(&mut self, field: &str, text: &mut String, need: Need) -> Option<String> {
        if self.is_stored() {
            return Some(text.clone());
        }
        trim(text);
        if !self.check_present(field, text.is_empty(), need) {
            return None;
        }
        if !self.require_impersonal(field, personal::find(text)) {
            return None;
        }
        let well_formed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if text.len() > ID_BYTES_MAX || !text.bytes().all(well_formed) {
            self.fault(field, text, RuleId::IdForm.with(Key::Limit, ID_BYTES_MAX));
            return None;
        }
        Some(text.clone())
    }

    /// A type, site or product: a name that may be empty.
    pub(super) fn item(&mut self, field: &str, text: &mut String) -> Option<String> {
        if self.is_stored() {
            return Some(text.clone());
        }
        trim(text);
        if !self.require_impersonal(field, personal::find(text)) {
            return None;
        }
        if text.chars().count() > NAME_CHARS_MAX {
            self.fault(field, text, RuleId::ItemForm.with(Key::Limit, NAME_CHARS_MAX));
            return None;
        }
        self.require_visible(field, text).then(|| text.clone())
    }

    /// Free text.
    pub(super) fn text(&mut self, field: &str, text: &mut String, need: Need) {
        self.text_with(field, text, need, personal::find);
    }

    fn text_with(
        &mut self,
        field: &str,
        text: &mut String,
        need: Need,
        personal: fn(&str) -> Option<PersonalData>,
    ) {
        if self.is_stored() {
            return;
        }
        trim(text);
        if !self.check_present(field, text.is_empty(), need) {
            return;
        }
        if !self.require_impersonal(field, personal(text)) {
            return;
        }
        if text.len() > TEXT_BYTES_MAX {
            let breach = RuleId::TextLength.with(Key::Count, text.len());
            self.fault(field, text, breach.with(Key::Limit, TEXT_BYTES_MAX));
            return;
        }
        self.require_visible(field, text);
    }

    /// A web address.
    pub(super) fn url(&mut self, field: &str, text: &mut String) {
        self.text_with(field, text, Need::Optional, personal::find_in_url);
        let after = |scheme: &str| {
            let (head, rest) = text.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some(rest)
        };
        let names_a_host = |rest: &str| !rest.is_empty() && !rest.starts_with(['/', '?', '#']);
        let is_web = ["https://", "http://"].into_iter().find_map(after).is_some_and(names_a_host);
        if !text.is_empty() && !is_web && personal::find_in_url(text).is_none() {
            self.fault(field, text, RuleId::UrlForm);
        }
    }

    /// Refuses a caller's text with a character that nobody sees.
    fn require_visible(&mut self, field: &str, text: &str) -> bool {
        let breach = require_visible(text).err();
        let is_visible = breach.is_none();
        if let Some(breach) = breach {
            self.fault(field, text, breach);
        }
        is_visible
    }

    /// Refuses a caller's text with data about a person, and does not repeat it. True if it has
    /// none.
    fn require_impersonal(&mut self, field: &str, found: Option<PersonalData>) -> bool {
        if let Some(found) = found {
            self.fault(field, "", RuleId::from(found));
        }
        found.is_none()
    }
}

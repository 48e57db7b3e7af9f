//! Identifiers of title holders: a code, or a provisional or local identifier for a subject without
//! one.

use std::fmt;

use super::{
    AuthorityCode, Uscc,
    fault::{Breach, Key, RuleId},
    name::folded,
};
use crate::limits::{ID_BYTES_MAX, NAME_CHARS_MAX, WRITTEN_TEXT_BYTES_MAX};

const PROVISIONAL: &str = "provisional:";
const LOCAL: &str = "local:";

/// Identifies a designee.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DesigneeId {
    /// By unified social credit code.
    Uscc(Uscc),
    /// By name, for lists that carry no codes.
    Provisional {
        /// The recommending authority.
        authority: AuthorityCode,
        /// The folded name.
        name: Box<str>,
    },
    /// By a code of the authority's own, for subjects that never get one.
    Local {
        /// The authority that gives the code.
        authority: AuthorityCode,
        /// The code.
        code: Box<str>,
    },
}

impl DesigneeId {
    /// Reads one of the three forms.
    ///
    /// # Errors
    /// The rule that a part breaks; [`RuleId::DesigneeForm`] if none of the forms fits.
    pub fn parse(text: &str) -> Result<Self, Breach> {
        let text = text.trim();
        if let Some(rest) = strip_prefix(text, PROVISIONAL) {
            let (authority, name) = split(rest)?;
            return Self::provisional(authority, name);
        }
        if let Some(rest) = strip_prefix(text, LOCAL) {
            let (authority, code) = split(rest)?;
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
            if code.is_empty() || code.len() > ID_BYTES_MAX || !code.bytes().all(fits) {
                return Err(RuleId::LocalCodeForm.with(Key::Limit, ID_BYTES_MAX));
            }
            return Ok(Self::Local { authority, code: code.into() });
        }
        // A text that does not look like a code gets an error that shows all three forms.
        if !text.is_empty() && (!text.chars().any(char::is_numeric) || text.contains([':', '/'])) {
            return Err(RuleId::DesigneeForm.into());
        }
        Uscc::parse(text).map(Self::Uscc)
    }

    /// The local identifiers under which authorities record a code with a wrong check character, if
    /// the text is one: of every authority, because the code does not tell which.
    ///
    /// # Errors
    /// The rule that the text breaks, if it is something else.
    pub fn of_odd_code(text: &str) -> Result<impl Iterator<Item = Self>, Breach> {
        let Err(breach) = Self::parse(text) else { return Err(RuleId::DesigneeForm.into()) };
        if breach.rule() != RuleId::UsccCheckCharacter {
            return Err(breach);
        }
        let code: Box<str> = Uscc::folded(text).into();
        Ok(AuthorityCode::all().map(move |authority| Self::Local { authority, code: code.clone() }))
    }

    /// Reads an identifier from the log. Its form is checked only as far as it tells the three
    /// kinds apart.
    ///
    /// # Errors
    /// As for [`DesigneeId::parse`], if it is none of the three.
    pub fn recorded(text: &str) -> Result<Self, Breach> {
        if let Some(rest) = text.strip_prefix(PROVISIONAL) {
            let (authority, name) = split(rest)?;
            return Ok(Self::Provisional { authority, name: name.into() });
        }
        if let Some(rest) = text.strip_prefix(LOCAL) {
            let (authority, code) = split(rest)?;
            return Ok(Self::Local { authority, code: code.into() });
        }
        Uscc::recorded(text).map_or_else(|| Self::parse(text), |code| Ok(Self::Uscc(code)))
    }

    /// A provisional identifier; the name is folded.
    ///
    /// # Errors
    /// [`RuleId::ProvisionalNameForm`] if the folded name is empty or too long.
    pub fn provisional(authority: AuthorityCode, name: &str) -> Result<Self, Breach> {
        let wrong_length = || RuleId::ProvisionalNameForm.with(Key::Limit, NAME_CHARS_MAX);
        if name.len() > WRITTEN_TEXT_BYTES_MAX {
            return Err(wrong_length());
        }
        let name = folded(name);
        let length = name.chars().count();
        if length == 0 || length > NAME_CHARS_MAX {
            return Err(wrong_length());
        }
        Ok(Self::Provisional { authority, name: name.into() })
    }
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn split(rest: &str) -> Result<(AuthorityCode, &str), Breach> {
    let (authority, rest) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((AuthorityCode::parse(authority)?, rest))
}

impl fmt::Display for DesigneeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uscc(code) => code.fmt(f),
            Self::Provisional { authority, name } => {
                write!(f, "{PROVISIONAL}{}/{name}", authority.as_str())
            }
            Self::Local { authority, code } => write!(f, "{LOCAL}{}/{code}", authority.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Reason;

    #[test]
    fn three_forms_read_and_write() {
        for (text, normal) in [
            ("９１４４０３００１９２２０３８２１６", "914403001922038216"),
            (
                "Provisional:120000/瑞普(天津)生物 药业有限公司",
                "provisional:120000/瑞普天津生物药业有限公司",
            ),
            ("local:440000/zone-7", "local:440000/zone-7"),
        ] {
            let id = DesigneeId::parse(text).unwrap();
            assert_eq!(id.to_string(), normal);
            assert_eq!(DesigneeId::parse(normal).unwrap(), id);
        }
    }

    #[test]
    fn an_odd_code_has_a_local_identifier_of_each_authority() {
        let locals: Vec<_> = DesigneeId::of_odd_code("91440300 1922038217").unwrap().collect();
        assert_eq!(locals.len(), AuthorityCode::all().count());
        let own = DesigneeId::parse("local:440300/914403001922038217").unwrap();
        assert!(locals.contains(&own));
        for other in ["914403001922038216", "91", "local:440300/914403001922038217", "某公司"] {
            assert!(DesigneeId::of_odd_code(other).is_err(), "{other}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_part_that_is_wrong() {
        for (bad, reason) in [
            ("", Reason::UsccForm),
            ("914403001922038217", Reason::UsccCheckCharacter),
            ("provisional:999999/甲", Reason::AuthorityUnknown),
            ("provisional:440000/", Reason::FieldInvalid),
            ("provisional:440000/（）", Reason::FieldInvalid),
            ("local:440000/", Reason::IdentifierInvalid),
            ("local:440000/a b", Reason::IdentifierInvalid),
            ("urn:440000/x", Reason::UsccForm),
            ("某公司", Reason::UsccForm),
        ] {
            assert_eq!(DesigneeId::parse(bad).unwrap_err().reason(), reason, "{bad}");
        }
    }
}

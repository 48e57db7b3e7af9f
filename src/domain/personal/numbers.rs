//! Numbers in a text, whole or in groups of digits: `138-0000-0000`, `4401 0119 0001 0100 19`.

use super::{DIGITS_LEAST, PersonalData, digit, identity, is_identity_as_code, narrow, words};
use crate::domain::{Uscc, characters::is_hidden};

/// The digits of a mobile number.
const MOBILE_DIGITS: usize = 11;
/// Groups that are kept: a number has at most 18 digits.
const GROUPS_MAX: usize = 18;
/// The most characters between two groups of one number.
const JOINT_CHARS_MAX: usize = 3;

/// Groups in which a mobile number is written. Other groups count only if nothing else is near.
const MOBILE_SHAPES: [&[u8]; 8] =
    [&[11], &[3, 4, 4], &[3, 8], &[7, 4], &[4, 3, 4], &[3, 3, 5], &[3, 4, 2, 2], &[3, 2, 2, 2, 2]];
/// Groups in which an identity number is written, without an X at its end.
const IDENTITY_SHAPES: [&[u8]; 7] =
    [&[18], &[17], &[6, 8, 4], &[6, 8, 3], &[6, 12], &[14, 4], &[14, 3]];
/// Units after an amount. An amount of eleven digits is not a mobile number.
const UNITS: &str = "元万亿股美吨千平件套台只个";

/// Where a number is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In words, or in a cell.
    Text,
    /// In a web address, where long numbers are often those of pages.
    Url,
}

/// A run of digits.
#[derive(Clone, Copy, Default)]
struct Group {
    start: usize,
    end: usize,
    value: u64,
    /// Number of digits. Of more than 18, the value is not kept.
    digits: u8,
    joint: Joint,
}

/// The characters between a group and the one before it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Joint {
    /// Nothing joins them.
    #[default]
    None,
    Space,
    Hyphen,
    Dot,
    /// Several of these, or brackets.
    Mixed,
}

/// Finds the first personal number.
pub(super) fn find(text: &str, place: Place) -> Option<PersonalData> {
    let mut run = Run { text, place, groups: [Group::default(); GROUPS_MAX], count: 0, digits: 0 };
    let mut at = 0;
    while let Some(mut group) = next_group(text, at) {
        if run.count > 0 {
            group.joint = joint(text.get(at..group.start).unwrap_or_default());
        }
        run.push(group);
        let found = run.judge();
        if found.is_some() {
            return found;
        }
        at = group.end;
    }
    None
}

/// The first run of digits from a place on. Characters that nobody sees do not end it.
fn next_group(text: &str, from: usize) -> Option<Group> {
    let mut group = Group::default();
    for (at, c) in text.get(from..)?.char_indices() {
        let Some(value) = digit(c) else {
            if group.digits == 0 || is_hidden(c) {
                continue;
            }
            break;
        };
        if group.digits == 0 {
            group.start = from + at;
        }
        group.end = from + at + c.len_utf8();
        group.digits = group.digits.saturating_add(1);
        if group.digits <= 18 {
            group.value = group.value * 10 + u64::from(value);
        }
    }
    (group.digits > 0).then_some(group)
}

/// The way in which a text joins two groups.
fn joint(between: &str) -> Joint {
    let mut joint = Joint::None;
    let mut chars = 0;
    for c in between.chars().filter(|c| !is_hidden(*c)).map(narrow) {
        let this = match c {
            _ if c.is_whitespace() => Joint::Space,
            '-' | '‐'..='―' | '−' | '﹣' | '﹘' => Joint::Hyphen,
            '.' | '·' | '•' | '・' | '‧' | '∙' | '⋅' | '･' => Joint::Dot,
            '(' | ')' => Joint::Mixed,
            _ => return Joint::None,
        };
        chars += 1;
        joint = if joint == Joint::None || joint == this { this } else { Joint::Mixed };
    }
    if chars > JOINT_CHARS_MAX { Joint::None } else { joint }
}

/// Groups that are joined to one another, the last ones of a text so far.
struct Run<'a> {
    text: &'a str,
    place: Place,
    groups: [Group; GROUPS_MAX],
    count: usize,
    /// The digits of all groups of the run, also of those that are not kept.
    digits: usize,
}

impl Run<'_> {
    fn push(&mut self, group: Group) {
        if group.joint == Joint::None {
            (self.count, self.digits) = (0, 0);
        }
        if self.count == GROUPS_MAX {
            self.groups.rotate_left(1);
            self.count -= 1;
        }
        if let Some(place) = self.groups.get_mut(self.count) {
            *place = group;
            self.count += 1;
        }
        self.digits = self.digits.saturating_add(group.digits.into());
    }

    /// Judges the numbers that end with the last group.
    fn judge(&self) -> Option<PersonalData> {
        // Most runs are years and numbers of documents.
        if self.digits < DIGITS_LEAST {
            return None;
        }
        let groups = self.groups.get(..self.count)?;
        if self.digits >= MOBILE_DIGITS
            && let Some(found) = self.judge_long(groups)
        {
            return Some(found);
        }
        let is_telephone = self.place == Place::Text && self.is_telephone(groups);
        is_telephone.then_some(PersonalData::TelephoneNumber)
    }

    /// As [`Run::judge`], for numbers of eleven digits and more.
    fn judge_long(&self, groups: &[Group]) -> Option<PersonalData> {
        let windows = (0..groups.len()).rev().filter_map(|from| groups.get(from..));
        let mut numbers = windows.map_while(|window| self.number(window));
        if numbers.clone().any(|number| self.is_identity_number(&number)) {
            return Some(PersonalData::IdentityNumber);
        }
        if numbers.any(|number| self.is_mobile_number(number)) {
            return Some(PersonalData::MobileNumber);
        }
        None
    }

    /// The number that groups make; `None` if it is longer than any that is judged.
    fn number(&self, groups: &[Group]) -> Option<Number<'_>> {
        let (first, last) = (groups.first()?, groups.last()?);
        let mut number = Number {
            value: 0,
            digits: 0,
            sizes: [0; GROUPS_MAX],
            count: groups.len(),
            is_uniform: true,
            is_whole: false,
            before: self.text.get(..first.start)?,
            after: self.text.get(last.end..)?,
        };
        let joint = groups.get(1).map(|second| second.joint);
        for (at, (group, size)) in groups.iter().zip(&mut number.sizes).enumerate() {
            number.digits += usize::from(group.digits);
            if number.digits > 18 {
                return None;
            }
            number.value = number.value * 10_u64.pow(group.digits.into()) + group.value;
            *size = group.digits;
            let fits = Some(group.joint) == joint && group.joint != Joint::Mixed;
            number.is_uniform &= at == 0 || fits;
        }
        number.is_whole = number.digits == self.digits && !goes_on(number.after);
        Some(number)
    }

    fn is_identity_number(&self, number: &Number<'_>) -> bool {
        let &Number { value, is_uniform, is_whole, before, after, .. } = number;
        let in_url = self.place == Place::Url;
        if !words::are_letters_before(before) {
            return false;
        }
        let is_written_so =
            number.has_shape(&IDENTITY_SHAPES) || (number.is_uniform && !in_url && number.is_whole);
        match number.digits {
            15 => {
                let is_alone = number.count == 1 && words::is_alone(before, after);
                let is_written_so = is_uniform && is_whole && !words::is_glued(after);
                is_written_so && identity::is_of_fifteen(value) && (!in_url || is_alone)
            }
            17 => is_written_so && identity::is_body(value) && begins_with_x(after),
            18 => {
                let is_checked =
                    u64::from(identity::check_of(value / 10)) == u64::from(b'0') + value % 10;
                is_written_so
                    && identity::is_body(value / 10)
                    && !words::is_glued(after)
                    && (is_checked || !in_url)
                    && !is_credit_code(value)
            }
            _ => false,
        }
    }

    fn is_mobile_number(&self, number: Number<'_>) -> bool {
        let Some(number) = number.without_country() else { return false };
        let Number { value, is_uniform, is_whole, before, after, .. } = number;
        if !(13..=19).contains(&(value / 1_000_000_000)) || words::is_glued(after) {
            return false;
        }
        if self.place == Place::Url {
            let is_single = number.sizes() == [11] && words::is_alone(before, after);
            return is_single || (is_uniform && number.sizes() == [3, 4, 4]);
        }
        if !words::may_introduce(before) || after.starts_with(|c| UNITS.contains(c)) {
            return false;
        }
        if number.has_shape(&MOBILE_SHAPES) {
            // A number and a day: `150-20260401`.
            return !(number.sizes() == [3, 8] && is_recent_day(value % 100_000_000));
        }
        let begins_with_year = number.sizes().first() == Some(&4) && value / 1_000_000_000 == 19;
        is_whole && is_uniform && !number.is_amount() && !begins_with_year
    }

    /// A telephone number after a word that makes it somebody's.
    fn is_telephone(&self, groups: &[Group]) -> bool {
        let is_day = match groups {
            [day] => day.digits == 8 && is_recent_day(day.value),
            [year, ..] => year.digits == 4 && matches!(year.value, 1900..2100),
            [] => true,
        };
        let Some(number) = self.number(groups).filter(|number| number.is_whole) else {
            return false;
        };
        (7..=12).contains(&number.digits)
            && !is_day
            && !number.after.starts_with(|c| UNITS.contains(c))
            && words::are_of_contact(number.before)
    }
}

/// A number in groups.
#[derive(Clone, Copy)]
struct Number<'a> {
    value: u64,
    digits: usize,
    sizes: [u8; GROUPS_MAX],
    count: usize,
    /// True if the same sign joins all groups.
    is_uniform: bool,
    /// True if no other group is joined to these.
    is_whole: bool,
    before: &'a str,
    after: &'a str,
}

impl Number<'_> {
    fn sizes(&self) -> &[u8] {
        self.sizes.get(..self.count).unwrap_or_default()
    }

    fn has_shape(&self, shapes: &[&[u8]]) -> bool {
        shapes.contains(&self.sizes())
    }

    /// An amount in groups of thousands: `13 500 000 000`.
    fn is_amount(&self) -> bool {
        self.sizes().iter().skip(1).all(|size| *size == 3)
    }

    /// A number of eleven digits without the code of the country, or the 0 before long distance.
    fn without_country(mut self) -> Option<Self> {
        let code = self.value / 100_000_000_000;
        let fits = match self.digits {
            11 => return Some(self),
            12 => code == 0,
            13 | 15 => code == 86,
            _ => false,
        };
        let (first, rest) = self.sizes.split_first_mut()?;
        let code_digits = u8::try_from(self.digits.checked_sub(11)?).ok()?;
        if !fits || *first < code_digits {
            return None;
        }
        *first -= code_digits;
        if *first == 0 {
            *first = *rest.first()?;
            self.sizes.copy_within(1.., 0);
            self.count -= 1;
        }
        (self.value, self.digits) = (self.value % 100_000_000_000, 11);
        Some(self)
    }
}

/// True if the digits after a number are joined to it.
fn goes_on(after: &str) -> bool {
    let next = after.char_indices().find(|(_, c)| digit(*c).is_some());
    next.is_some_and(|(at, _)| joint(after.get(..at).unwrap_or_default()) != Joint::None)
}

/// True if the check character X follows 17 digits, alone or in a group of its own.
fn begins_with_x(after: &str) -> bool {
    let Some(at) = after.find(|c| matches!(narrow(c), 'X' | 'x')) else { return false };
    let (joined, rest) = after.split_at(at);
    let is_joined = joined.chars().all(is_hidden) || joint(joined) != Joint::None;
    is_joined && !rest.chars().nth(1).is_some_and(|c| narrow(c).is_ascii_alphanumeric())
}

/// True if 18 digits are a credit code, and not an identity number that passes for one.
fn is_credit_code(value: u64) -> bool {
    let code = format!("{value:018}");
    Uscc::parse(&code).is_ok() && !is_identity_as_code(&code)
}

/// True if eight digits are a day of a list.
fn is_recent_day(digits: u64) -> bool {
    identity::is_day(digits) && matches!(digits / 10_000, 1949..2100)
}

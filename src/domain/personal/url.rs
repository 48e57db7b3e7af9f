//! Personal data in web addresses.

use std::borrow::Cow;

use super::{DIGITS_LEAST, PersonalData, Signs, mail, numbers};

/// The first personal data in a web address, if there is any.
///
/// Pages of authorities often have file names with eleven digits. So a mobile number counts if it
/// is a whole folder, the value of a parameter, or in groups.
#[must_use]
pub fn find_in_url(url: &str) -> Option<PersonalData> {
    let url = decoded(url);
    let Signs { digits, at } = Signs::of(&url);
    if at && let Some(found) = mail::find(&url) {
        return Some(found);
    }
    (digits >= DIGITS_LEAST).then(|| numbers::find(&url, numbers::Place::Url))?
}

/// The text without percent-encoding, which is left where it encodes no UTF-8.
fn decoded(url: &str) -> Cow<'_, str> {
    if !url.contains('%') {
        return Cow::Borrowed(url);
    }
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = match after {
            [high, low, ..] if *first == b'%' => hexadecimal(*high, *low),
            _ => None,
        };
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hexadecimal(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

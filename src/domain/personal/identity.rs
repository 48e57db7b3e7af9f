//! Resident identity numbers (GB 11643): six digits of a division, the day of birth, a serial
//! number and, since 1999, a check character. Those of foreigners begin with 9.

/// The first two digits of divisions. 83 is for residents of Taiwan.
const PROVINCES: [u64; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
    53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83,
];
/// The residues of 17 digits, weighted by powers of two, and their check characters.
const CHECKS: &[u8; 11] = b"10X98765432";

/// True if 18 characters are an identity number with a possible day and the right check character.
#[must_use]
pub(super) fn is_identity_number(code: &str) -> bool {
    let Some((body, check)) = code.split_at_checked(17) else { return false };
    let digits = body.bytes().all(|b| b.is_ascii_digit());
    let Some(body) = body.parse().ok().filter(|_| digits) else { return false };
    is_body(body)
        && check.len() == 1
        && check.bytes().all(|b| b.eq_ignore_ascii_case(&check_of(body)))
}

/// True if 17 digits can begin an identity number: a division, a day, a serial number.
pub(super) fn is_body(body: u64) -> bool {
    let division = body / 100_000_000_000;
    // 9 begins the number of a foreigner; the next two digits are those of a province.
    let province = if division / 100_000 == 9 { division / 1_000 % 100 } else { division / 10_000 };
    let day = body / 1_000 % 100_000_000;
    PROVINCES.contains(&province) && is_day(day) && (1900..2100).contains(&(day / 10_000))
}

/// True if 15 digits can be an identity number as they were issued before 1999.
pub(super) fn is_of_fifteen(number: u64) -> bool {
    let day = 19_000_000 + number / 1_000 % 1_000_000;
    PROVINCES.contains(&(number / 10_000_000_000_000)) && is_day(day)
}

/// The check character of 17 digits.
pub(super) fn check_of(body: u64) -> u8 {
    let (mut rest, mut weight, mut sum) = (body, 2, 0);
    for _ in 0..17 {
        sum += rest % 10 * weight;
        weight = weight * 2 % 11;
        rest /= 10;
    }
    let place = usize::try_from(sum % 11).unwrap_or_default();
    CHECKS.get(place).copied().unwrap_or_default()
}

/// True if eight digits are a day: year, month and day.
pub(super) fn is_day(digits: u64) -> bool {
    let part = |number: u64| i8::try_from(number % 100).ok();
    let year = i16::try_from(digits / 10_000).ok();
    let (Some(year), Some(month), Some(day)) = (year, part(digits / 100), part(digits)) else {
        return false;
    };
    jiff::civil::Date::new(year, month, day).is_ok()
}

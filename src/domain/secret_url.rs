//! URLs as an error repeats them: without what may be a secret.

/// A text that may be a URL, without its user, its password and its query. It need not be a URL:
/// whoever mistypes one must not find the password in the error.
#[must_use]
pub fn masked_url(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_http(scheme) => (format!("{scheme}://"), rest),
        _ => (String::new(), text),
    };
    let (user, address) = match rest.rsplit_once('@') {
        // The mark may be part of a query, or the query's mark part of a password.
        Some((before, _)) if before.contains(['?', '#']) => return format!("{scheme}…"),
        Some((_, address)) => ("…@", address),
        None => ("", rest),
    };
    match address.find(['?', '#']) {
        Some(end) => format!("{scheme}{user}{}…", address.get(..=end).unwrap_or_default()),
        None => format!("{scheme}{user}{address}"),
    }
}

fn is_http(scheme: &str) -> bool {
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_left_out() {
        for (text, shown) in [
            ("", ""),
            ("nonsense", "nonsense"),
            ("http://host:1/path", "http://host:1/path"),
            ("http://user@host:1", "http://…@host:1"),
            ("HTTPS://user:p@ss@host", "HTTPS://…@host"),
            ("user:secret@host:1", "…@host:1"),
            ("secret://x@host", "…@host"),
            ("http://host?token=secret", "http://host?…"),
            ("http://host#secret", "http://host#…"),
            ("http://user:secret@host?token=secret", "http://…@host?…"),
            ("http://host?mail=secret@host", "http://…"),
            ("http://user:sec?ret@host", "http://…"),
            ("host?甲", "host?…"),
        ] {
            assert_eq!(masked_url(text), shown, "{text}");
        }
    }
}

//! What a caller accepts: kinds of media, and languages.

use http::{HeaderMap, header};

/// True if a caller names this media type among those that it accepts.
pub(crate) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    weighed(headers, &header::ACCEPT).any(|(name, weight)| weight > 0.0 && name == kind)
}

/// True for a caller that would rather read Chinese than English.
pub(crate) fn prefers_chinese(headers: &HeaderMap) -> bool {
    let weight = |language: &str| {
        let of_language = |name: &str| name.split('-').next() == Some(language);
        let named =
            weighed(headers, &header::ACCEPT_LANGUAGE).filter(|(name, _)| of_language(name));
        named.map(|(_, weight)| weight).fold(0.0, f32::max)
    };
    weight("zh") > weight("en")
        || (weight("zh") > 0.0 && weight("zh") >= weight("en") && is_first(headers, "zh"))
}

/// True if a language is named before English.
fn is_first(headers: &HeaderMap, language: &str) -> bool {
    let mut named = weighed(headers, &header::ACCEPT_LANGUAGE).map(|(name, _)| name);
    named
        .find(|name| name.starts_with(language) || name.starts_with("en"))
        .is_some_and(|name| name.starts_with(language))
}

/// The values of a header and their weights (RFC 9110, 12.4.2).
fn weighed(headers: &HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = (String, f32)> {
    let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(|part| {
        let mut parts = part.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|parameter| parameter.strip_prefix("q="));
        (name, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())])
    }

    #[test]
    fn a_language_is_chosen_by_its_weight_and_then_by_its_place() {
        let chooses = |value: &str| {
            let value = (header::ACCEPT_LANGUAGE, value.parse().unwrap());
            prefers_chinese(&HeaderMap::from_iter([value]))
        };
        for chinese in
            ["zh", "zh-CN,zh;q=0.9,en;q=0.8", "en;q=0.5, zh-Hant", "zh,en", "de,zh;q=0.1"]
        {
            assert!(chooses(chinese), "{chinese}");
        }
        for english in ["", "en", "en,zh", "en-GB,zh-CN;q=0.9", "zh;q=0", "de", "*", "zhx"] {
            assert!(!chooses(english), "{english}");
        }
        assert!(!prefers_chinese(&HeaderMap::new()));
    }

    #[test]
    fn a_media_type_is_accepted_by_its_name() {
        let browser = accepting("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        assert!(accepts(&browser, "text/html") && accepts(&browser, "application/xml"));
        assert!(!accepts(&browser, "application/json"));
        assert!(accepts(&accepting("Text/Event-Stream; charset=utf-8"), "text/event-stream"));
        assert!(!accepts(&accepting("text/html;q=0, */*"), "text/html"));
        assert!(!accepts(&accepting("*/*"), "text/html") && !accepts(&HeaderMap::new(), "a/b"));
    }
}

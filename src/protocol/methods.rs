//! The methods of the API, from its descriptors.

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn each_method_is_found_at_its_path() {
        assert!(Method::iter().count() > 30);
        for method in Method::iter() {
            assert_eq!(Method::at(method.path()), Some(method));
        }
        assert_eq!(Method::at("/tidu.v1.LedgerService/Erase"), None);
    }
}

//! Keys of cursors: whose it is, and its id.
//!
//! The key of a cursor of the anonymous caller is its id, as in every store so far. That of another
//! owner's is the owner, a space and the id; neither owners nor ids have spaces.

use super::is_id;
use crate::domain::Principal;

/// What lies between owner and id.
const BETWEEN: char = ' ';

/// The key of a cursor.
#[must_use]
pub fn key_of(owner: &Principal, id: &str) -> String {
    if *owner == Principal::ANONYMOUS {
        return id.to_owned();
    }
    format!("{}{BETWEEN}{id}", owner.as_str())
}

/// The id in a key.
#[must_use]
pub fn id_of(key: &str) -> &str {
    key.rsplit_once(BETWEEN).map_or(key, |(_, id)| id)
}

/// The owner in a key; `None` for the anonymous caller.
#[must_use]
pub fn owner_of(key: &str) -> Option<&str> {
    key.rsplit_once(BETWEEN).map(|(owner, _)| owner)
}

/// True for a key that a cursor can have.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let is_named = |owner: &str| Principal::named(owner).is_some();
    is_id(id_of(text)) && owner_of(text).is_none_or(is_named)
}

/// The keys of an owner's cursors begin with the first, and all of them come before the second.
/// Those of the anonymous caller lie among all others.
#[must_use]
pub fn keys_of(owner: &Principal) -> (String, Option<String>) {
    if *owner == Principal::ANONYMOUS {
        return (String::new(), None);
    }
    let name = owner.as_str();
    // The character after the space.
    (format!("{name}{BETWEEN}"), Some(format!("{name}!")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_key_tells_owner_and_id() {
        let owner = Principal::named("guangdong.recorder").unwrap();
        let key = key_of(&owner, "bank");
        assert_eq!((owner_of(&key), id_of(&key)), (Some("guangdong.recorder"), "bank"));
        assert!(is_key(&key) && is_key("bank"));
        let old = key_of(&Principal::ANONYMOUS, "bank");
        assert_eq!((old.as_str(), owner_of(&old), id_of(&old)), ("bank", None, "bank"));
        assert!(!is_key("guangdong.recorder ") && !is_key(" bank") && !is_key("a b c"));
    }

    #[test]
    fn the_keys_of_an_owner_lie_together() {
        let owner = |name| Principal::named(name).unwrap();
        let (from, to) = keys_of(&owner("guangdong"));
        let (own, to) = (key_of(&owner("guangdong"), "bank"), to.unwrap());
        assert!(from < own && own < to);
        for other in ["guangdong.recorder", "guangdon", "guangdong-2"] {
            let other = key_of(&owner(other), "bank");
            assert!(other < from || other >= to, "{other}");
        }
    }
}

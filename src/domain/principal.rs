//! Principals: who records an event. Proven by the connection or the server, never taken from a
//! message.

use bytes::Bytes;

use crate::limits::ID_BYTES_MAX;

/// Names that no caller can have.
const RESERVED: [&str; 3] = ["anonymous", "server", "service"];

/// An authenticated caller, or one of the reserved names. Recorded with every event as
/// `recorded_by`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal(Bytes);

impl Principal {
    /// A caller whose identity nobody has proven.
    pub const ANONYMOUS: Self = Self(Bytes::from_static(b"anonymous"));
    /// The server itself, for the events that it records.
    pub const SERVER: Self = Self(Bytes::from_static(b"server"));

    /// The principal with a name: 1 to [`ID_BYTES_MAX`] bytes of printable ASCII without spaces,
    /// none of the reserved ones.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is_name = (1..=ID_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic())
            && !RESERVED.contains(&name);
        is_name.then(|| Self(Bytes::copy_from_slice(name.as_bytes())))
    }

    /// The name as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // A name is ASCII: `named` makes sure, and so are the reserved ones.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The name as it is stored.
    #[must_use]
    pub fn name(&self) -> &Bytes {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_malformed_names_are_nobody() {
        let name = |name: &str| Principal::named(name).map(|principal| principal.name().clone());
        assert_eq!(name("recorder.440000"), Some(Bytes::from_static(b"recorder.440000")));
        assert!(name(&"a".repeat(64)).is_some());
        for odd in ["", "server", "service", "anonymous", "two words", "名", &"a".repeat(65)] {
            assert_eq!(name(odd), None, "{odd}");
        }
    }
}

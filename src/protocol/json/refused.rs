//! Why a text is not the JSON of a message.

use crate::domain::fault::Breach;

/// Why a text is not the JSON of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// A field breaks a rule.
    #[error("{field}: {breach}")]
    Field {
        /// Its path, with the names of the protocol: `events[3].effective_date`.
        field: String,
        /// What is there instead of a value, shortened.
        value: String,
        /// The rule.
        breach: Breach,
    },
    /// The text is not JSON, or ends in the middle.
    #[error("{detail}")]
    Malformed {
        /// The fault, for people.
        detail: String,
        /// The path of the field that was being read; empty for the message itself.
        field: String,
    },
    /// The message has more bytes than it may have.
    #[error("the message has more than {limit} bytes")]
    TooLarge {
        /// The most bytes of a message.
        limit: usize,
    },
    /// There is no memory for the message.
    #[error("there is no memory for the message")]
    NoRoom,
}

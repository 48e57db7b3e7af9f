//! The receipt of a hand-over.

use uuid::Uuid;

use super::{NodeName, lines};
use crate::{
    domain::text::{hex, unhex},
    lang::say,
    merkle::Hash,
};

const HEADING: &str = "tidu receipt 1";
const FIELDS: [&str; 5] = ["log_id", "size", "root", "epoch", "successor"];

/// A node handed its log over: it records nothing any more in this epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Names the history.
    pub log_id: Uuid,
    /// The events that were handed over.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
    /// The epoch that has ended.
    pub epoch: u64,
    /// The one node that may record in the next one.
    pub successor: NodeName,
}

/// A text is not whole or not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", say!(
    en: "it is cut or changed: its lines do not have their checksum",
    zh: "内容不完整或被改动：与其校验和不符"
))]
pub struct Unreadable;

impl Receipt {
    /// Its lines of text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { log_id, size, root, epoch, successor } = self;
        let values = [
            log_id.to_string(),
            size.to_string(),
            hex(root),
            epoch.to_string(),
            successor.to_string(),
        ];
        lines::write(HEADING, &FIELDS.into_iter().zip(values).collect::<Vec<_>>())
    }

    /// Reads its lines. On the way, ends of lines may have become those of another system, and a
    /// byte order mark may have come before them.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn of_carried(text: &str) -> Result<Self, Unreadable> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text: String =
            text.trim().lines().map(|line| format!("{}\n", line.trim_end())).collect();
        text.parse()
    }
}

impl std::str::FromStr for Receipt {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let [log_id, size, root, epoch, successor] =
            lines::read(HEADING, FIELDS, text).ok_or(Unreadable)?;
        let read = || {
            Some(Self {
                log_id: log_id.parse().ok()?,
                size: size.parse().ok()?,
                root: unhex(root)?,
                epoch: epoch.parse().ok()?,
                successor: successor.parse().ok()?,
            })
        };
        read().filter(|receipt| receipt.text() == text).ok_or(Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        let successor = "b-0000001f".parse().unwrap();
        Receipt { log_id: Uuid::from_u128(7), size: 258, root: [0xab; 32], epoch: 3, successor }
    }

    #[test]
    fn golden_text() {
        let text = receipt().text();
        let root = "ab".repeat(32);
        let expected = format!(
            "tidu receipt 1\nlog_id 00000000-0000-0000-0000-000000000007\nsize 258\nroot {root}\n\
             epoch 3\nsuccessor b-0000001f\nchecksum "
        );
        assert!(text.starts_with(&expected), "{text}");
        assert_eq!(text.parse(), Ok(receipt()));
    }

    #[test]
    fn a_receipt_survives_a_mail_and_nothing_else() {
        let text = receipt().text();
        let mailed = format!("\n{}  \r\n\r\n", text.replace('\n', " \r\n"));
        assert_eq!(Receipt::of_carried(&mailed), Ok(receipt()));
        assert_eq!(Receipt::of_carried(&format!("\u{feff}{mailed}")), Ok(receipt()));
        assert_eq!(mailed.parse::<Receipt>(), Err(Unreadable), "a file is not mailed");
        let changed = text.replace("size 258", "size 259");
        assert_eq!(Receipt::of_carried(&changed), Err(Unreadable));
        assert_eq!(Receipt::of_carried(""), Err(Unreadable));
    }
}

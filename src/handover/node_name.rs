//! The name of a node.

use std::{fmt, str::FromStr};

use crate::{lang::say, limits::NODE_NAME_BYTES_MAX};

/// The name of a node among those that have one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName(String);

/// A text that is not the name of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", say!(
    en: "the name of a node has 1 to {NODE_NAME_BYTES_MAX} characters of a-z, 0-9, '.', '-' and \
         '_', a letter or digit first",
    zh: "节点名为 1 至 {NODE_NAME_BYTES_MAX} 个字符，可用 a-z、0-9、“.”、“-”和“_”，\
         以字母或数字开头"
))]
pub struct NotANodeName;

impl NodeName {
    /// A name that no other node has: the given one, and a random number.
    ///
    /// # Errors
    /// [`NotANodeName`].
    pub fn of_follower(given: &str, random: u32) -> Result<Self, NotANodeName> {
        format!("{given}-{random:08x}").parse()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = NotANodeName;

    fn from_str(text: &str) -> Result<Self, NotANodeName> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_allowed = |byte: u8| is_word(byte) || b"-_.".contains(&byte);
        let begins = text.bytes().next().is_some_and(is_word);
        let fits = begins && text.len() <= NODE_NAME_BYTES_MAX;
        (fits && text.bytes().all(is_allowed)).then(|| Self(text.to_owned())).ok_or(NotANodeName)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_short() {
        for name in ["b", "node-2.example_1", &"n".repeat(NODE_NAME_BYTES_MAX)] {
            assert_eq!(name.parse::<NodeName>().unwrap().as_str(), name);
        }
        for name in ["", "B", "a b", "节点", "a\nb", "-b", &"n".repeat(NODE_NAME_BYTES_MAX + 1)] {
            assert_eq!(name.parse::<NodeName>(), Err(NotANodeName), "{name:?}");
        }
        let follower = NodeName::of_follower("b", 0x1f).unwrap();
        assert_eq!(follower.as_str(), "b-0000001f");
    }
}

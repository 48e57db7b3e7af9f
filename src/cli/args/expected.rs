//! The root that somebody knows from elsewhere.

use clap::{Args, value_parser};

use crate::{archive::ExpectedRoot, domain::text::unhex, lang::word, merkle::Hash};

/// A root that a copy must have. A copy proves by its own root that it is whole, not that it is the
/// right one.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ExpectArgs {
    /// Root that the log must have, 64 hexadecimal digits, as `tidu status` or a witness states it
    #[arg(long, value_name = "HEX", value_parser = root)]
    expect_root: Option<Hash>,
    /// Size at which it must have that root [default: the end of the log]
    #[arg(long, value_name = "N", requires = "expect_root",
        value_parser = value_parser!(u64).range(1..))]
    expect_size: Option<u64>,
}

impl ExpectArgs {
    /// The root, with its size.
    pub(crate) fn expected(self) -> Option<ExpectedRoot> {
        self.expect_root.map(|root| ExpectedRoot { root, size: self.expect_size })
    }
}

fn root(digits: &str) -> Result<Hash, &'static str> {
    unhex(digits)
        .ok_or_else(|| word!(en: "not 64 hexadecimal digits", zh: "应为 64 位十六进制数字"))
}

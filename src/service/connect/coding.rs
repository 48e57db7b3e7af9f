//! The codings of answers. The rule is that of gRPC (`transport.rs`): a client that accepts zstd
//! gets it, and gzip only if it sent gzip.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;

/// How an answer is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    /// The coding that a client gets. `sent` is that of its request.
    pub(super) fn of(accepted: &str, sent: &str) -> Option<Self> {
        let accepts = |coding: &str| accepted.split(',').any(|listed| is_accepted(listed, coding));
        match (accepts("zstd"), accepts("gzip") && sent == "gzip") {
            (true, _) => Some(Self::Zstd),
            (false, true) => Some(Self::Gzip),
            (false, false) => None,
        }
    }

    /// Its name in headers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// True if an entry of a list of codings accepts this one. Its weight says no more than whether it
/// is zero.
fn is_accepted(listed: &str, coding: &str) -> bool {
    let (name, weight) = listed.split_once(';').unwrap_or((listed, ""));
    let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
    name.trim().eq_ignore_ascii_case(coding) && weight != Some(0.0)
}

/// Packs bytes.
pub(super) fn packed(coding: Coding, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Coding::Zstd => zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_a_coding_that_it_accepts() {
        let table = [
            ("", "", None),
            ("gzip", "", None),
            ("gzip", "gzip", Some(Coding::Gzip)),
            ("deflate, gzip;q=1.0, br", "gzip", Some(Coding::Gzip)),
            ("deflate, gzip, br, zstd", "", Some(Coding::Zstd)),
            ("zstd;q=0, gzip", "gzip", Some(Coding::Gzip)),
            ("zstd; q=0.0", "zstd", None),
            ("ZSTD;q=0.1", "", Some(Coding::Zstd)),
            ("xzstd", "", None),
        ];
        for (accepted, sent, expected) in table {
            assert_eq!(Coding::of(accepted, sent), expected, "{accepted:?} {sent:?}");
        }
    }
}

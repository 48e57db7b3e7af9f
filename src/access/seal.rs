//! Seals: what the server has given out, and recognizes when it comes back.
//!
//! A seal is HMAC-SHA-256 under a key of the server's own: 32 random bytes in the file `token.key`
//! of the data directory, made at the first start that needs it. Each part of the sealed context is
//! sealed with its length, so that two contexts with the same bytes together have different seals.
//! The first part is the domain: it says what is sealed, and no two uses share one.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    files,
    limits::{SEAL_BYTES, SEAL_KEY_BYTES},
};

/// Name of the key's file in the data directory.
const KEY_FILE: &str = "token.key";

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or made.
    #[error("cannot use the key {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It has another length.
    #[error(
        "the key {path} is not {SEAL_KEY_BYTES} bytes long; restore it, or remove it: page tokens \
         and proposals given out before are refused then"
    )]
    Length {
        /// The file.
        path: PathBuf,
    },
}

/// The key of a server, to seal with.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

/// Says nothing of the key.
impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Seals with this key.
    #[must_use]
    pub fn new(key: &[u8; SEAL_KEY_BYTES]) -> Self {
        // A key of one block is used as it is; a shorter one is filled with zeros.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte = *key);
        Self(Hmac::new(&block))
    }

    /// Seals with a random key that nobody keeps.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(&random_key())
    }

    /// Seals with the key of a data directory, which is made if it is missing. The directory must
    /// be there, and locked by this process.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn of_directory(directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join(KEY_FILE);
        let key = match files::read(&path, SEAL_KEY_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = random_key();
                files::replace(&path, &key).map(|()| key.to_vec())
            }
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(KeyError::Length { path });
            }
            read => read,
        };
        let key = match key {
            Ok(key) => key,
            Err(source) => return Err(KeyError::File { path, source }),
        };
        match <&[u8; SEAL_KEY_BYTES]>::try_from(key.as_slice()) {
            Ok(key) => Ok(Self::new(key)),
            Err(_) => Err(KeyError::Length { path }),
        }
    }

    /// Seals a context. Its first part is the domain.
    #[must_use]
    pub fn seal(&self, context: &[&[u8]]) -> [u8; SEAL_BYTES] {
        self.mac_of(context).finalize().into_bytes().into()
    }

    /// True if this is the seal of the context. It takes the same time whatever byte differs.
    #[must_use]
    pub fn is_seal_of(&self, seal: &[u8], context: &[&[u8]]) -> bool {
        self.mac_of(context).verify_slice(seal).is_ok()
    }

    fn mac_of(&self, context: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in context {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// Random bytes from the system. Without them anybody could seal.
fn random_key() -> [u8; SEAL_KEY_BYTES] {
    let mut key = [0; SEAL_KEY_BYTES];
    let filled = getrandom::fill(&mut key);
    assert!(filled.is_ok(), "the system gives no random bytes: {filled:?}");
    key
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_seal_belongs_to_one_context_under_one_key() {
        let (seal, other) = (Seal::new(&[7; SEAL_KEY_BYTES]), Seal::in_memory());
        let context: [&[u8]; 3] = [b"page", b"a", b"bc"];
        let sealed = seal.seal(&context);
        assert!(seal.is_seal_of(&sealed, &context));
        assert!(!other.is_seal_of(&sealed, &context), "another key");
        assert_ne!(Seal::in_memory().seal(&context), other.seal(&context), "keys are random");
        let moved: [&[u8]; 3] = [b"page", b"ab", b"c"];
        assert!(!seal.is_seal_of(&sealed, &moved), "the same bytes in other parts");
        assert!(!seal.is_seal_of(&sealed, &context[..2]));
        assert!(!seal.is_seal_of(&sealed[..31], &context), "a part of a seal");
        assert!(!seal.is_seal_of(&[], &context));
        for at in 0..sealed.len() {
            let mut forged = sealed;
            forged[at] ^= 1;
            assert!(!seal.is_seal_of(&forged, &context), "byte {at}");
        }
        assert_eq!(format!("{seal:?}"), "Seal", "the key is in no log line");
    }

    #[test]
    fn a_seal_is_hmac_sha_256_over_parts_with_their_lengths() {
        let mut mac = Hmac::<Sha256>::new_from_slice(&[9; SEAL_KEY_BYTES]).unwrap();
        mac.update(b"\0\0\0\0\0\0\0\x04page\0\0\0\0\0\0\0\0");
        let expected: [u8; SEAL_BYTES] = mac.finalize().into_bytes().into();
        assert_eq!(Seal::new(&[9; SEAL_KEY_BYTES]).seal(&[b"page", b""]), expected);
    }

    #[test]
    fn the_key_of_a_directory_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(KEY_FILE);
        let made = Seal::of_directory(dir.path()).unwrap().seal(&[b"x"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&path).unwrap().len(), SEAL_KEY_BYTES as u64);
        assert_eq!(Seal::of_directory(dir.path()).unwrap().seal(&[b"x"]), made);
        for length in [0, SEAL_KEY_BYTES - 1, SEAL_KEY_BYTES + 1, 3 * SEAL_KEY_BYTES] {
            fs::write(&path, vec![1; length]).unwrap();
            let error = Seal::of_directory(dir.path()).unwrap_err();
            assert!(matches!(error, KeyError::Length { .. }), "{length}: {error}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(Seal::of_directory(dir.path()).unwrap_err(), KeyError::File { .. }));
    }
}

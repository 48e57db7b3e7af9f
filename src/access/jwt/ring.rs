//! The signatures of tokens, checked by `ring`. `jsonwebtoken` brings no cryptography here.

use std::sync::Once;

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind, new_error},
    signature,
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// Checks signatures and makes none: this program signs no token.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(unsupported()),
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::ES256 | Algorithm::RS256 | Algorithm::PS256 | Algorithm::EdDSA => {
            Ok(Box::new(Verifier { algorithm: *algorithm, key: key.clone() }))
        }
        _ => Err(unsupported()),
    },
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

/// Makes `jsonwebtoken` use it. Any number of calls.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Nothing else of this program installs another one.
        let _ = PROVIDER.install_default();
    });
}

fn unsupported() -> Error {
    new_error(ErrorKind::UnsupportedAlgorithm)
}

struct Verifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for Verifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl signature::Verifier<Vec<u8>> for Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let checked = match self.algorithm {
            Algorithm::ES256 => self.check(&ECDSA_P256_SHA256_FIXED, message, signature),
            Algorithm::EdDSA => self.check(&ED25519, message, signature),
            Algorithm::RS256 => self.check_rsa(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Algorithm::PS256 => self.check_rsa(&RSA_PSS_2048_8192_SHA256, message, signature),
            _ => None,
        };
        checked.ok_or_else(signature::Error::new)
    }
}

impl Verifier {
    fn check(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Option<()> {
        let key = self.key.try_get_as_bytes().ok()?;
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).ok()
    }

    fn check_rsa(
        &self,
        parameters: &'static RsaParameters,
        message: &[u8],
        signature: &[u8],
    ) -> Option<()> {
        let DecodingKeyKind::RsaModulusExponent { n, e } = self.key.kind() else { return None };
        RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).ok()
    }
}

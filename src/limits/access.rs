//! The bounds of policies, of credentials, and of the principals that delegates manage.

use std::time::Duration;

/// Most principals of a server: 38 authorities with 400 each. Each takes about 1 KiB.
pub const PRINCIPALS_MAX: usize = 16_384;
/// Most files of a policy.
pub const POLICY_FILES_MAX: usize = 256;
/// Most bytes of all files of a policy: they are read and hashed with each look, within 30 ms.
pub const POLICY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most rights that a principal states.
pub const PRINCIPAL_RIGHTS_MAX: usize = 64;
/// Most entries of the four-eyes rule.
pub const FOUR_EYES_MAX: usize = 256;
/// Most faults of a policy that are kept; the others are counted.
pub const POLICY_FAULTS_MAX: usize = 64;
/// Most principals that one delegate manages.
pub const DELEGATED_PRINCIPALS_MAX: usize = 256;
/// Time from one look at the files of a policy to the next. A new content comes into force when two
/// looks have found it, so that no half-written file does.
pub const POLICY_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time within which a change of the policy is in force everywhere.
pub const POLICY_CHANGE_DURATION_MAX: Duration = Duration::from_secs(5);

/// Most bytes of a URI in a certificate, or of the subject, issuer or audience of a JWT.
pub const CREDENTIAL_NAME_BYTES_MAX: usize = 512;
/// Least bytes of a token: 256 bits in base64 without padding.
pub const TOKEN_BYTES_MIN: usize = 43;
/// Most bytes of a token.
pub const TOKEN_BYTES_MAX: usize = 512;
/// Most bytes of a JWT.
pub const JWT_BYTES_MAX: usize = 8 * 1024;
/// Longest life of a JWT that is accepted, from its issue to its end.
pub const JWT_LIFE_MAX: Duration = Duration::from_secs(3_600);
/// How far the clock of an issuer may be from this machine's.
pub const JWT_LEEWAY: Duration = Duration::from_secs(60);
/// Most issuers of JWTs.
pub const JWT_ISSUERS_MAX: usize = 16;
/// Most bytes of a file of keys (JWKS).
pub const JWKS_BYTES_MAX: usize = 256 * 1024;
/// Most keys in such a file.
pub const JWKS_KEYS_MAX: usize = 64;

const _: () = {
    // Two looks, and a stream that learns of it.
    assert!(2 * POLICY_POLL_INTERVAL.as_secs() < POLICY_CHANGE_DURATION_MAX.as_secs());
    assert!(TOKEN_BYTES_MIN * 6 >= 256 && TOKEN_BYTES_MIN < TOKEN_BYTES_MAX);
    assert!(JWT_BYTES_MAX < super::HEADERS_BYTES_MAX);
    assert!(DELEGATED_PRINCIPALS_MAX < PRINCIPALS_MAX);
    assert!(JWT_LEEWAY.as_secs() < JWT_LIFE_MAX.as_secs());
};

//! The cause of a refusal that its caller does not learn.
//!
//! Whoever has no valid credential is a stranger, and is told nothing. The operator must learn why
//! the credential was refused. So the cause is attached to the status as its source, which stays
//! inside the server: the log lines and the audit trail have it.

use std::{error::Error, fmt, sync::Arc};

use tonic::Status;

/// A cause, without any secret.
#[derive(Debug)]
pub(super) struct PrivateCause(String);

impl fmt::Display for PrivateCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for PrivateCause {}

/// Attaches a cause to a status. It must hold no secret.
pub(super) fn because(mut status: Status, cause: impl Into<String>) -> Status {
    status.set_source(Arc::new(PrivateCause(cause.into())));
    status
}

/// The cause of a status, if one is attached.
pub(super) fn cause_of(status: &Status) -> Option<&str> {
    Some(status.source()?.downcast_ref::<PrivateCause>()?.0.as_str())
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::{protocol::pb::ErrorReason, service::errors};

    #[test]
    fn a_cause_stays_inside_the_server() {
        let status = errors::status(Code::Unauthenticated, ErrorReason::CredentialInvalid, "", []);
        assert_eq!(cause_of(&status), None);
        let status = because(status, "the token is not in the file");
        assert_eq!(cause_of(&status), Some("the token is not in the file"));
        let sent = format!("{:?}", status.into_http::<tonic::body::Body>().headers());
        assert!(!sent.contains("file"), "{sent}");
    }
}

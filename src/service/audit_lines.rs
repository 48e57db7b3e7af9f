//! The lines of the audit trail about calls: who called, by what, and what was denied.
//!
//! Every error passes the layer that counts calls (`calls.rs`), and a denial is an error. So no
//! handler writes a line for one, and none can forget it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Extensions, Request};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    call::{Peer, connection_of},
    calls::name_of,
    private_cause::cause_of,
};
use crate::{
    access::{CredentialKind, Identified},
    domain::{Party, Principal},
    trail::{Entry, Outcome, Trail},
};

/// The keys of an ErrorInfo that say what was asked for.
const TARGET_KEYS: [&str; 7] = ["action", "field", "value", "host", "origin", "authority", "kind"];

/// Who called which method, for the lines of a trail.
#[derive(Clone, Debug)]
pub(super) struct Audited {
    trail: Arc<Trail>,
    who: Option<Arc<Identified>>,
    peer: Option<SocketAddr>,
    party: Party,
    path: String,
}

impl Audited {
    pub(super) fn of<B>(trail: &Arc<Trail>, request: &Request<B>) -> Self {
        let extensions: &Extensions = request.extensions();
        Self {
            trail: Arc::clone(trail),
            who: extensions.get::<Arc<Identified>>().cloned(),
            peer: extensions.get::<Peer>().map(|peer| peer.0),
            party: connection_of(extensions),
            path: request.uri().path().to_owned(),
        }
    }

    /// A line of this caller and method, without its outcome.
    pub(super) fn entry(&self) -> Entry {
        let name = |principal: &Principal| principal.as_str().to_owned();
        let who = self.who.as_deref();
        Entry {
            principal: who.map(|who| name(&who.principal)).unwrap_or_default(),
            credential: who.map(credential).unwrap_or_default(),
            peer: self
                .peer
                .map_or_else(|| name_of(self.party).into_owned(), |peer| peer.to_string()),
            handed_on_by: who
                .and_then(|who| who.handed_on_by.as_ref())
                .map(name)
                .unwrap_or_default(),
            method: self.path.trim_start_matches('/').to_owned(),
            ..Entry::default()
        }
    }

    /// Notes a refusal that the caller's layers saw with its status.
    pub(super) fn refused(&self, status: &Status) {
        let cause = cause_of(status).unwrap_or_default();
        self.deny(status.code(), status.details(), cause);
    }

    /// Notes the end of a call, if it is a denial.
    pub(super) fn ended(&self, code: Code, details: &[u8]) {
        self.deny(code, details, "");
    }

    fn deny(&self, code: Code, details: &[u8], cause: &str) {
        if !is_denial(code) {
            return;
        }
        let entry = Entry {
            outcome: Outcome::Denied,
            detail: cause.to_owned(),
            ..with_details(self.entry(), code, details)
        };
        self.trail.deny(&self.party(), entry);
    }

    /// Notes an act that was not done, for another reason than a denial. Too many are counted.
    pub(super) fn failed(&self, entry: Entry, status: &Status) {
        let entry = with_details(entry, status.code(), status.details());
        self.trail.deny(&self.party(), Entry { outcome: Outcome::Failed, ..entry });
    }

    /// Whose denials are counted together.
    fn party(&self) -> String {
        match &self.who {
            Some(who) if who.credential != CredentialKind::None => {
                who.principal.as_str().to_owned()
            }
            _ => name_of(self.party).into_owned(),
        }
    }
}

/// True for the codes of a caller that is not known, or may not.
pub(super) fn is_denial(code: Code) -> bool {
    matches!(code, Code::PermissionDenied | Code::Unauthenticated)
}

/// The kind of a credential, with its mark.
fn credential(who: &Identified) -> String {
    let kind = match who.credential {
        CredentialKind::None => return String::new(),
        CredentialKind::Certificate => "certificate",
        CredentialKind::Token => "token",
        CredentialKind::Jwt => "jwt",
        CredentialKind::HandedOn => "handed on",
    };
    let mark = who.credential_mark.as_deref().unwrap_or_default();
    format!("{kind} {mark}").trim_end().to_owned()
}

/// Adds the reason of an error and the object that it names.
fn with_details(mut entry: Entry, code: Code, details: &[u8]) -> Entry {
    let status = Status::with_details(code, "", Bytes::copy_from_slice(details));
    let Some(info) = status.get_details_error_info() else {
        super::calls::code_name(code).clone_into(&mut entry.reason);
        return entry;
    };
    entry.reason = info.reason;
    let of_key = |key: &&str| info.metadata.get(*key).map(|value| format!("{key}={value}"));
    let named: Vec<_> = TARGET_KEYS.iter().filter_map(of_key).collect();
    if entry.target.is_empty() {
        entry.target = named.join(" ");
    }
    let position = info.metadata.get("position").map(|position| position.parse::<u64>());
    entry.positions.extend(position.and_then(Result::ok));
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::pb::ErrorReason, service::errors};

    #[test]
    fn a_line_tells_the_credential_by_its_mark() {
        let mut who = Identified::anonymous();
        assert_eq!(credential(&who), "");
        who.credential = CredentialKind::Certificate;
        assert_eq!(credential(&who), "certificate");
        who.credential_mark = Some("3f2a".into());
        assert_eq!(credential(&who), "certificate 3f2a");
    }

    #[test]
    fn a_denial_names_its_reason_and_object() {
        let metadata = [
            ("principal", "a".to_owned()),
            ("action", "record".to_owned()),
            ("field", "events[3].authority".to_owned()),
            ("value", "330000".to_owned()),
            ("position", "17".to_owned()),
        ];
        let (code, reason) = (Code::PermissionDenied, ErrorReason::NotEntitled);
        let status = errors::status(code, reason, "no", metadata);
        let entry = with_details(Entry::default(), code, status.details());
        assert_eq!(entry.reason, "NOT_ENTITLED");
        assert_eq!(entry.target, "action=record field=events[3].authority value=330000");
        assert_eq!(entry.positions, [17]);
        let bare = with_details(Entry::default(), code, &[]);
        assert_eq!(bare.reason, "PERMISSION_DENIED");
    }
}

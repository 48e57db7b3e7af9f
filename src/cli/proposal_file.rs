//! Files of proposals: a request that another principal approves, with the server's seal.
//!
//! One JSON object. It needs nothing beside it: the request as bytes, the sealed proposal, and what
//! the server said would change when it was proposed.

use std::{
    io::{self, Write as _},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CliError;
use crate::{
    domain::text::hex,
    files,
    lang::say,
    limits::PROPOSAL_FILE_BYTES_MAX,
    protocol::{json::Json, pb, proposal::SealedProposal},
};

/// What the first field says.
const KIND: &str = "tidu proposal 1";

/// A proposal with its request.
pub(super) struct ProposalFile {
    /// The request that is approved: its id, precondition and events.
    pub(super) request: pb::AppendRequest,
    /// The proposal as the server has sealed it.
    pub(super) sealed: Vec<u8>,
    /// The parts of it.
    pub(super) proposal: SealedProposal,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    kind: String,
    proposed_by: String,
    content_root: String,
    expires: String,
    events: usize,
    /// The AppendResponse of the trial, for people.
    would_change: Value,
    request: String,
    proposal: String,
}

impl ProposalFile {
    /// The file of a request, and of the answer that seals it.
    pub(super) fn of(
        request: pb::AppendRequest,
        answer: &pb::AppendResponse,
    ) -> Result<Self, CliError> {
        let request = pb::AppendRequest { validate_only: false, propose: false, ..request };
        let proposal = SealedProposal::decode(answer.proposal.as_ref());
        let proposal = proposal
            .map_err(|e| CliError::Message(say!(en: "not a proposal: {e}", zh: "不是提案：{e}")))?;
        Ok(Self { request, sealed: answer.proposal.to_vec(), proposal })
    }

    /// Writes it to a new file.
    pub(super) fn write(&self, path: &Path, answer: &pb::AppendResponse) -> Result<(), CliError> {
        let name = path.display();
        let failed = |e| CliError::Io(say!(en: "cannot write {name}", zh: "无法写入 {name}"), e);
        let shown = pb::AppendResponse { proposal: Default::default(), ..answer.clone() };
        let would_change = Json::new()?.whole("AppendResponse", &shown)?;
        let would_change = serde_json::from_str(&would_change);
        let stored = Stored {
            kind: KIND.to_owned(),
            proposed_by: self.proposal.proposer.clone(),
            content_root: self.root(),
            expires: self.expires(),
            events: self.request.events.len(),
            would_change: would_change.map_err(|e| failed(e.into()))?,
            request: BASE64_STANDARD.encode(self.request.encode_to_vec()),
            proposal: BASE64_STANDARD.encode(&self.sealed),
        };
        let mut text = serde_json::to_vec(&stored).map_err(|e| failed(e.into()))?;
        text.push(b'\n');
        let mut file = files::create(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CliError::Refused(say!(
                en: "{name} exists, and nothing is overwritten: name another file",
                zh: "{name} 已存在，不会覆盖：请换一个文件名"
            )),
            _ => failed(error),
        })?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        files::sync_parent(path).map_err(failed)
    }

    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let name = path.display();
        let failed = |e| CliError::Io(say!(en: "cannot read {name}", zh: "无法读取 {name}"), e);
        let text = files::read_text(path, PROPOSAL_FILE_BYTES_MAX).map_err(failed)?;
        Self::parse(&text)
            .map_err(|why| CliError::Message(say!(en: "{name}: {why}", zh: "{name}：{why}")))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &dyn std::fmt::Display| {
            say!(
                en: "it is not a proposal that `tidu record --propose` wrote: {why}",
                zh: "不是 `tidu record --propose` 写出的提案：{why}"
            )
        };
        let stored: Stored = serde_json::from_str(text).map_err(|e| wrong(&e))?;
        if stored.kind != KIND {
            let why = say!(en: "its kind is not \"{KIND}\"", zh: "其 kind 不是 \"{KIND}\"");
            return Err(wrong(&why));
        }
        let decoded = |text: &str, field: &str| {
            BASE64_STANDARD.decode(text).map_err(|e| wrong(&format!("{field}: {e}")))
        };
        let request = decoded(&stored.request, "request")?;
        let sealed = decoded(&stored.proposal, "proposal")?;
        let request = pb::AppendRequest::decode(request.as_slice());
        let proposal = SealedProposal::decode(sealed.as_slice());
        Ok(Self {
            request: request.map_err(|e| wrong(&format!("request: {e}")))?,
            sealed,
            proposal: proposal.map_err(|e| wrong(&format!("proposal: {e}")))?,
        })
    }

    /// The root over the events, in hexadecimal.
    pub(super) fn root(&self) -> String {
        hex(&self.proposal.content_root)
    }

    /// The instant from which it is too old.
    pub(super) fn expires(&self) -> String {
        let at = jiff::Timestamp::from_microsecond(self.proposal.expires_micros);
        at.map(|at| at.to_string()).unwrap_or_default()
    }

    /// The request that approves it.
    pub(super) fn approval(&self, validate_only: bool) -> pb::AppendRequest {
        pb::AppendRequest {
            validate_only,
            proposal: self.sealed.clone().into(),
            ..self.request.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_file_keeps_the_request_and_the_seal_and_is_never_overwritten() {
        let proposal = SealedProposal {
            proposer: "guangdong.recorder".to_owned(),
            content_root: vec![7; 32].into(),
            expires_micros: 1_000_000,
            ..Default::default()
        };
        let request = pb::AppendRequest {
            request_id: "one".to_owned(),
            events: vec![pb::Event { authority: "440000".to_owned(), ..Default::default() }],
            validate_only: true,
            propose: true,
            ..Default::default()
        };
        let sealed = proposal.encode_to_vec();
        let answer = pb::AppendResponse { proposal: sealed.clone().into(), ..Default::default() };
        let file = ProposalFile::of(request.clone(), &answer).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("proposal.json");
        file.write(&path, &answer).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = ProposalFile::read(&path).unwrap();
        let plain = pb::AppendRequest { validate_only: false, propose: false, ..request };
        assert_eq!((&read.request, &read.proposal), (&plain, &proposal));
        let approval = read.approval(false);
        assert_eq!(approval.proposal, sealed);
        assert_eq!(read.expires(), "1970-01-01T00:00:01Z");
        let before = fs::read(&path).unwrap();
        assert!(matches!(file.write(&path, &answer), Err(CliError::Refused(_))));
        assert_eq!(fs::read(&path).unwrap(), before);
        for odd in ["", "{}", "{\"kind\":\"other\"}"] {
            fs::write(&path, odd).unwrap();
            assert!(ProposalFile::read(&path).is_err(), "{odd:?}");
        }
    }
}

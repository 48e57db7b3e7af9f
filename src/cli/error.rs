//! The error that ends a command, and its exit code.

use std::{io, process::ExitCode};

use super::{
    print::{self, escaped, escaped_lines},
    stop::EXIT_UNFINISHED,
};
use crate::{
    archive::ArchiveError,
    catalogue_files::CatalogueFileError,
    delivery::DeliveryError,
    limits::{STATUS_DURATION_MAX, WATCH_SILENCE_MAX},
    protocol::json::JsonError,
    server::Unfinished,
};

const SILENCE_SECONDS: u64 = WATCH_SILENCE_MAX.as_secs();
const STATUS_SECONDS: u64 = STATUS_DURATION_MAX.as_secs();

/// An error that ends a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The server refused the call, or the connection broke.
    #[error("{}", print::status(.0))]
    Status(Box<tonic::Status>),
    /// No connection could be made.
    #[error("cannot reach {server}: {why}; is `tidu serve` running there?")]
    Unreachable {
        /// Its address.
        server: String,
        /// The innermost cause.
        why: String,
    },
    /// There is a connection, and TLS or its absence ends it.
    #[error("{why} [{server}]")]
    Untrusted {
        /// Its address.
        server: String,
        /// The cause and the remedy.
        why: String,
    },
    /// A server that accepts connections does not answer.
    #[error(
        "no answer from {server} within {} s; the process may hang: tidu doctor",
        STATUS_SECONDS
    )]
    NoAnswer {
        /// Its address.
        server: String,
    },
    /// The server says nothing any more.
    #[error("the server has said nothing for {} s, which is two heartbeats", SILENCE_SECONDS)]
    Silent,
    /// The request or the input breaks a rule.
    #[error("{0}")]
    Refused(String),
    /// Anything else, in full.
    #[error("{0}")]
    Message(String),
    /// A log or an archive is damaged, or is missing.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Delivery failed.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// A message has no JSON form.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A drain did not finish in time.
    #[error(transparent)]
    Unfinished(Unfinished),
    /// A diagnosis has found warnings or errors, which are printed. This is its exit code.
    #[error("the findings end the command with {0}")]
    Findings(u8),
    /// An error with the next step.
    #[error("{0}\n  {1}")]
    Advised(Box<Self>, String),
    /// Input or output failed.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

impl From<CatalogueFileError> for CliError {
    fn from(error: CatalogueFileError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<tonic::Status> for CliError {
    fn from(status: tonic::Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl CliError {
    /// The error with the next step.
    pub(super) fn advised(self, next_step: String) -> Self {
        Self::Advised(Box::new(self), next_step)
    }

    /// The text as it is shown. Only what this program composes has several lines.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Advised(error, next) => format!("{}\n  {}", error.shown(), escaped(next)),
            Self::Status(_) | Self::Message(_) => escaped_lines(&self.to_string()),
            _ => escaped(&self.to_string()).into_owned(),
        }
    }

    /// 3 for a refusal, 75 for a drain that was not finished, that of findings, 1 for a failure.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Status(status) if !print::is_retryable(status) => ExitCode::from(3),
            Self::Refused(_) => ExitCode::from(3),
            Self::Advised(error, _) => error.exit_code(),
            Self::Unfinished(_) => ExitCode::from(EXIT_UNFINISHED),
            Self::Findings(code) => ExitCode::from(*code),
            _ => ExitCode::FAILURE,
        }
    }
}

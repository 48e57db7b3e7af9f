//! The files of the audit trail.

use std::path::PathBuf;

use super::{Config, ConfigError};
use crate::limits::TRAIL_SINKS_MAX;

/// The file of the audit trail in the data directory, unless others are named.
pub const AUDIT_FILE: &str = "audit.jsonl";

impl Config {
    /// The files of the audit trail: those that are set, or the one in the data directory.
    #[must_use]
    pub fn audit_files(&self) -> Vec<PathBuf> {
        match self.audit_sinks.as_slice() {
            [] => vec![self.data_dir.join(AUDIT_FILE)],
            files => files.to_vec(),
        }
    }

    pub(super) fn require_audit_sinks(&self) -> Result<(), ConfigError> {
        let files = &self.audit_sinks;
        if files.len() > TRAIL_SINKS_MAX {
            let text =
                format!("{} files, and at most {TRAIL_SINKS_MAX} can be written", files.len());
            return Err(ConfigError::AuditSinks(text));
        }
        if let [first, second] = files.as_slice()
            && first == second
        {
            let text = format!("{} is named twice", first.display());
            return Err(ConfigError::AuditSinks(text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_two_files_take_the_trail() {
        let config = |files: &[&str]| Config {
            data_dir: "data".into(),
            audit_sinks: files.iter().map(PathBuf::from).collect(),
            ..Config::default()
        };
        assert_eq!(config(&[]).audit_files(), [PathBuf::from("data/audit.jsonl")]);
        assert_eq!(config(&["a", "b"]).audit_files().len(), TRAIL_SINKS_MAX);
        assert!(config(&["a", "b"]).require_audit_sinks().is_ok());
        let refused = |files| config(files).require_audit_sinks().unwrap_err().to_string();
        assert!(refused(&["a", "b", "c"]).contains("at most 2"));
        assert!(refused(&["a", "a"]).contains("named twice"));
    }
}

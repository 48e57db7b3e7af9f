//! Files of principals without a server.

use std::path::Path;

use super::{
    jwt::{Issuer, read_keys},
    policy::{
        Document, Entry, PolicyError, PolicyFault, PrincipalText, read_delegated, read_files,
        read_statement,
    },
};
use crate::domain::catalogue::Catalogues;

/// A policy that a server could use.
#[derive(Debug)]
pub(crate) struct CheckedPolicy {
    pub(crate) entries: Vec<Entry>,
    /// Parts that change nothing, which hardly anybody means.
    pub(crate) warnings: Vec<PolicyFault>,
}

/// Reads a policy as a server does, with the keys of its issuers.
///
/// # Errors
/// [`PolicyError`] with all faults.
pub(crate) fn check_files(
    path: &Path,
    catalogues: &Catalogues,
) -> Result<CheckedPolicy, PolicyError> {
    let statement = read_statement(&read_files(path)?, Some(catalogues))?;
    for pin in &statement.issuers {
        Issuer::new(pin.clone(), &read_keys(pin)?)?;
    }
    Ok(CheckedPolicy { entries: statement.entries, warnings: statement.warnings })
}

/// Reads the principals of a file as they are stated. A server judges them.
///
/// # Errors
/// [`PolicyError`] if the file has another shape.
pub(crate) fn read_principals(path: &Path) -> Result<Vec<PrincipalText>, PolicyError> {
    let mut all = Vec::new();
    for Document { path, text } in read_files(path)? {
        let stated = read_delegated(&Document { path, text })?;
        all.extend(stated.into_iter().map(toml::Spanned::into_inner));
    }
    Ok(all)
}

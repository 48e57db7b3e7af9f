//! The files of TLS as a start would find them, for the doctor.

use std::{path::PathBuf, sync::Arc};

use super::{super::config::Config, TlsFileError, loaded::Loaded};

/// When the files of TLS end. All of them can be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOutlook {
    /// The setting, a file of it, and seconds since 1970, in the order of the settings.
    pub ends: Vec<(&'static str, PathBuf, i64)>,
}

impl TlsOutlook {
    /// Reads the files that settings name. `now` is in seconds since 1970. `None` without TLS.
    ///
    /// # Errors
    /// [`TlsFileError`] for which a start would be refused.
    pub fn of(config: &Config, now: i64) -> Result<Option<Self>, TlsFileError> {
        let Some(files) = config.tls_files() else { return Ok(None) };
        let loaded = Loaded::of(&files.read()?, &(Arc::new(|| true) as _), now)?;
        let file = |of| match of {
            "server" => Some(("tls_cert", files.certificate.clone())),
            "client_ca" => Some(("tls_client_ca", files.client_ca.clone()?)),
            _ => Some(("tls_client_crl", files.client_crl.first()?.clone())),
        };
        let ends = loaded.ends.all().filter_map(|(of, end)| {
            let (setting, path) = file(of)?;
            Some((setting, path, end))
        });
        Ok(Some(Self { ends: ends.collect() }))
    }
}

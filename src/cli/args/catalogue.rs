//! The catalogues of commands that read a log without a server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use crate::{
    archive::backup,
    catalogue_files::CatalogueFiles,
    cli::CliError,
    server::config::{Config, ConfigError, ServerSettings},
};

/// Catalogues that a log may have adopted.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CatalogueArgs {
    /// Programme catalogue that the log has adopted, where it is not beside the log (may be
    /// repeated) [default: the one that `tidu serve` would use here]
    #[arg(long, value_name = "FILE")]
    catalogue: Vec<PathBuf>,
}

impl CatalogueArgs {
    /// The catalogues beside a log, an archive or an export, and those named; without any, the one
    /// that `tidu serve` would use here.
    pub(crate) fn read(&self, source: &Path) -> Result<CatalogueFiles, CliError> {
        let failed = |e: ConfigError| CliError::Message(e.to_string());
        let mut files = CatalogueFiles::built_in();
        if let Some(directory) = Self::beside(source) {
            files = files.beside(&directory);
        }
        let named: Vec<_> = match self.catalogue.as_slice() {
            [] => vec![None],
            named => named.iter().cloned().map(Some).collect(),
        };
        for catalogue in named {
            let flags = ServerSettings { catalogue, ..ServerSettings::default() };
            let config = Config::load(&flags, None).map_err(failed)?;
            files = files.and(Arc::new(config.read_catalogue().map_err(failed)?));
        }
        Ok(files)
    }

    /// The directory whose catalogues belong to a log, a backup, an archive or an export: the
    /// directory itself, that of the newest generation, or that of the file. A standard stream has
    /// none.
    pub(crate) fn beside(source: &Path) -> Option<PathBuf> {
        if is_standard(source) {
            return None;
        }
        if source.is_dir() {
            let newest = backup::newest(source).ok().flatten();
            return Some(
                newest.map_or_else(|| source.to_path_buf(), |newest| newest.path().to_path_buf()),
            );
        }
        let parent = source.parent().filter(|parent| !parent.as_os_str().is_empty());
        Some(parent.unwrap_or(Path::new(".")).to_path_buf())
    }
}

/// True if the path means a standard stream.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

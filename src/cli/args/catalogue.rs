//! The catalogues of commands that read a log without a server.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use crate::{
    catalogue_files::CatalogueFiles,
    cli::CliError,
    server::config::{Config, ConfigError, ServerSettings},
};

/// Catalogues that a log may have adopted.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CatalogueArgs {
    /// Programme catalogue that the log adopted, if it is not beside the log (may be repeated)
    /// [default: the one that `tidu serve` would use here]
    #[arg(long, value_name = "FILE")]
    catalogue: Vec<PathBuf>,
}

impl CatalogueArgs {
    /// Reads the catalogues named; without any, the one that `tidu serve` would find here.
    pub(crate) fn read(&self) -> Result<CatalogueFiles, CliError> {
        let failed = |e: ConfigError| CliError::Message(e.to_string());
        let mut files = CatalogueFiles::built_in();
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
}

//! The catalogue of commands that read a log without a server.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use crate::{
    cli::CliError,
    domain::catalogue::Catalogue,
    server::config::{Config, ConfigError, ServerSettings},
};

/// The catalogue with which a log was recorded.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CatalogueArgs {
    /// Programme catalogue of the log [default: the one that `tidu serve` would use here]
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
}

impl CatalogueArgs {
    /// Reads the catalogue, found as `tidu serve` finds it.
    pub(crate) fn read(&self) -> Result<Arc<Catalogue>, CliError> {
        let failed = |e: ConfigError| CliError::Message(e.to_string());
        let flags =
            ServerSettings { catalogue: self.catalogue.clone(), ..ServerSettings::default() };
        let config = Config::load(&flags, None).map_err(failed)?;
        Ok(Arc::new(config.read_catalogue().map_err(failed)?))
    }
}

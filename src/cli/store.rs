//! Flags of the commands that work on a log without a server.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::CliError;
use crate::{
    domain::catalogue::Catalogue,
    server::config::{Config, Flags},
};

/// Which catalogue a log was recorded with.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct CatalogueArgs {
    /// Programme catalogue of the log, if it is not the built-in one
    #[arg(long)]
    catalogue: Option<PathBuf>,
}

impl CatalogueArgs {
    /// Reads the catalogue, found as `tidu serve` finds it.
    pub(super) fn read(&self) -> Result<Arc<Catalogue>, CliError> {
        let said = |e: crate::server::config::ConfigError| CliError::Said(e.to_string());
        let flags = Flags { catalogue: self.catalogue.clone(), ..Flags::default() };
        let config = Config::load(&flags, None).map_err(said)?;
        Ok(Arc::new(config.read_catalogue().map_err(said)?))
    }
}

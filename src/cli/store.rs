//! Flags of the commands that work on a log without a server.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::{
    config::{Config, Flags},
    ledger::DecodeEvent,
    offline,
};

/// Which catalogue a log was recorded with.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct CatalogueArgs {
    /// Programme catalogue of the log, if it is not the built-in one
    #[arg(long)]
    catalogue: Option<PathBuf>,
}

impl CatalogueArgs {
    /// What understands the log's events. The catalogue is found as `tidu serve` finds it.
    pub(super) fn decoder(&self) -> Result<DecodeEvent, CliError> {
        let said = |e: crate::config::ConfigError| CliError::Said(e.to_string());
        let flags = Flags { catalogue: self.catalogue.clone(), ..Flags::default() };
        let config = Config::load(&flags, None).map_err(said)?;
        Ok(offline::decoder(config.read_catalogue().map_err(said)?))
    }
}

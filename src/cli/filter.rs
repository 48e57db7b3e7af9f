//! The flags that say which events are wanted.

use std::{fs, path::PathBuf};

use super::CliError;
use crate::{domain::kind::Kind, protocol::pb};

/// The filter flags of several commands.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct FilterArgs {
    /// Only events that concern this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID")]
    pub(super) programmes: Vec<String>,
    /// Only events that concern this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE")]
    pub(super) authorities: Vec<String>,
    /// Only events of this region or what lies under it
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    pub(super) region: String,
    /// Only events of this designee, under whatever identifier (may be repeated)
    #[arg(long = "designee", value_name = "ID")]
    pub(super) designees: Vec<String>,
    /// Only events of the designees named in this file, one a line
    #[arg(long, value_name = "FILE")]
    pub(super) designees_from: Option<PathBuf>,
    /// Only events of this batch (may be repeated)
    #[arg(long = "batch", value_name = "ID")]
    pub(super) batches: Vec<String>,
    /// Only events of this kind, such as designated or review-passed (may be repeated)
    #[arg(long = "kind", value_name = "KIND", value_parser = parse_kind)]
    pub(super) kinds: Vec<i32>,
}

impl FilterArgs {
    /// Reads the file of designees too.
    pub(super) fn filter(&self) -> Result<pb::Filter, CliError> {
        let Self { programmes, authorities, region, mut designees, designees_from, batches, kinds } =
            self.clone();
        if let Some(path) = designees_from {
            let failed = |e| CliError::Io(format!("cannot read {}", path.display()), e);
            let text = fs::read_to_string(&path).map_err(failed)?;
            let lines = text.lines().map(str::trim);
            designees.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
        }
        let region_under = region;
        Ok(pb::Filter { programmes, authorities, region_under, kinds, designees, batches })
    }
}

/// Reads the name of a kind from the command line.
fn parse_kind(text: &str) -> Result<i32, String> {
    let kind = Kind::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Kind::all().map(|kind| kind.name().replace('_', "-")).collect();
        format!("is no kind of event; there are {}", names.join(", "))
    })?;
    Ok(i32::from(kind.number()))
}

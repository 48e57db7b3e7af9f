//! The arguments that select events.

use std::path::PathBuf;

use crate::{
    cli::{CliError, names},
    files,
    lang::say,
    limits::INPUT_FILE_BYTES_MAX,
    protocol::pb,
};

/// The filter of an event stream or list.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only events that concern this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID|NAME", value_parser = names::programme)]
    programmes: Vec<String>,
    /// Only events that concern this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE|NAME", value_parser = names::authority)]
    authorities: Vec<String>,
    /// Only events of this region and the regions within it
    #[arg(long, value_name = "CODE|NAME", value_parser = names::region)]
    region: Option<String>,
    /// Only events of this designee, under any of its identifiers (may be repeated)
    #[arg(long = "designee", value_name = "ID")]
    designees: Vec<String>,
    /// Only events of the designees in this file, one identifier a line
    #[arg(long, value_name = "FILE")]
    designees_from: Option<PathBuf>,
    /// Only events of this batch (may be repeated)
    #[arg(long = "batch", value_name = "ID")]
    batches: Vec<String>,
    /// Only events of this kind, such as designated or review-passed (may be repeated)
    #[arg(long = "kind", value_name = "KIND", value_parser = names::enum_value::<pb::EventKind>)]
    kinds: Vec<i32>,
}

impl FilterArgs {
    /// The ids of the arguments, for those that exclude a filter.
    pub(crate) const IDS: [&str; 7] =
        ["programmes", "authorities", "region", "designees", "designees_from", "batches", "kinds"];

    /// Builds the filter; reads the file of designees if one is named.
    pub(crate) fn filter(&self) -> Result<pb::EventFilter, CliError> {
        let Self { programmes, authorities, region, mut designees, batches, kinds, .. } =
            self.clone();
        if let Some(path) = &self.designees_from {
            let failed = |e| {
                let path = path.display();
                CliError::Io(say!(en: "cannot read {path}", zh: "无法读取 {path}"), e)
            };
            let text = files::read_text(path, INPUT_FILE_BYTES_MAX).map_err(failed)?;
            let lines = text.lines().map(str::trim);
            designees.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
        }
        let region_under = region.unwrap_or_default();
        Ok(pb::EventFilter { programmes, authorities, region_under, kinds, designees, batches })
    }
}

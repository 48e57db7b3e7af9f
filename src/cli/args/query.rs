//! The arguments of register queries: the two moments of an answer, and the title filter.

use clap::Args;

use super::moment::{known_at, written_date};
use crate::{
    cli::names,
    protocol::pb::{self, as_of::Known},
};

/// The two moments of an answer: valid time and knowledge time.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct MomentArgs {
    /// The day for which to answer [default: today]
    #[arg(long, value_parser = parse_date, value_name = "DATE")]
    pub(crate) as_of: Option<pb::Date>,
    /// Use only events known at this log size, at the end of this day in Shanghai, or at this
    /// instant: 42, 2026-03-01 or 2026-03-01T09:00:00+08:00 [default: all events]
    #[arg(long, value_parser = known_at, value_name = "LOG_SIZE|DAY|TIME")]
    pub(crate) known_at: Option<Known>,
}

impl MomentArgs {
    pub(crate) fn message(&self) -> Option<pb::AsOf> {
        Some(pb::AsOf { valid_on: self.as_of, known: self.known_at })
    }
}

/// The title filter.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TitleArgs {
    /// Only titles of this programme (may be repeated, like the other filters)
    #[arg(long = "programme", value_name = "ID|NAME", value_parser = names::programme)]
    programmes: Vec<String>,
    /// Only titles decided by this authority
    #[arg(long = "authority", value_name = "CODE|NAME", value_parser = names::authority)]
    authorities: Vec<String>,
    /// Only titles recommended by this authority
    #[arg(long, value_name = "CODE|NAME", value_parser = names::authority)]
    recommended_by: Vec<String>,
    /// Only designees for which this authority is responsible
    #[arg(long = "responsible", value_name = "CODE|NAME", value_parser = names::authority)]
    responsible: Vec<String>,
    /// Only designees registered in this region or a region within it
    #[arg(long = "region", value_name = "CODE|NAME", value_parser = names::region)]
    region: Option<String>,
    /// Only titles with this status, such as active or not-designated
    #[arg(long = "status", value_name = "STATUS",
        value_parser = names::enum_value::<pb::TitleStatus>)]
    statuses: Vec<i32>,
    /// Only titles of this cohort
    #[arg(long = "batch", value_name = "BATCH")]
    batches: Vec<String>,
    /// Only titles whose latest review round is this one
    #[arg(long = "round", value_name = "ROUND")]
    rounds: Vec<String>,
    /// Only designees of this industry: a section like C, a division like 35, or its name
    #[arg(long = "industry", value_name = "CODE|NAME", value_parser = names::industry)]
    industries: Vec<String>,
    /// Only titles with this flag, such as review-pending
    #[arg(long = "flag", value_name = "FLAG", value_parser = names::enum_value::<pb::TitleFlag>)]
    flags: Vec<i32>,
    /// Only designees whose present or former name begins with this
    #[arg(long = "name", value_name = "PREFIX", default_value = "", hide_default_value = true)]
    name: String,
    /// Only titles with an event that cites this document number
    #[arg(long, value_name = "NUMBER", default_value = "", hide_default_value = true)]
    document: String,
    /// Only titles whose batch or sub-list is sealed
    #[arg(long)]
    sealed_only: bool,
    /// Only titles whose last day is this day or later: 2026-03-31, 2026-03 or 2026
    #[arg(long, value_name = "DAY", value_parser = parse_date)]
    valid_to_from: Option<pb::Date>,
    /// Only titles whose last day is this day or earlier
    #[arg(long, value_name = "DAY", value_parser = parse_date)]
    valid_to_to: Option<pb::Date>,
    /// Only titles that ended for this cause, such as review-not-submitted (may be repeated)
    #[arg(long = "end-cause", value_name = "CAUSE",
        value_parser = names::enum_value::<pb::EndCause>)]
    end_causes: Vec<i32>,
    /// Only titles of this type, site or product (may be repeated)
    #[arg(long = "item", value_name = "ITEM")]
    items: Vec<String>,
    /// Only titles that were revoked on this ground, such as falsification (may be repeated)
    #[arg(long = "ground", value_name = "GROUND",
        value_parser = names::enum_value::<pb::RevocationGround>)]
    grounds: Vec<i32>,
    /// Only titles in the list of this batch, by designation or by a passed review
    #[arg(long = "listed-in", value_name = "BATCH")]
    listed_in: Vec<String>,
}

impl TitleArgs {
    pub(crate) fn filter(&self) -> Option<pb::TitleFilter> {
        let args = self.clone();
        Some(pb::TitleFilter {
            programmes: args.programmes,
            authorities: args.authorities,
            recommended_by: args.recommended_by,
            responsible_authorities: args.responsible,
            region_under: args.region.unwrap_or_default(),
            statuses: args.statuses,
            batches: args.batches,
            rounds: args.rounds,
            industries: args.industries,
            flags: args.flags,
            name_prefix: args.name,
            document_number: args.document,
            sealed_only: args.sealed_only,
            valid_to_from: args.valid_to_from,
            valid_to_to: args.valid_to_to,
            end_causes: args.end_causes,
            items: args.items,
            grounds: args.grounds,
            listed_in: args.listed_in,
        })
    }
}

/// Reads a date as people write it.
pub(crate) fn parse_date(text: &str) -> Result<pb::Date, String> {
    let date = written_date(text)?;
    let (year, month, day) = date.parts();
    Ok(pb::Date { year, month, day })
}

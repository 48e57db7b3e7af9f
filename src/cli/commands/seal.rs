//! `tidu seal`: seals a batch or a sub-list with the counts that its document declares.

use std::path::PathBuf;

use clap::Args;

use super::proposal::{DocumentArgs, Proposal, row};
use crate::{
    cli::{
        CliError,
        args::{Common, parse_date},
        client::Client,
        names,
        print::reject_table,
    },
    domain::AuthorityCode,
    lang::say,
    protocol::pb::{self, event::Fact},
};

#[derive(Debug, Args)]
#[command(after_help = "\
The counts are those of the published document, never those of the server: a seal proves that both
agree. Zero is a count. If they differ, the server says which, and nothing is sealed. Nothing but
supplements is added to a sealed batch. A seal is taken back with tidu annul.

Examples:
  tidu generate --rows 5 --to list.csv
  tidu record list.csv --authority 广东 --programme 专精特新中小企业 \\
    --batch 2026-1 --date 2026-03-01
  tidu seal specialised-sme 2026-1 --as 440000 --designated 5 --dry-run
  tidu seal specialised-sme 2026-1 --as 440000 --designated 5 \\
    --document 粤工信〔2026〕7号 --published-date 2026-03-05

Exit codes: 0 recorded, or recorded before; 3 rejected.")]
pub(crate) struct SealArgs {
    /// Programme: its id or name
    #[arg(value_parser = names::programme)]
    programme: String,
    /// Batch
    batch: String,
    /// Designees that the document newly designates
    #[arg(long, value_name = "COUNT", required_unless_present = "reviewed")]
    designated: Option<u32>,
    /// Designees whose review was passed, by the document
    #[arg(long, value_name = "COUNT")]
    reviewed: Option<u32>,
    /// Only the sub-list of this authority
    #[arg(long, value_name = "CODE|NAME", value_parser = names::authority)]
    sublist: Option<String>,
    /// Authority that seals [default: the ministry where it decides the programme]
    #[arg(long = "as", value_name = "CODE|NAME", value_parser = names::authority)]
    authority: Option<String>,
    /// First day on which the seal holds [default: that of the document, or today]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    effective_date: Option<pb::Date>,
    #[command(flatten)]
    document: DocumentArgs,
    /// Judge and report, but record nothing
    #[arg(long, conflicts_with = "again")]
    dry_run: bool,
    /// Seal it again, although the same seal was recorded before and annulled since
    #[arg(long)]
    again: bool,
    /// Write it to a new file for another principal to approve, and record nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "again"])]
    propose: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: SealArgs) -> Result<(), CliError> {
    reject_table(args.common.output)?;
    let mut client = Client::to(&args.common.server).await?;
    let authority = match &args.authority {
        Some(authority) => authority.clone(),
        None => decider(&mut client, &args.programme).await?,
    };
    let declared = pb::DeclaredCounts { designated: args.designated, reviewed: args.reviewed };
    let sealed = pb::BatchSealed {
        programme: args.programme.clone(),
        batch: args.batch.clone(),
        sublist: args.sublist.clone().unwrap_or_default(),
        declared: Some(declared),
        ..Default::default()
    };
    let event = pb::Event {
        authority,
        effective_date: args.document.effective_date(args.effective_date),
        evidence: args.document.evidence(),
        fact: Some(Fact::BatchSealed(sealed)),
        ..Default::default()
    };
    let proposal = Proposal { rows: vec![row(1, event)], output: args.common.output };
    if let Some(path) = &args.propose {
        return proposal.propose(&mut client, path).await;
    }
    if args.dry_run {
        return proposal.try_out(&mut client).await;
    }
    proposal.record(&mut client, args.again).await
}

/// The ministry, if only it decides a programme. Otherwise nobody can tell whose batch is meant.
async fn decider(client: &mut Client, programme: &str) -> Result<String, CliError> {
    let request = pb::ListProgrammesRequest::default();
    let known = client.register.list_programmes(request).await?.into_inner().programmes;
    let found = known.iter().find(|known| known.id == programme);
    let newest = found.and_then(|programme| programme.rule_versions.last());
    match newest.map(|rule| rule.decided_by.as_str()) {
        Some("ministry") => Ok(AuthorityCode::ministry().as_str().to_owned()),
        Some(_) => Err(CliError::Refused(say!(
            en: "{programme} is decided by several authorities; name the one that seals with --as",
            zh: "{programme} 由多个机构认定；请用 --as 写明由哪个机构封存"
        ))),
        None => {
            let meant = names::meant_programmes(programme);
            let meant = match meant.is_empty() {
                true => meant,
                false => say!(en: "; did you mean {meant}?", zh: "；是不是 {meant}？"),
            };
            Err(CliError::Refused(say!(
                en: "no programme {programme} (tidu programmes lists all){meant}",
                zh: "没有认定项目 {programme}（tidu programmes 列出全部）{meant}"
            )))
        }
    }
}

//! `tidu correct`: puts the event that should have been recorded in the place of another one.

use clap::Args;
use tonic::Code;

use super::proposal::{ConfirmArgs, DocumentArgs, Proposal, print_repeat, row};
use crate::{
    cli::{
        CliError,
        args::{Common, parse_date},
        assignments::{Assignment, Fields, assignment},
        client::Client,
        names,
        print::{Cell, Tone, print_line, print_table, reject_table, status_message, table},
        repairs::{InForce, Repairs},
    },
    lang::{say, word},
    protocol::pb::{self, event::Fact},
};

#[derive(Debug, Args)]
#[command(after_help = "\
The event is read with the corrections that it has, and the fields are set by the names that they
have in `tidu events POSITION -o json`, with underscores: effective_date, valid_to, profile.name,
evidence.document_number. A date is written as 2026-03-01, a value of a list as a short word
(ground=falsification), an authority, region or programme by code or name. A field that repeats is
set by repeating it; an empty value takes a field away. The server infers anew what it inferred.

Old and new are shown side by side, then the warnings and the titles that would change. The command
asks before it records; where nobody can be asked, it needs --yes. A repeat records nothing new.

Examples:
  tidu generate --rows 5 --to list.csv
  tidu record list.csv --authority 广东 --programme 专精特新中小企业 \\
    --batch 2026-1 --date 2026-03-01
  tidu correct 0 --set valid_to=2028-06-30 --reason 'wrong year' --yes
  tidu correct 1 --set profile.industry=35 --document 粤工信〔2026〕7号 \\
    --reason 'published anew' --yes

Exit codes: 0 recorded, or recorded before; 3 rejected, or not confirmed.")]
pub(crate) struct CorrectArgs {
    /// Position of the event
    position: u64,
    /// Field of the event and its right value (may be repeated)
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = assignment,
        required_unless_present = "designee")]
    assignments: Vec<Assignment>,
    /// The designee that the event should have been about
    #[arg(long, value_name = "CODE")]
    designee: Option<String>,
    /// Reason of the correction
    #[arg(long)]
    reason: String,
    /// Authority that corrects [default: the one that stated the event]
    #[arg(long = "as", value_name = "CODE|NAME", value_parser = names::authority)]
    authority: Option<String>,
    /// Day of the correction [default: that of the document, or today]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    date: Option<pb::Date>,
    #[command(flatten)]
    document: DocumentArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: CorrectArgs) -> Result<(), CliError> {
    reject_table(args.common.output)?;
    let mut client = Client::to(&args.common.server).await?;
    let (issuer, before, earlier) = in_force(&mut client, args.position).await?;
    let old = Fields::of(&before)?;
    let mut new = Fields::of(&before)?;
    new.drop_inferred();
    let mut assignments = args.assignments.clone();
    assignments.extend(args.designee.iter().map(|id| ("designee".to_owned(), id.clone())));
    new.set(&assignments).map_err(CliError::Refused)?;
    if is_same(&old, &new)? {
        return match earlier.filter(|(_, reason)| *reason == args.reason) {
            Some((position, _)) => print_repeat(args.common.output, position, position),
            None => Err(CliError::Refused(say!(
                en: "nothing was recorded: the event at position {0} says so already",
                zh: "没有记录任何内容：位置 {0} 的事件本来就是这样写的",
                args.position
            ))),
        };
    }
    if args.common.output.is_human() {
        print_line(
            &say!(en: "event {0} of {issuer}:", zh: "{issuer} 的事件 {0}：", args.position),
        )?;
        print_sides(&old.listed(), &new.listed())?;
    }
    let corrected = pb::Corrected {
        position: Some(args.position),
        replacement: Some(Box::new(new.event()?)),
        reason: args.reason.clone(),
    };
    let event = pb::Event {
        authority: args.authority.clone().unwrap_or(issuer),
        effective_date: args.document.effective_date(args.date),
        evidence: args.document.evidence(),
        fact: Some(Fact::Corrected(Box::new(corrected))),
        ..Default::default()
    };
    let rows = vec![row(args.position, event)];
    let proposal = Proposal { rows, output: args.common.output };
    proposal.confirm_and_record(&mut client, args.confirm).await
}

/// The issuer of an event, the event in force in its place, and the correction that put it there.
type Standing = (String, pb::Event, Option<(u64, String)>);

async fn in_force(client: &mut Client, position: u64) -> Result<Standing, CliError> {
    let refused = |why: String| {
        CliError::Refused(say!(en: "nothing was recorded: {why}", zh: "没有记录任何内容：{why}"))
    };
    let recorded = recorded(client, position).await?;
    let event = recorded.ok_or_else(|| {
        refused(say!(en: "event {position} was redacted", zh: "事件 {position} 已抹除"))
    })?;
    let repairs = Repairs::read(client, position, Some(&event)).await?;
    let issuer = event.authority.clone();
    match (repairs.in_force(position), event.fact.as_ref()) {
        (InForce::Annulled(by), _) => Err(refused(say!(
            en: "event {position} was annulled at position {0} ({1}); annul that annulment first",
            zh: "事件 {position} 已在位置 {0} 作废（{1}）；请先作废那次作废",
            by.position,
            by.reason
        ))),
        (_, Some(Fact::Annulled(_))) => Err(refused(say!(
            en: "event {position} is an annulment; annul it, and correct the event that it removed",
            zh: "事件 {position} 是一次作废；请先作废它，再更正它所作废的事件"
        ))),
        (InForce::Corrected(by), _) => {
            let by = *by;
            Ok((issuer, by.replacement, Some((by.position, by.reason))))
        }
        (InForce::Recorded, Some(Fact::Corrected(correction))) => {
            let replacement = correction.replacement.clone().unwrap_or_default();
            Ok((issuer, *replacement, None))
        }
        (InForce::Recorded, _) => Ok((issuer, event, None)),
    }
}

/// The event at a position; `None` if its content is erased.
pub(super) async fn recorded(
    client: &mut Client,
    position: u64,
) -> Result<Option<pb::Event>, CliError> {
    let request = pb::GetEventRequest { position: Some(position), raw: false };
    match client.ledger.get_event(request).await {
        Ok(answer) => Ok(answer.into_inner().event.and_then(|recorded| recorded.event)),
        Err(status) if status.code() == Code::OutOfRange => {
            let status = status_message(&status);
            Err(CliError::Refused(say!(
                en: "no event has position {position}: {status}",
                zh: "位置 {position} 没有事件：{status}"
            )))
        }
        Err(status) => Err(status.into()),
    }
}

/// True if nothing would change but what the server fills in.
fn is_same(old: &Fields, new: &Fields) -> Result<bool, CliError> {
    let mut filled = Fields::of(&old.event()?)?;
    filled.drop_inferred();
    let (mut before, mut after) = (filled.event()?, new.event()?);
    let kept = |event: &mut pb::Event| event.rule_version.clear();
    kept(&mut before);
    kept(&mut after);
    let is_stated = !new.event()?.rule_version.is_empty();
    let differs = is_stated && new.event()?.rule_version != old.event()?.rule_version;
    Ok(before == after && !differs)
}

/// Prints the fields of two events side by side.
fn print_sides(old: &[(String, String)], new: &[(String, String)]) -> Result<(), CliError> {
    let value = |fields: &[(String, String)], path: &str| {
        fields.iter().find(|(known, _)| known == path).map(|(_, value)| value.clone())
    };
    let added = new.iter().filter(|(path, _)| value(old, path).is_none());
    let mut sides = table([
        word!(en: "field", zh: "字段"),
        word!(en: "recorded", zh: "已记录"),
        "",
        word!(en: "corrected", zh: "更正后"),
    ]);
    for (path, _) in old.iter().chain(added) {
        let (before, after) = (value(old, path), value(new, path));
        if path.ends_with("_inferred") {
            continue;
        }
        let was_inferred = value(old, &format!("{path}_inferred")).is_some();
        let filled_in = was_inferred || path == "rule_version";
        let mark = if before == after { "" } else { "→" };
        let after = match after {
            None if filled_in => word!(en: "(from the catalogue)", zh: "（由目录推定）").to_owned(),
            after => after.unwrap_or_default(),
        };
        let before = before.unwrap_or_default();
        let before = match was_inferred {
            true => say!(en: "{before} (inferred)", zh: "{before}（推定）"),
            false => before,
        };
        let tone = if mark.is_empty() { Tone::Plain } else { Tone::Warning };
        let [path, before, mark, after] = [path, &*before, mark, &*after].map(Cell::from);
        sides.add_row([path, before, mark, after.tone(tone)]);
    }
    print_table(&sides)
}

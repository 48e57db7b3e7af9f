//! `tidu changes`: the titles whose status differs between two moments; with `--follow` also those
//! that differ later, by events or because a day has begun. The server compares, never this file.

use std::time::Duration;

use clap::Args;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use super::follow::before_again;
use crate::{
    cli::{
        CliError,
        args::{Common, Output, TitleArgs, at_least_one, duration, moment},
        client::Client,
        paged::{Listed, paged},
        print::{
            Cell, Heading, Printer, Worded as _, as_of, authority_cell, is_retryable,
            programme_cell, status_cell,
        },
    },
    delivery::pause::Pause,
    lang::say,
    limits::{
        CHANGES_INTERVAL_DEFAULT, PAGE_EVENTS_DEFAULT, WATCH_RETRY_PAUSE_MAX, WATCH_RETRY_PAUSE_MIN,
    },
    protocol::pb::{self, as_of::Known},
};

const HEADINGS: [Heading; 9] = [
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "名称").drops(1),
    Heading::new("programme", "programme", "认定项目").drops(2),
    Heading::new("authority", "authority", "认定机构").drops(5),
    Heading::new("item", "item", "类别").drops(6),
    Heading::new("before", "before", "之前"),
    Heading::new("after", "after", "之后"),
    Heading::new("reason", "reason", "原因").drops(3),
    Heading::new("events", "events", "事件位置").drops(4),
];

#[derive(Debug, Args)]
pub(crate) struct ChangesArgs {
    /// The beginning: a day, a log size with @ (or a day or an instant at which the events were
    /// known), or both: 2024-01-01, @42, 2024-01-01@42
    #[arg(long, value_name = "DAY|@SIZE", value_parser = moment)]
    from: pb::AsOf,
    /// The end [default: today, and all events]
    #[arg(long, value_name = "DAY|@SIZE", value_parser = moment)]
    to: Option<pb::AsOf>,
    #[command(flatten)]
    titles: TitleArgs,
    /// Most rows to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    /// List all changes, and then those that come, also of titles that expire at midnight in
    /// Shanghai; keeps running
    #[arg(long, conflicts_with_all = ["to", "limit"])]
    follow: bool,
    /// Time between two looks at the log and the day [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "follow")]
    interval: Option<Duration>,
    #[command(flatten)]
    common: Common,
}

/// Two moments, as the server understood them.
type Moments = (Option<pb::AnswerAsOf>, Option<pb::AnswerAsOf>);

pub(super) async fn run(args: ChangesArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    if args.follow {
        return follow(&args, client, printer).await;
    }
    let moments = (args.from, args.to);
    let (listed, moments) = list(&args, &mut client, &mut printer, moments, args.limit).await?;
    printer.finish(Some(&summary(listed, &moments)))
}

/// Lists the changes between two moments.
async fn list(
    args: &ChangesArgs,
    client: &mut Client,
    printer: &mut Printer,
    (from, to): (pb::AsOf, Option<pb::AsOf>),
    limit: usize,
) -> Result<(Listed, Moments), CliError> {
    let mut moments = (None, None);
    let fetch = async |page_size, page_token| {
        let filter = args.titles.filter();
        let request =
            pb::ListChangesRequest { filter, from: Some(from), to, page_size, page_token };
        let ask = async |client: &mut Client| client.register.list_changes(request.clone()).await;
        let page = asked(client, args.follow, ask).await?;
        moments = (page.from, page.to);
        Ok((page.changes, page.next_page_token))
    };
    let take = |change: &pb::StatusChange| printer.add("StatusChange", change, row);
    Ok((paged(limit, fetch, take).await?, moments))
}

fn summary(listed: Listed, (from, to): &Moments) -> String {
    let (count, more) = (listed.count, listed.more());
    let titles = if count == 1 { "title" } else { "titles" };
    let (from, to) = (as_of(from.as_ref()), as_of(to.as_ref()));
    say!(
        en: "{count} {titles} changed{more}, from {from}, to {to}",
        zh: "{count} 个称号有变化{more}；起点：{from}；终点：{to}"
    )
}

/// Lists changes from one moment to the next. People get a table for each that has changes,
/// programs one list.
async fn follow(
    args: &ChangesArgs,
    mut client: Client,
    mut printer: Printer,
) -> Result<(), CliError> {
    let interval = args.interval.unwrap_or(CHANGES_INTERVAL_DEFAULT);
    let mut moments = (args.from, None);
    loop {
        let (listed, answered) = list(args, &mut client, &mut printer, moments, usize::MAX).await?;
        if args.common.output == Output::Human && listed.count > 0 {
            let next = Printer::new(args.common.output, HEADINGS)?;
            std::mem::replace(&mut printer, next).finish(Some(&summary(listed, &answered)))?;
        }
        let Some(to) = answered.1.map(|to| moment_of(&to)) else { return Ok(()) };
        moments = (to, Some(later(&mut client, to, interval).await?));
    }
}

/// Waits until the log or the day of the server is another one.
async fn later(
    client: &mut Client,
    last: pb::AsOf,
    interval: Duration,
) -> Result<pb::AsOf, CliError> {
    loop {
        sleep(interval).await;
        let request = pb::ListTitlesRequest { page_size: 1, ..Default::default() };
        let ask = async |client: &mut Client| client.register.list_titles(request.clone()).await;
        let answer = asked(client, true, ask).await?;
        if let Some(now) = answer.as_of.map(|now| moment_of(&now)).filter(|now| *now != last) {
            return Ok(now);
        }
    }
}

/// The answer to a question. One who follows the log at several nodes asks the next one when one
/// does not answer.
async fn asked<T>(
    client: &mut Client,
    follows: bool,
    ask: impl AsyncFn(&mut Client) -> Result<Response<T>, Status>,
) -> Result<T, CliError> {
    let mut pause = Pause::new(WATCH_RETRY_PAUSE_MIN, WATCH_RETRY_PAUSE_MAX, fastrand::Rng::new());
    loop {
        let status = match ask(client).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let goes_on = follows && client.has_others() && is_retryable(&status);
        let error = CliError::from(status);
        if !goes_on {
            return Err(error);
        }
        before_again(&error, pause.take(), &CancellationToken::new()).await;
    }
}

fn moment_of(answered: &pb::AnswerAsOf) -> pb::AsOf {
    let known = answered.known_at.map(Known::KnownAt);
    pb::AsOf { valid_on: answered.valid_on, known }
}

fn row(change: &pb::StatusChange) -> [Cell; 9] {
    let status = |status: pb::TitleStatus| match status {
        pb::TitleStatus::Unspecified => Cell::of("", "–"),
        status => status_cell(status),
    };
    let positions: Vec<String> = change.positions.iter().map(u64::to_string).collect();
    let positions = positions.join(" ");
    let events = match change.omitted_position_count {
        0 => Cell::from(&positions),
        count => {
            let shown =
                say!(en: "{positions} and {count} more", zh: "{positions} 等，另有 {count} 个");
            Cell::of(positions, shown)
        }
    };
    [
        change.designee.as_str().into(),
        change.name.as_str().into(),
        programme_cell(&change.programme),
        authority_cell(&change.authority),
        change.item.as_str().into(),
        status(change.before()),
        status(change.after()),
        change.reason().cell(),
        events,
    ]
}

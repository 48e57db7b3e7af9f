//! `tidu cursor`: positions in the log that the server keeps for subscribers.

use clap::{Args, Subcommand};

use crate::{
    cli::{
        CliError,
        args::{Common, FilterArgs, Output},
        client::Client,
        designees::identify,
        paged::paged,
        print::{Cell, Heading, Printer, instant, print_line, print_message, print_pairs},
    },
    lang::{say, word},
    protocol::{json::Json, pb},
};

#[derive(Debug, Args)]
#[command(after_help = "\
A cursor keeps the position below which a subscriber has processed everything. It moves only by
`advance`, only forwards, and durably. `tidu watch --cursor ID` follows a cursor and advances it.
Lag is the number of matching events that the cursor has not passed.")]
pub(crate) struct CursorArgs {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List your cursors; operators and auditors get those of all principals
    List,
    /// Show a cursor with its filter and lag
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Create a cursor
    Create {
        /// Its id: 1 to 64 of a-z, 0-9, '.', '-' and '_'
        id: String,
        /// Its first position
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        at: u64,
        #[command(flatten)]
        filter: Box<FilterArgs>,
    },
    /// Advance a cursor
    Advance {
        /// Its id
        id: String,
        /// The position below which everything is processed
        next_position: u64,
        /// Also move it backwards, or from another log into this one
        #[arg(long)]
        force: bool,
    },
    /// Delete a cursor
    Delete {
        /// Its id
        id: String,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, Args)]
struct Of {
    /// The principal to whom it belongs, for operators and auditors
    #[arg(long, value_name = "PRINCIPAL", default_value = "", hide_default_value = true)]
    owner: String,
}

pub(super) async fn run(args: CursorArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    let output = args.common.output;
    match args.action {
        Action::List => list(&mut client, output).await,
        Action::Show { id, of } => show(&get(&mut client, id, of.owner).await?, output),
        Action::Create { id, at, filter } => {
            let mut filter = filter.filter()?;
            identify(&mut client, &mut filter, output).await?;
            let filter = Some(filter);
            let request = pb::CreateCursorRequest { cursor_id: id, filter, next_position: at };
            let answer = client.cursors.create_cursor(request).await?.into_inner();
            show(&answer.cursor.unwrap_or_default(), output)
        }
        Action::Advance { id, next_position, force } => {
            let request = pb::AdvanceCursorRequest {
                cursor_id: id.clone(),
                next_position,
                force,
                ..Default::default()
            };
            let answer = client.cursors.advance_cursor(request).await?.into_inner();
            print_message(output, "AdvanceCursorResponse", &answer, |answer| {
                let (next, size) = (answer.next_position, answer.log_size);
                print_line(&say!(
                    en: "{id} is at {next} of {size}", zh: "{id} 位于 {next}（共 {size}）"
                ))
            })
        }
        Action::Delete { id, of } => {
            let request = pb::DeleteCursorRequest { cursor_id: id.clone(), owner: of.owner };
            let answer = client.cursors.delete_cursor(request).await?.into_inner();
            print_message(output, "DeleteCursorResponse", &answer, |_| {
                print_line(&say!(en: "cursor {id} is deleted", zh: "游标 {id} 已删除"))
            })
        }
    }
}

/// A cursor with its filter and lag.
pub(super) async fn get(
    client: &mut Client,
    id: String,
    owner: String,
) -> Result<pb::Cursor, CliError> {
    let request = pb::GetCursorRequest { cursor_id: id, owner };
    Ok(client.cursors.get_cursor(request).await?.into_inner().cursor.unwrap_or_default())
}

async fn list(client: &mut Client, output: Output) -> Result<(), CliError> {
    let mut printer = Printer::new(output, HEADINGS)?;
    let fetch = async |page_size, page_token| {
        let request = pb::ListCursorsRequest { page_size, page_token };
        let page = client.cursors.list_cursors(request).await?.into_inner();
        Ok((page.cursors, page.next_page_token))
    };
    paged(usize::MAX, fetch, |cursor: &pb::Cursor| printer.add("Cursor", cursor, row)).await?;
    printer.finish(None)
}

const HEADINGS: [Heading; 6] = [
    Heading::new("owner", "owner", "所属主体").drops(2),
    Heading::new("cursor", "cursor", "游标"),
    Heading::new("next_position", "next position", "下一位置"),
    Heading::new("behind", "behind", "落后"),
    Heading::new("advanced", "advanced", "推进时间").drops(1),
    Heading::new("streams", "streams", "连接数").drops(3),
];

fn row(cursor: &pb::Cursor) -> [Cell; 6] {
    [
        cursor.owner.as_str().into(),
        cursor.cursor_id.as_str().into(),
        Cell::of(cursor.next_position.to_string(), position(cursor)),
        cursor.log_size.saturating_sub(cursor.next_position).into(),
        instant(cursor.advance_time.as_ref()).into(),
        cursor.connection_count.to_string().into(),
    ]
}

fn position(cursor: &pb::Cursor) -> String {
    let next = cursor.next_position;
    match cursor.log_changed {
        true => say!(en: "{next} (made in another log)", zh: "{next}（建于另一日志）"),
        false => next.to_string(),
    }
}

fn show(cursor: &pb::Cursor, output: Output) -> Result<(), CliError> {
    print_message(output, "Cursor", cursor, |cursor| {
        let filter = match &cursor.filter {
            Some(filter) => Json::new()?.line("EventFilter", filter)?,
            None => {
                let count = cursor.filter_designee_count;
                say!(
                    en: "{count} designees, too large to show",
                    zh: "{count} 个认定对象，内容过长不予显示"
                )
            }
        };
        let seconds = cursor.lag.map_or(0, |lag| lag.seconds);
        let more = match cursor.lag_event_count_capped {
            true => word!(en: "more than ", zh: "超过 "),
            false => "",
        };
        let (at, size, events) = (position(cursor), cursor.log_size, cursor.lag_event_count);
        let mut lines = vec![
            (word!(en: "cursor", zh: "游标"), cursor.cursor_id.clone()),
            (
                word!(en: "position", zh: "位置"),
                say!(en: "{at} of {size}", zh: "{at}（共 {size}）"),
            ),
            (
                word!(en: "lag", zh: "落后"),
                say!(
                    en: "{more}{events} events, {seconds} s",
                    zh: "{more}{events} 个事件，{seconds} 秒"
                ),
            ),
            (word!(en: "filter", zh: "筛选条件"), filter),
            (word!(en: "created", zh: "创建时间"), instant(cursor.create_time.as_ref())),
            (word!(en: "advanced", zh: "推进时间"), instant(cursor.advance_time.as_ref())),
        ];
        for connection in &cursor.connections {
            let (peer, next) = (&connection.remote_address, connection.next_position);
            let since = instant(connection.connect_time.as_ref());
            let text = say!(
                en: "{peer} since {since}, sent up to {next}",
                zh: "{peer}，始于 {since}，已发送至 {next}"
            );
            lines.push((word!(en: "stream", zh: "连接"), text));
        }
        let (shown, count) = (cursor.connections.len(), cursor.connection_count);
        if count as usize > shown {
            let text = say!(en: "{count} in all", zh: "共 {count} 个");
            lines.push((word!(en: "streams", zh: "连接数"), text));
        }
        print_pairs(&lines)
    })
}

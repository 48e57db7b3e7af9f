//! `tidu cursor`: positions in the log that the server keeps for subscribers.

use clap::{Args, Subcommand};

use crate::{
    cli::{
        CliError,
        args::{Common, FilterArgs, Output},
        client::Client,
        paged::paged,
        print::{Printer, instant, print_line, print_message},
    },
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
            let filter = Some(filter.filter()?);
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
                print_line(&format!("{id} is at {next} of {size}"))
            })
        }
        Action::Delete { id, of } => {
            let request = pb::DeleteCursorRequest { cursor_id: id, owner: of.owner };
            client.cursors.delete_cursor(request).await.map(drop).map_err(CliError::from)
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
    let header = ["cursor", "next position", "behind", "advanced", "streams"];
    let mut printer = Printer::new(output, header)?;
    let fetch = async |page_size, page_token| {
        let request = pb::ListCursorsRequest { page_size, page_token };
        let page = client.cursors.list_cursors(request).await?.into_inner();
        Ok((page.cursors, page.next_page_token))
    };
    paged(usize::MAX, fetch, |cursor: &pb::Cursor| printer.add("Cursor", cursor, row)).await?;
    printer.finish(None)
}

fn row(cursor: &pb::Cursor) -> [String; 5] {
    [
        named(cursor),
        position(cursor),
        cursor.log_size.saturating_sub(cursor.next_position).to_string(),
        instant(cursor.advance_time.as_ref()),
        cursor.connection_count.to_string(),
    ]
}

/// The id, after the owner if the server tells it.
fn named(cursor: &pb::Cursor) -> String {
    let pb::Cursor { owner, cursor_id, .. } = cursor;
    if owner.is_empty() { cursor_id.clone() } else { format!("{owner} {cursor_id}") }
}

fn position(cursor: &pb::Cursor) -> String {
    let other = if cursor.log_changed { " (made in another log)" } else { "" };
    format!("{}{other}", cursor.next_position)
}

fn show(cursor: &pb::Cursor, output: Output) -> Result<(), CliError> {
    print_message(output, "Cursor", cursor, |cursor| {
        let filter = match &cursor.filter {
            Some(filter) => Json::new()?.line("EventFilter", filter)?,
            None => format!("{} designees, too large to show", cursor.filter_designee_count),
        };
        let seconds = cursor.lag.map_or(0, |lag| lag.seconds);
        let more = if cursor.lag_event_count_capped { "more than " } else { "" };
        print_line(&format!("cursor    {}", cursor.cursor_id))?;
        print_line(&format!("position  {} of {}", position(cursor), cursor.log_size))?;
        print_line(&format!("lag       {more}{} events, {seconds} s", cursor.lag_event_count))?;
        print_line(&format!("filter    {filter}"))?;
        print_line(&format!("created   {}", instant(cursor.create_time.as_ref())))?;
        print_line(&format!("advanced  {}", instant(cursor.advance_time.as_ref())))?;
        for connection in &cursor.connections {
            let (peer, next) = (&connection.remote_address, connection.next_position);
            let since = instant(connection.connect_time.as_ref());
            print_line(&format!("stream    {peer} since {since}, sent up to {next}"))?;
        }
        let shown = cursor.connections.len();
        if cursor.connection_count as usize > shown {
            print_line(&format!("streams   {} in all", cursor.connection_count))?;
        }
        Ok(())
    })
}

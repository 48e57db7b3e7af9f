//! `tidu cursor`: places in the log that the server keeps for subscribers.

use clap::{Args, Subcommand};

use super::{
    CliError, Common, Output,
    client::Client,
    filter::FilterArgs,
    json::Json,
    text::{self, instant, say},
};
use crate::{limits::PAGE_EVENTS_MAX, protocol::pb};

#[derive(Debug, Args)]
#[command(after_help = "\
A cursor says how far a subscriber has come; it moves only by `advance`, forwards, and its place is durable. `tidu watch
--cursor` follows one and advances it. Lag is the number of events that match and are not advanced past.")]
pub(super) struct CursorArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List all cursors
    List,
    /// Show one, with its filter and lag
    Show {
        /// Its id
        id: String,
    },
    /// Make one
    Create {
        /// Its id: 1 to 64 of a-z, 0-9, '.', '-' and '_'
        id: String,
        /// Where it stands at first
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        at: u64,
        #[command(flatten)]
        filter: Box<FilterArgs>,
    },
    /// Move one
    Advance {
        /// Its id
        id: String,
        /// Everything below is done with
        next_position: u64,
        /// Also backwards, or into this log from another one
        #[arg(long)]
        force: bool,
    },
    /// Delete one
    Delete {
        /// Its id
        id: String,
    },
}

pub(super) async fn run(args: CursorArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let output = args.common.output;
    match args.what {
        What::List => list(&mut client, output).await,
        What::Show { id } => show(&get(&mut client, id).await?, output),
        What::Create { id, at, filter } => {
            let filter = Some(filter.filter()?);
            let request = pb::CreateCursorRequest { cursor_id: id, filter, next_position: at };
            let answer = client.cursors.create_cursor(request).await?.into_inner();
            show(&answer.cursor.unwrap_or_default(), output)
        }
        What::Advance { id, next_position, force } => {
            let request = pb::AdvanceCursorRequest {
                cursor_id: id.clone(),
                next_position,
                force,
                ..Default::default()
            };
            let answer = client.cursors.advance_cursor(request).await?.into_inner();
            match output {
                Output::Json => say(&Json::new()?.line("AdvanceCursorResponse", &answer)?),
                Output::Human => {
                    let (next, size) = (answer.next_position, answer.log_size);
                    say(&format!("{id} stands at {next} of {size}"))
                }
            }
        }
        What::Delete { id } => {
            let request = pb::DeleteCursorRequest { cursor_id: id };
            client.cursors.delete_cursor(request).await.map(drop).map_err(CliError::from)
        }
    }
}

/// One cursor, with its filter and lag.
pub(super) async fn get(client: &mut Client, id: String) -> Result<pb::Cursor, CliError> {
    let request = pb::GetCursorRequest { cursor_id: id };
    Ok(client.cursors.get_cursor(request).await?.into_inner().cursor.unwrap_or_default())
}

async fn list(client: &mut Client, output: Output) -> Result<(), CliError> {
    let json = Json::new()?;
    let mut table = text::table(["cursor", "next position", "behind", "advanced", "streams"]);
    let mut page_token = String::new();
    loop {
        let page_size = i32::try_from(PAGE_EVENTS_MAX).unwrap_or(i32::MAX);
        let request = pb::ListCursorsRequest { page_size, page_token };
        let page = client.cursors.list_cursors(request).await?.into_inner();
        for cursor in page.cursors {
            if output == Output::Json {
                say(&json.line("Cursor", &cursor)?)?;
                continue;
            }
            table.add_row([
                cursor.cursor_id.clone(),
                place(&cursor),
                (cursor.log_size - cursor.next_position).to_string(),
                instant(cursor.advance_time.as_ref()),
                cursor.connections.len().to_string(),
            ]);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if output == Output::Human { say(&table.to_string()) } else { Ok(()) }
}

fn place(cursor: &pb::Cursor) -> String {
    let other = if cursor.log_changed { " (made in another log)" } else { "" };
    format!("{}{other}", cursor.next_position)
}

fn show(cursor: &pb::Cursor, output: Output) -> Result<(), CliError> {
    let json = Json::new()?;
    if output == Output::Json {
        return say(&json.line("Cursor", cursor)?);
    }
    let filter = cursor.filter.clone().unwrap_or_default();
    let seconds = cursor.lag.map_or(0, |lag| lag.seconds);
    let more = if cursor.lag_event_count_capped { "more than " } else { "" };
    say(&format!("cursor    {}", cursor.cursor_id))?;
    say(&format!("stands    {} of {}", place(cursor), cursor.log_size))?;
    say(&format!("lag       {more}{} events, {seconds} s", cursor.lag_event_count))?;
    say(&format!("filter    {}", json.line("Filter", &filter)?))?;
    say(&format!("created   {}", instant(cursor.create_time.as_ref())))?;
    say(&format!("advanced  {}", instant(cursor.advance_time.as_ref())))?;
    for connection in &cursor.connections {
        let (peer, next) = (&connection.remote_address, connection.next_position);
        let since = instant(connection.connect_time.as_ref());
        say(&format!("stream    {peer} since {since}, handed out up to {next}"))?;
    }
    Ok(())
}

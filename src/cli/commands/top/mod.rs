//! `tidu top`: a screen that shows what a server does, from its operations port and its last
//! events. It asks, and changes nothing.

mod model;
mod view;

use std::{
    io::{self, IsTerminal as _, stdout},
    pin::pin,
    thread,
    time::Duration,
};

use clap::Args;
use ratatui::{
    Frame, Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{self, Event, KeyCode, KeyModifiers},
    layout::Rect,
    text::Line,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use self::{
    model::Span,
    view::{Picture, Seen, draw, draw_waiting, silence, told_age},
};
use crate::{
    cli::{
        CliError,
        args::{PLAIN_ADDRESS, ServerAddress, ServerArgs},
        client::Client,
        operations::{self, Scrape},
        print::{OtherSign, eprint_line, event_line, print_text, status_message},
        stop::stop_signal,
        target::Target,
    },
    lang::{say, word},
    limits::{OPERATIONS_CALL_DURATION_MAX, TOP_EVENTS, TOP_REDRAW_INTERVAL},
    protocol::pb,
};

/// Columns and lines of a picture for a program or a file.
const PLAIN: (u16, u16) = (120, 40);

#[derive(Debug, Args)]
#[command(after_help = "\
q, Esc or Ctrl-C ends it. Rates are those between two pictures. A latency is the bound of the bucket
that holds it, and a group is the events of one flush (p50). calls: bytes of requests; CPU:
processors in use; peers: connections; lines lost: log lines that nobody took. Without a terminal,
--once prints one picture of 120 columns and 40 lines; it fails if the operations port is silent.")]
pub(crate) struct TopArgs {
    /// Print one picture as text, and end
    #[arg(long)]
    once: bool,
    /// Seconds between two pictures
    #[arg(long, value_name = "SECONDS", default_value_t = 2,
        value_parser = clap::value_parser!(u64).range(1..=60))]
    interval: u64,
    #[command(flatten)]
    server: ServerArgs,
    /// Operations port of that server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9464",
        value_parser = PLAIN_ADDRESS)]
    operations: ServerAddress,
}

pub(super) async fn run(args: TopArgs) -> Result<(), CliError> {
    let interval = Duration::from_secs(args.interval);
    let mut watched = Watched::new(args.server.target()?, args.operations);
    let is_terminal = stdout().is_terminal();
    if args.once {
        let seconds = args.interval;
        eprint_line(&say!(
            en: "tidu: counting for {seconds} s", zh: "tidu：正在统计，需要 {seconds} 秒"
        ));
        watched.look().await;
        sleep(interval).await;
        let picture = watched.look().await;
        if let (Err(port), Err(events)) = (&picture.port, &picture.events) {
            let (server, operations) = (&watched.server, &watched.operations);
            return Err(CliError::Message(say!(
                en: "{server}: {events}; operations port {operations}: {port}",
                zh: "{server}：{events}；运维端口 {operations}：{port}"
            )));
        }
        let (width, height) = size_of_terminal().filter(|_| is_terminal).unwrap_or(PLAIN);
        print_text(&text_of(&picture, width, height)?)?;
        return picture
            .port
            .map(drop)
            .map_err(|why| CliError::Message(silence(&picture.operations, &why)));
    }
    if !is_terminal {
        let text = word!(
            en: "the standard output is not a terminal; tidu top --once prints one picture",
            zh: "标准输出不是终端；tidu top --once 打印一次画面"
        );
        return Err(CliError::Message(text.to_owned()));
    }
    let _screen = OtherSign::begin();
    let unusable = || word!(en: "cannot use the terminal", zh: "无法使用终端").to_owned();
    show(watched, interval).await.map_err(|e| CliError::Io(unusable(), e))
}

fn size_of_terminal() -> Option<(u16, u16)> {
    ratatui::crossterm::terminal::size().ok()
}

/// The server that is looked at.
struct Watched {
    server: Target,
    operations: ServerAddress,
    client: Option<Client>,
    before: Option<(Scrape, Instant)>,
}

impl Watched {
    fn new(server: Target, operations: ServerAddress) -> Self {
        Self { server, operations, client: None, before: None }
    }

    /// Looks at the server. Rates are those since the last look.
    async fn look(&mut self) -> Picture {
        let (port, events) = (self.port().await, self.events().await);
        let (server, operations) = (self.server.to_string(), self.operations.to_string());
        Picture { server, operations, port, age: None, events }
    }

    async fn port(&mut self) -> Result<Seen, String> {
        let (ready, after) = operations::look(&self.operations).await?;
        let now = Instant::now();
        let (before, then) = self.before.replace((after.clone(), now)).unwrap_or_else(|| {
            // The first picture has no rates.
            (after.clone(), now)
        });
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        Ok(Seen { failing: ready.failing(), span: Span { before, after, seconds } })
    }

    /// The last events, the newest last.
    async fn events(&mut self) -> Result<Vec<String>, String> {
        let asked = timeout(OPERATIONS_CALL_DURATION_MAX, self.ask_events()).await;
        let events = asked
            .unwrap_or_else(|_| Err(word!(en: "no answer in time", zh: "没有及时应答").to_owned()));
        if events.is_err() {
            self.client = None;
        }
        events
    }

    async fn ask_events(&mut self) -> Result<Vec<String>, String> {
        let client = match &mut self.client {
            Some(client) => client,
            None => {
                let connected = Client::connect(&self.server).await;
                self.client.insert(connected.map_err(|error| error.to_string())?)
            }
        };
        let request = pb::ListEventsRequest {
            order: pb::EventOrder::Descending.into(),
            page_size: TOP_EVENTS,
            ..Default::default()
        };
        let page = client.ledger.list_events(request).await;
        let page = page.map_err(|status| status_message(&status))?.into_inner();
        Ok(page.events.iter().rev().map(event_line).collect())
    }
}

/// What is shown while the server is looked at.
struct Screen {
    last: Option<(Picture, Instant)>,
    interval: Duration,
}

impl Screen {
    /// Draws the last picture, with its age once the next one is late.
    fn draw(&mut self, frame: &mut Frame<'_>, (server, operations): &(String, String)) {
        let Some((picture, taken)) = &mut self.last else {
            return draw_waiting(frame, server, operations);
        };
        picture.age = told_age(taken.elapsed(), self.interval);
        draw(frame, picture);
    }
}

/// Draws pictures until a key or a signal ends it.
async fn show(mut watched: Watched, interval: Duration) -> io::Result<()> {
    let mut stop = pin!(stop_signal()?);
    let mut terminal = ratatui::try_init()?;
    let mut keys = keys();
    let turns = async {
        let mut screen = Screen { last: None, interval };
        loop {
            let picture = {
                let names = (watched.server.to_string(), watched.operations.to_string());
                let mut look = pin!(watched.look());
                loop {
                    terminal.draw(|frame| screen.draw(frame, &names))?;
                    tokio::select! {
                        picture = &mut look => break picture,
                        () = sleep(TOP_REDRAW_INTERVAL) => {}
                    }
                }
            };
            terminal.draw(|frame| draw(frame, &picture))?;
            screen.last = Some((picture, Instant::now()));
            sleep(interval).await;
        }
    };
    let shown = tokio::select! {
        () = &mut stop => Ok(()),
        _ = keys.recv() => Ok(()),
        failed = turns => failed,
    };
    ratatui::restore();
    shown
}

/// Tells once that a key was pressed which ends the screen. A thread of its own reads the keys; it
/// ends with the process.
fn keys() -> mpsc::Receiver<()> {
    let (pressed, keys) = mpsc::channel(1);
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if is_end(&event) {
                let _ = pressed.blocking_send(());
                return;
            }
        }
    });
    keys
}

fn is_end(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    let is_interrupt =
        key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    is_interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
}

/// A picture as lines of text.
fn text_of(picture: &Picture, width: u16, height: u16) -> Result<String, CliError> {
    let failed = |e: io::Error| CliError::Io("cannot draw".to_owned(), e);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).map_err(io::Error::other);
    let terminal = terminal.as_mut().map_err(|e| failed(io::Error::other(e.to_string())))?;
    let drawn = terminal.draw(|frame| draw(frame, picture));
    drawn.map_err(|e| failed(io::Error::other(e.to_string())))?;
    Ok(lines_of(terminal.backend().buffer()))
}

fn lines_of(buffer: &Buffer) -> String {
    let Rect { width, height, .. } = buffer.area;
    let line = |y| {
        let (mut line, mut x) = (String::new(), 0);
        while x < width {
            let symbol = buffer.cell((x, y)).map_or(" ", |cell| cell.symbol());
            line.push_str(symbol);
            // A wide character covers the next cell, too.
            x += u16::try_from(Line::raw(symbol).width()).unwrap_or(1).max(1);
        }
        line.trim_end().to_owned()
    };
    let lines: Vec<String> = (0..height).map(line).collect();
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn picture() -> Picture {
        let metrics = "tidu_log_events 123456\n\
            tidu_build_info{version=\"0.1.0\",rules=\"1\"} 1\n\
            tidu_calls_total{method=\"tidu.v1.LedgerService/Append\",code=\"OK\"} 500\n\
            tidu_refusals_total{reason=\"QUEUE_FULL\"} 50\n\
            tidu_party_refusals_total{party=\"192.0.2.7\"} 50\n\
            tidu_cursors 2\n\
            tidu_cursor_lag_events{cursor=\"zhejiang\"} 1200\n\
            tidu_cursor_lag_seconds{cursor=\"zhejiang\"} 90\n\
            tidu_cursor_lag_events{cursor=\"odd\u{1b}[2Jname\"} 3\n\
            tidu_cursor_lag_seconds{cursor=\"odd\u{1b}[2Jname\"} 3\n";
        let (before, after) = (Scrape::default(), Scrape::read(metrics));
        let span = Span { before, after, seconds: 10.0 };
        let failing = vec![("disk".to_owned(), "1 GiB is free".to_owned())];
        let event = "    123  2026-03-01  440000  designated  示例恒达精密机械有限公司\u{202e}";
        Picture {
            server: "http://127.0.0.1:50051".to_owned(),
            operations: "http://127.0.0.1:9464".to_owned(),
            port: Ok(Seen { failing, span }),
            age: None,
            events: Ok((0..20).map(|i| format!("{event}{i}")).collect()),
        }
    }

    #[test]
    fn a_picture_fits_into_80_columns_and_24_lines() {
        for (width, height) in [(80, 24), (120, 40)] {
            let text = text_of(&picture(), width, height).unwrap();
            let lines: Vec<_> = text.lines().collect();
            assert!(lines.len() <= usize::from(height), "{text}");
            let widest = lines.iter().map(|line| Line::raw(*line).width()).max().unwrap();
            assert!(widest <= usize::from(width), "{widest} columns:\n{text}");
            for told in [
                "tidu 0.1.0  http://127.0.0.1:50051",
                "NOT READY: disk (1 GiB is free)",
                "log     123k events",
                "Append",
                "QUEUE_FULL",
                "192.0.2.7",
                "zhejiang",
                "90 s",
                "示例恒达精密机械有限公司",
            ] {
                assert!(text.contains(told), "{told} is missing:\n{text}");
            }
        }
    }

    #[test]
    fn texts_of_others_reach_no_terminal_as_they_are() {
        let text = text_of(&picture(), 120, 40).unwrap();
        assert!(text.contains("odd\\u{1b}[2Jname"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }

    #[test]
    fn what_does_not_answer_is_named_and_the_rest_is_shown() {
        let silent = Picture { port: Err("connection refused".to_owned()), ..picture() };
        let text = text_of(&silent, 80, 24).unwrap();
        let line = "the operations port http://127.0.0.1:9464 says nothing: connection refused";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("--operations"), "{text}");
        assert!(text.contains("示例恒达精密机械有限公司"), "{text}");
        let blind = Picture {
            events: { Err(word!(en: "no answer in time", zh: "没有及时应答").to_owned()) },
            ..picture()
        };
        let text = text_of(&blind, 80, 24).unwrap();
        assert!(text.contains("not known: no answer in time"), "{text}");
        assert!(text.contains("zhejiang"), "{text}");
    }

    /// Each value as wide as it becomes.
    fn large() -> Picture {
        let histogram = |name: &str| {
            format!("{name}_bucket{{le=\"0.0025\"}} 9\n{name}_bucket{{le=\"+Inf\"}} 9\n")
        };
        let giant = 999.9 * f64::from(1 << 30);
        let mut metrics = histogram("tidu_flush_duration_seconds");
        metrics += "tidu_group_events_bucket{le=\"8192\"} 9\n";
        metrics += "tidu_log_events 12345678\n";
        for name in [
            "tidu_log_disk_bytes",
            "tidu_disk_free_bytes",
            "tidu_disk_reserve_bytes",
            "process_resident_memory_bytes",
            "tidu_in_flight_bytes",
        ] {
            metrics += &format!("{name} {giant}\n");
        }
        for name in ["tidu_events_total", "tidu_commits_total", "tidu_delivered_events_total"] {
            metrics += &format!("{name} 999000\n");
        }
        metrics += "tidu_queue_commits 1024\nprocess_cpu_seconds_total 639\n";
        for name in [
            "tidu_streams",
            "tidu_questions_running",
            "tidu_questions_waiting",
            "tidu_connections",
            "tidu_log_lines_dropped_total",
        ] {
            metrics += &format!("{name} 12345\n");
        }
        let span = Span { after: Scrape::read(&metrics), seconds: 10.0, ..Span::default() };
        Picture { port: Ok(Seen { failing: Vec::new(), span }), ..picture() }
    }

    #[test]
    fn no_number_and_no_heading_is_cut() {
        let [narrow, wide] = [80, 200].map(|width| text_of(&large(), width, 24).unwrap());
        let numbers = |text: &str| text.lines().take(6).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(numbers(&narrow), numbers(&wide), "{wide}");
        for told in ["12.3M events", "99.9k/s", "1000 GiB", "12.3k lines lost"] {
            assert!(narrow.contains(told), "{told} is missing:\n{narrow}");
        }
        let headings = |text: &str| {
            let heads = text.lines().filter(|line| {
                ["calls", "subscribers", "last events"].iter().any(|head| line.starts_with(head))
            });
            heads.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        let (narrow, wide): (Vec<String>, Vec<String>) = (headings(&narrow), headings(&wide));
        assert_eq!((narrow.len(), &narrow), (3, &wide));
    }

    #[tokio::test(start_paused = true)]
    async fn a_picture_that_is_late_says_how_old_it_is() {
        let mut screen = Screen { last: None, interval: Duration::from_secs(2) };
        let names = ("http://server".to_owned(), "http://port".to_owned());
        let shown = |screen: &mut Screen| {
            let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
            terminal.draw(|frame| screen.draw(frame, &names)).unwrap();
            lines_of(terminal.backend().buffer())
        };
        assert_eq!(
            shown(&mut screen),
            "connecting to http://server, operations port http://port …"
        );
        screen.last = Some((picture(), Instant::now()));
        for (seconds, told) in [(4, None), (1, Some("tidu 0.1.0  5 s old")), (1, Some("6 s old"))] {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            let text = shown(&mut screen);
            match told {
                Some(told) => assert!(text.contains(told), "{text}"),
                None => assert!(!text.contains("s old"), "{text}"),
            }
            assert!(text.contains("zhejiang"), "the picture stays: {text}");
        }
    }

    #[test]
    fn a_key_ends_it() {
        let key = |code| Event::Key(event::KeyEvent::new(code, KeyModifiers::NONE));
        assert!(is_end(&key(KeyCode::Char('q'))) && is_end(&key(KeyCode::Esc)));
        assert!(!is_end(&key(KeyCode::Char('c'))) && !is_end(&Event::FocusLost));
        let interrupt = event::KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(is_end(&Event::Key(interrupt)));
    }
}

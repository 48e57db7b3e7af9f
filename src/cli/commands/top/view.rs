//! The screen: a picture of 80 columns and 24 lines, or more. Pure.
//!
//! Cursors and callers choose their names, and events hold texts of others: each is escaped.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::Line,
    widgets::{Paragraph, Row, Table, Wrap},
};

use super::model::{Span, below, bytes, duration, short};
use crate::{
    cli::print::escaped,
    lang::{say, word},
};

/// Everything that a picture shows.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// The server and its operations port, as they were asked for.
    pub(super) server: String,
    pub(super) operations: String,
    /// What the operations port said, or why it said nothing.
    pub(super) port: Result<Seen, String>,
    /// Whole seconds since it was taken, once that tells that the next one is late.
    pub(super) age: Option<u64>,
    /// The last events, the newest last; or why there are none.
    pub(super) events: Result<Vec<String>, String>,
}

/// What the operations port said.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) failing: Vec<(String, String)>,
    pub(super) span: Span,
}

const HEADING: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws a picture over the whole frame.
pub(super) fn draw(frame: &mut Frame<'_>, picture: &Picture) {
    let seen = match &picture.port {
        Ok(seen) => seen,
        Err(why) => {
            let said = silence(&picture.operations, why);
            let [head, port, events] = Layout::vertical([
                Constraint::Length(1),
                Constraint::Length(3),
                Constraint::Fill(1),
            ])
            .areas(frame.area());
            frame.render_widget(Line::styled(heading(picture), HEADING), head);
            frame.render_widget(Paragraph::new(said).wrap(Wrap { trim: true }), port);
            return draw_events(frame, events, picture);
        }
    };
    let [head, ready, numbers, middle, cursors, events] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(4),
        Constraint::Fill(2),
        Constraint::Length(5),
        Constraint::Fill(2),
    ])
    .areas(frame.area());
    frame.render_widget(Line::styled(heading(picture), HEADING), head);
    draw_readiness(frame, ready, &seen.failing);
    frame.render_widget(Paragraph::new(numbers_of(&seen.span)), numbers);
    let [calls, refusals] =
        Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).spacing(2).areas(middle);
    draw_calls(frame, calls, &seen.span);
    draw_refusals(frame, refusals, &seen.span);
    draw_cursors(frame, cursors, &seen.span);
    draw_events(frame, events, picture);
}

/// Says that the operations port does not answer, and which setting names it.
pub(super) fn silence(operations: &str, why: &str) -> String {
    let why = escaped(why);
    say!(
        en: "the operations port {operations} says nothing: {why}; see --operations",
        zh: "运维端口 {operations} 没有应答：{why}；参见 --operations"
    )
}

/// Draws what is there before the first picture.
pub(super) fn draw_waiting(frame: &mut Frame<'_>, server: &str, operations: &str) {
    let text = say!(
        en: "connecting to {server}, operations port {operations} …",
        zh: "正在连接 {server}，运维端口 {operations} ……"
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), frame.area());
}

/// The seconds that are told of a picture of this age: none while the next one is in time.
pub(super) fn told_age(age: Duration, interval: Duration) -> Option<u64> {
    (age > interval.saturating_mul(2)).then_some(age.as_secs())
}

fn heading(picture: &Picture) -> String {
    let version = match &picture.port {
        Ok(Seen { span, .. }) => {
            let version = span.after.series("tidu_build_info").next();
            version.map_or_else(String::new, |info| format!(" {}", escaped(info.label("version"))))
        }
        Err(_) => String::new(),
    };
    // In front of the address, which may be longer than the line.
    let age = picture
        .age
        .map(|age| say!(en: "  {age} s old, no newer answer", zh: "  {age} 秒前，此后没有应答"));
    format!("tidu{version}{}  {}", age.unwrap_or_default(), picture.server)
}

fn draw_readiness(frame: &mut Frame<'_>, area: Rect, failing: &[(String, String)]) {
    let line = if failing.is_empty() {
        let text = word!(en: "ready: an append would be acknowledged", zh: "就绪：可以写入");
        Line::styled(text, Color::Green)
    } else {
        let named: Vec<_> =
            failing.iter().map(|(name, found)| format!("{name} ({found})")).collect();
        let named = named.join(", ");
        let named = escaped(&named);
        Line::styled(say!(en: "NOT READY: {named}", zh: "未就绪：{named}"), Color::Red)
    };
    frame.render_widget(line, area);
}

fn numbers_of(span: &Span) -> Vec<Line<'static>> {
    let value = |name| short(span.value(name));
    let rate = |name| short(span.rate(name));
    let size = |name| bytes(span.value(name));
    let time = |name, quantile| below(span.quantile(name, quantile));
    let many = |name, quantile| span.quantile(name, quantile).map_or_else(|| "-".to_owned(), short);
    [
        say!(
            en: "log     {} events, {}/s; disk {}, free {}, reserve {}",
            zh: "日志    {} 个事件，{}/秒；磁盘 {}，剩余 {}，保留 {}",
            value("tidu_log_events"),
            rate("tidu_events_total"),
            size("tidu_log_disk_bytes"),
            size("tidu_disk_free_bytes"),
            size("tidu_disk_reserve_bytes"),
        ),
        say!(
            en: "writes  {} commits/s, {} wait; group {}; flush p50 {}, p99 {}",
            zh: "写入    {} 次提交/秒，{} 次等待；每组 {}；刷盘 p50 {}，p99 {}",
            rate("tidu_commits_total"),
            value("tidu_queue_commits"),
            many("tidu_group_events", 0.5),
            time("tidu_flush_duration_seconds", 0.5),
            time("tidu_flush_duration_seconds", 0.99),
        ),
        say!(
            en: "reads   {} streams, {} events/s; {} questions run, {} wait",
            zh: "读取    {} 个流，{} 个事件/秒；{} 个查询运行，{} 个等待",
            value("tidu_streams"),
            rate("tidu_delivered_events_total"),
            value("tidu_questions_running"),
            value("tidu_questions_waiting"),
        ),
        say!(
            en: "machine {} memory, {} calls, {} CPU, {} peers, {} lines lost",
            zh: "机器    内存 {}，请求 {}，CPU {}，连接 {}，丢弃日志 {} 行",
            size("process_resident_memory_bytes"),
            size("tidu_in_flight_bytes"),
            rate("process_cpu_seconds_total"),
            value("tidu_connections"),
            value("tidu_log_lines_dropped_total"),
        ),
    ]
    .map(Line::from)
    .to_vec()
}

fn draw_calls(frame: &mut Frame<'_>, area: Rect, span: &Span) {
    let rows = span.calls().into_iter().map(|calls| {
        let method = calls.method.rsplit('/').next().unwrap_or_default().to_owned();
        Row::new([
            escaped(&method).into_owned(),
            short(calls.rate),
            short(calls.failing),
            below(calls.median),
            below(calls.p99),
        ])
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(8),
        Constraint::Length(8),
    ];
    let heads = Row::new([
        word!(en: "calls", zh: "调用"),
        word!(en: "/s", zh: "/秒"),
        word!(en: "fail/s", zh: "失败"),
        "p50",
        "p99",
    ])
    .style(HEADING);
    frame.render_widget(Table::new(rows, widths).header(heads), area);
}

fn draw_refusals(frame: &mut Frame<'_>, area: Rect, span: &Span) {
    let reasons = span.rates_by("tidu_refusals_total", "reason");
    let callers = span.rates_by("tidu_party_refusals_total", "party");
    let rows = reasons
        .into_iter()
        .take(4)
        .chain(callers)
        .map(|(name, rate)| Row::new([escaped(&name).into_owned(), short(rate)]));
    let heads = Row::new([
        word!(en: "refusals: why and whom", zh: "拒绝：原因和对象"),
        word!(en: "/s", zh: "/秒"),
    ])
    .style(HEADING);
    let widths = [Constraint::Fill(1), Constraint::Length(6)];
    frame.render_widget(Table::new(rows, widths).header(heads), area);
}

fn draw_cursors(frame: &mut Frame<'_>, area: Rect, span: &Span) {
    let rows = span.cursors().into_iter().map(|cursor| {
        let behind = duration(cursor.seconds);
        Row::new([escaped(&cursor.id).into_owned(), short(cursor.events), behind])
    });
    let all = short(span.value("tidu_cursors"));
    let heads = Row::new([
        say!(en: "subscribers by lag, of {all} cursors", zh: "订阅方按落后排列，共 {all} 个游标"),
        word!(en: "events", zh: "事件").into(),
        word!(en: "behind", zh: "落后").into(),
    ]);
    let widths = [Constraint::Fill(1), Constraint::Length(8), Constraint::Length(8)];
    frame.render_widget(Table::new(rows, widths).header(heads.style(HEADING)), area);
}

fn draw_events(frame: &mut Frame<'_>, area: Rect, picture: &Picture) {
    let mut lines = vec![Line::styled(word!(en: "last events", zh: "最近的事件"), HEADING)];
    match &picture.events {
        Err(why) => {
            let why = escaped(why);
            lines.push(Line::from(say!(en: "not known: {why}", zh: "无法得知：{why}")));
        }
        Ok(events) => {
            let room = usize::from(area.height).saturating_sub(1);
            let skipped = events.len().saturating_sub(room);
            lines.extend(
                events.iter().skip(skipped).map(|event| Line::from(escaped(event).into_owned())),
            );
        }
    }
    frame.render_widget(Paragraph::new(lines), area);
}

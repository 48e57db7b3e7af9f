//! The table of all metrics. `docs/metrics.md` shows it to operators, and a test compares both.
//!
//! Names follow the conventions of Prometheus: base units, the unit last, `_total` on counters.

use std::sync::Arc;

use prometheus_client::{
    encoding::{prometheus_text, text},
    registry::{self, Registry},
};

use super::{
    Counter, Described, DurationHistogram, Family, Format, Gauge, Info, PartyCounters,
    SecondsCounter, SecondsGauge, SizeHistogram, Unit, instruments::Instrument,
};

/// Makes [`Metrics`] and [`TABLE`] from the rows. A row is the name behind the prefix, the type,
/// the unit, the labels and the meaning.
macro_rules! table {
    ($($prefix:literal {$(
        $field:ident: $instrument:ty, $unit:ident, [$($label:literal),*], $help:literal;
    )*})*) => {
        /// All metrics of one server, and nothing else: each field is a row of the table.
        #[derive(Debug)]
        pub struct Metrics {
            $($(
                #[doc = $help]
                pub $field: $instrument,
            )*)*
            registry: Registry,
        }

        /// The rows, in the order of the output.
        pub const TABLE: &[Described] = &[$($(Described {
            name: concat!($prefix, stringify!($field)),
            kind: <$instrument as Instrument>::KIND,
            unit: Unit::$unit,
            labels: &[$($label),*],
            help: $help,
        },)*)*];

        impl Metrics {
            /// Metrics of which nothing is counted yet.
            #[must_use]
            pub fn new() -> Arc<Self> {
                let mut registry = Registry::default();
                $($(let $field: $instrument = enter(&mut registry, Described {
                    name: concat!($prefix, stringify!($field)),
                    kind: <$instrument as Instrument>::KIND,
                    unit: Unit::$unit,
                    labels: &[$($label),*],
                    help: $help,
                });)*)*
                Arc::new(Self { $($($field,)*)* registry })
            }
        }
    };
}

table! {
"tidu_" {
    // Calls.
    calls_total: Family<2, Counter>, None, ["method", "code"],
        "Calls that ended, by the code of their status; CANCELLED if the client left";
    call_duration_seconds: Family<1, DurationHistogram>, Seconds, ["method"],
        "Time from a call with one answer to the end of that answer";
    streams_ended_total: Family<2, Counter>, None, ["method", "cause"],
        "Streams that ended: COMPLETE, CANCELLED by the client, or the reason of the error";
    refusals_total: Family<1, Counter>, None, ["reason"],
        "Calls that ended with an error, by the reason in its ErrorInfo";
    party_refusals_total: PartyCounters, None, ["party"],
        "Calls that ended with an error, by the principal or the address of the caller";
    event_rejections_total: Family<1, Counter>, None, ["reason"],
        "Faults of the events in commits that were refused for them";
    streams: Family<1, Gauge>, None, ["method"],
        "Streams that are open";
    connections: Family<1, Gauge>, None, ["state"],
        "Connections that are open";
    connections_refused_total: Family<1, Counter>, None, ["cause"],
        "Connections that got no place";
    tls_handshakes_total: Family<1, Counter>, None, ["outcome"],
        "TLS handshakes that ended, by outcome: done, or the cause of the failure";
    tls_reloads_total: Counter, None, [],
        "Times that new files of TLS came into use";
    tls_reload_failures_total: Counter, None, [],
        "Times that changed files of TLS could not be used; those in use stayed";
    tls_connections_ended_total: Counter, None, [],
        "Connections that ended because their certificate was no longer valid after a reload";
    tls_certificate_expiry_timestamp_seconds: Family<1, SecondsGauge>, Seconds, ["of"],
        "Time since 1970 at which the first certificate ends, or the next revocation list is due";
    policy_generation: Gauge, None, [],
        "Generation of the policy of principals: it rises with each change";
    policy_principals: Gauge, None, [],
        "Principals that the server knows";
    policy_reload_failures_total: Counter, None, [],
        "Looks at files of principals that could not be used; the policy before stayed";
    in_flight_bytes: Gauge, Bytes, [],
        "Memory of the requests in flight";
    in_flight_limit_bytes: Gauge, Bytes, [],
        "Most memory that requests in flight may take";

    // Following a leader.
    follow_lag_events: Gauge, Events, [],
        "Events that the leader was heard to have and this node has not";
    follow_contact_age_seconds: SecondsGauge, Seconds, [],
        "Time since the leader was last heard";
    follow_state: Family<1, Gauge>, None, ["state"],
        "1 for the state of a node that follows: connecting, catching_up, following or stopped";
    follow_stops_total: Family<1, Counter>, None, ["cause"],
        "Times that this node stopped following for good, by cause";

    // The road of writes.
    commits_total: Counter, Commits, [],
        "Commits that were recorded";
    events_total: Counter, Events, [],
        "Events that were recorded";
    replays_total: Counter, None, [],
        "Commits that had been recorded before, found by their request id";
    trials_total: Counter, None, [],
        "Commits that were only tried out";
    queue_commits: Gauge, Commits, [],
        "Commits that wait for the writer";
    queue_bytes: Gauge, Bytes, [],
        "Bytes of the commits that wait for the writer";
    queue_wait_seconds: DurationHistogram, Seconds, [],
        "Time that a commit waited for the writer";
    group_commits: SizeHistogram, Commits, [],
        "Commits that became durable together";
    group_events: SizeHistogram, Events, [],
        "Events that became durable together";
    group_bytes: SizeHistogram, Bytes, [],
        "Bytes that became durable together";
    flush_duration_seconds: DurationHistogram, Seconds, [],
        "Time in which a group became durable";
    window_duration_seconds: DurationHistogram, Seconds, [],
        "Time of one sync of the log; a large group takes several";
    register_hold_seconds: Family<1, DurationHistogram>, Seconds, ["mode"],
        "Time for which the lock of the register was held, to read or to write";

    // Long questions.
    questions_running: Gauge, None, [],
        "Long questions that run";
    questions_waiting: Gauge, None, [],
        "Long questions that wait for their turn";
    questions_total: Family<1, Counter>, None, ["outcome"],
        "Long questions that ended: answered, cancelled, expired or refused";

    name_index_bytes: Gauge, Bytes, [],
        "Memory of the index of names, which searches by a part of a name make and use";
    name_index_names: Gauge, None, [],
        "Names in that index";

    // The log and the disk.
    log_events: Gauge, Events, [],
        "Durable events of the log";
    log_stored_bytes: Gauge, Bytes, [],
        "Bytes of the events as they are stored, without the store's own";
    log_disk_bytes: Gauge, Bytes, [],
        "Bytes that the log takes on the disk";
    mark_lag_events: Gauge, Events, [],
        "Events by which the high-water mark is behind the log";
    mark_age_seconds: SecondsGauge, Seconds, [],
        "Age of the high-water mark; 0 while it is exact";
    disk_free_bytes: Gauge, Bytes, [],
        "Free bytes of the file system of the log";
    disk_reserve_bytes: Gauge, Bytes, [],
        "Free bytes below which appends are refused";
    appends_refused: Family<1, Gauge>, None, ["cause"],
        "1 while appends are refused for this cause";
    epoch: Gauge, None, [],
        "Epoch of the log: 0 at first, raised by each promotion";

    // The audit trail.
    audit_lines_total: Counter, None, [],
        "Lines of the audit trail that were written";
    audit_denials_total: Counter, None, [],
        "Calls that were denied";
    audit_denials_counted_total: Counter, None, [],
        "Denied calls that have no line of their own, because a caller has too many in a minute";
    audit_sink_failures_total: Counter, None, [],
        "Tries of a sink of the audit trail that failed";
    audit_sinks_failing: Gauge, None, [],
        "Sinks of the audit trail that take no lines";
    audit_unsynced_seconds: SecondsGauge, Seconds, [],
        "Age of the oldest line of the audit trail that no sink has synced";
    audit_chain_lines: Gauge, None, [],
        "Lines of the audit trail since it was begun";
    audit_unanchored_lines: Gauge, None, [],
        "Lines of the audit trail behind its last anchor on the log";

    // Subscribers.
    delivered_events_total: Counter, Events, [],
        "Events that were handed to subscribers";
    delivered_bytes_total: Counter, Bytes, [],
        "Bytes of the events that were handed to subscribers";
    cursors: Gauge, None, [],
        "Cursors that exist";
    cursor_lag_events: Family<1, Gauge>, Events, ["cursor"],
        "Events that the cursor has still to confirm, for the 100 cursors that are farthest behind";
    cursor_lag_seconds: Family<1, SecondsGauge>, Seconds, ["cursor"],
        "Age of the first event that the cursor has still to confirm, for the same cursors";
    cursors_lag_events: Gauge, Events, [],
        "Events that all cursors together have still to confirm";

    // The state of the server.
    start_duration_seconds: SecondsGauge, Seconds, [],
        "Time from the start of the process until it served";
    start_part_duration_seconds: Family<1, SecondsGauge>, Seconds, ["part"],
        "Time of a part of the start: check, opening of the store, snapshot, replay";
    replay_events: Gauge, Events, [],
        "Events that the start has to replay";
    replayed_events: Gauge, Events, [],
        "Events that the start has replayed so far";
    register_snapshot_events: Gauge, Events, [],
        "Events in the snapshot of the register that was written or read last";
    register_snapshot_bytes: Gauge, Bytes, [],
        "Bytes of the snapshot that was written last";
    register_snapshot_duration_seconds: SecondsGauge, Seconds, [],
        "Time that it took to write it";
    register_snapshot_timestamp_seconds: SecondsGauge, Seconds, [],
        "Time since 1970 at which the snapshot was written that was written or read last";
    register_snapshot_failures_total: Counter, None, [],
        "Snapshots of the register that could not be written";
    trusted_events: Gauge, Events, [],
        "Events that the start has taken from a snapshot without reading them";
    verified_events: Gauge, Events, [],
        "Those of them that the verification in the background has read so far";
    ready: Gauge, None, [],
        "1 while an append would be acknowledged";
    ready_check: Family<1, Gauge>, None, ["check"],
        "1 while this check of the readiness passes";
    log_lines_dropped_total: Counter, None, [],
        "Log lines that were dropped because nobody took them";
    log_lines_left_out_total: Counter, None, [],
        "Log lines that were left out because their place in the code writes too many";
    otlp_dropped_total: Family<1, Counter>, None, ["signal"],
        "Spans and log records that the collector did not get";
    build_info: Family<2, Info>, None, ["version", "rules"],
        "Version of the program, and the newest rules that it knows";
}
"" {
    process_cpu_seconds_total: SecondsCounter, Seconds, [],
        "Time of the processors that the process has used";
    process_resident_memory_bytes: Gauge, Bytes, [],
        "Memory that the process has in use";
    process_virtual_memory_bytes: Gauge, Bytes, [],
        "Address space of the process";
    process_open_fds: Gauge, None, [],
        "File descriptors that are open";
    process_max_fds: Gauge, None, [],
        "Most file descriptors that may be open";
    process_threads: Gauge, None, [],
        "Threads of the process";
    process_start_time_seconds: SecondsGauge, Seconds, [],
        "Time at which the process started, since 1970";
}
}

impl Metrics {
    /// All metrics as text, in the order of the table.
    #[must_use]
    pub fn encode(&self, format: Format) -> String {
        let mut output = String::new();
        let encoded = match format {
            Format::Text => prometheus_text::encode(&mut output, &self.registry),
            Format::OpenMetrics => text::encode(&mut output, &self.registry),
        };
        debug_assert!(encoded.is_ok(), "a string takes whatever is written to it");
        output
    }
}

/// Makes the instrument of a row and enters it into the output.
fn enter<M>(registry: &mut Registry, row: Described) -> M
where
    M: Instrument + registry::Metric,
{
    let instrument = M::new(&row);
    let unit = match row.unit {
        Unit::None => None,
        Unit::Seconds => Some(registry::Unit::Seconds),
        Unit::Bytes => Some(registry::Unit::Bytes),
        Unit::Events | Unit::Commits => Some(registry::Unit::Other(row.unit.as_str().to_owned())),
    };
    match unit {
        Some(unit) => registry.register_with_unit(row.base(), row.help, unit, instrument.clone()),
        None => registry.register(row.base(), row.help, instrument.clone()),
    }
    instrument
}

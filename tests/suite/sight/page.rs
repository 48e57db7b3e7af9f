//! The table of metrics, the page that shows it to operators, and the real output agree.

use std::{collections::BTreeSet, fs};

use tidu::metrics::{Described, Format, Kind, Metrics, TABLE, Unit};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");

/// The cells of a row of the page, without their decoration.
fn row_of(line: &str) -> Option<[String; 5]> {
    let cells = line.strip_prefix("| `")?.strip_suffix(" |")?;
    let cells: Vec<_> = cells.split(" | ").map(|cell| cell.replace('`', "")).collect();
    let cells = cells.iter().map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    Some(cells.try_into().unwrap_or_else(|cells| panic!("not five cells: {cells:?}")))
}

fn expected_row(described: &Described) -> [String; 5] {
    let Described { name, kind, unit, labels, help } = described;
    let labels = labels.join(", ");
    [(*name).into(), kind.as_str().into(), unit.as_str().into(), labels, format!("{help}.")]
}

/// Rows that the page or the table alone has.
fn differences(page: &str) -> Vec<String> {
    let rows: Vec<_> = page.lines().filter_map(row_of).collect();
    let shown: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), shown.len(), "a row is there twice");
    let expected: BTreeSet<_> = TABLE.iter().map(expected_row).collect();
    shown.symmetric_difference(&expected).map(|row| row.join(" | ")).collect()
}

#[test]
fn the_page_shows_each_metric_and_no_other() {
    let page = fs::read_to_string(PAGE).unwrap();
    assert_eq!(differences(&page), Vec::<String>::new());
    assert!(TABLE.len() > 40, "only {} metrics", TABLE.len());
}

#[test]
fn a_row_that_differs_would_be_seen() {
    let page = fs::read_to_string(PAGE).unwrap();
    let first = page.lines().find(|line| row_of(line).is_some()).unwrap();
    assert_eq!(differences(&page.replace(first, "")).len(), 1, "a row is missing");
    let more = format!("{page}| `tidu_made_up_total` | counter |  |  | Nothing. |\n");
    assert_eq!(differences(&more).len(), 1, "a row is too much");
    let other = page.replace(first, &first.replace("counter", "gauge"));
    assert_eq!(differences(&other).len(), 2, "a type differs");
}

#[test]
fn names_follow_the_conventions_of_prometheus() {
    let mut names = BTreeSet::new();
    for Described { name, kind, unit, labels, help } in TABLE {
        assert!(names.insert(name), "{name} is there twice");
        let without_kind = match kind {
            Kind::Counter => name.strip_suffix("_total"),
            Kind::Info => name.strip_suffix("_info"),
            Kind::Gauge | Kind::Histogram => Some(*name),
        };
        let rest = without_kind.unwrap_or_else(|| panic!("{name} lacks the end of its type"));
        assert!(!rest.ends_with("_total") || *kind == Kind::Counter, "{name}");
        let ends = [Unit::Seconds, Unit::Bytes, Unit::Events, Unit::Commits].map(Unit::as_str);
        let end = rest.rsplit('_').next().unwrap();
        let of_unit = ends.iter().find(|unit| **unit == end).copied().unwrap_or("");
        assert_eq!(of_unit, unit.as_str(), "the unit of {name} is the end of its name");
        let is_legal = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(is_legal(name) && labels.iter().all(|label| is_legal(label)), "{name}");
        assert!(!labels.contains(&"le"), "{name}");
        assert!(help.chars().next().is_some_and(char::is_alphanumeric), "{name}: {help}");
        assert!(!help.ends_with('.') && !help.contains(['\\', '\n']), "{name}: {help}");
    }
}

/// The lines of the output that give each metric its type.
fn types(output: &str) -> Vec<&str> {
    output.lines().filter(|line| line.starts_with("# TYPE ")).collect()
}

#[test]
fn both_formats_show_the_whole_table_in_its_order() {
    let metrics = Metrics::new();
    let text = metrics.encode(Format::Text);
    let in_text = TABLE.iter().map(|row| match row.kind {
        Kind::Info => format!("# TYPE {} gauge", row.name),
        _ => format!("# TYPE {} {}", row.name, row.kind.as_str()),
    });
    assert_eq!(types(&text), in_text.collect::<Vec<_>>());
    assert!(!text.contains("# UNIT") && !text.contains("# EOF"));
    let open = metrics.encode(Format::OpenMetrics);
    let in_open = TABLE.iter().map(|row| {
        let name = row.name.trim_end_matches("_total").trim_end_matches("_info");
        format!("# TYPE {name} {}", row.kind.as_str())
    });
    assert_eq!(types(&open), in_open.collect::<Vec<_>>());
    let units = open.lines().filter(|line| line.starts_with("# UNIT ")).count();
    assert_eq!(units, TABLE.iter().filter(|row| row.unit != Unit::None).count());
    assert!(open.ends_with("# EOF\n") && open.matches("# EOF").count() == 1);
}

/// Lines of the output about one metric, without those of its header.
fn samples(output: &str, name: &str) -> Vec<String> {
    output.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

#[test]
fn each_instrument_shows_its_value() {
    use std::time::Duration;

    let metrics = Metrics::new();
    metrics.calls_total.with(["a \"b\"\\\n", "OK"]).add(7);
    metrics.ready.set(1);
    metrics.mark_age_seconds.set(Duration::from_millis(1_500));
    metrics.build_info.set(["0.1.0", "2"]);
    metrics.process_cpu_seconds_total.reach(Duration::from_millis(250));
    metrics.process_cpu_seconds_total.reach(Duration::from_millis(100));
    for format in [Format::Text, Format::OpenMetrics] {
        let output = metrics.encode(format);
        let table = [
            ("tidu_calls_total", r#"{method="a \"b\"\\\n",code="OK"} 7"#),
            ("tidu_ready ", "1"),
            ("tidu_mark_age_seconds", " 1.5"),
            ("tidu_build_info", r#"{version="0.1.0",rules="2"} 1"#),
            ("process_cpu_seconds_total", " 0.25"),
            ("tidu_commits_total", " 0"),
        ];
        for (name, value) in table {
            assert_eq!(samples(&output, name), [format!("{name}{value}")], "{format:?}");
        }
    }
}

#[test]
fn a_histogram_counts_each_value_in_its_bucket_and_all_above() {
    use std::time::Duration;

    let metrics = Metrics::new();
    // At a bound, one past it, and past the last one.
    for micros in [500, 501, 1_000, 60_000_000, 60_000_001] {
        metrics.queue_wait_seconds.observe(Duration::from_micros(micros));
    }
    for events in [0, 1, 2, 16_384, 16_385] {
        metrics.group_events.observe(events);
    }
    let output = metrics.encode(Format::Text);
    let waits = samples(&output, "tidu_queue_wait_seconds");
    let expected = [
        r#"_bucket{le="0.0005"} 1"#,
        r#"_bucket{le="0.001"} 3"#,
        r#"_bucket{le="30"} 3"#,
        r#"_bucket{le="60"} 4"#,
        r#"_bucket{le="+Inf"} 5"#,
        "_sum 120.002002",
        "_count 5",
    ];
    for line in expected {
        assert!(waits.contains(&format!("tidu_queue_wait_seconds{line}")), "{line}: {waits:#?}");
    }
    let events = samples(&output, "tidu_group_events");
    for line in [
        r#"_bucket{le="1"} 2"#,
        r#"_bucket{le="4"} 3"#,
        r#"_bucket{le="4096"} 3"#,
        r#"_bucket{le="16384"} 4"#,
        r#"_bucket{le="+Inf"} 5"#,
        "_sum 32772.0",
        "_count 5",
    ] {
        assert!(events.contains(&format!("tidu_group_events{line}")), "{line}: {events:#?}");
    }
    assert_eq!(metrics.group_events.count(), 5);
    assert_eq!(metrics.queue_wait_seconds.sum(), Duration::from_micros(120_002_002));
    let open = samples(&metrics.encode(Format::OpenMetrics), "tidu_queue_wait_seconds");
    assert!(open.contains(&r#"tidu_queue_wait_seconds_bucket{le="60.0"} 4"#.to_owned()));
}

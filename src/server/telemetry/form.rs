//! The form of a log line: text on a terminal, JSON otherwise.
//!
//! Somebody else chose some of the texts in it, who could end the line and begin one of their own,
//! or move the cursor of a terminal. So hidden characters are escaped in both forms.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write, stderr},
};

use tracing::{Subscriber, field::Field};
use tracing_subscriber::{
    Layer,
    field::MakeExt as _,
    fmt::format::{Writer, debug_fn},
    registry::LookupSpan,
};

use crate::domain::escape::{escaped, escaped_json};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Terminal,
    Json,
}

impl Form {
    /// The form for whatever standard error is.
    pub(super) fn of_stderr() -> Self {
        if stderr().is_terminal() { Self::Terminal } else { Self::Json }
    }

    /// A layer that writes lines of this form. It writes each in one piece.
    pub(super) fn layer<S, W>(
        self,
        out: impl Fn() -> W + Send + Sync + 'static,
    ) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        W: Write + 'static,
    {
        // A line that cannot be written is lost: reporting that would panic on the same full disk.
        let layer = tracing_subscriber::fmt::layer().log_internal_errors(false);
        match self {
            Self::Terminal => {
                let fields = debug_fn(write_field).delimited(" ");
                layer.with_target(false).fmt_fields(fields).with_writer(out).boxed()
            }
            Self::Json => {
                let out = move || Escaped(out());
                layer.json().flatten_event(true).with_writer(out).boxed()
            }
        }
    }
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    match (field.name(), escaped(&value)) {
        ("message", message) => write!(writer, "{message}"),
        (name, value) => write!(writer, "{name}={value}"),
    }
}

/// Escapes in lines of JSON what JSON itself allows.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(format!("{}\n", escaped_json(text)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::domain::characters::is_hidden;

    const TRAP: &str = "甲\u{1B}[2J\n{\"level\":\"ERROR\"}\r\u{202E}\u{2028}\u{9B}31m\u{E0041}";

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines of a form, each with the text in another place.
    fn lines(form: Form) -> String {
        let written = Written::default();
        let out = written.clone();
        let layer = form.layer(move || out.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("request", value = TRAP, shown = %TRAP);
            let _inside = span.enter();
            tracing::info!(value = TRAP, "a text");
            tracing::info!(value = %TRAP, "as it shows itself");
            tracing::info!(value = ?TRAP, "as programs show it");
            tracing::info!("in the message: {TRAP}");
        });
        let bytes = written.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_has_a_line_for_each_event_and_hides_nothing() {
        let lines = lines(Form::Json);
        assert_eq!(lines.lines().count(), 4, "{lines}");
        for line in lines.lines() {
            assert!(!line.chars().any(is_hidden), "{line}");
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(read["level"], "INFO", "{line}");
            assert_eq!(read["span"]["value"], TRAP, "JSON keeps its content: {line}");
        }
        assert!(lines.contains("\\u202e"), "{lines}");
    }

    #[test]
    fn a_terminal_gets_a_line_for_each_event_and_no_orders_of_a_caller() {
        let lines = lines(Form::Terminal);
        assert_eq!(lines.lines().count(), 4, "{lines}");
        // The colours of the program's own words are all that a terminal obeys.
        let rest = strip_colours(&lines);
        assert!(rest.lines().all(|line| !line.chars().any(is_hidden)), "{rest}");
        assert!(rest.contains("shown=甲\\u{1b}[2J\\u{a}{\"level\""), "{rest}");
        assert!(rest.contains("in the message: 甲\\u{1b}[2J\\u{a}"), "{rest}");
    }

    /// The text without `ESC [ digits m`.
    fn strip_colours(text: &str) -> String {
        let mut parts = text.split("\u{1B}[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |shown, part| {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
            let rest = rest.strip_prefix('m').expect("only colours");
            shown + rest
        })
    }
}

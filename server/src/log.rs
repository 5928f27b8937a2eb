//! Writes the logs of a server, one line for each event: for people, or as JSON.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// A JSON object.
    Json,
}

/// A receiver of logs that writes lines.
pub fn to(format: Format, out: impl Write + Send + 'static) -> Dispatch {
    Dispatch::new(Lines {
        format,
        out: Mutex::new(out),
    })
}

/// Logs that an attempt to deliver webhooks to an endpoint has failed.
pub fn failing(log: &Dispatch, endpoint: &str, problem: &str) {
    tracing::dispatcher::with_default(log, || {
        tracing::warn!(endpoint, problem, "an attempt to deliver has failed");
    });
}

struct Lines<W> {
    format: Format,
    out: Mutex<W>,
}

/// What is logged of this crate's events.
const TARGET: &str = "tenure";

impl<W: Write + Send + 'static> Subscriber for Lines<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(TARGET) && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // There are no spans.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = event.metadata().level();
        let line = match self.format {
            Format::Human => fields.human(level),
            Format::Json => fields.json(level),
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written must not end the server.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn human(&self, level: &Level) -> String {
        let mut line = format!("{} {level} {}", tenure_host::now(), self.message);
        for (name, value) in &self.others {
            // Writing to a string does not fail. As JSON a value has no line breaks.
            let _ = write!(line, " {name}={value}");
        }
        line.push('\n');
        line
    }

    fn json(self, level: &Level) -> String {
        let mut line = serde_json::Map::new();
        line.insert("time".to_owned(), tenure_host::now().to_string().into());
        line.insert(
            "level".to_owned(),
            level.as_str().to_ascii_lowercase().into(),
        );
        line.insert("message".to_owned(), self.message.into());
        for (name, value) in self.others {
            line.insert(name.to_owned(), value);
        }
        format!("{}\n", Value::Object(line))
    }

    fn push(&mut self, field: &Field, value: Value) {
        self.others.push((field.name(), value));
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.push(field, text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format) -> String {
        let buffer = Buffer::default();
        tracing::dispatcher::with_default(&to(format, buffer.clone()), || {
            tracing::error!(problem = "a\nb\x1b[31m", count = 3_u64, "it failed");
            tracing::debug!("not logged");
            tracing::info!(target: "other", "not logged");
        });
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_a_line_whatever_its_values_are() {
        let human = logged(Format::Human);
        let (time, rest) = human.split_once(' ').unwrap();
        assert!(time.ends_with('Z'));
        assert_eq!(
            rest,
            "ERROR it failed problem=\"a\\nb\\u001b[31m\" count=3\n"
        );
        let json = logged(Format::Json);
        assert_eq!(json.lines().count(), 1);
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["level"], "error");
        assert_eq!(value["message"], "it failed");
        assert_eq!(value["problem"], "a\nb\x1b[31m");
        assert_eq!(value["count"], 3);
    }
}

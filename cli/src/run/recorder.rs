//! The thread that writes the output of a command into its session, and renews the session's lease. It
//! retries when the store fails. The command never waits for the store; what could not be recorded is
//! reported at the end.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use tenure_apps::run_end::{RUN_END, RunEndParams};
use tenure_core::Json;
use tenure_core::session::operations::{ADD_EVENTS, UPDATE};
use tenure_core::session::params::{AddEventsParams, UpdateParams};
use tenure_core::session::view::NewEvent;
use tenure_core::value::redact::LineRedactor;

use crate::exit::{Exit, Failure};
use crate::output::clean;

use super::capture::{Line, Omitted, Queue, Stream};
use super::description::CommandDescription;
use super::end::{End, name_of};
use super::renewal::{Renewal, Renewed};
use super::session::RunSession;

/// The interval at which lines are written, in batches.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// The pause after a write, as a multiple of its duration: a slow store is written to less often.
const PAUSE_FACTOR: u32 = 4;
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The attempts to write the last lines.
const LAST_ATTEMPTS: u32 = 3;
/// The most lines of one write.
const MAX_BATCH: usize = 500;

/// The handle of the recording thread.
pub(crate) struct Recorder {
    queue: Arc<Queue>,
    thread: JoinHandle<Writer>,
}

impl Recorder {
    pub(crate) fn start(session: RunSession, max_output: u64, command: CommandDescription) -> Self {
        let queue = Arc::new(Queue::new(max_output));
        let writer = Writer {
            session,
            queue: Arc::clone(&queue),
            out: LineRedactor::default(),
            err: LineRedactor::default(),
            last_error: None,
            is_refused: false,
            is_ending: false,
        };
        let thread = thread::spawn(move || writer.run(&command));
        Self { queue, thread }
    }

    /// The queue of captured lines.
    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// Records the end and releases the session. Returns a message about what was not recorded.
    pub(crate) fn finish(self, end: &End) -> Option<String> {
        self.queue.close();
        match self.thread.join() {
            Ok(mut writer) => writer.finish(end),
            Err(_) => Some("the recording thread has panicked; please report this".to_owned()),
        }
    }
}

struct Writer {
    session: RunSession,
    queue: Arc<Queue>,
    /// What redacts each stream.
    out: LineRedactor,
    err: LineRedactor,
    /// The last error of the store.
    last_error: Option<String>,
    /// Whether the session refuses events.
    is_refused: bool,
    /// Whether the command has ended.
    is_ending: bool,
}

#[derive(Serialize)]
struct OutputLine<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExitEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    said: String,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
}

impl Writer {
    fn run(mut self, command: &CommandDescription) -> Self {
        let params = UpdateParams {
            id: self.session.text_id(),
            metadata: Some(Json::of(command)),
            ..UpdateParams::default()
        };
        if let Err(failure) = self.session.store.run(&UPDATE, params) {
            self.fails(&failure);
        }
        let mut renewal = match Renewal::start(&self.session) {
            Ok(renewal) => renewal,
            Err(failure) => {
                self.fails(&failure);
                None
            }
        };
        let mut pause = FLUSH_INTERVAL;
        while self.queue.sleep(pause) {
            let started = Instant::now();
            match renewal
                .as_mut()
                .map(|renewal| renewal.run_due(&self.session))
            {
                None | Some(Renewed::Held) => {}
                Some(Renewed::Retried(error)) => self.fails(&error.into()),
                Some(Renewed::Lost(reason)) => eprintln!(
                    "tenure: the session's lease is lost, the command continues: {}",
                    clean(&reason)
                ),
            }
            pause = if self.write_lines() {
                FLUSH_INTERVAL.max(started.elapsed() * PAUSE_FACTOR)
            } else {
                RETRY_INTERVAL
            };
        }
        self
    }

    /// Writes the waiting lines; returns whether the store accepted them.
    fn write_lines(&mut self) -> bool {
        loop {
            if self.is_refused {
                // The lines count as omitted, because none will be written.
                self.queue.discard();
                return true;
            }
            let mut lines = self.queue.take(MAX_BATCH);
            if lines.is_empty() {
                return true;
            }
            for line in &mut lines {
                self.redact(line);
            }
            if !self.write(&lines) {
                self.queue.put_back(lines);
                if !self.is_refused {
                    return false;
                }
            }
        }
    }

    /// Redacts a line, once: the lines of a stream are redacted in their order.
    fn redact(&mut self, line: &mut Line) {
        if std::mem::replace(&mut line.is_redacted, true) {
            return;
        }
        let redactor = match line.stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        line.text = redactor.line(&line.text, line.after_gap).into_owned();
    }

    fn write(&mut self, lines: &[Line]) -> bool {
        let events = lines.iter().map(|line| {
            let data = OutputLine {
                text: &line.text,
                cut: Some(line.cut).filter(|cut| *cut > 0),
            };
            new_event(line.stream.event_type(), &data)
        });
        let events = events.collect();
        self.append(events)
    }

    /// Appends events; returns whether the store accepted them.
    fn append(&mut self, events: Vec<NewEvent>) -> bool {
        let params = AddEventsParams {
            id: self.session.text_id(),
            events,
            ..AddEventsParams::default()
        };
        match self.session.store.run(&ADD_EVENTS, params) {
            Ok(_) => true,
            Err(failure) => {
                self.fails(&failure);
                false
            }
        }
    }

    /// Reports a failure to record once, and continues.
    fn fails(&mut self, failure: &Failure) {
        let Failure::Error(error) = failure else {
            return;
        };
        let message = error.to_string();
        // A session that refuses events now will refuse later ones, too.
        let is_refused = failure.exit() != Exit::STORE;
        // After the end of the command, one message reports everything that was not recorded.
        if !self.is_ending && (self.last_error.is_none() || (is_refused && !self.is_refused)) {
            let consequence = match is_refused {
                true => "recording has stopped",
                false => "recording failed and is retried",
            };
            let message = clean(&message);
            eprintln!("tenure: {consequence}, the command continues: {message}");
        }
        self.last_error = Some(message);
        self.is_refused |= is_refused;
    }

    /// Records the end of the command. Returns a message about what was not recorded.
    fn finish(&mut self, end: &End) -> Option<String> {
        self.is_ending = true;
        let mut written = false;
        for attempt in 0..LAST_ATTEMPTS {
            if attempt > 0 {
                thread::sleep(RETRY_INTERVAL);
            }
            written = self.write_lines();
            if written {
                break;
            }
        }
        let omitted = if written && !self.is_refused {
            self.queue.omitted()
        } else {
            self.queue.discard()
        };
        let exit = ExitEvent {
            code: end.status.code(),
            signal: end.status.signal().map(name_of),
            said: end.description(),
            duration_ms: u64::try_from(end.duration.as_millis()).unwrap_or(u64::MAX),
            omitted: Some(omitted).filter(|omitted| omitted.total() > 0),
        };
        let exit = new_event("exit", &exit);
        let is_recorded = !self.is_refused && written && self.append(vec![exit]);
        let is_closed = is_recorded && self.close(end);
        self.session.release();
        if is_closed || (self.is_refused && omitted.total() == 0) {
            return None;
        }
        let error = self.last_error.clone().unwrap_or_default();
        Some(format!(
            "not recorded: {} bytes of output, and the end of the command ({}): {error}",
            omitted.total(),
            end.description()
        ))
    }

    /// Completes or fails the session, unless it was paused or has ended.
    fn close(&mut self, end: &End) -> bool {
        let params = RunEndParams {
            id: self.session.text_id(),
            token: self.session.token,
            is_success: end.is_success(),
            description: end.description().into(),
        };
        match self.session.store.run(&RUN_END, params) {
            Ok(exists) => exists,
            Err(failure) => {
                self.fails(&failure);
                false
            }
        }
    }
}

/// An event to record.
fn new_event(kind: &str, data: &impl Serialize) -> NewEvent {
    NewEvent {
        r#type: kind.into(),
        data: Some(Json::of(data)),
    }
}

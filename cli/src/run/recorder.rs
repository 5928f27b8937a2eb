//! The thread that writes the output of a command into its session, and renews the session's lease. It
//! retries when the store fails. The command never waits for the store; what could not be recorded is
//! reported at the end.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use std::os::unix::process::ExitStatusExt;
use tenure_core::value::redact::Redact;
use tenure_core::{Millis, Timestamp};
use tenure_host::Local;

use crate::answer::Answer;
use crate::context::perform_over;
use crate::exit::{Exit, Failure};
use crate::output::clean;
use crate::params::Params;

use super::CommandDescription;
use super::capture::{Line, Omitted, Queue};
use super::supervise::{End, name_of};

/// The lease duration.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
/// The interval at which the lease is renewed.
const RENEW_INTERVAL: Duration = Duration::from_secs(20);
/// The interval at which lines are written, in batches.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// The pause after a write, as a multiple of its duration: a slow store is written to less often.
const PAUSE_FACTOR: u32 = 4;
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The attempts to write the last lines.
const LAST_ATTEMPTS: u32 = 3;
/// The most lines of one write.
const MAX_BATCH: usize = 500;

/// The clock of the run: the system's, or a clock override that keeps running.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    overridden: Option<Timestamp>,
    started: Instant,
}

impl Clock {
    pub(crate) fn new(overridden: Option<Timestamp>) -> Self {
        Self {
            overridden,
            started: Instant::now(),
        }
    }

    pub(crate) fn now(self) -> Timestamp {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let overridden = self.overridden.map(|start| start.plus(Millis(elapsed)));
        overridden.unwrap_or_else(tenure_host::now)
    }
}

/// The session that is recorded into, and its lease and store.
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) token: Option<u64>,
    pub(crate) store: Local,
    pub(crate) clock: Clock,
}

impl Target {
    fn perform(&self, name: &str, params: &Params) -> Result<Answer, Failure> {
        perform_over(&self.store, self.clock.now(), name, params)
    }

    fn lease(&self) -> Params {
        super::lease_of(&self.id).maybe("token", self.token)
    }
}

/// The handle of the recording thread.
pub(crate) struct Recorder {
    queue: Arc<Queue>,
    thread: JoinHandle<Writer>,
}

impl Recorder {
    pub(crate) fn start(target: Target, max_output: u64, command: CommandDescription) -> Self {
        let queue = Arc::new(Queue::new(max_output));
        let writer = Writer {
            target,
            queue: Arc::clone(&queue),
            redact: Redact::default(),
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
    target: Target,
    queue: Arc<Queue>,
    redact: Redact,
    /// The last error of the store.
    last_error: Option<String>,
    /// Whether the session refuses events.
    is_refused: bool,
    /// Whether the command has ended.
    is_ending: bool,
}

#[derive(Serialize)]
struct NewEvent<'a, T> {
    r#type: &'a str,
    data: T,
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
        let update = Params::id(&self.target.id).set("metadata", command);
        if let Err(failure) = self.target.perform("update", &update) {
            self.fails(&failure);
        }
        let mut renewed = Instant::now();
        let mut pause = FLUSH_INTERVAL;
        while self.queue.sleep(pause) {
            let started = Instant::now();
            if renewed.elapsed() >= RENEW_INTERVAL && self.target.token.is_some() {
                renewed = started;
                let millis = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
                let lease = self.target.lease().set("leaseDurationMs", millis);
                if let Err(failure) = self.target.perform("leaseRenew", &lease) {
                    self.fails(&failure);
                }
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
            let lines = self.queue.take(MAX_BATCH);
            if lines.is_empty() {
                return true;
            }
            if !self.write(&lines) {
                self.queue.put_back(lines);
                if !self.is_refused {
                    return false;
                }
            }
        }
    }

    fn write(&mut self, lines: &[Line]) -> bool {
        let texts: Vec<_> = lines
            .iter()
            .map(|line| self.redact.text(&line.text))
            .collect();
        let events: Vec<_> = lines
            .iter()
            .zip(&texts)
            .map(|(line, text)| NewEvent {
                r#type: line.stream.event_type(),
                data: OutputLine {
                    text,
                    cut: Some(line.cut).filter(|cut| *cut > 0),
                },
            })
            .collect();
        let params = Params::id(&self.target.id).set("events", events);
        self.append(&params)
    }

    fn append(&mut self, params: &Params) -> bool {
        match self.target.perform("addEvents", params) {
            Ok(_) => true,
            Err(failure) => {
                self.fails(&failure);
                false
            }
        }
    }

    /// Reports a failure to record once, and continues.
    fn fails(&mut self, failure: &Failure) {
        let Failure::Error { message, .. } = failure else {
            return;
        };
        // A session that refuses events now will refuse later ones, too.
        let is_refused = failure.exit() != Exit::STORE;
        // After the end of the command, one message reports everything that was not recorded.
        if !self.is_ending && (self.last_error.is_none() || (is_refused && !self.is_refused)) {
            let consequence = match is_refused {
                true => "recording has stopped",
                false => "recording failed and is retried",
            };
            let message = clean(message);
            eprintln!("tenure: {consequence}, the command continues: {message}");
        }
        self.last_error = Some(message.clone());
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
        let exit = NewEvent {
            r#type: "exit",
            data: exit,
        };
        let params = Params::id(&self.target.id).set("events", [exit]);
        let is_recorded = !self.is_refused && written && self.append(&params);
        let is_closed = is_recorded && self.close(end);
        let _ = self.target.perform("leaseRelease", &self.target.lease());
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
        #[derive(Deserialize)]
        struct Known<'a> {
            status: &'a str,
            version: u64,
        }
        let id = Params::id(&self.target.id);
        loop {
            let now = match self
                .target
                .perform("get", &id.clone().set("history", "none"))
            {
                Ok(now) => now,
                Err(failure) => {
                    self.fails(&failure);
                    return false;
                }
            };
            let Ok(Some(known)) = now.read::<Option<Known<'_>>>() else {
                return false;
            };
            if !matches!(known.status, "active" | "timeout") {
                return true;
            }
            // The decision holds for this version only.
            let params = id.clone().set("ifVersion", known.version);
            let (operation, params) = if end.is_success() {
                ("complete", params.set("result", end.description()))
            } else {
                ("fail", params.set("error", end.description()))
            };
            match self.target.perform(operation, &params) {
                Ok(_) => return true,
                Err(Failure::Error { code, .. }) if code == "VERSION_CONFLICT" => {}
                Err(failure) => {
                    self.fails(&failure);
                    return false;
                }
            }
        }
    }
}

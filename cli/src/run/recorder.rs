//! The thread that writes a command's output into its session and holds the session meanwhile. What
//! the store refuses is tried again; the command never waits for it, and in the end is told what was
//! not recorded.

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

use super::About;
use super::lines::{Line, Omitted, Queue};
use super::supervise::{Ended, name_of};

/// How long a lease holds that is not renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// How long lines wait for others, so that many are written at once.
const FLUSH_EVERY: Duration = Duration::from_millis(250);
/// A store that takes long is asked less often: it has so many times as long for other things.
const REST: u32 = 4;
const RETRY_AFTER: Duration = Duration::from_secs(1);
const LAST_TRIES: u32 = 3;
/// Lines of one write.
const BATCH: usize = 500;

/// The present, or the one that it is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    given: Option<Timestamp>,
    since: Instant,
}

impl Clock {
    pub(crate) fn new(given: Option<Timestamp>) -> Self {
        Self {
            given,
            since: Instant::now(),
        }
    }

    pub(crate) fn now(self) -> Timestamp {
        let passed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let given = self.given.map(|given| given.plus(Millis(passed)));
        given.unwrap_or_else(tenure_host::now)
    }
}

/// What is recorded into.
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

/// The thread that records.
pub(crate) struct Recorder {
    queue: Arc<Queue>,
    thread: JoinHandle<Writer>,
}

impl Recorder {
    pub(crate) fn start(target: Target, most: u64, about: About) -> Self {
        let queue = Arc::new(Queue::new(most));
        let writer = Writer {
            target,
            queue: Arc::clone(&queue),
            redact: Redact::default(),
            trouble: None,
            over: false,
            ended: false,
        };
        let thread = thread::spawn(move || writer.run(&about));
        Self { queue, thread }
    }

    /// Where the lines go.
    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// Records the end and lets go of the session; what was not recorded, for people.
    pub(crate) fn finish(self, ended: &Ended) -> Option<String> {
        self.queue.close();
        match self.thread.join() {
            Ok(mut writer) => writer.end(ended),
            Err(_) => Some("recording has stopped with a defect; please report this".to_owned()),
        }
    }
}

struct Writer {
    target: Target,
    queue: Arc<Queue>,
    redact: Redact,
    /// What the store said when it failed last.
    trouble: Option<String>,
    /// The session takes no more events.
    over: bool,
    /// The command has ended.
    ended: bool,
}

#[derive(Serialize)]
struct NewEvent<'a, T> {
    r#type: &'a str,
    data: T,
}

#[derive(Serialize)]
struct Said<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ending {
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
    fn run(mut self, about: &About) -> Self {
        let update = Params::id(&self.target.id).set("metadata", about);
        if let Err(failure) = self.target.perform("update", &update) {
            self.fails(&failure);
        }
        let mut renewed = Instant::now();
        let mut rest = FLUSH_EVERY;
        while self.queue.sleep(rest) {
            let began = Instant::now();
            if renewed.elapsed() >= RENEW_EVERY && self.target.token.is_some() {
                renewed = began;
                let millis = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
                let lease = self.target.lease().set("leaseDurationMs", millis);
                if let Err(failure) = self.target.perform("leaseRenew", &lease) {
                    self.fails(&failure);
                }
            }
            rest = if self.write_lines() {
                FLUSH_EVERY.max(began.elapsed() * REST)
            } else {
                RETRY_AFTER
            };
        }
        self
    }

    /// Writes the lines that wait; whether the store took them.
    fn write_lines(&mut self) -> bool {
        loop {
            if self.over {
                // Counted, since none will ever be written.
                self.queue.give_up();
                return true;
            }
            let lines = self.queue.take(BATCH);
            if lines.is_empty() {
                return true;
            }
            if !self.write(&lines) {
                self.queue.put_back(lines);
                if !self.over {
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
                data: Said {
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

    /// Says once that something is not recorded, and goes on.
    fn fails(&mut self, failure: &Failure) {
        let Failure::Error { message, .. } = failure else {
            return;
        };
        // A session that takes no more events will take none later.
        let over = failure.exit() != Exit::STORE;
        // Once the command has ended, what was not recorded is said in one sentence.
        if !self.ended && (self.trouble.is_none() || (over && !self.over)) {
            let how_long = if over { "any more" } else { "for now" };
            let said = clean(message);
            eprintln!("tenure: not recorded {how_long}, the command goes on: {said}");
        }
        self.trouble = Some(message.clone());
        self.over |= over;
    }

    /// Records how the command ended; what was not recorded, for people.
    fn end(&mut self, ended: &Ended) -> Option<String> {
        self.ended = true;
        let mut written = false;
        for attempt in 0..LAST_TRIES {
            if attempt > 0 {
                thread::sleep(RETRY_AFTER);
            }
            written = self.write_lines();
            if written {
                break;
            }
        }
        let omitted = if written && !self.over {
            self.queue.omitted()
        } else {
            self.queue.give_up()
        };
        let ending = Ending {
            code: ended.status.code(),
            signal: ended.status.signal().map(name_of),
            said: ended.words(),
            duration_ms: u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX),
            omitted: Some(omitted).filter(|omitted| omitted.total() > 0),
        };
        let exit = NewEvent {
            r#type: "exit",
            data: ending,
        };
        let params = Params::id(&self.target.id).set("events", [exit]);
        let noted = !self.over && written && self.append(&params);
        let closed = noted && self.close(ended);
        let _ = self.target.perform("leaseRelease", &self.target.lease());
        if closed || (self.over && omitted.total() == 0) {
            return None;
        }
        let trouble = self.trouble.clone().unwrap_or_default();
        Some(format!(
            "not recorded: {} bytes of output, and that the command ended ({}): {trouble}",
            omitted.total(),
            ended.words()
        ))
    }

    /// Ends the session, unless somebody has paused it, to go on later, or has ended it.
    fn close(&mut self, ended: &Ended) -> bool {
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
            // What is decided on is what was seen.
            let params = id.clone().set("ifVersion", known.version);
            let (operation, params) = if ended.is_success() {
                ("complete", params.set("result", ended.words()))
            } else {
                ("fail", params.set("error", ended.words()))
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

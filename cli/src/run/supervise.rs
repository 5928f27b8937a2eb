//! Following a command to its end: its output is passed on as it comes, signals are handed to it,
//! and what does not end in time is ended. It decides nothing about the session.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::signal_name;

use super::child::Child;
use super::lines::{Queue, Splitter, Stream};
use super::recorder::Recorder;

/// How long output may still come from what a command has left running.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// How long what was killed may take to be gone.
const GONE: Duration = Duration::from_secs(2);
/// `timeout` ends so too.
const TIMED_OUT: u8 = 124;

/// How a command has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) cancelled: Option<Cancelled>,
    pub(crate) took: Duration,
}

/// Why it was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancelled {
    Timeout(Duration),
    Signal(i32),
}

impl Ended {
    /// What `tenure run` exits with.
    pub(crate) fn exit_code(&self) -> u8 {
        if let Some(Cancelled::Timeout(_)) = self.cancelled {
            return TIMED_OUT;
        }
        let code = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code,
            (None, signal) => 128 + signal.unwrap_or(0),
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// Whether the command has done what it was to do.
    pub(crate) fn is_success(&self) -> bool {
        self.cancelled.is_none() && self.status.success()
    }

    /// The same for people.
    pub(crate) fn words(&self) -> String {
        let status = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, signal) => format!("ended by {}", name_of(signal.unwrap_or(0))),
        };
        match self.cancelled {
            None => status,
            Some(Cancelled::Timeout(after)) => {
                format!("timed out after {} s ({status})", after.as_secs_f64())
            }
            Some(Cancelled::Signal(signal)) => {
                format!("cancelled by {} ({status})", name_of(signal))
            }
        }
    }
}

/// The name of a signal.
pub(crate) fn name_of(signal: i32) -> String {
    signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

enum Event {
    Signal(i32),
    Exited,
    Closed,
}

/// The signals that come to this process, from the moment on that it listens.
pub(crate) struct Signals {
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Signals {
    pub(crate) fn listen() -> Self {
        let (sender, events) = channel();
        let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
            .into_iter()
            .filter(|signal| !is_ignored(*signal));
        // Where the system does not let us listen, signals end this process as they would have.
        if let Ok(mut signals) = signal_hook::iterator::Signals::new(signals) {
            let sender = sender.clone();
            thread::spawn(move || {
                for signal in signals.forever() {
                    if sender.send(Event::Signal(signal)).is_err() {
                        return;
                    }
                }
            });
        }
        Self { sender, events }
    }
}

/// Whether whoever started this process wants a signal to be ignored, as `nohup` does.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Follows a command until it and its output have ended.
pub(crate) fn until_the_end(
    mut child: Child,
    signals: Signals,
    recorder: &Recorder,
    timeout: Option<Duration>,
    grace: Duration,
) -> Ended {
    let Signals { sender, events } = signals;
    let began = Instant::now();
    let (stdout, stderr) = child.output();
    let passing = [
        stdout.map(|from| pass(Stream::Out, from, io::stdout(), recorder.queue(), &sender)),
        stderr.map(|from| pass(Stream::Err, from, io::stderr(), recorder.queue(), &sender)),
    ];
    let passing: Vec<Arc<AtomicBool>> = passing.into_iter().flatten().collect();
    let pid = child.pid();
    thread::spawn(move || {
        Child::wait_for_end(pid);
        let _ = sender.send(Event::Exited);
    });

    let mut open = passing.len();
    let mut exited = false;
    let mut cancelled = None;
    let mut next = timeout.map(|timeout| (began + timeout, Step::TimeOut));
    while !(exited && open == 0) {
        let event = match next {
            Some((at, _)) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let now = Instant::now();
        match event {
            // The terminal has sent it to the command as well, which may go on.
            Ok(Event::Signal(SIGINT | SIGQUIT)) if !child.has_own_group() => {}
            Ok(Event::Signal(signal)) => {
                if cancelled.is_none() && !exited {
                    cancelled = Some(Cancelled::Signal(signal));
                    hand_on(&child, signal);
                    next = Some((now + grace, Step::Kill));
                } else {
                    next = Some((now, Step::Kill));
                }
            }
            Ok(Event::Exited) => {
                exited = true;
                if cancelled.is_none() {
                    next = Some((now + AFTERWARDS, Step::EndTheRest));
                }
            }
            Ok(Event::Closed) => open -= 1,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // Output that waits for whoever reads ours is no sign of something left running.
                let waits = passing
                    .iter()
                    .any(|writing| writing.load(Ordering::Relaxed));
                next = match next {
                    Some((_, Step::TimeOut)) => {
                        cancelled = timeout.map(Cancelled::Timeout);
                        hand_on(&child, SIGTERM);
                        Some((now + grace, Step::Kill))
                    }
                    Some((_, Step::EndTheRest)) if waits => {
                        Some((now + AFTERWARDS, Step::EndTheRest))
                    }
                    Some((_, Step::EndTheRest)) => {
                        hand_on(&child, SIGTERM);
                        Some((now + grace.min(GONE), Step::Kill))
                    }
                    Some((_, Step::Kill)) => {
                        child.signal(Signal::KILL);
                        Some((now + GONE, Step::GiveUp))
                    }
                    Some((_, Step::GiveUp)) if waits && cancelled.is_none() => {
                        Some((now + GONE, Step::GiveUp))
                    }
                    // What is left has gone away from its group, or cannot be killed.
                    Some((_, Step::GiveUp)) | None => break,
                };
            }
        }
    }
    if cancelled.is_some() {
        // Those too that print nothing.
        child.signal(Signal::KILL);
    }
    let status = if exited {
        child.status()
    } else {
        ExitStatus::from_raw(Signal::KILL.as_raw())
    };
    Ended {
        status,
        cancelled,
        took: began.elapsed(),
    }
}

/// What is to be done next when nothing happens.
#[derive(Clone, Copy)]
enum Step {
    /// The command's time is up.
    TimeOut,
    /// The command has ended, and what it has left running is to end.
    EndTheRest,
    Kill,
    GiveUp,
}

/// Signals the command, also when it is stopped.
fn hand_on(child: &Child, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        child.signal(signal);
        child.signal(Signal::CONT);
    }
}

/// Passes output on and keeps it, in a thread of its own. The flag says whether it waits for whoever
/// reads ours.
fn pass(
    stream: Stream,
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    queue: Arc<Queue>,
    sender: &Sender<Event>,
) -> Arc<AtomicBool> {
    let writing = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&writing);
    let sender = sender.clone();
    thread::spawn(move || {
        let mut splitter = Splitter::new(stream);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let chunk = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => buffer.get(..length).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            splitter.feed(chunk, &queue);
            flag.store(true, Ordering::Relaxed);
            let written = to.write_all(chunk).and_then(|()| to.flush());
            flag.store(false, Ordering::Relaxed);
            // Nobody reads it any more: the command is to find that out as it would without us.
            if written.is_err() {
                break;
            }
        }
        drop(from);
        splitter.end(&queue);
        let _ = sender.send(Event::Closed);
    });
    writing
}

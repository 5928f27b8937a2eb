//! Supervises a command until its end: forwards its output and the signals to it, and ends it after a
//! timeout. It decides nothing about the session.

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

use crate::process_tree::ProcessTree;

use super::capture::{Queue, Splitter, Stream};
use super::child::Child;
use super::end::{Cancelled, End};
use super::recorder::Recorder;

/// How long the processes that a command has left running may still print.
const LINGER: Duration = Duration::from_millis(500);
/// How long killed processes may take to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
enum Event {
    Signal(i32),
    Exited,
    Closed,
}

/// The signals to this process, from the moment at which it listens.
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
        // Where the system does not let us listen, signals end this process by default.
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

/// Whether this process was started with a signal ignored, as by `nohup`.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Supervises a command until its process and its output have ended.
pub(crate) fn supervise(
    mut child: Child,
    signals: Signals,
    recorder: &Recorder,
    timeout: Option<Duration>,
    grace: Duration,
) -> End {
    let Signals { sender, events } = signals;
    let started = Instant::now();
    let (stdout, stderr) = child.output();
    let forwarders = [
        stdout
            .map(|from| forward_output(Stream::Out, from, io::stdout(), recorder.queue(), &sender)),
        stderr
            .map(|from| forward_output(Stream::Err, from, io::stderr(), recorder.queue(), &sender)),
    ];
    let forwarders: Vec<Arc<AtomicBool>> = forwarders.into_iter().flatten().collect();
    let tree = child.tree();
    thread::spawn(move || {
        tree.wait_for_end();
        let _ = sender.send(Event::Exited);
    });

    let mut open = forwarders.len();
    let mut exited = false;
    let mut cancelled = None;
    let mut next = timeout.map(|timeout| (started + timeout, Step::TimeOut));
    while !(exited && open == 0) {
        let event = match next {
            Some((at, _)) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let now = Instant::now();
        match event {
            // The terminal has sent the signal to the command as well, which may handle it.
            Ok(Event::Signal(SIGINT | SIGQUIT)) if !tree.has_own_group() => {}
            Ok(Event::Signal(signal)) => {
                if cancelled.is_none() && !exited {
                    cancelled = Some(Cancelled::Signal(signal));
                    forward_signal(tree, signal);
                    next = Some((now + grace, Step::Kill));
                } else {
                    next = Some((now, Step::Kill));
                }
            }
            Ok(Event::Exited) => {
                exited = true;
                if cancelled.is_none() {
                    next = Some((now + LINGER, Step::EndRest));
                }
            }
            Ok(Event::Closed) => open -= 1,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // Output that is blocked by our reader does not mean that a process was left running.
                let is_blocked = forwarders
                    .iter()
                    .any(|writing| writing.load(Ordering::Relaxed));
                next = match next {
                    Some((_, Step::TimeOut)) => {
                        cancelled = timeout.map(Cancelled::Timeout);
                        forward_signal(tree, SIGTERM);
                        Some((now + grace, Step::Kill))
                    }
                    Some((_, Step::EndRest)) if is_blocked => Some((now + LINGER, Step::EndRest)),
                    Some((_, Step::EndRest)) => {
                        forward_signal(tree, SIGTERM);
                        Some((now + grace.min(KILL_TIMEOUT), Step::Kill))
                    }
                    Some((_, Step::Kill)) => {
                        tree.signal(Signal::KILL);
                        Some((now + KILL_TIMEOUT, Step::Abandon))
                    }
                    Some((_, Step::Abandon)) if is_blocked && cancelled.is_none() => {
                        Some((now + KILL_TIMEOUT, Step::Abandon))
                    }
                    // The remaining processes have left their group, or cannot be killed.
                    Some((_, Step::Abandon)) | None => break,
                };
            }
        }
    }
    if cancelled.is_some() {
        // Processes that print nothing may still be running.
        tree.signal(Signal::KILL);
    }
    let status = if exited {
        child.status()
    } else {
        ExitStatus::from_raw(Signal::KILL.as_raw())
    };
    End {
        status,
        cancelled,
        duration: started.elapsed(),
    }
}

/// The next step when no event arrives in time.
#[derive(Clone, Copy)]
enum Step {
    /// End the command, because its timeout has passed.
    TimeOut,
    /// End the processes that the command has left running.
    EndRest,
    /// Kill all processes.
    Kill,
    /// Stop waiting for processes.
    Abandon,
}

/// Sends a signal to the command, and continues it if it is stopped.
fn forward_signal(tree: ProcessTree, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        tree.signal_and_continue(signal);
    }
}

/// Forwards and captures output in a thread. The flag is set while a write is blocked by the reader of
/// our output.
fn forward_output(
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
            // The reader has closed the pipe: the command gets SIGPIPE, as it would without us.
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

//! Runs that are not to be repeated: under which key a run of a workflow is known, what keeps another
//! one from running, and for how long. What is kept of a run, and of the commit that a pull request
//! has run, are leases; who gets one is decided in [`decision`](tenure_core::lease::decision). Here is what
//! is asked of them, and what their answers mean. Runs are no processes that could be seen to end:
//! the clock decides.

use crate::dedup::params::{DedupDecision, Reason};
use tenure_core::audit::entry::{Entry, RUN};
use tenure_core::error::{Error, Result, cut};
use tenure_core::lease::decision::{self, Holder, Outcome, Request};
use tenure_core::lease::model::{Lease, MAX_KEY_BYTES, State};
use tenure_core::value::json::{Json, Object};
use tenure_core::value::process::Liveness;
use tenure_core::value::time::{Millis, Timestamp};

/// The `kind` of an entry that says whether a run was to run.
const DECISION: &str = "dedup.decision";

/// A run keeps others from being the same run for this long.
pub const WINDOW: Millis = Millis(5 * 60 * 1000);
/// A pull request keeps pushes of its commit from running for this long.
pub const PULL_REQUEST_WINDOW: Millis = Millis(60 * 60 * 1000);
/// A run that was admitted is given up after this long, unless it says before that it has ended.
pub const KEEP: Millis = Millis(10 * 60 * 1000);

/// Characters of a commit that tell it from others.
const COMMIT_CHARS: usize = 8;
/// How the keys of other leases begin, which are no runs.
const OTHERS: &[&str] = &["pr:", "vm:", "process:", "session:", "slot:"];

/// Which of the two that come of one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Push,
    PullRequest,
}

impl Side {
    fn of(event: &str) -> Option<Self> {
        match event {
            "push" => Some(Self::Push),
            "pull_request" | "pull_request_target" => Some(Self::PullRequest),
            _ => None,
        }
    }

    /// Who has locked a commit; pull requests, where it does not say.
    fn of_lock(lock: &Lease) -> Self {
        let event = Object::parse(&lock.data).text("event_type");
        let side = event.and_then(|event| Self::of(&event));
        side.unwrap_or(Self::PullRequest)
    }
}

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Under which key it is known. All that have the same are the same run.
    pub key: String,
    event: String,
    workflow: String,
    commit: Option<String>,
    number: String,
    attempt: Option<u64>,
}

impl Run {
    /// The run of a workflow on an event and a commit, known under the key that is given, or else
    /// under the one that follows from these.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what makes no key.
    pub fn new(key: Option<&str>, event: &str, workflow: &str, commit: &str) -> Result<Self> {
        let commit = short_commit(commit);
        let key = match key {
            Some(key) => key.to_owned(),
            None => session_key(workflow, event, commit.as_deref()),
        };
        Ok(Self {
            key: checked_key(key)?,
            event: slug(event),
            workflow: workflow.to_owned(),
            commit,
            number: String::new(),
            attempt: None,
        })
    }

    /// The same run by its number and attempt.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a number that names nobody.
    pub fn by(self, number: &str, attempt: Option<u64>) -> Result<Self> {
        holder(number, attempt)?;
        Ok(Self {
            number: number.to_owned(),
            attempt,
            ..self
        })
    }

    /// The key of the lock of its commit, if one counts for it.
    pub fn lock_key(&self) -> Option<String> {
        Side::of(&self.event)?;
        Some(pull_request_key(self.commit.as_deref()?))
    }

    /// What is kept about it.
    fn data(&self, window: Millis) -> Json {
        let mut data = Object::default();
        data.set("session_key", &self.key);
        self.describe(&mut data);
        data.set("window_ms", &window);
        data.to_json()
    }

    fn describe(&self, data: &mut Object<'_>) {
        data.set("event_type", &self.event);
        data.set("workflow", &self.workflow);
        data.set("run_id", &self.number);
        if let Some(attempt) = self.attempt {
            data.set("run_attempt", &attempt);
        }
        let commit = self.commit.as_deref().unwrap_or(UNKNOWN);
        data.set("commit_sha", commit);
    }

    /// The entry of the audit log for what was decided about it. `call` tells it from others of its
    /// moment.
    pub fn entry(&self, decision: &Decision, at: Timestamp, call: &str) -> Entry {
        let mut data = Entry::properties(DECISION, at, Some(&self.key));
        self.describe(&mut data);
        data.set("skip", &decision.reason.skips());
        data.set("reason", &decision.reason);
        data.set("call", call);
        let data = data.to_json();
        Entry { at, data }
    }

    /// The entry of the audit log for how it went.
    pub fn ended(&self, executed: bool, job_status: &str, at: Timestamp) -> Entry {
        let mut data = Entry::properties(RUN, at, Some(&self.key));
        self.describe(&mut data);
        data.set("executed", &executed);
        data.set("job_status", job_status);
        data.set("duplicate_prevented", &!executed);
        let data = data.to_json();
        Entry { at, data }
    }
}

const UNKNOWN: &str = "unknown";

/// The key of a workflow's run on an event and a commit.
fn session_key(workflow: &str, event: &str, commit: Option<&str>) -> String {
    let commit = commit.unwrap_or(UNKNOWN);
    [&slug(workflow), "-", &slug(event), "-", commit].concat()
}

/// The first characters of a commit; nothing for one that is not known.
pub fn short_commit(commit: &str) -> Option<String> {
    let short: String = slug(commit.trim()).chars().take(COMMIT_CHARS).collect();
    (!short.is_empty() && short != UNKNOWN).then_some(short)
}

/// A name as a part of a key, which stands in one line, in a path and beside keys of other leases.
fn slug(name: &str) -> String {
    let plain = |char: char| {
        let parts = char.is_whitespace() || char.is_control() || matches!(char, '/' | ':');
        if parts { '-' } else { char }
    };
    name.trim().to_lowercase().chars().map(plain).collect()
}

/// A key that may be that of a run.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn checked_key(key: String) -> Result<String> {
    let problem = if !(1..=MAX_KEY_BYTES).contains(&key.len()) {
        format!("expected 1 to {MAX_KEY_BYTES} bytes, got {}", key.len())
    } else if key.chars().any(char::is_control) {
        "expected a text of one line".to_owned()
    } else if OTHERS.iter().any(|prefix| key.starts_with(prefix)) {
        format!(
            "keys of runs do not begin with any of {}",
            OTHERS.join(", ")
        )
    } else {
        return Ok(key);
    };
    Err(Error::invalid("key", problem))
}

/// The key under which pushes of a commit are held off while its pull request runs.
pub fn pull_request_key(commit: &str) -> String {
    format!("pr:{commit}")
}

/// Who holds what a run holds: the run by its number, each further attempt for itself.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn holder(number: &str, attempt: Option<u64>) -> Result<Holder> {
    let name = match attempt {
        None | Some(0 | 1) => number.to_owned(),
        Some(attempt) => format!("{number}/{attempt}"),
    };
    let fits = !number.is_empty() && name.len() <= MAX_KEY_BYTES;
    if !fits || name.chars().any(char::is_control) {
        let problem = "expected the number of a run, or another name of one line";
        return Err(Error::invalid("runId", problem));
    }
    let process = None;
    Ok(Holder { name, process })
}

/// Whether a lease is that of a run, or of the commit of a pull request.
pub fn is_of_run(lease: &Lease) -> bool {
    let data = Object::parse(&lease.data);
    lease.key.starts_with("pr:")
        || data.text("session_key").as_deref() == Some(&lease.key)
        || (data.get("event_type").is_some() && data.get("run_id").is_some())
}

/// What is asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// For how long it keeps others from being the same run, whether it has ended or not.
    pub window: Millis,
    /// For how long its commit is locked.
    pub pull_request_window: Millis,
    /// For how long it is taken to be under way, unless it says that it has ended.
    pub keep: Millis,
    /// Whether a push locks its commit for pull requests, too.
    pub symmetric: bool,
    /// Whether the run may have been registered before, and then is still.
    pub again: bool,
}

/// What is decided about a run, and what is to be kept then.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Why.
    pub reason: Reason,
    /// What stands in its way.
    pub by: Option<Lease>,
    /// What is to be kept of the run.
    pub window: Option<Lease>,
    /// What is to be kept of its commit.
    pub lock: Option<Lease>,
}

impl Decision {
    fn nothing(reason: Reason, by: Option<&Lease>) -> Self {
        Self {
            reason,
            by: by.cloned(),
            window: None,
            lock: None,
        }
    }

    /// Says why, in one line.
    pub fn message(&self, run: &Run) -> String {
        let Some(by) = &self.by else {
            let said = match self.reason {
                Reason::AlreadyRegistered => "is registered by this run already",
                _ => "has no other run in its way",
            };
            return format!("{} {said}", run.key);
        };
        let commit = run.commit.as_deref().unwrap_or(UNKNOWN);
        let end = match by.expires_at {
            Some(end) => format!("until {end}"),
            None => "until it is given back".to_owned(),
        };
        let (holder, since) = (&by.holder, by.acquired_at);
        let said = match self.reason {
            Reason::PullRequestLock => {
                format!("run {holder} of a pull request has commit {commit} since {since}, {end}")
            }
            Reason::PushLock => {
                format!("run {holder} of a push has commit {commit} since {since}, {end}")
            }
            _ => format!("run {holder} has {} since {since}, {end}", run.key),
        };
        // A lease that was not made here may have any name.
        said.replace(char::is_control, " ")
    }
}

/// The answer about a run where the store could not be asked: `problem` says why not.
pub fn store_unavailable(run: &Run, problem: &str) -> DedupDecision {
    let problem = cut(problem.replace(char::is_control, " "));
    DedupDecision {
        key: run.key.clone(),
        skip: false,
        reason: Reason::StoreUnavailable,
        message: format!(
            "{} runs, as nobody can say whether others do: {problem}",
            run.key
        ),
        holder: None,
        since: None,
        until: None,
    }
}

fn is_held(lease: &Lease, now: Timestamp) -> bool {
    lease.state(now, Liveness::Unknown) == State::Held
}

/// Decides whether a run is to run: `window` is what is kept under its key, `lock` what is kept of its
/// commit.
///
/// # Errors
/// `INVALID_ARGUMENT` for a run that has no number.
pub fn decide(
    run: &Run,
    asked: &Asked,
    window: Option<&Lease>,
    lock: Option<&Lease>,
    now: Timestamp,
) -> Result<Decision> {
    let holder = holder(&run.number, run.attempt)?;
    let held = window.filter(|lease| is_held(lease, now));
    if asked.again && held.is_some_and(|lease| lease.holder == holder.name) {
        return Ok(Decision::nothing(Reason::AlreadyRegistered, None));
    }
    let length = asked.window.max(asked.keep);
    let data = run.data(asked.window);
    let taken = take(&run.key, window, &holder, length, &data, now);
    if taken.is_none() {
        return Ok(Decision::nothing(Reason::ActiveSession, held));
    }
    let side = Side::of(&run.event);
    let locked = lock.filter(|lease| is_held(lease, now));
    if let Some(locked) = locked {
        let reason = match (side, Side::of_lock(locked)) {
            (Some(Side::Push), Side::PullRequest) => Some(Reason::PullRequestLock),
            (Some(Side::PullRequest), Side::Push) if asked.symmetric => Some(Reason::PushLock),
            _ => None,
        };
        if let Some(reason) = reason {
            return Ok(Decision::nothing(reason, Some(locked)));
        }
    }
    let locks = side == Some(Side::PullRequest) || (side == Some(Side::Push) && asked.symmetric);
    let until = now.plus(asked.pull_request_window);
    // Several workflows run one commit, and the lock counts from the last of them.
    let longer = locked.is_some_and(|locked| {
        Some(Side::of_lock(locked)) == side && locked.expires_at.is_none_or(|end| end >= until)
    });
    let lock_key = run.lock_key().filter(|_| locks && !longer);
    let lock = lock_key.and_then(|key| {
        let cleared = decision::decide(&key, lock, &Request::Clear, now, Liveness::Unknown).write;
        let length = asked.pull_request_window;
        take(&key, cleared.as_ref().or(lock), &holder, length, &data, now)
    });
    Ok(Decision {
        reason: Reason::NewSession,
        by: None,
        window: taken,
        lock,
    })
}

/// The lease as it is once it is taken; nothing if somebody has it.
fn take(
    key: &str,
    kept: Option<&Lease>,
    holder: &Holder,
    length: Millis,
    data: &Json,
    now: Timestamp,
) -> Option<Lease> {
    let request = Request::Acquire {
        holder: holder.clone(),
        length: Some(length),
        data: Some(data.clone()),
        once: true,
    };
    let lease = decision::decide(key, kept, &request, now, Liveness::Unknown).write;
    // Its token tells nothing from nothing: once it has expired, its record may go.
    lease.map(|lease| Lease {
        disposable: true,
        ..lease
    })
}

/// What comes of a run's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// `released`, `not_owner` or `not_held`.
    pub outcome: Outcome,
    /// The lease as it is now, where it still keeps others away.
    pub held: Option<Lease>,
    /// What to keep.
    pub write: Option<Lease>,
}

/// Decides what comes of the end of a run: it keeps others away as long as its window lasts, and no
/// longer. Nobody ends the run of another.
pub fn end(key: &str, kept: Option<&Lease>, holder: &Holder, now: Timestamp) -> Ending {
    let ask = |request: &Request| decision::decide(key, kept, request, now, Liveness::Unknown);
    let release = Request::Release {
        holder: holder.name.clone(),
        token: None,
    };
    let released = ask(&release);
    let outcome = released.outcome;
    let held = kept.filter(|lease| is_held(lease, now));
    let (Outcome::Released, Some(lease)) = (outcome, held) else {
        return Ending {
            outcome,
            held: held.cloned(),
            write: released.write,
        };
    };
    let window = Object::parse(&lease.data).read::<u64>("window_ms");
    let end = lease.acquired_at.plus(window.map_or(WINDOW, Millis));
    let left = end.since(now.max(lease.renewed_at));
    if now >= end || left == 0 {
        return Ending {
            outcome,
            held: None,
            write: released.write,
        };
    }
    if lease.expires_at.is_some_and(|until| until <= end) {
        return Ending {
            outcome,
            held: Some(lease.clone()),
            write: None,
        };
    }
    let shorten = Request::Renew {
        holder: holder.name.clone(),
        token: lease.token,
        length: Some(Millis(left)),
        data: None,
    };
    let write = ask(&shorten).write;
    Ending {
        outcome,
        held: write.clone(),
        write,
    }
}

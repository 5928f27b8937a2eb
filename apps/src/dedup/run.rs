//! The decision whether a run of a workflow is a duplicate. A run has a key, and holds the lease of this
//! key for its window; a pull request also holds the lease of its commit. This module derives the keys,
//! makes the requests for [the decision on leases](tenure_core::lease::decision), and interprets the
//! outcomes. Runs are no processes whose end could be seen, so the clock decides.

use crate::dedup::params::{DedupBy, DedupDecision, Reason};
use tenure_core::audit::entry::{Entry, RUN};
use tenure_core::error::{Error, Result, cut};
use tenure_core::lease::decision::{self, Holder, Outcome, Request};
use tenure_core::stored::lease::{Lease, MAX_KEY_BYTES, State};
use tenure_core::value::json::{Json, Object};
use tenure_core::value::process::Liveness;
use tenure_core::value::time::{Millis, Timestamp};

/// The `kind` of an entry that says whether a run was to run.
const DECISION: &str = "dedup.decision";

/// How long runs with the same key are duplicates, by default: 5 minutes.
pub const WINDOW: Millis = Millis(5 * 60 * 1000);
/// How long a pull request blocks pushes of its commit, by default: 1 hour.
pub const PULL_REQUEST_WINDOW: Millis = Millis(60 * 60 * 1000);
/// How long an admitted run counts as active if its end is not reported, by default: 10 minutes.
pub const KEEP: Millis = Millis(10 * 60 * 1000);

/// The number of characters that identify a commit.
const COMMIT_CHARS: usize = 8;
/// The prefixes of the keys of other leases, which are no runs.
const OTHERS: &[&str] = &["pr:", "vm:", "process:", "session:", "slot:"];

/// The events that may both run one commit.
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

    /// The side that has locked a commit; pull requests if the lock does not name one.
    fn of_lock(lock: &Lease) -> Self {
        let event = Object::parse(&lock.data).text("event_type");
        let side = event.and_then(|event| Self::of(&event));
        side.unwrap_or(Self::PullRequest)
    }
}

/// What tells a run of a workflow from others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity<'a> {
    /// Its key; by default one that is derived from the other properties.
    pub key: Option<&'a str>,
    /// The event that triggered it.
    pub event: &'a str,
    /// The name of the workflow.
    pub workflow: &'a str,
    /// The commit.
    pub commit: &'a str,
    /// The full name of the branch or tag.
    pub git_ref: Option<&'a str>,
    /// Which runs of the commit are the same; by default tags are distinguished, and branches are not.
    pub by: Option<DedupBy>,
}

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its key. Runs with the same key are duplicates of each other.
    pub key: String,
    event: String,
    workflow: String,
    commit: Option<String>,
    git_ref: Option<String>,
    by: DedupBy,
    number: String,
    attempt: Option<u64>,
}

impl Run {
    /// The run of this identity.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an invalid key, and for a run by its ref that has none.
    pub fn new(identity: &Identity<'_>) -> Result<Self> {
        let commit = short_commit(identity.commit);
        let git_ref = identity.git_ref.and_then(ref_name);
        // Two tags of a commit are two releases, while a branch is often pushed for its pull request.
        let is_tag = git_ref.as_deref().is_some_and(is_tag);
        let by = identity.by.unwrap_or(if is_tag {
            DedupBy::Ref
        } else {
            DedupBy::Commit
        });
        let part = git_ref.as_deref().filter(|_| by == DedupBy::Ref);
        if by == DedupBy::Ref && part.is_none() {
            let problem = "expected the ref of the run, which is part of its identity";
            return Err(Error::invalid("gitRef", problem));
        }
        let key = match identity.key {
            Some(key) => key.to_owned(),
            None => session_key(identity.workflow, identity.event, commit.as_deref(), part),
        };
        Ok(Self {
            key: checked_key(key)?,
            event: slug(identity.event),
            workflow: identity.workflow.to_owned(),
            commit,
            git_ref,
            by,
            number: String::new(),
            attempt: None,
        })
    }

    /// The run with its id and attempt.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an invalid id.
    pub fn by(self, number: &str, attempt: Option<u64>) -> Result<Self> {
        holder(number, attempt)?;
        Ok(Self {
            number: number.to_owned(),
            attempt,
            ..self
        })
    }

    /// The key of the lock of its commit, if its event respects one. No pull request does the work of a
    /// tag.
    pub fn lock_key(&self) -> Option<String> {
        Side::of(&self.event)?;
        if self.by == DedupBy::Ref && self.git_ref.as_deref().is_some_and(is_tag) {
            return None;
        }
        Some(pull_request_key(self.commit.as_deref()?))
    }

    /// Whether the lock of its commit is about this run: by its ref, only that of the same one.
    fn respects(&self, lock: &Lease) -> bool {
        match self.by {
            DedupBy::Commit => true,
            DedupBy::Ref => Object::parse(&lock.data).text(REF) == self.git_ref,
        }
    }

    /// What is stored about it.
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
        if let Some(git_ref) = &self.git_ref {
            data.set(REF, git_ref);
        }
    }

    /// The audit entry for the decision on it. `call` distinguishes entries at the same time.
    pub fn entry(&self, decision: &Decision, at: Timestamp, call: &str) -> Entry {
        let mut data = Entry::properties(DECISION, at, Some(&self.key));
        self.describe(&mut data);
        data.set("skip", &decision.reason.skips());
        data.set("reason", &decision.reason);
        data.set("call", call);
        let data = data.to_json();
        Entry { at, data }
    }

    /// The audit entry for its end.
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
/// The property for the branch or tag, where it is known.
const REF: &str = "ref";

/// The key of a workflow's run on an event, a commit and a ref. No other part of it has the sign before
/// the ref.
fn session_key(workflow: &str, event: &str, commit: Option<&str>, git_ref: Option<&str>) -> String {
    let commit = commit.unwrap_or(UNKNOWN);
    let mut key = [&slug(workflow), "-", &slug(event), "-", commit].concat();
    if let Some(git_ref) = git_ref {
        key.push(':');
        key.push_str(git_ref);
    }
    key
}

/// The name of a ref as a part of a key, which has one line; `None` without a name. Names that differ
/// stay different: git allows neither white space nor control characters in them.
fn ref_name(name: &str) -> Option<String> {
    let plain = |char: char| match char.is_whitespace() || char.is_control() {
        true => '-',
        false => char,
    };
    let name: String = name.trim().chars().map(plain).collect();
    (!name.is_empty()).then_some(name)
}

fn is_tag(git_ref: &str) -> bool {
    git_ref.starts_with("refs/tags/")
}

/// The first characters of a commit; `None` for an unknown one.
pub fn short_commit(commit: &str) -> Option<String> {
    let short: String = slug(commit.trim()).chars().take(COMMIT_CHARS).collect();
    (!short.is_empty() && short != UNKNOWN).then_some(short)
}

/// A name as a part of a key: a key has one line, is part of a path, and differs from the keys of other
/// leases.
fn slug(name: &str) -> String {
    let plain = |char: char| {
        let parts = char.is_whitespace() || char.is_control() || matches!(char, '/' | ':');
        if parts { '-' } else { char }
    };
    name.trim().to_lowercase().chars().map(plain).collect()
}

/// Checks the key of a run.
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

/// The key of the lock of a commit, which blocks pushes while its pull request runs.
pub fn pull_request_key(commit: &str) -> String {
    format!("pr:{commit}")
}

/// The holder of a run's leases: its id, followed by the attempt from the second on.
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
        let problem = "expected the id of a run: text of one line";
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

/// The policy under which a run is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long runs with the same key are duplicates, also after this one has ended.
    pub window: Millis,
    /// How long its commit is locked.
    pub pull_request_window: Millis,
    /// How long it counts as active if its end is not reported.
    pub keep: Millis,
    /// Whether a push locks its commit for pull requests, too.
    pub symmetric: bool,
    /// Whether a run that has registered its key before is accepted again.
    pub again: bool,
}

/// The decision on a run, and the leases to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The reason.
    pub reason: Reason,
    /// The lease that blocks it.
    pub by: Option<Lease>,
    /// The lease of its key, if it is to be written.
    pub window: Option<Lease>,
    /// The lease of its commit, if it is to be written.
    pub lock: Option<Lease>,
}

impl Decision {
    fn without_writes(reason: Reason, by: Option<&Lease>) -> Self {
        Self {
            reason,
            by: by.cloned(),
            window: None,
            lock: None,
        }
    }

    /// The reason as a message of one line.
    pub fn message(&self, run: &Run) -> String {
        let Some(by) = &self.by else {
            let reason = match self.reason {
                Reason::AlreadyRegistered => "is registered by this run already",
                _ => "is not blocked by another run",
            };
            return format!("{} {reason}", run.key);
        };
        let commit = run.commit.as_deref().unwrap_or(UNKNOWN);
        let end = match by.expires_at {
            Some(end) => format!("until {end}"),
            None => "until it is given back".to_owned(),
        };
        let (holder, since) = (&by.holder, by.acquired_at);
        let message = match self.reason {
            Reason::PullRequestLock => {
                format!("run {holder} of a pull request has commit {commit} since {since}, {end}")
            }
            Reason::PushLock => {
                format!("run {holder} of a push has commit {commit} since {since}, {end}")
            }
            _ => format!("run {holder} has {} since {since}, {end}", run.key),
        };
        // A lease of another program may have any holder.
        message.replace(char::is_control, " ")
    }
}

/// The decision on a run if the store cannot be reached; `problem` says why.
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

/// Whether a lease blocks. Where the clock that wrote it was ahead, it is unknown whether it has ended, and
/// a doubtful run works.
fn is_held(lease: &Lease, now: Timestamp) -> bool {
    !lease.is_ahead(now) && lease.state(now, Liveness::Unknown) == State::Held
}

/// Decides whether a run is executed. `window` is the stored lease of its key, `lock` that of its commit.
///
/// # Errors
/// `INVALID_ARGUMENT` for a run without an id.
pub fn decide(
    run: &Run,
    policy: &Policy,
    window: Option<&Lease>,
    lock: Option<&Lease>,
    now: Timestamp,
) -> Result<Decision> {
    let holder = holder(&run.number, run.attempt)?;
    let held = window.filter(|lease| is_held(lease, now));
    if policy.again && held.is_some_and(|lease| lease.holder == holder.name) {
        return Ok(Decision::without_writes(Reason::AlreadyRegistered, None));
    }
    let duration = policy.window.max(policy.keep);
    let data = run.data(policy.window);
    if held.is_some() {
        return Ok(Decision::without_writes(Reason::ActiveSession, held));
    }
    let taken = take(&run.key, window, &holder, duration, &data, now);
    let side = Side::of(&run.event);
    let locked = lock.filter(|lease| is_held(lease, now));
    if let Some(locked) = locked.filter(|locked| run.respects(locked)) {
        let reason = match (side, Side::of_lock(locked)) {
            (Some(Side::Push), Side::PullRequest) => Some(Reason::PullRequestLock),
            (Some(Side::PullRequest), Side::Push) if policy.symmetric => Some(Reason::PushLock),
            _ => None,
        };
        if let Some(reason) = reason {
            return Ok(Decision::without_writes(reason, Some(locked)));
        }
    }
    let locks = side == Some(Side::PullRequest) || (side == Some(Side::Push) && policy.symmetric);
    let until = now.plus(policy.pull_request_window);
    // Several workflows run one commit, and the duration of the lock counts from the last of them.
    let longer = locked.is_some_and(|locked| {
        let same = Some(Side::of_lock(locked)) == side && run.respects(locked);
        same && locked.expires_at.is_none_or(|end| end >= until)
    });
    let lock_key = run.lock_key().filter(|_| locks && !longer);
    let duration = policy.pull_request_window;
    let lock = lock_key.and_then(|key| take(&key, lock, &holder, duration, &data, now));
    Ok(Decision {
        reason: Reason::NewSession,
        by: None,
        window: taken,
        lock,
    })
}

/// The lease once the holder has acquired it, from whatever holder.
fn take(
    key: &str,
    stored: Option<&Lease>,
    holder: &Holder,
    duration: Millis,
    data: &Json,
    now: Timestamp,
) -> Option<Lease> {
    let ask = |stored: Option<&Lease>, request: &Request| {
        decision::decide(key, stored, request, now, Liveness::Unknown).write
    };
    let cleared = ask(stored, &Request::Clear);
    let acquire = Request::Acquire {
        holder: holder.clone(),
        duration: Some(duration),
        data: Some(data.clone()),
        once: true,
    };
    let lease = ask(cleared.as_ref().or(stored), &acquire);
    // No write is guarded by its token: once it has expired, its record may be removed.
    lease.map(|lease| Lease {
        disposable: true,
        ..lease
    })
}

/// The result of a run's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// `released`, `not_owner` or `not_held`.
    pub outcome: Outcome,
    /// The current lease, if its window has not ended.
    pub held: Option<Lease>,
    /// The lease to write; `None` if the stored one stays unchanged.
    pub write: Option<Lease>,
}

/// Frees a key, whichever run has it.
pub fn free(key: &str, stored: Option<&Lease>, now: Timestamp) -> Ending {
    let held = stored.is_some_and(|lease| is_held(lease, now));
    let clear = || decision::decide(key, stored, &Request::Clear, now, Liveness::Unknown).write;
    Ending {
        outcome: if held {
            Outcome::Released
        } else {
            Outcome::NotHeld
        },
        held: None,
        write: held.then(clear).flatten(),
    }
}

/// Decides on the end of a run: its lease ends with its window. A run cannot end another.
pub fn end(key: &str, stored: Option<&Lease>, holder: &Holder, now: Timestamp) -> Ending {
    let ask = |request: &Request| decision::decide(key, stored, request, now, Liveness::Unknown);
    let release = Request::Release {
        holder: holder.name.clone(),
        token: None,
    };
    let released = ask(&release);
    let outcome = released.outcome;
    let held = stored.filter(|lease| is_held(lease, now));
    let (Outcome::Released, Some(lease)) = (outcome, held) else {
        return Ending {
            outcome,
            held: held.cloned(),
            write: released.write,
        };
    };
    let window = Object::parse(&lease.data).read::<u64>("window_ms");
    let end = lease.acquired_at.plus(window.map_or(WINDOW, Millis));
    // No longer than the window from now on, where a clock was ahead.
    let left = end.since(now).min(end.since(lease.acquired_at));
    if left == 0 {
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
        duration: Some(Millis(left)),
        data: None,
    };
    let write = ask(&shorten).write;
    Ending {
        outcome,
        held: write.clone(),
        write,
    }
}

//! A handle on a store in a git repository.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, History, Result, SessionId, SyncStore};

use crate::layout;
use crate::options::GitOptions;
use crate::plan::{Plan, Write, plan, refs};
use crate::program::was_ended;
use crate::repository::{Pushed, Repository, is_denied};

/// How often a commit is tried anew when others move its refs. Each time, one of them gets through.
const RACES: u32 = 64;
/// How often a push is tried that fails while nobody moves its refs.
const FAILURES: u32 = 3;
/// The same where another push seems to be under way.
const WAITS: u32 = 20;

/// A handle on a store in a git repository, for one thread at a time. Any number of handles, on any
/// number of machines, may use one repository.
pub struct GitStore {
    repository: Repository,
}

impl fmt::Debug for GitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitStore")
            .field("repository", &self.repository.shown)
            .finish_non_exhaustive()
    }
}

impl GitStore {
    /// Opens the store in the repository that a name or an address means: `origin`,
    /// `https://host/owner/name`, `./repository.git`. Nothing is asked of it before the first call.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when there is no git, or no remote of this name.
    pub fn open(place: &str, options: &GitOptions) -> Result<Self> {
        if place.is_empty() {
            return Err(Error::UnsupportedStore {
                url: "git:".to_owned(),
                problem: "name a remote or a repository, such as git:origin".to_owned(),
            });
        }
        let repository = Repository::find(place, options)?;
        Ok(Self { repository })
    }

    fn fetch_plan(&self, changes: &Changes) -> Result<Plan> {
        let names = refs(changes);
        let known = |name: &str| self.repository.known(name);
        let unknown = names.iter().filter(|name| known(name).is_none()).count();
        self.repository.fetch_unknown(&names)?;
        let planned = plan(changes, known);
        // What was read before may have changed since. Where something is written, the push finds out.
        match &planned {
            Plan::Write(writes) if writes.len() == names.len() => Ok(planned),
            _ if unknown == names.len() => Ok(planned),
            _ => self.plan_anew(changes),
        }
    }

    fn plan_anew(&self, changes: &Changes) -> Result<Plan> {
        self.repository.fetch(&refs(changes))?;
        Ok(plan(changes, |name| self.repository.known(name)))
    }

    /// Whether any of the refs is elsewhere than it was read.
    fn moved(&self, writes: &[Write]) -> bool {
        writes.iter().any(|write| {
            let known = self.repository.known(&write.name).unwrap_or_default();
            known.commit != write.expected
        })
    }

    /// Whether pushes that were not heard to end have moved the refs, now that they were fetched.
    fn got_through(&self, writes: &[Write], unheard: &BTreeSet<String>) -> bool {
        let commit = |write: &Write| self.repository.known(&write.name)?.commit;
        if writes.iter().all(|write| write.records.is_empty()) {
            return writes.iter().all(|write| commit(write).is_none());
        }
        let mut now = writes.iter().filter_map(commit);
        now.any(|commit| unheard.contains(&commit))
    }
}

impl SyncStore for GitStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            persistent: true,
            shared: true,
            reindents: false,
            records_only: true,
        }
    }

    fn load(&self, _: &SessionId, _: History) -> Result<Option<Loaded>> {
        Err(no_sessions())
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        if !changes.sessions.is_empty() {
            return Err(no_sessions());
        }
        let mut planned = self.fetch_plan(changes)?;
        // What pushes have left that were not heard to end: they may still get through.
        let mut unheard = BTreeSet::new();
        let mut broken = false;
        let mut still = 0;
        for attempt in 0..RACES {
            let writes = match planned {
                Plan::Conflict(_) if broken => return Err(unknown("others have written since")),
                Plan::Conflict(conflict) => return Ok(conflict),
                Plan::Write(writes) if writes.is_empty() => return Ok(Commit::Applied),
                Plan::Write(writes) => writes,
            };
            if attempt > 0 {
                pause(attempt);
            }
            let commits = self.repository.commit(&writes)?;
            let (problem, heard) = match self.repository.push(&writes, &commits)? {
                Pushed::Done => return Ok(Commit::Applied),
                Pushed::Refused(problem) => (problem, true),
                Pushed::Broken(problem) => (problem, false),
            };
            planned = match self.plan_anew(changes) {
                Err(_) if !heard => return Err(unknown(&problem)),
                planned => planned?,
            };
            if !heard {
                broken = true;
                unheard.extend(commits.into_iter().flatten());
            }
            // It may be one of those before that this one was refused for.
            if broken && self.got_through(&writes, &unheard) {
                return Ok(Commit::Applied);
            }
            still = if self.moved(&writes) { 0 } else { still + 1 };
            let limit = match is_contention(&problem) {
                true => WAITS,
                false if is_final(&problem) || was_ended(&problem) => 1,
                false => FAILURES,
            };
            if still == limit {
                return Err(match broken && !is_final(&problem) {
                    true => unknown(&problem),
                    false => self.repository.unavailable(&problem),
                });
            }
        }
        Err(Error::StoreBusy {
            what: format!("git repository {}", self.repository.shown),
            attempts: RACES,
        })
    }

    fn list(&self, _: &ListQuery) -> Result<Page> {
        Err(no_sessions())
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let name = layout::ref_of(kind, key);
        self.repository.fetch([&name])?;
        let bucket = self.repository.known(&name).unwrap_or_default();
        Ok(bucket.record(kind, key).cloned())
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let refs = self.repository.refs(&layout::prefix_of(&scan.kind))?;
        let limit = usize::try_from(scan.limit).unwrap_or(usize::MAX);
        let after = scan.after.as_deref();
        let groups = layout::groups(&scan.kind, refs, after);
        let mut found: Vec<Record> = Vec::new();
        // Records of the first group may stand anywhere; of the others, what is enough is enough.
        let (mut beside, mut read, mut at_once) = (0, 0, 1);
        while read < groups.len() && found.len() - beside < limit {
            let end = groups.len().min(read + at_once);
            let names: Vec<&String> = groups
                .get(read..end)
                .unwrap_or_default()
                .iter()
                .flatten()
                .collect();
            self.repository.fetch_unknown(names.iter().copied())?;
            for name in names {
                let bucket = self.repository.known(name).unwrap_or_default();
                let meant = |record: &Record| {
                    record.kind == scan.kind && after.is_none_or(|after| *record.key > *after)
                };
                found.extend(bucket.records.into_iter().filter(meant));
            }
            if read == 0 {
                beside = found.len();
            } else {
                at_once *= 2;
            }
            read = end;
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found.truncate(limit);
        Ok(found)
    }
}

fn no_sessions() -> Error {
    Error::invalid(
        "store",
        "a git store keeps leases, runs and the audit log; keep sessions in sqlite: or file:",
    )
}

fn unknown(problem: &str) -> Error {
    Error::OutcomeUnknown {
        problem: format!("git push: {problem}"),
    }
}

/// Whether a push was refused since another one was under way.
fn is_contention(problem: &str) -> bool {
    let words = [
        "stale info",
        "lock ref",
        "update ref",
        ".lock",
        "old value",
        "already exists",
    ];
    words.iter().any(|word| problem.contains(word))
}

/// Whether the server would not hear of a push, and will not hear of another one.
fn is_final(problem: &str) -> bool {
    let words = [
        "Authentication failed",
        "could not read Username",
        "declined",
        "does not support",
    ];
    is_denied(problem) || words.iter().any(|word| problem.contains(word))
}

/// Waits a little, the longer the more often, and not as long as others that wait.
fn pause(attempt: u32) {
    let longest = 20_u64 << attempt.min(5);
    let mut random = [0; 8];
    // Without it, all wait for as long as each other.
    let _ = getrandom::fill(&mut random);
    let wait = longest / 2 + u64::from_be_bytes(random) % (longest / 2 + 1);
    std::thread::sleep(Duration::from_millis(wait));
}

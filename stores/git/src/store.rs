//! A handle on a git store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use tenure_core::error::Cause;
use tenure_core::store::{
    Answer, Capabilities, Changes, Commit, Found, ListQuery, Loaded, Page, Read, Scan,
};
use tenure_core::stored::record::Record;
use tenure_core::value::address::unsupported_store;
use tenure_core::{Error, History, Result, SessionId, Store};

use crate::bucket::Bucket;
use crate::layout;
use crate::options::GitOptions;
use crate::plan::{Plan, Write, plan, refs};
use crate::program::timed_out;
use crate::repository::{Pushed, Repository, is_denied};
use crate::scratch::Workspace;
use crate::turns::WriteTurns;

/// The number of attempts at a commit when other processes move its refs. In each attempt, one of
/// the processes succeeds.
const RACES: u32 = 64;
/// The number of attempts at a push that fails although no refs have moved.
const FAILURES: u32 = 3;
/// The same if another push seems to be in progress.
const WAITS: u32 = 20;

/// A handle on a git store. Any number of calls may be in flight on it. Any number of handles, on
/// any number of machines, may use one repository.
///
/// Its futures run git, so they must be polled in a tokio runtime with time and IO enabled.
/// Dropping a call kills its git. Calls of one handle may wait for each other, so a future that is
/// neither polled nor dropped can delay other calls.
pub struct GitStore {
    repository: Repository,
    writes: WriteTurns,
}

impl fmt::Debug for GitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitStore")
            .field("repository", &self.repository.address)
            .finish_non_exhaustive()
    }
}

impl GitStore {
    /// The capabilities of every git store.
    pub const CAPABILITIES: Capabilities = Capabilities {
        persistent: true,
        shared: true,
        feed: false,
        reindents: false,
        records_only: true,
    };

    /// Opens the store in the repository of a name or an address: `origin`,
    /// `https://host/owner/name`, `./repository.git`. The first call connects to the repository.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if git is missing, or no remote has this name.
    pub async fn open(place: &str, options: &GitOptions) -> Result<Self> {
        if place.is_empty() {
            let problem = "name a remote or a repository, such as git:origin";
            return Err(unsupported_store("git:", problem));
        }
        Ok(Self {
            repository: Repository::find(place, options).await?,
            writes: WriteTurns::default(),
        })
    }

    /// Reads the records with these kinds and keys in one fetch. The result is in the same order.
    async fn records(&self, keys: &[(&str, &str)]) -> Result<Vec<Option<Record>>> {
        let name = |&(kind, key): &(&str, &str)| layout::ref_of(kind, key);
        let names: BTreeSet<String> = keys.iter().map(name).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let workspace = self.repository.workspace()?;
        let buckets = self.repository.read(&workspace, &names).await?;
        let record = |&(kind, key): &(&str, &str)| {
            let bucket = buckets.get(&layout::ref_of(kind, key))?;
            bucket.record(kind, key).cloned()
        };
        Ok(keys.iter().map(record).collect())
    }

    async fn read_record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let records = self.records(&[(kind, key)]).await?;
        Ok(records.into_iter().flatten().next())
    }

    async fn read_all(&self, reads: &[Read]) -> Result<Vec<Found>> {
        let key = |read| match read {
            &Read::Session { .. } => Err(no_sessions()),
            Read::Record { kind, key } => Ok((kind.as_str(), key.as_str())),
        };
        let keys: Vec<(&str, &str)> = reads.iter().map(key).collect::<Result<_>>()?;
        let records = self.records(&keys).await?;
        Ok(records.into_iter().map(Found::Record).collect())
    }

    async fn write(&self, changes: &Changes) -> Result<Commit> {
        if !changes.sessions.is_empty() {
            return Err(no_sessions());
        }
        let names = refs(changes);
        if names.is_empty() {
            return Ok(Commit::Applied);
        }
        let _turns = self.writes.take(&names).await;
        let workspace = self.repository.workspace()?;
        let mut planned = self.first_plan(&workspace, changes, &names).await?;
        // The commits of pushes without a confirmation. They may still be applied.
        let mut unconfirmed = BTreeSet::new();
        let mut is_uncertain = false;
        let mut failures = 0;
        for attempt in 0..RACES {
            let writes = match planned {
                Plan::Conflict(_) if is_uncertain => {
                    return Err(unknown("others have written since"));
                }
                Plan::Conflict(conflict) => return Ok(conflict),
                Plan::Write(writes) if writes.is_empty() => return Ok(Commit::Applied),
                Plan::Write(writes) => writes,
            };
            if attempt > 0 {
                back_off(attempt).await;
            }
            let commits = self.repository.commit(&workspace, &writes).await?;
            let pushed = self.repository.push(&workspace, &writes, &commits).await?;
            let (problem, is_confirmed) = match pushed {
                Pushed::Applied => return Ok(Commit::Applied),
                Pushed::Refused(problem) => (problem, true),
                Pushed::Unconfirmed(problem) => (problem, false),
            };
            let current = match self.repository.read(&workspace, &names).await {
                Err(_) if !is_confirmed => return Err(unknown(&problem)),
                current => current?,
            };
            if !is_confirmed {
                is_uncertain = true;
                unconfirmed.extend(commits.into_iter().flatten());
            }
            // The server may have refused this push because an earlier one was applied.
            if is_uncertain && is_applied(&writes, &current, &unconfirmed) {
                return Ok(Commit::Applied);
            }
            failures = match has_moved(&writes, &current) {
                true => 0,
                false => failures + 1,
            };
            let limit = match is_contention(&problem) {
                true => WAITS,
                false if is_final(&problem) || timed_out(&problem) => 1,
                false => FAILURES,
            };
            if failures == limit {
                return Err(match is_uncertain && !is_final(&problem) {
                    true => unknown(&problem),
                    false => self.repository.unavailable(&problem),
                });
            }
            planned = plan(changes, &current);
        }
        Err(Cause::StoreBusy {
            what: format!("git repository {}", self.repository.address),
            attempts: RACES,
        }
        .into())
    }

    /// Plans a commit with cached refs, if that is safe.
    async fn first_plan(
        &self,
        workspace: &Workspace,
        changes: &Changes,
        names: &BTreeSet<String>,
    ) -> Result<Plan> {
        let mut buckets = self.repository.known(names);
        let was_known = !buckets.is_empty();
        let mut unknown = names.clone();
        unknown.retain(|name| !buckets.contains_key(name));
        buckets.extend(self.repository.read(workspace, &unknown).await?);
        let planned = plan(changes, &buckets);
        match &planned {
            // Cached refs may have moved. If the plan writes a ref, the push detects that.
            Plan::Write(writes) if writes.len() == names.len() => Ok(planned),
            _ if !was_known => Ok(planned),
            _ => {
                let buckets = self.repository.read(workspace, names).await?;
                Ok(plan(changes, &buckets))
            }
        }
    }

    async fn find(&self, scan: &Scan) -> Result<Vec<Record>> {
        let workspace = self.repository.workspace()?;
        let prefix = layout::prefix_of(&scan.kind);
        let refs = self.repository.refs(&workspace, &prefix).await?;
        let limit = usize::try_from(scan.limit).unwrap_or(usize::MAX);
        let after = scan.after.as_deref();
        let names = refs.keys().cloned().collect();
        let groups = layout::groups(&scan.kind, names, after);
        let mut found: Vec<Record> = Vec::new();
        // Records of the first group may be anywhere in the order. The other groups are in order,
        // so reading stops when there are enough records.
        let (mut unordered, mut read, mut at_once) = (0, 0, 1);
        while read < groups.len() && found.len() - unordered < limit {
            let end = groups.len().min(read + at_once);
            let names = groups.get(read..end).unwrap_or_default().iter().flatten();
            let wanted: BTreeMap<&String, &String> =
                names.filter_map(|name| refs.get_key_value(name)).collect();
            let buckets = self.repository.read_at(&workspace, &wanted).await?;
            let records = buckets.into_values().flat_map(|bucket| bucket.records);
            found.extend(records.filter(|record| {
                record.kind == scan.kind && after.is_none_or(|after| *record.key > *after)
            }));
            if read == 0 {
                unordered = found.len();
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

impl Store for GitStore {
    fn capabilities(&self) -> Capabilities {
        Self::CAPABILITIES
    }

    fn load<'a>(&'a self, _: &'a SessionId, _: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(async { Err(no_sessions()) })
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(self.write(changes))
    }

    fn list<'a>(&'a self, _: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(async { Err(no_sessions()) })
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(self.read_record(kind, key))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(self.find(scan))
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        Box::pin(self.read_all(reads))
    }
}

/// Whether an unconfirmed push was applied, according to the present refs.
fn is_applied(
    writes: &[Write],
    current: &BTreeMap<String, Bucket>,
    unconfirmed: &BTreeSet<String>,
) -> bool {
    let commit = |write: &Write| current.get(&write.name)?.commit.as_ref();
    if writes.iter().all(|write| write.records.is_empty()) {
        return writes.iter().all(|write| commit(write).is_none());
    }
    let mut commits = writes.iter().filter_map(commit);
    commits.any(|commit| unconfirmed.contains(commit))
}

/// Whether any of the refs has moved since a push was planned.
fn has_moved(writes: &[Write], current: &BTreeMap<String, Bucket>) -> bool {
    let commit = |write: &Write| current.get(&write.name)?.commit.as_ref();
    let mut writes = writes.iter();
    writes.any(|write| commit(write) != write.expected.as_ref())
}

fn no_sessions() -> Error {
    Error::invalid(
        "store",
        "a git store keeps leases, runs and the audit log; keep sessions in sqlite: or file:",
    )
}

fn unknown(problem: &str) -> Error {
    Cause::OutcomeUnknown {
        problem: format!("git push: {problem}"),
    }
    .into()
}

/// Whether a push was refused because another push was in progress.
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

/// Whether the server would refuse the push again.
fn is_final(problem: &str) -> bool {
    let words = [
        "Authentication failed",
        "could not read Username",
        "declined",
        "does not support",
    ];
    is_denied(problem) || words.iter().any(|word| problem.contains(word))
}

/// Waits longer with each attempt, with jitter.
async fn back_off(attempt: u32) {
    let longest_ms = 20_u64 << attempt.min(5);
    let mut random = [0; 8];
    // Without jitter, all processes would retry at the same time.
    let _ = getrandom::fill(&mut random);
    let wait_ms = longest_ms / 2 + u64::from_be_bytes(random) % (longest_ms / 2 + 1);
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tenure_core::store::{Expect, RecordChange};

    use super::*;
    use crate::scratch::Scratch;

    fn lease(expect: Expect, version: u64) -> Changes {
        let record = Record {
            kind: "lease".to_owned(),
            key: "k".to_owned(),
            version,
            expires_at: None,
            owner: None,
            body: "{}".to_owned(),
        };
        Changes {
            sessions: Vec::new(),
            records: vec![RecordChange::put(expect, record)],
        }
    }

    #[test]
    fn a_handle_works_without_the_objects_of_earlier_calls() {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("git")
            .args(["init", "--quiet", "--bare"])
            .arg(folder.path())
            .status();
        assert!(made.unwrap().success());
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async {
            let place = folder.path().to_str().unwrap();
            let mut store = GitStore::open(place, &GitOptions::default()).await.unwrap();
            store.repository.scratch = Scratch::with_calls_per_folder(1).unwrap();
            let mut expect = Expect::Absent;
            for version in 1..4 {
                let committed = store.write(&lease(expect, version)).await;
                assert_eq!(committed, Ok(Commit::Applied));
                expect = Expect::Version { version };
            }
            let read = store.read_record("lease", "k").await.unwrap();
            assert_eq!(read.unwrap().version, 3);
        });
    }
}

//! Running an operation over what a handle remembers, to save the request that reads. The memory may be out of date. So
//! the operation counts only if it ends with a commit that expects everything that was remembered to be as it was, and
//! that commit is applied. In every other case (it fails, it writes nothing, it reads more, another writer was
//! faster) it starts again, and reads.

use crate::error::{Cause, Result};
use crate::store::{Changes, Commit, Expect, Found, Memory, Origin, Read, Recalled, Store};
use crate::value::id::SessionId;

use super::execution::{Ended, Execution, Step, Timer, run_async};
use super::mailbox::{Reply, Request};

/// As [`run_async`], over what is remembered if that is enough.
pub async fn run_recalling(
    store: &dyn Store,
    memory: &dyn Memory,
    timer: &dyn Timer,
    execution: &mut Execution,
) -> Ended {
    let mut assumed = Assumed::default();
    while execution.restarts() {
        let reply = match execution.step() {
            Step::Need(Request::Read(reads)) => match memory.recall(reads) {
                Some(recalled) => Ok(Reply::Read(assumed.add(reads, recalled))),
                None => break,
            },
            Step::Need(Request::Commit(changes)) if assumed.is_expected_by(changes) => {
                let committed = memory.commit_recalled(changes, &assumed.origins).await;
                if !is_final(&committed) {
                    break;
                }
                execution.reply(committed.map(Reply::Commit));
                return run_async(store, timer, execution).await;
            }
            Step::Need(_) | Step::Ended(_) => break,
        };
        execution.reply(reply);
    }
    // Without a reply, the next step would be the same one again.
    if !assumed.is_empty() {
        execution.restart();
    }
    run_async(store, timer, execution).await
}

/// Whether an operation goes on from this reply to its commit. It does not from a conflict, which may follow from what was
/// remembered. Without room on the disk it would write less, in another commit.
fn is_final(reply: &Result<Commit>) -> bool {
    match reply {
        Ok(committed) => *committed == Commit::Applied,
        Err(error) => !matches!(error.cause(), Cause::StorageFull { .. }),
    }
}

/// What was remembered.
#[derive(Debug, Default)]
struct Assumed {
    origins: Vec<Origin>,
    /// The versions.
    sessions: Vec<(SessionId, Option<u64>)>,
    records: Vec<(String, String, Option<u64>)>,
}

impl Assumed {
    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.records.is_empty()
    }

    /// Adds what is remembered of what is to be read. Returns it.
    fn add(&mut self, reads: &[Read], Recalled { found, origins }: Recalled) -> Vec<Found> {
        self.origins.extend(origins);
        for (read, found) in reads.iter().zip(&found) {
            match (read, found) {
                (Read::Session { id, .. }, Found::Session(loaded)) => {
                    let loaded = loaded.as_ref().ok().and_then(Option::as_ref);
                    let version = loaded.map(|loaded| loaded.head.version);
                    self.sessions.push((id.clone(), version));
                }
                (Read::Record { kind, key }, Found::Record(record)) => {
                    let version = record.as_ref().map(|record| record.version);
                    self.records.push((kind.clone(), key.clone(), version));
                }
                // The operation refuses that reply.
                _ => {}
            }
        }
        found
    }

    /// Whether a commit is applied only if everything is as it was remembered.
    fn is_expected_by(&self, changes: &Changes) -> bool {
        let expects = |expect: Expect, version: Option<u64>| expect == Expect::as_read(version);
        let are_sessions_expected = self.sessions.iter().all(|(id, version)| {
            // It may have been recalled twice, and otherwise the second time.
            let mut origins = self.origins.iter().filter(|origin| origin.id == *id);
            let first = origins.next();
            let has_origin = first.is_some() && origins.all(|origin| Some(origin) == first);
            let mut changes = changes.sessions.iter();
            has_origin && changes.any(|change| change.id == *id && expects(change.expect, *version))
        });
        let are_records_expected = self.records.iter().all(|(kind, key, version)| {
            let mut changes = changes.records.iter();
            changes.any(|change| {
                change.key == *key && change.kind == *kind && expects(change.expect, *version)
            })
        });
        !self.is_empty() && are_sessions_expected && are_records_expected
    }
}

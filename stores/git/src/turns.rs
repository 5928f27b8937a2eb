//! The order of calls on one handle. Commits that write the same ref run one after another, because
//! concurrent ones would be refused and retried. Concurrent reads are combined into one fetch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tenure_core::Result;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, OwnedMutexGuard};

use crate::bucket::Bucket;

/// Refs with their records. An error about one ref concerns only the calls that read it.
pub(crate) type Fetched = BTreeMap<String, Result<Bucket>>;

/// One lock for each ref that is being written.
#[derive(Debug, Default)]
pub(crate) struct WriteTurns(Mutex<BTreeMap<String, Weak<AsyncMutex<()>>>>);

impl WriteTurns {
    /// Waits until no other call writes any of these refs. Dropping the returned value ends the
    /// turn.
    pub(crate) async fn take(&self, names: &BTreeSet<String>) -> Vec<OwnedMutexGuard<()>> {
        let mut turns = Vec::with_capacity(names.len());
        // All calls lock refs in the same order, which prevents deadlocks.
        for name in names {
            turns.push(self.lock(name).lock_owned().await);
        }
        turns
    }

    fn lock(&self, name: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

/// Pending reads.
#[derive(Debug, Default)]
pub(crate) struct FetchQueue {
    /// The reads in order of their arrival. A dropped read is removed.
    waiting: Mutex<Vec<Weak<QueuedRead>>>,
    turn: AsyncMutex<()>,
}

/// A pending read.
#[derive(Debug)]
pub(crate) struct QueuedRead {
    names: BTreeSet<String>,
    reply: OnceLock<Result<Fetched>>,
}

impl FetchQueue {
    pub(crate) fn enter(&self, names: &BTreeSet<String>) -> Arc<QueuedRead> {
        let read = Arc::new(QueuedRead {
            names: names.clone(),
            reply: OnceLock::new(),
        });
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Arc::downgrade(&read));
        read
    }

    /// Waits until no fetch is in progress. The call with the turn fetches for all pending reads,
    /// unless its own read has a reply by then. If it is dropped meanwhile, the next call fetches.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The reads to fetch together with the one that has the turn: the oldest ones, with at most
    /// this number of refs in total.
    pub(crate) fn batch(&self, own: &Arc<QueuedRead>, most: usize) -> Vec<Arc<QueuedRead>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |read: &Weak<QueuedRead>| {
            let read = read.upgrade();
            read.is_some_and(|read| read.reply.get().is_none())
        };
        waiting.retain(is_open);
        let mut batch = vec![Arc::clone(own)];
        let mut count = own.names.len();
        let others = waiting.iter().filter_map(Weak::upgrade);
        for read in others.filter(|read| !Arc::ptr_eq(read, own)) {
            count += read.names.len();
            if count > most {
                break;
            }
            batch.push(read);
        }
        batch
    }
}

impl QueuedRead {
    pub(crate) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// The reply, after another call has fetched it.
    pub(crate) fn reply(&self) -> Option<Result<Fetched>> {
        self.reply.get().cloned()
    }

    /// Stores the reply of a read.
    pub(crate) fn set_reply(&self, fetched: &Result<Fetched>) {
        let own = |fetched: &Fetched| {
            let all = fetched.iter();
            let own = all.filter(|(name, _)| self.names.contains(*name));
            own.map(|(name, bucket)| (name.clone(), bucket.clone()))
                .collect()
        };
        // A read in a batch has no reply yet.
        let _ = self
            .reply
            .set(fetched.as_ref().map(own).map_err(Clone::clone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn reads_that_wait_are_fetched_together_up_to_a_number_of_refs() {
        let queue = FetchQueue::default();
        let reads =
            [&["a", "b"][..], &["c"], &["a"], &["d"], &["e"]].map(|it| queue.enter(&names(it)));
        let [large, second, dropped, third, fourth] = reads;
        drop(dropped);
        let is = |batch: &[Arc<QueuedRead>], expected: &[&Arc<QueuedRead>]| {
            let same = |(one, other): (&Arc<_>, &&Arc<_>)| Arc::ptr_eq(one, other);
            batch.len() == expected.len() && batch.iter().zip(expected).all(same)
        };
        assert!(is(&queue.batch(&large, 1), &[&large]));
        assert!(is(&queue.batch(&third, 2), &[&third]));
        let batch = queue.batch(&large, 3);
        assert!(is(&batch, &[&large, &second]));
        for read in batch {
            let all = ["a", "b", "c"].map(|name| (name.to_owned(), Ok(Bucket::default())));
            read.set_reply(&Ok(all.into()));
        }
        assert_eq!(second.reply().unwrap().unwrap().len(), 1);
        assert!(is(&queue.batch(&fourth, 3), &[&fourth, &third]));
        assert_eq!(third.reply(), None);
    }
}

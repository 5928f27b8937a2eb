//! The turns that the calls of one handle take. Commits that write the same ref go one after another:
//! at once, all but one of them would be refused and repeated. Reads that wait for the network at the
//! same time are fetched together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tenure_core::Result;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, OwnedMutexGuard};

use crate::bucket::Bucket;

/// Refs with what was read of each. One that keeps no records concerns only those that ask for it.
pub(crate) type Fetched = BTreeMap<String, Result<Bucket>>;

/// One lock for each ref that is being written.
#[derive(Debug, Default)]
pub(crate) struct WriteTurns(Mutex<BTreeMap<String, Weak<AsyncMutex<()>>>>);

impl WriteTurns {
    /// Waits until no other call writes any of these refs. The turn lasts until it is dropped.
    pub(crate) async fn take(&self, names: &BTreeSet<String>) -> Vec<OwnedMutexGuard<()>> {
        let mut turns = Vec::with_capacity(names.len());
        // All take them in the same order, so that no two wait for each other.
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

/// Reads that wait to be fetched.
#[derive(Debug, Default)]
pub(crate) struct FetchQueue {
    /// In the order in which they came. A read that was dropped is gone.
    waiting: Mutex<Vec<Weak<QueuedRead>>>,
    turn: AsyncMutex<()>,
}

/// A read that waits to be fetched.
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

    /// Waits until no fetch is under way. The call that has the turn fetches for all reads that wait,
    /// unless its own has a reply by then. If it is dropped meanwhile, the next one does.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The reads to fetch together with one that has the turn: those that have waited longest, with at
    /// most so many refs in all.
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

    /// Its reply, once another call has fetched for it.
    pub(crate) fn reply(&self) -> Option<Result<Fetched>> {
        self.reply.get().cloned()
    }

    /// Gives it its part of what was fetched.
    pub(crate) fn set_reply(&self, fetched: &Result<Fetched>) {
        let own = |fetched: &Fetched| {
            let all = fetched.iter();
            let own = all.filter(|(name, _)| self.names.contains(*name));
            own.map(|(name, bucket)| (name.clone(), bucket.clone()))
                .collect()
        };
        // It has no other: only those without a reply are in a batch.
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

//! An archive whose service fails at each of its calls in turn, before or after it has done what it was asked: whatever a batch says is
//! durable can be read, and the next batch goes on. Under 2 s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tenure_archive::{Archive, ArchiveOptions};
use tenure_core::{Millis, Timestamp};

use crate::{at, parts, real_now};

/// A service that fails at one of its calls.
#[derive(Debug)]
struct Faulty {
    store: Arc<InMemory>,
    /// The calls that are left before the one that fails.
    left: AtomicU32,
    /// Whether that one does what it was asked before it fails.
    after: bool,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl Faulty {
    /// Whether this call fails.
    fn fails(&self) -> bool {
        self.left.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

fn failed() -> Error {
    Error::Generic {
        store: "Faulty",
        source: "the connection was lost".into(),
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        match self.fails() {
            true if self.after => {
                self.store.put_opts(location, payload, opts).await?;
                Err(failed())
            }
            true => Err(failed()),
            false => self.store.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        match self.fails() {
            true => Err(failed()),
            false => self.store.put_multipart_opts(location, opts).await,
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match self.fails() {
            true => Err(failed()),
            false => self.store.get_opts(location, options).await,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.store.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.fails() {
            true => futures_util::stream::once(async { Err(failed()) }).boxed(),
            false => self.store.delete_stream(locations),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fails() {
            true => futures_util::stream::once(async { Err(failed()) }).boxed(),
            false => self.store.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

fn over(store: Arc<dyn ObjectStore>) -> Archive {
    Archive::over(
        store,
        Path::from("bots"),
        "memory",
        ArchiveOptions::default(),
    )
}

/// Archives sessions as a purge does. Returns those that may be removed.
async fn removable(
    archive: &Archive,
    run: u8,
    now: Timestamp,
    sessions: &BTreeMap<&'static str, String>,
) -> BTreeSet<&'static str> {
    let mut batch = archive.batch([run; 8]);
    for (id, text) in sessions {
        for part in parts(id, 1, &[text.as_str()]) {
            if batch.add(part).await.is_err() {
                return BTreeSet::new();
            }
        }
    }
    match batch.finish(now).await {
        Err(_) => BTreeSet::new(),
        Ok(verified) => {
            let failed = |id: &str| {
                verified
                    .failed
                    .iter()
                    .any(|failed| failed.id.as_str() == id)
            };
            sessions.keys().copied().filter(|id| !failed(id)).collect()
        }
    }
}

#[tokio::test]
async fn no_session_is_removable_that_cannot_be_read_whatever_call_fails() {
    let all: BTreeMap<&str, String> = [("a", "one"), ("b", "two"), ("c", "three")]
        .map(|(id, text)| (id, text.repeat(3)))
        .into();
    for after in [false, true] {
        for call in 0.. {
            let store = Arc::new(InMemory::new());
            let faulty = Arc::new(Faulty {
                store: Arc::clone(&store),
                left: AtomicU32::new(call),
                after,
            });
            let mut left = all.clone();
            let removed = removable(&over(faulty.clone()), 1, at(0), &left).await;
            let healthy = over(store);
            for id in &removed {
                let (_, text) = healthy.get(id, None).await.unwrap();
                assert_eq!(Some(&text), left.remove(id).as_ref());
            }
            // The next run archives the others.
            let rest = removable(&healthy, 2, at(1), &left).await;
            assert_eq!(rest.len(), left.len());
            for (id, text) in &all {
                assert_eq!(&healthy.get(id, None).await.unwrap().1, text);
            }
            let verification = healthy.verify(|_| {}).await.unwrap();
            assert!(verification.problems.is_empty(), "{verification:?}");
            if faulty.left.load(Ordering::Relaxed) < u32::MAX / 2 {
                // It made fewer calls than it needed to fail.
                assert!(
                    call > 6,
                    "each session is put and read, and so is the manifest"
                );
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_thinning_that_fails_at_any_call_is_completed_by_the_next_one() {
    let all: BTreeMap<&str, String> = [("a", "old".to_owned()), ("b", "old".to_owned())].into();
    for call in 0.. {
        let store = Arc::new(InMemory::new());
        let healthy = over(store.clone());
        removable(&healthy, 1, at(0), &all).await;
        let faulty = Arc::new(Faulty {
            store,
            left: AtomicU32::new(call),
            after: false,
        });
        let age = Millis(1);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let is_done = over(faulty.clone()).thin(age, real_now()).await.is_ok();
        healthy.thin(age, real_now()).await.unwrap();
        assert_eq!(healthy.verify(|_| {}).await.unwrap().sessions, 0);
        assert!(
            healthy
                .list(None, None, 10, None)
                .await
                .unwrap()
                .items
                .is_empty()
        );
        // Every call was reached.
        if faulty.left.load(Ordering::Relaxed) < u32::MAX / 2 {
            assert!(is_done && call > 3);
            break;
        }
    }
}

//! The archiving of a batch: sessions are coded and stored while others are exported, some at a time. At the end what the service has is read
//! and compared, and a manifest lists it. Only then may the sessions be removed.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart,
};
use sha2::{Digest, Sha256};
use tenure_core::work::job::{ExportedPart, NotVerified, Verified};
use tenure_core::{Json, SessionId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::address::Archive;
use crate::coding::{Encoder, OTHER_LENGTH, hex};
use crate::error::{ArchiveError, Result};
use crate::manifest::{Entry, FORMAT, Manifest};
use crate::name;

/// The size from which an object is stored in parts, and that of the parts.
const PART: usize = 8 << 20;
/// The parts of a session that wait to be coded.
const WAITING: usize = 2;

/// How long it may take to see whether the archive takes anything.
const PROBE: Duration = Duration::from_secs(30);

/// The requests at a time that ask whether objects are still there.
pub(crate) const AT_ONCE: usize = 16;

/// A part of a session on its way.
enum Piece {
    Text(String),
    End,
    Abort,
}

/// A session that was stored.
type Stored = (String, Result<Entry>);

/// A batch that is being archived. It must be used in a tokio runtime.
#[derive(Debug)]
pub struct Batch {
    archive: Archive,
    run: String,
    workers: Arc<Semaphore>,
    stored: JoinSet<Stored>,
    current: Option<mpsc::Sender<Piece>>,
}

impl Archive {
    /// Begins a batch. `random` are random bits, which name its objects.
    pub fn batch(&self, random: [u8; 8]) -> Batch {
        Batch {
            archive: self.clone(),
            run: hex(&random),
            workers: Arc::new(Semaphore::new(self.workers)),
            stored: JoinSet::new(),
            current: None,
        }
    }
}

impl Batch {
    /// Adds a part of a session. It waits while as many sessions as there are workers are being stored. What fails is said at
    /// the [end](Self::finish).
    ///
    /// # Errors
    /// `INVALID_ID`, and `INTERNAL` for a part without a first one.
    pub async fn add(&mut self, part: ExportedPart) -> Result<()> {
        let ExportedPart {
            id,
            version,
            about,
            text,
            is_first,
            is_last,
            is_aborted,
        } = part;
        if is_first {
            let permit = Arc::clone(&self.workers).acquire_owned().await;
            let permit = permit.map_err(|_| ArchiveError::Internal("the workers have ended"))?;
            let (sender, pieces) = mpsc::channel(WAITING);
            let session = Session {
                id: SessionId::parse(id.as_str())?,
                version,
                about,
                run: self.run.clone(),
            };
            self.stored
                .spawn(session.store(self.archive.clone(), pieces, permit));
            self.current = Some(sender);
        }
        let Some(sender) = &self.current else {
            return Err(ArchiveError::Internal(
                "a part of a session has no first one",
            ));
        };
        if is_aborted {
            let _ = sender.send(Piece::Abort).await;
        } else if !text.as_str().is_empty() {
            // One that has failed takes no more, which is said at the end.
            let _ = sender.send(Piece::Text(text.into_string())).await;
        }
        if is_last && !is_aborted {
            let _ = sender.send(Piece::End).await;
        }
        if is_last || is_aborted {
            self.current = None;
        }
        Ok(())
    }

    /// Waits until all sessions are stored and verified, and lists them in a manifest. Sessions that are not in it
    /// are said to have failed.
    ///
    /// # Errors
    /// Those of the manifest: then no session may be removed.
    pub async fn finish(mut self, now: Timestamp) -> Result<Verified> {
        self.current = None;
        let mut verified = Verified::default();
        let mut sessions = Vec::new();
        let mut failure = None;
        while let Some(joined) = self.stored.join_next().await {
            match joined {
                Ok((_, Ok(entry))) => {
                    verified.bytes += entry.bytes;
                    sessions.push(entry);
                }
                Ok((id, Err(error))) => {
                    verified.failed.push(not_verified(&id, &error));
                    if matches!(error, ArchiveError::Unavailable(_)) {
                        failure = Some(error);
                    }
                }
                // It panicked, and its session is not known: nothing may be removed.
                Err(_) => return Err(ArchiveError::Internal("storing a session has panicked")),
            }
        }
        if !sessions.is_empty() {
            self.list(sessions, now, &mut verified).await?;
        }
        // Whether it is the archive that has failed, and not what it was asked for, is seen when it is asked for something else.
        let unavailable = match failure {
            Some(error) if is_full(&error) => Some(error),
            Some(error) => match timeout(PROBE, self.archive.probe(&self.run)).await {
                Ok(probed) => probed.err(),
                Err(_) => Some(error),
            },
            None => None,
        };
        verified.unavailable = unavailable.map(|error| error.to_driver_error());
        Ok(verified)
    }

    /// Lists the sessions that are stored and verified in a manifest.
    async fn list(
        &self,
        mut sessions: Vec<Entry>,
        now: Timestamp,
        verified: &mut Verified,
    ) -> Result<()> {
        sessions
            .sort_by(|one: &Entry, other| (&one.id, one.version).cmp(&(&other.id, other.version)));
        let manifest = Manifest {
            format: FORMAT,
            at: now,
            run: self.run.clone(),
            sessions,
        };
        let text = serde_json::to_vec(&manifest)
            .map_err(|_| ArchiveError::Internal("a manifest is no JSON"))?;
        let path = self
            .archive
            .manifests()
            .join(name::of_manifest(now, &self.run));
        let digest = hex(Sha256::digest(&text).as_slice());
        let store = &*self.archive.store;
        let size = text.len() as u64;
        put_new(store, &path, text).await?;
        check(&self.archive, &path, size, &digest).await?;
        self.fail_what_is_gone(manifest.sessions, verified).await;
        Ok(())
    }

    /// Sessions whose objects are not there any more have failed. A thinning whose clock is wrong, or beside a batch that was
    /// stopped for long, has removed them before the manifest listed them.
    async fn fail_what_is_gone(&self, sessions: Vec<Entry>, verified: &mut Verified) {
        let archive = &self.archive;
        let heads = sessions.into_iter().map(|entry| async move {
            let found = match archive.path_of(&entry) {
                Ok(path) => archive.store.head(&path).await.map_err(Into::into),
                Err(error) => Err(error),
            };
            (entry, found)
        });
        let mut heads = stream::iter(heads).buffer_unordered(AT_ONCE);
        while let Some((entry, found)) = heads.next().await {
            if let Err(error) = found {
                verified.bytes -= entry.bytes;
                verified.failed.push(not_verified(&entry.id, &error));
            }
        }
    }
}

impl Archive {
    /// The clock of the service: the time at which it says that it has stored an object. The object is empty, so that a disk without
    /// room can be thinned.
    ///
    /// # Errors
    /// `ARCHIVE_FAILED`.
    pub(crate) async fn clock(&self, now: Timestamp) -> Result<Timestamp> {
        let run = hex(&now.as_millis().to_be_bytes());
        let path = self.probe_path(&run);
        self.store.put(&path, PutPayload::default()).await?;
        let found = self.store.head(&path).await?;
        let _ = self.store.delete(&path).await;
        Ok(written(&found).unwrap_or(now))
    }

    /// Where a run stores what it removes at once. No manifest lists it.
    fn probe_path(&self, run: &str) -> Path {
        let name = name::of_version(0, &name::of_probe(run), "");
        self.sessions().join(name::PROBES).join(name)
    }

    /// Stores a small object beside the sessions, as a session is stored.
    ///
    /// # Errors
    /// The archive as a whole takes nothing.
    async fn probe(&self, run: &str) -> Result<()> {
        const TEXT: &[u8] = b"{}";
        let path = self.probe_path(run);
        put_new(&*self.store, &path, TEXT.to_vec()).await?;
        let digest = hex(Sha256::digest(TEXT).as_slice());
        check(self, &path, TEXT.len() as u64, &digest).await?;
        // Where the right to delete is missing, a thinning removes it as an object without a manifest.
        let _ = self.store.delete(&path).await;
        Ok(())
    }
}

/// When an object was stored, by the clock of the service.
pub(crate) fn written(object: &ObjectMeta) -> Option<Timestamp> {
    Timestamp::from_millis(object.last_modified.timestamp_millis()).ok()
}

/// Whether there is no room, or nothing may be written at all. A small object may have found room all the same.
fn is_full(error: &ArchiveError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if let Some(
            ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull,
        ) = kind
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn not_verified(id: &str, error: &ArchiveError) -> NotVerified {
    NotVerified {
        id: id.into(),
        code: error.code().into(),
        message: error.to_string().into(),
    }
}

/// A session that is stored.
struct Session {
    id: SessionId,
    version: u64,
    about: Option<Json>,
    run: String,
}

impl Session {
    async fn store(
        self,
        archive: Archive,
        pieces: mpsc::Receiver<Piece>,
        permit: OwnedSemaphorePermit,
    ) -> Stored {
        let id = self.id.to_string();
        let stored = self.put(&archive, pieces).await;
        drop(permit);
        (id, stored)
    }

    async fn put(self, archive: &Archive, mut pieces: mpsc::Receiver<Piece>) -> Result<Entry> {
        let Self {
            id,
            version,
            about,
            run,
        } = self;
        let coding = &archive.coding;
        let path = archive
            .sessions()
            .join(name::of_id(id.as_str()))
            .join(name::of_version(version, &run, coding.suffix()));
        let mut encoder = Encoder::new(coding, id.clone(), version);
        let mut upload: Option<WriteMultipart> = None;
        let coded = loop {
            match pieces.recv().await {
                Some(Piece::Text(text)) => encoder.add(&text)?,
                Some(Piece::End) => {
                    encoder.end()?;
                    break Ok(());
                }
                Some(Piece::Abort) | None => {
                    break Err(ArchiveError::damaged(path.as_ref(), "has no end"));
                }
            }
            if encoder.available() >= PART {
                let mut writing = match upload.take() {
                    Some(writing) => writing,
                    None => {
                        let parts = archive.store.put_multipart(&path).await?;
                        WriteMultipart::new_with_chunk_size(parts, PART)
                    }
                };
                writing.write(&encoder.take());
                // One part is sent while the next one is coded.
                let has_room = writing.wait_for_capacity(1).await;
                upload = Some(writing);
                if let Err(error) = has_room {
                    break Err(error.into());
                }
            }
        };
        if let Err(error) = coded {
            if let Some(upload) = upload {
                // What is left of it is no object.
                let _ = upload.abort().await;
            }
            return Err(error);
        }
        let rest = encoder.take();
        match upload {
            Some(mut upload) => {
                upload.write(&rest);
                upload.finish().await?;
            }
            None => put_new(&*archive.store, &path, rest).await?,
        }
        let (bytes, text_bytes) = (encoder.bytes, encoder.text_bytes);
        let sha256 = encoder.digest();
        check(archive, &path, bytes, &sha256).await?;
        Ok(Entry {
            id: id.to_string(),
            version,
            path: below(&archive.root, &path),
            bytes,
            sha256,
            text_bytes,
            compression: coding.compresses.then(|| "gzip".to_owned()),
            key: coding.seal.as_ref().map(|seal| seal.current().to_owned()),
            archived_at: None,
            about,
        })
    }
}

/// The path of an object from the root of the archive.
pub(crate) fn below(root: &Path, path: &Path) -> String {
    let root: &str = root.as_ref();
    let path: &str = path.as_ref();
    let rest = path.strip_prefix(root).unwrap_or(path);
    rest.trim_start_matches('/').to_owned()
}

/// Stores an object under a name that is not in use.
async fn put_new(store: &dyn ObjectStore, path: &Path, bytes: Vec<u8>) -> Result<()> {
    let payload = PutPayload::from(bytes);
    let created = store
        .put_opts(path, payload.clone(), PutOptions::from(PutMode::Create))
        .await;
    match created {
        // A service that knows no conditions. The name is random: nobody else uses it.
        Err(
            object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. },
        ) => {
            store.put(path, payload).await?;
            Ok(())
        }
        // A request that was repeated because its response was lost. What is there is compared in any case.
        Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
        created => Ok(created.map(drop)?),
    }
}

/// Reads an object from the service and compares it. One of another length is not read.
pub(crate) async fn check(archive: &Archive, path: &Path, bytes: u64, sha256: &str) -> Result<()> {
    let mut digest = Sha256::new();
    let object = archive.object(path).await?;
    if object.meta.size != bytes {
        return Err(ArchiveError::damaged(path.as_ref(), OTHER_LENGTH));
    }
    let mut stream = object.into_stream();
    while let Some(bytes) = stream.try_next().await? {
        digest.update(&bytes);
    }
    match hex(digest.finalize().as_slice()) == sha256 {
        true => Ok(()),
        false => Err(ArchiveError::damaged(path.as_ref(), "has another digest")),
    }
}

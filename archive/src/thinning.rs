//! Thinning: what was archived long ago is removed. The objects of a manifest go first and the manifest last, so that a thinning
//! that is interrupted goes on the next time. A manifest that cannot be read keeps its objects. Of the clocks of the machines and of the
//! service, the one by which something is younger counts.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tenure_core::{Millis, Timestamp};

use crate::address::Archive;
use crate::batch::{AT_ONCE, below, written};
use crate::error::{ArchiveError, Result};
use crate::manifest::Entry;
use crate::name;

/// The age from which objects that no manifest lists are removed. A batch ends much sooner.
const UNLISTED: Millis = Millis(7 * 24 * 3_600_000);

/// How far ahead of the service's a clock may be.
const DAY: u64 = 24 * 3_600_000;

/// What a thinning has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Thinned {
    /// The number of sessions.
    pub sessions: u64,
    /// Their size in the archive, in bytes.
    pub bytes: u64,
    /// The number of objects that no manifest listed, and of files of interrupted uploads.
    pub unlisted: u64,
    /// The number of manifests that cannot be read, or list what cannot be removed because it is no object.
    pub damaged: u64,
}

impl Archive {
    /// Removes what was archived this long before `now`, and what interrupted batches have left. What the service has stored later than
    /// this long ago, by its own clock, stays.
    ///
    /// # Errors
    /// `ARCHIVE_FAILED`, also for a `now` that is more than a day ahead of the service's clock.
    pub async fn thin(&self, age: Millis, now: Timestamp) -> Result<Thinned> {
        let mut thinned = Thinned::default();
        let clock = self.clock(now).await?;
        if now.since(clock) > DAY {
            let days = now.since(clock) / DAY;
            return Err(ArchiveError::ClockAhead { days });
        }
        let now = now.min(clock);
        let is_old = |at: Timestamp| now.since(at) >= age.0 && age.0 > 0;
        let (mut old, mut staying) = (Vec::new(), Vec::new());
        for (name, written) in self.stored_manifests().await? {
            let at = name::parse_manifest(&name).map(|(at, _)| at);
            match at.is_some_and(is_old) && written.is_some_and(is_old) {
                true => old.push(name),
                false => staying.push(name),
            }
        }
        let mut are_read = true;
        for name in old {
            let manifest = match self.manifest(&name).await {
                Err(ArchiveError::Damaged { .. }) => {
                    thinned.damaged += 1;
                    are_read = false;
                    continue;
                }
                manifest => manifest?,
            };
            if self.lists_no_object(&manifest.sessions).await? {
                thinned.damaged += 1;
                continue;
            }
            if self.keeps_older(&manifest.sessions, &staying).await? {
                continue;
            }
            for entry in &manifest.sessions {
                let Ok(path) = self.path_of(entry) else {
                    continue;
                };
                remove(&*self.store, &path).await?;
                thinned.sessions += 1;
                thinned.bytes += entry.bytes;
            }
            remove(&*self.store, &self.manifests().join(name.as_str())).await?;
        }
        if are_read {
            thinned.unlisted += self.remove_unlisted(now).await?;
        }
        for leftover in self.leftovers().await? {
            if leftover.is_older(UNLISTED, now) {
                leftover.remove()?;
                thinned.unlisted += 1;
            }
        }
        Ok(thinned)
    }

    /// Whether in a folder one of these objects is a directory, or below a file. It could not be removed, and the manifest would hold up
    /// all others.
    async fn lists_no_object(&self, sessions: &[Entry]) -> Result<bool> {
        let Some(folder) = self.folder.clone() else {
            return Ok(false);
        };
        let paths: Vec<Path> = sessions
            .iter()
            .filter_map(|entry| self.path_of(entry).ok())
            .collect();
        let is_none = move |path: &Path| match fs::symlink_metadata(folder.join(path.as_ref())) {
            Ok(about) => about.is_dir(),
            Err(error) => error.kind() == ErrorKind::NotADirectory,
        };
        tokio::task::spawn_blocking(move || paths.iter().any(is_none))
            .await
            .map_err(|_| ArchiveError::Internal("reading a folder has panicked"))
    }

    /// Whether of one of these sessions an older version is the last one that stays, because a clock that was ahead has archived it.
    async fn keeps_older(&self, sessions: &[Entry], staying: &[String]) -> Result<bool> {
        if staying.is_empty() {
            return Ok(false);
        }
        let versions = sessions.iter().cloned().map(|entry| async move {
            let versions = self.versions_of(&entry.id).await;
            versions.map(|versions| (entry, versions))
        });
        let mut versions = stream::iter(versions).buffer_unordered(AT_ONCE);
        while let Some((entry, versions)) = versions.try_next().await? {
            let versions: Vec<(u64, &String)> = versions
                .iter()
                .filter_map(|(of, run)| Some((*of, name::find_manifest(staying, run)?)))
                .collect();
            if versions.iter().all(|(of, _)| *of >= entry.version) {
                continue;
            }
            let mut last = None;
            for (_, name) in versions {
                let manifest = match self.manifest(name).await {
                    Err(ArchiveError::Damaged { .. }) => continue,
                    manifest => manifest?,
                };
                let others = manifest.sessions.iter();
                let orders = others
                    .filter(|other| other.id == entry.id)
                    .map(Entry::order);
                last = last.max(orders.max());
            }
            if last.is_some_and(|last| last < entry.order()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes old objects that no manifest lists. Returns their number.
    async fn remove_unlisted(&self, now: Timestamp) -> Result<u64> {
        let listed = self.listed_runs().await?;
        let sessions = self.sessions();
        let mut objects = self.store.list(Some(&sessions));
        let mut unlisted = Vec::new();
        while let Some(found) = objects.try_next().await? {
            let written = written(&found).unwrap_or(now);
            // What has another name is not ours.
            let parsed = found.location.filename().and_then(name::parse_version);
            if let Some((_, run)) = parsed
                && !listed.contains(run)
                && now.since(written) >= UNLISTED.0
            {
                unlisted.push((found.location.clone(), run.to_owned()));
            }
        }
        if unlisted.is_empty() {
            return Ok(0);
        }
        // A batch may have been listed meanwhile.
        let listed = self.listed_runs().await?;
        unlisted.retain(|(_, run)| !listed.contains(run));
        for (path, _) in &unlisted {
            debug_assert!(below(&self.root, path).starts_with(name::SESSIONS));
            remove(&*self.store, path).await?;
        }
        Ok(unlisted.len() as u64)
    }

    /// The runs that have a manifest. Objects are of the run that their names say.
    async fn listed_runs(&self) -> Result<BTreeSet<String>> {
        let names = self.manifest_names().await?;
        let parsed = names.iter().filter_map(|name| name::parse_manifest(name));
        Ok(parsed.map(|(_, run)| run.to_owned()).collect())
    }
}

/// Removes an object. One that is not there was removed before.
async fn remove(store: &dyn ObjectStore, path: &Path) -> Result<()> {
    match store.delete(path).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        removed => Ok(removed?),
    }
}

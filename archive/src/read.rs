//! Reading an archive: lists, a session, and the verification of all objects.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use futures_util::TryStreamExt;
use object_store::path::{Path, PathPart};
use object_store::{GetResult, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tenure_core::{SessionId, Timestamp};

use crate::address::Archive;
use crate::batch::{below, check, written};
use crate::coding::{Decoder, OTHER_LENGTH, hex};
use crate::error::{ArchiveError, Result};
use crate::manifest::{Entry, FORMAT, Manifest};
use crate::name;

/// The sessions of a page, by default.
pub const DEFAULT_PAGE: u32 = 50;
/// The greatest number of problems that a verification lists.
const MAX_LISTED: usize = 1000;

/// A page of archived sessions, newest first.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The sessions.
    pub items: Vec<Entry>,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// The manifests that cannot be read, whose sessions are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// What is wrong with an object.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The object, from the root of the archive.
    pub path: String,
    /// The id of the session, if it is known.
    pub id: Option<String>,
    /// What is wrong with it.
    pub problem: String,
}

/// The result of a verification.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The number of sessions whose objects are what was archived.
    pub sessions: u64,
    /// Their size in the archive, in bytes.
    pub bytes: u64,
    /// The number of objects that no manifest lists, and in a folder of the files of interrupted uploads. Thinning removes them
    /// after a week.
    pub unlisted: u64,
    /// The first 1,000 problems.
    pub problems: Vec<Problem>,
}

impl Archive {
    /// The names of the manifests, newest first.
    pub(crate) async fn manifest_names(&self) -> Result<Vec<String>> {
        let manifests = self.stored_manifests().await?;
        Ok(manifests.into_iter().map(|(name, _)| name).collect())
    }

    /// The names of the manifests, newest first, and when the service has stored them.
    pub(crate) async fn stored_manifests(&self) -> Result<Vec<(String, Option<Timestamp>)>> {
        let manifests = self.manifests();
        let mut names: Vec<(String, Option<Timestamp>)> = self
            .store
            .list(Some(&manifests))
            .try_filter_map(|found| async move {
                let name = found.location.filename().map(str::to_owned);
                let name = name.filter(|name| name::parse_manifest(name).is_some());
                Ok(name.map(|name| (name, written(&found))))
            })
            .try_collect()
            .await?;
        names.sort_unstable_by(|one, other| other.cmp(one));
        Ok(names)
    }

    /// Reads a manifest.
    pub(crate) async fn manifest(&self, name: &str) -> Result<Manifest> {
        let path = self.manifests().join(name);
        let text = self.object(&path).await?.bytes().await?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| {
            ArchiveError::damaged(path.as_ref(), format!("is no manifest: {error}"))
        })?;
        match manifest.format == FORMAT {
            true => Ok(manifest),
            false => Err(ArchiveError::damaged(
                path.as_ref(),
                "was written by a newer Tenure",
            )),
        }
    }

    /// Begins to read an object or a manifest. In a folder, what is no regular file is refused: reading a FIFO waits for its writer.
    pub(crate) async fn object(&self, path: &Path) -> Result<GetResult> {
        if let Some(folder) = &self.folder {
            let file = folder.join(path.as_ref());
            let opened = tokio::task::spawn_blocking(move || tenure_regular::open(&file).err());
            let error = opened.await.ok().flatten();
            if error.is_some_and(|error| {
                matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::IsADirectory
                )
            }) {
                return Err(ArchiveError::damaged(
                    below(&self.root, path),
                    "is no regular file",
                ));
            }
        }
        self.store.get(path).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => {
                ArchiveError::damaged(below(&self.root, path), "is missing")
            }
            error => error.into(),
        })
    }

    /// A page of archived sessions, newest first: all, those of one id, or those that were archived from a time on.
    ///
    /// # Errors
    /// `ARCHIVE_FAILED`, `ARCHIVE_DAMAGED`, `INVALID_ID`, and `INVALID_CURSOR`.
    pub async fn list(
        &self,
        id: Option<&str>,
        after: Option<Timestamp>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page> {
        id.map(SessionId::parse).transpose()?;
        let from = cursor.map(cursor_of).transpose()?;
        let mut page = Page::default();
        for name in self.manifest_names().await? {
            let is_before = from.as_ref().is_some_and(|(manifest, _)| name > *manifest);
            let is_old = after
                .is_some_and(|after| name::parse_manifest(&name).is_some_and(|(at, _)| at < after));
            if is_before || is_old {
                continue;
            }
            let skip = match &from {
                Some((manifest, place)) if name == *manifest => *place,
                _ => 0,
            };
            let manifest = match self.manifest(&name).await {
                Err(error @ ArchiveError::Damaged { .. }) => {
                    page.problems.push(Problem::of_manifest(&name, &error));
                    continue;
                }
                manifest => manifest?,
            };
            if skip > 0 && skip >= manifest.sessions.len() {
                return Err(invalid_cursor());
            }
            for (place, entry) in manifest.sessions.into_iter().enumerate().skip(skip) {
                if id.is_some_and(|id| id != entry.id) {
                    continue;
                }
                if page.items.len() == limit.max(1) {
                    page.next_cursor = Some(format!("{name}:{place}"));
                    return Ok(page);
                }
                page.items.push(Entry {
                    archived_at: Some(manifest.at),
                    ..entry
                });
            }
        }
        Ok(page)
    }

    /// The last version of a session, or a given one, with its text to the byte.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`, `ARCHIVE_DAMAGED` and `ARCHIVE_FAILED`.
    pub async fn get(&self, id: &str, version: Option<u64>) -> Result<(Entry, String)> {
        let entry = self.find(id, version).await?;
        let path = self.path_of(&entry)?;
        let mut decoder = Decoder::new(
            &entry.path,
            &entry.id,
            entry.version,
            entry.text_bytes,
            self.coding.seal.clone(),
        )?;
        let mut digest = Sha256::new();
        let mut stream = self.object(&path).await?.into_stream();
        while let Some(bytes) = stream.try_next().await? {
            digest.update(&bytes);
            decoder.add(&bytes)?;
        }
        if hex(digest.finalize().as_slice()) != entry.sha256 {
            return Err(ArchiveError::damaged(
                &*entry.path,
                "has another digest than its manifest says",
            ));
        }
        let text = decoder.end()?;
        if text.len() as u64 != entry.text_bytes {
            return Err(ArchiveError::damaged(&*entry.path, OTHER_LENGTH));
        }
        match is_of_another(&entry, &text) {
            true => Err(ArchiveError::damaged(
                &*entry.path,
                "has another session or version than its manifest says",
            )),
            false => Ok((entry, text)),
        }
    }

    /// The entry of the last version of a session, or of a given one. The newest manifest that lists the session says which that is,
    /// and not the objects: an object that is missing would bring back an older version. Manifests that a clock has written which was
    /// ahead are not the newest ones, so that those of all other objects of the session are read as well.
    async fn find(&self, id: &str, version: Option<u64>) -> Result<Entry> {
        SessionId::parse(id)?;
        let names = self.manifest_names().await?;
        let mut last: Option<Entry> = None;
        let mut read = BTreeSet::new();
        let mut damaged: Vec<(String, ArchiveError)> = Vec::new();
        for name in &names {
            let Some((at, run)) = name::parse_manifest(name) else {
                continue;
            };
            if last
                .as_ref()
                .is_some_and(|last| last.archived_at != Some(at))
            {
                break;
            }
            read.insert(run.to_owned());
            match self.manifest(name).await {
                Err(error @ ArchiveError::Damaged { .. }) => damaged.push((run.to_owned(), error)),
                manifest => add_last(manifest?, id, version, &mut last),
            }
        }
        match &last {
            Some(_) if version.is_some() => {}
            None if damaged.is_empty() => {}
            _ => {
                let objects = self.versions_of(id).await?;
                expect_unlisted(&objects, version, damaged)?;
                for (of, run) in &objects {
                    let name = name::find_manifest(&names, run);
                    // What an interrupted batch has left is listed nowhere.
                    let Some(name) = name.filter(|_| read.insert(run.clone())) else {
                        continue;
                    };
                    match self.manifest(name).await {
                        Err(error @ ArchiveError::Damaged { .. }) => {
                            if last.as_ref().is_none_or(|last| last.version < *of) {
                                return Err(error);
                            }
                        }
                        manifest => add_last(manifest?, id, version, &mut last),
                    }
                }
            }
        }
        last.ok_or_else(|| ArchiveError::NotFound {
            id: id.to_owned(),
            version,
        })
    }

    /// The versions of a session of which there are objects, and the runs that have written them, the highest version first.
    pub(crate) async fn versions_of(&self, id: &str) -> Result<Vec<(u64, String)>> {
        let folder = self.sessions().join(name::of_id(id));
        let mut objects = self.store.list(Some(&folder));
        let mut versions = Vec::new();
        while let Some(found) = objects.try_next().await? {
            if let Some((version, run)) = found.location.filename().and_then(name::parse_version) {
                versions.push((version, run.to_owned()));
            }
        }
        versions.sort_unstable_by(|one, other| other.cmp(one));
        Ok(versions)
    }

    /// Compares all objects with the manifests, and calls `progress` with the number of sessions after each.
    ///
    /// # Errors
    /// `ARCHIVE_FAILED` if the archive cannot be listed.
    pub async fn verify(&self, mut progress: impl FnMut(u64)) -> Result<Verification> {
        let mut verification = Verification::default();
        let mut listed = BTreeSet::new();
        for name in self.manifest_names().await? {
            let manifest = match self.manifest(&name).await {
                Ok(manifest) => manifest,
                Err(error) => {
                    let problem = Problem::of_manifest(&name, &error);
                    verification.add(problem.path, None, problem.problem);
                    continue;
                }
            };
            for entry in manifest.sessions {
                let checked = match self.path_of(&entry) {
                    Ok(path) => check(self, &path, entry.bytes, &entry.sha256).await,
                    Err(error) => Err(error),
                };
                listed.insert(entry.path.clone());
                match checked {
                    Ok(()) => {
                        verification.sessions += 1;
                        verification.bytes += entry.bytes;
                    }
                    Err(error) => verification.add(entry.path, Some(entry.id), error.to_string()),
                }
                progress(verification.sessions);
            }
        }
        let sessions = self.sessions();
        let mut objects = self.store.list(Some(&sessions));
        while let Some(found) = objects.try_next().await? {
            if !listed.contains(&below(&self.root, &found.location)) {
                verification.unlisted += 1;
            }
        }
        verification.unlisted += self.leftovers().await?.len() as u64;
        Ok(verification)
    }

    /// The path of an entry's object. One outside of the archive is refused, and that of another session or version.
    pub(crate) fn path_of(&self, entry: &Entry) -> Result<Path> {
        let path = Path::parse(&entry.path)
            .map_err(|_| ArchiveError::damaged(&*entry.path, "has a path that no object has"))?;
        let mut parts = path.parts();
        let [first, session, object] = [(); 3].map(|()| parts.next());
        let is = |part: Option<&PathPart<'_>>, name: &str| {
            part.is_some_and(|part| part.as_ref() == name)
        };
        if !is(first.as_ref(), name::SESSIONS) || parts.next().is_some() {
            return Err(ArchiveError::damaged(
                &*entry.path,
                "is no object of a session",
            ));
        }
        let of = object
            .as_ref()
            .and_then(|name| name::parse_version(name.as_ref()));
        let is_version = of.is_some_and(|(version, _)| version == entry.version);
        if !is(session.as_ref(), &name::of_id(&entry.id)) || !is_version {
            return Err(ArchiveError::damaged(
                &*entry.path,
                "is the object of another session or version than its manifest says",
            ));
        }
        Ok(path
            .parts()
            .fold(self.root.clone(), |below, part| below.join(part)))
    }
}

impl Problem {
    /// What is wrong with the manifest of this name.
    fn of_manifest(name: &str, error: &ArchiveError) -> Self {
        Self {
            path: format!("{}/{name}", name::MANIFESTS),
            id: None,
            problem: error.to_string(),
        }
    }
}

/// Whether a text is that of another session or version than its entry says. What is no session says neither.
fn is_of_another(entry: &Entry, text: &str) -> bool {
    #[derive(Deserialize)]
    struct Session {
        id: Option<String>,
        version: Option<u64>,
    }
    serde_json::from_str(text).is_ok_and(|session: Session| {
        session.id.is_some_and(|id| id != entry.id)
            || session
                .version
                .is_some_and(|version| version != entry.version)
    })
}

impl Verification {
    fn add(&mut self, path: String, id: Option<String>, problem: String) {
        if self.problems.len() < MAX_LISTED {
            self.problems.push(Problem { path, id, problem });
        }
    }
}

/// Takes an entry of a session from a manifest that comes after `last`, of a version if one is given.
fn add_last(manifest: Manifest, id: &str, version: Option<u64>, last: &mut Option<Entry>) {
    for entry in manifest.sessions {
        let is_meant = entry.id == id && version.is_none_or(|version| version == entry.version);
        if is_meant
            && last
                .as_ref()
                .is_none_or(|last| last.order() < entry.order())
        {
            *last = Some(Entry {
                archived_at: Some(manifest.at),
                ..entry
            });
        }
    }
}

/// Refuses a session that one of these manifests lists, which cannot be read: the names of its objects say that.
fn expect_unlisted(
    objects: &[(u64, String)],
    version: Option<u64>,
    damaged: Vec<(String, ArchiveError)>,
) -> Result<()> {
    let is_listed = |run: &String| {
        let mut objects = objects.iter();
        objects.any(|(of, other)| other == run && version.is_none_or(|version| version == *of))
    };
    let mut damaged = damaged.into_iter();
    match damaged.find(|(run, _)| is_listed(run)) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// The manifest and the place in it at which a page begins.
fn cursor_of(cursor: &str) -> Result<(String, usize)> {
    let (name, place) = cursor.rsplit_once(':').ok_or_else(invalid_cursor)?;
    let place = place.parse().map_err(|_| invalid_cursor())?;
    match name::parse_manifest(name) {
        Some(_) => Ok((name.to_owned(), place)),
        None => Err(invalid_cursor()),
    }
}

fn invalid_cursor() -> ArchiveError {
    tenure_core::Error::from(tenure_core::error::Cause::InvalidCursor).into()
}

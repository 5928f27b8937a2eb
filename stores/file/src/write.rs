//! The order in which files are written. It ensures that a killed process or the loss of power
//! leaves a consistent state. The writer holds the folder's lock.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};

use tenure_core::error::Cause;
use tenure_core::store::{Changes, Commit, Durability};
use tenure_core::{Error, Result, SessionId};

use crate::disk::Disk;
use crate::failure::{Failed, describe, is_absent};
use crate::intent::{FileWrite, Intent, Target};
use crate::layout::{self, BASE, GONE, INTENT, NEXT, OWN, RECORDS};
use crate::log::{Announced, Log, fingerprint};
use crate::plan::{Plan, plan};
use crate::segment::CommitPoint;
use crate::view::View;

const METHOD: &str = "commit";

/// The store's folder with its lock held.
pub(crate) struct Writer<'d, D> {
    pub(crate) disk: &'d D,
    pub(crate) log: &'d Log,
    pub(crate) durability: Durability,
    /// Whether the feed mentions what is written.
    pub(crate) is_fed: bool,
}

/// What is done immediately before a file is replaced or removed.
type Before<'a> = &'a dyn Fn() -> Result<(), Failed>;

/// Nothing is done before.
const NOTHING: Before<'static> = &|| Ok(());

impl<D: Disk> Writer<'_, D> {
    /// See `Store::commit`.
    pub(crate) fn commit(&self, changes: &Changes) -> Result<Commit> {
        match self.try_commit(changes, false) {
            Err(error)
                if changes.makes_room() && matches!(error.cause(), Cause::StorageFull { .. }) =>
            {
                self.disk.with_room(|| self.try_commit(changes, true))
            }
            committed => {
                self.disk.keep_room();
                committed
            }
        }
    }

    /// `is_urgent` if it frees space on a full disk, and must not fail because the log has none.
    fn try_commit(&self, changes: &Changes, is_urgent: bool) -> Result<Commit> {
        self.log
            .settle(self.disk)
            .map_err(|failed| self.explain(failed))?;
        let view = self.finish_pending(changes)?;
        let plan = match plan(&view, changes)? {
            Ok(plan) => plan,
            Err(conflict) => return Ok(conflict),
        };
        for id in &plan.asides {
            self.put_aside(id)?;
        }
        let line = match self.line(changes, &plan, &view) {
            Err(failed) if is_urgent && failed.is_full() => self.lose_changes().map(|()| None),
            line => line,
        };
        let line = line.map_err(|failed| self.explain(failed.before()))?;
        let announce = || match &line {
            None => Ok(()),
            Some(line) => match self.log.announce(self.disk, line) {
                Err(failed) if is_urgent && failed.is_full() => self.lose_changes(),
                announced => announced,
            },
        };
        let written = match plan.files.as_slice() {
            [] => announce(),
            [file] => self.write_one(file, &plan, &announce),
            _ => self.write_several(&view, &plan, &announce),
        };
        if let Some(line) = line {
            self.log.mark(self.disk, line, written.is_ok());
        }
        written.map_err(|failed| self.explain(failed))?;
        if plan.files.iter().any(is_removal) {
            self.clear_gone();
        }
        Ok(Commit::Applied)
    }

    /// The line of the log for a commit; `None` if the feed says nothing of it.
    fn line(
        &self,
        changes: &Changes,
        plan: &Plan,
        view: &View<'_, D>,
    ) -> Result<Option<Announced>, Failed> {
        let sync = self.durability == Durability::Full;
        let feed = match self.is_fed {
            true => changes.feed(),
            false => Vec::new(),
        };
        self.log.line(self.disk, feed, sync, || {
            Ok(match plan.files.as_slice() {
                [] => None,
                [file] => Some(CommitPoint::File {
                    target: file.target.clone(),
                    before: fingerprint(self.disk, &file.target)?,
                }),
                _ => Some(CommitPoint::Intent(view.number() + 1)),
            })
        })
    }

    fn lose_changes(&self) -> Result<(), Failed> {
        self.log
            .lose(self.disk, self.durability == Durability::Full)
    }

    /// Completes an unfinished write of several files.
    fn finish_pending(&self, changes: &Changes) -> Result<View<'_, D>> {
        let view = View::new(self.disk, METHOD)?;
        if !view.intent.is_pending() {
            return Ok(view);
        }
        match self.carry_out(&view.intent) {
            Ok(()) => {}
            // The disk is full, and this commit removes sessions to free space. Those that the
            // intent replaces are no longer needed, so they are removed first.
            Err(failed) if changes.sessions.iter().any(removes) && failed.is_full() => {
                for change in changes.sessions.iter().filter(|change| removes(change)) {
                    let target = Target::Session(change.id.clone());
                    if view.intent.file(&target).is_some() {
                        let _ = self.remove_session(&change.id, Durability::Normal, NOTHING);
                        self.clear_gone();
                    } else if self.carry_out(&view.intent).is_err() {
                        // The removed session is not a part of the intent, so it can be removed
                        // before the intent is applied.
                        return Ok(view);
                    }
                }
                self.carry_out(&view.intent)
                    .map_err(|failed| self.explain(failed))?;
            }
            Err(failed) => return Err(self.explain(failed)),
        }
        View::new(self.disk, METHOD)
    }

    fn write_one(&self, file: &FileWrite, plan: &Plan, announce: Before<'_>) -> Result<(), Failed> {
        for pointer in &plan.before {
            // The pointer must be durable before the record that it points to.
            self.write(pointer, Durability::Full, NOTHING)?;
        }
        self.write(file, self.durability, announce)?;
        for pointer in &plan.after {
            // A remaining pointer has no effect, and is replaced by the next write of its key.
            let _ = self.write(pointer, Durability::Normal, NOTHING);
        }
        Ok(())
    }

    fn write_several(
        &self,
        view: &View<'_, D>,
        plan: &Plan,
        announce: Before<'_>,
    ) -> Result<(), Failed> {
        let files = [&plan.before, &plan.files, &plan.after];
        let intent = Intent {
            number: view.number() + 1,
            files: files.into_iter().flatten().cloned().collect(),
        };
        self.write_intent(&intent, announce)?;
        // From here on readers use the intent. If applying it fails, the next writer applies it.
        let _ = self.carry_out(&intent);
        Ok(())
    }

    /// Writes the files of an intent and marks it as done. This can be repeated.
    fn carry_out(&self, intent: &Intent) -> Result<(), Failed> {
        let mut folders = BTreeSet::from([BASE.to_owned()]);
        for file in &intent.files {
            self.write(file, Durability::Normal, NOTHING)?;
            match &file.target {
                Target::Session(id) if file.text.is_some() => {
                    folders.insert(id.as_str().to_owned());
                }
                Target::Session(_) => {}
                Target::Records(name) => {
                    folders.extend([name.folder(), RECORDS.to_owned(), OWN.to_owned()])
                }
            }
        }
        for folder in folders {
            match self.disk.sync_folder(&folder) {
                // The folder of a kind whose only change was a removal may not exist.
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(Failed::Unsure(folder, error)),
                Ok(()) => {}
            }
        }
        let done = Intent {
            number: intent.number,
            files: Vec::new(),
        };
        self.write_intent(&done, NOTHING)
    }

    fn write_intent(&self, intent: &Intent, before: Before<'_>) -> Result<(), Failed> {
        let text = serde_json::to_vec(intent)
            .map_err(|error| Failed::Before(INTENT.to_owned(), error.into()))?;
        self.replace(INTENT, &text, before)?;
        self.sync(&[OWN, BASE])
    }

    fn write(
        &self,
        file: &FileWrite,
        durability: Durability,
        before: Before<'_>,
    ) -> Result<(), Failed> {
        match (&file.target, &file.text) {
            (Target::Session(id), Some(text)) => self.write_session(id, text, durability, before),
            (Target::Session(id), None) => self.remove_session(id, durability, before),
            (Target::Records(name), Some(text)) => {
                let folder = name.folder();
                self.make(RECORDS)?;
                self.make(&folder)?;
                self.replace(&name.path(), text.as_bytes(), before)?;
                self.sync_for(durability, &[&folder, RECORDS, OWN, BASE])
            }
            (Target::Records(name), None) => {
                let path = name.path();
                before()?;
                match self.disk.remove_file(&path) {
                    Ok(()) => self.sync_for(durability, &[&name.folder()]),
                    Err(error) if is_absent(&error) => Ok(()),
                    Err(error) => Err(Failed::Before(path, error)),
                }
            }
        }
    }

    fn write_session(
        &self,
        id: &SessionId,
        text: &str,
        durability: Durability,
        before: Before<'_>,
    ) -> Result<(), Failed> {
        // The folder is created after the file, so that a full disk leaves no empty folder.
        self.disk
            .write(NEXT, text.as_bytes())
            .map_err(|error| Failed::Before(NEXT.to_owned(), error))?;
        self.make(id.as_str())?;
        self.or_without_next(before)?;
        let path = layout::session(id);
        self.disk
            .rename(NEXT, &path)
            .map_err(|error| Failed::Before(path, error))?;
        // The folder may have been created by a writer with normal durability, so it is synced,
        // too.
        self.sync_for(durability, &[id.as_str(), BASE])
    }

    /// Removes a session atomically: renames its folder. The contents are removed later.
    fn remove_session(
        &self,
        id: &SessionId,
        durability: Durability,
        before: Before<'_>,
    ) -> Result<(), Failed> {
        let folder = id.as_str();
        let made = self.disk.make_folder(GONE);
        before()?;
        if let Err(error) = made {
            // If there is no space for the folder to rename into, the files are removed one by one.
            return match self.disk.remove_tree(folder) {
                Ok(()) => self.sync_for(durability, &[BASE]),
                Err(second) if is_absent(&second) => Ok(()),
                Err(_) => Err(Failed::Before(GONE.to_owned(), error)),
            };
        }
        for number in 0..=u16::MAX {
            match self.disk.rename(folder, &format!("{GONE}/{number}")) {
                Ok(()) => return self.sync_for(durability, &[BASE]),
                // The name is used by a folder that could not be removed.
                Err(error) if is_taken(&error) => {}
                Err(error) if is_absent(&error) => return Ok(()),
                Err(error) => return Err(Failed::Before(folder.to_owned(), error)),
            }
        }
        Err(Failed::Before(
            GONE.to_owned(),
            io::Error::other("it holds too much that cannot be removed"),
        ))
    }

    /// Removes the renamed folders. Folders that cannot be removed are left to the next removal.
    fn clear_gone(&self) {
        for entry in self.disk.list(GONE).unwrap_or_default() {
            let _ = self.disk.remove_tree(&format!("{GONE}/{}", entry.name));
        }
    }

    /// Renames an unreadable session file, so that it is not lost.
    fn put_aside(&self, id: &SessionId) -> Result<()> {
        let folder = id.as_str();
        let fail = |error: &io::Error| describe(self.disk, METHOD, folder, error);
        let entries = self.disk.list(folder).map_err(|error| fail(&error))?;
        let is_free = |name: &str| entries.iter().all(|entry| entry.name != name);
        let mut name = layout::ASIDE.to_owned();
        let mut number = 1u32;
        while !is_free(&name) {
            number += 1;
            name = format!("{}-{number}", layout::ASIDE);
        }
        let renamed = self
            .disk
            .rename(&layout::session(id), &format!("{folder}/{name}"));
        match renamed {
            Err(error) if !is_absent(&error) => Err(fail(&error)),
            _ => Ok(()),
        }
    }

    fn make(&self, folder: &str) -> Result<(), Failed> {
        self.disk
            .make_folder(folder)
            .map_err(|error| Failed::Before(folder.to_owned(), error))
    }

    /// Replaces a file atomically.
    fn replace(&self, path: &str, bytes: &[u8], before: Before<'_>) -> Result<(), Failed> {
        self.disk.write(NEXT, bytes).map_err(Failed::at(path))?;
        self.or_without_next(before)?;
        self.disk.rename(NEXT, path).map_err(Failed::at(path))
    }

    /// Frees the space of the new file if it is not to be renamed.
    fn or_without_next(&self, before: Before<'_>) -> Result<(), Failed> {
        before().inspect_err(|_| {
            let _ = self.disk.remove_file(NEXT);
        })
    }

    fn sync_for(&self, durability: Durability, folders: &[&str]) -> Result<(), Failed> {
        match durability {
            Durability::Normal => Ok(()),
            Durability::Full => self.sync(folders),
        }
    }

    fn sync(&self, folders: &[&str]) -> Result<(), Failed> {
        for folder in folders {
            self.disk
                .sync_folder(folder)
                .map_err(|error| Failed::Unsure((*folder).to_owned(), error))?;
        }
        Ok(())
    }

    fn explain(&self, failed: Failed) -> Error {
        failed.explain(self.disk, METHOD)
    }
}

fn is_removal(file: &FileWrite) -> bool {
    matches!(file.target, Target::Session(_)) && file.text.is_none()
}

fn removes(change: &tenure_core::store::SessionChange) -> bool {
    matches!(change.write, tenure_core::store::SessionWrite::Delete)
}

fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::IsADirectory
    )
}

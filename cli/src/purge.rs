//! `tenure purge`: permanently removes sessions from the trash, in batches. With an archive, a session is
//! removed after its file is synced; a session that could not be archived is kept and listed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::atomic_file;
use crate::bulk::Refusal;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::count;
use crate::params::Params;
use crate::progress::Progress;
use crate::removal::Removed;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --archive a session is exported to DIR/ID.json, and the file is synced,
before the session is removed. A session that cannot be archived is kept, and
the exit code is 1. Ctrl-C stops between two sessions; run the same command to
continue. `tenure import` restores an archived session to the trash.

Examples:
  tenure purge --older-than 30d --dry-run
  tenure purge --older-than 30d --archive /srv/archive/2026
  tenure purge $id
  0 3 * * * cd /srv/bot && tenure purge --older-than 30d --archive old")]
pub(crate) struct Args {
    /// The ids of sessions in the trash; all of them by default
    #[arg(value_name = "ID", required_unless_present = "older_than")]
    ids: Vec<String>,
    /// Only sessions that have been in the trash for at least this long: 30d, 12h
    #[arg(long, value_name = "DURATION")]
    older_than: Option<String>,
    /// Export each session to this folder before it is removed
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// The sessions of one batch, up to 1000
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
    /// List the sessions without removing them
    #[arg(long)]
    dry_run: bool,
}

/// The result of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(flatten)]
    removed: Removed,
    next_cursor: Option<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if let Some(folder) = args.archive.as_ref().filter(|_| !args.dry_run) {
        fs::create_dir_all(folder).map_err(|error| {
            let problem = format!("{} cannot be created: {error}", folder.display());
            Failure::usage("--archive", problem)
        })?;
    }
    let mut purging = Purging {
        of: Params::new()
            // Sessions given by id are removed at any age.
            .set("olderThan", args.older_than.as_deref().unwrap_or("0s"))
            .flag("dryRun", args.dry_run),
        archive: args.archive.filter(|_| !args.dry_run),
        interrupt: Interrupt::listen(),
        progress: Progress::new(!context.json()),
        early: Vec::new(),
        removed: Removed {
            dry_run: args.dry_run,
            ..Removed::default()
        },
        context,
    };
    match args.ids.is_empty() {
        true => purging.all(args.batch)?,
        false => purging.named(&args.ids, args.batch)?,
    }
    let Purging {
        context,
        early,
        removed,
        progress,
        ..
    } = purging;
    // Erases the progress line before anything is printed.
    drop(progress);
    let exit = match context.json() {
        true => {
            context.out.json(&serde_json::to_string(&removed)?)?;
            removed.exit()
        }
        false => removed.print("permanently removed", context)?,
    };
    for id in &early {
        context.note(&format!(
            "{id} was not removed: it is not in the trash, not old enough, or its process is running"
        ));
    }
    Ok(match early.is_empty() {
        true => exit,
        false => exit.max(Exit::REFUSED),
    })
}

/// A purge in progress.
struct Purging<'c> {
    context: &'c mut Context,
    of: Params,
    archive: Option<PathBuf>,
    interrupt: Interrupt,
    progress: Progress,
    /// The given sessions that are not due.
    early: Vec<String>,
    removed: Removed,
}

impl Purging<'_> {
    /// Removes all due sessions, page by page, so that a kept session does not block the others.
    fn all(&mut self, limit: u32) -> Result<(), Failure> {
        let mut cursor = None;
        loop {
            self.check()?;
            let page = self.of.clone().set("limit", limit).maybe("cursor", cursor);
            cursor = match self.archive.clone() {
                Some(folder) => {
                    let due = self.plan(page)?;
                    self.archive_and_remove(due.removed, &folder)?;
                    due.next_cursor
                }
                None => {
                    let batch = self.perform(page)?;
                    self.count(batch.removed);
                    batch.next_cursor
                }
            };
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn named(&mut self, ids: &[String], limit: u32) -> Result<(), Failure> {
        for ids in ids.chunks(limit as usize) {
            self.check()?;
            let params = self.of.clone().set("ids", ids);
            let due = self.plan(params.clone())?.removed;
            let known: HashSet<&String> = due.ids.iter().collect();
            let is_known = |id: &&String| {
                known.contains(id) || due.failed.iter().any(|failed| failed.id == **id)
            };
            self.early
                .extend(ids.iter().filter(|id| !is_known(id)).cloned());
            match self.archive.clone() {
                _ if self.removed.dry_run => self.count(due),
                Some(folder) => self.archive_and_remove(due, &folder)?,
                None => {
                    let batch = self.perform(params)?;
                    self.count(batch.removed);
                }
            }
        }
        Ok(())
    }

    /// The sessions that are due.
    fn plan(&mut self, params: Params) -> Result<Batch, Failure> {
        self.perform(params.flag("dryRun", !self.removed.dry_run))
    }

    /// Stops between two batches, or two files, when asked to.
    fn check(&self) -> Result<(), Failure> {
        let done = count(self.removed.removed, "session");
        self.interrupt.check(&format!(
            "interrupted; {done} removed; run the same command to continue"
        ))
    }

    fn perform(&mut self, params: Params) -> Result<Batch, Failure> {
        self.context.perform("purge", &params)?.read()
    }

    /// Adds the result of a batch.
    fn count(&mut self, batch: Removed) {
        self.removed.add(batch);
        let removed = self.removed.removed;
        self.progress
            .update(|| format!("{} removed", count(removed, "session")));
    }

    /// Archives the due sessions, and removes those that are archived.
    fn archive_and_remove(&mut self, due: Removed, folder: &Path) -> Result<(), Failure> {
        for failed in due.failed {
            self.removed.fail(failed);
        }
        let mut archived = Vec::new();
        for id in due.ids {
            self.check()?;
            match self.export(&id, folder)? {
                Ok(()) => archived.push(id),
                Err(failed) => self.removed.fail(failed),
            }
            let (removed, more) = (self.removed.removed, archived.len());
            self.progress.update(|| {
                format!(
                    "{} removed, {more} more archived",
                    count(removed, "session")
                )
            });
        }
        if archived.is_empty() {
            return Ok(());
        }
        let batch = self.perform(self.of.clone().set("ids", archived))?;
        self.count(batch.removed);
        Ok(())
    }

    /// Exports a session to its file.
    fn export(&mut self, id: &str, folder: &Path) -> Result<Result<(), Refusal>, Failure> {
        let text = match self.context.perform("export", &Params::id(id)) {
            Ok(answer) => answer.read::<String>()?,
            Err(Failure::Error {
                code,
                message,
                json,
            }) => {
                let is_of_one = code == "CORRUPT_SESSION" || code == "SESSION_NOT_FOUND";
                return match is_of_one {
                    true => Ok(Err(Refusal {
                        id: id.to_owned(),
                        code,
                        message,
                    })),
                    false => Err(Failure::Error {
                        code,
                        message,
                        json,
                    }),
                };
            }
            Err(failure) => return Err(failure),
        };
        let path = folder.join(format!("{id}.json"));
        let written =
            check_free(&path, id).and_then(|()| atomic_file::write(&path, &(text + "\n")));
        Ok(written.map_err(|error| Refusal {
            id: id.to_owned(),
            code: "FILE_UNWRITABLE".to_owned(),
            message: format!("{}: {error}", path.display()),
        }))
    }
}

/// Checks that a file is not the archive of another session: some file systems ignore case, and take
/// `a.json` for `A.json`.
fn check_free(path: &Path, id: &str) -> io::Result<()> {
    #[derive(Deserialize)]
    struct Known {
        id: String,
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    match serde_json::from_str::<Known>(&text) {
        Ok(known) if known.id == id => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the file exists and belongs to another session",
        )),
    }
}

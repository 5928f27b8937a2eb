//! `tenure purge`: permanently removes sessions from the trash, in batches. With an archive, a session is
//! removed after its file is synced; a session that could not be archived is kept and listed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tenure_core::error::Cause;
use tenure_core::session::cleanup::PURGE;
use tenure_core::session::params::{IdParams, PurgeParams};
use tenure_core::session::read::EXPORT;
use tenure_core::session::replies::{CleanupResult, Refusal};
use tenure_core::{Millis, SessionId, Text};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::count;
use crate::progress::Progress;
use crate::{atomic_file, removal, time};

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
    ids: Vec<Text>,
    /// Only sessions that have been in the trash for at least this long: 30d, 12h
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    older_than: Option<Millis>,
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

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if let Some(folder) = args.archive.as_ref().filter(|_| !args.dry_run) {
        fs::create_dir_all(folder).map_err(|error| {
            let problem = format!("{} cannot be created: {error}", folder.display());
            Failure::usage("--archive", problem)
        })?;
    }
    let mut purging = Purging {
        params: PurgeParams {
            // Sessions given by id are removed at any age.
            older_than: args.older_than.unwrap_or_default(),
            dry_run: args.dry_run.then_some(true),
            ..PurgeParams::default()
        },
        archive: args.archive.filter(|_| !args.dry_run),
        interrupt: Interrupt::listen(),
        progress: Progress::new(!context.json()),
        not_due: Vec::new(),
        result: CleanupResult {
            dry_run: args.dry_run,
            ..CleanupResult::default()
        },
        context,
    };
    match args.ids.is_empty() {
        true => purging.all(args.batch)?,
        false => purging.named(&args.ids, args.batch)?,
    }
    let Purging {
        context,
        not_due,
        result,
        progress,
        ..
    } = purging;
    // Erases the progress line before anything is printed.
    drop(progress);
    let exit = match context.json() {
        true => {
            context.print_json(&result)?;
            removal::exit_of(&result.failed)
        }
        false => removal::print(&result, "permanently removed", context)?,
    };
    for id in &not_due {
        context.note(&format!(
            "{id} was not removed: it is not in the trash, not old enough, or its process is running"
        ));
    }
    Ok(match not_due.is_empty() {
        true => exit,
        false => exit.max(Exit::REFUSED),
    })
}

/// A purge in progress.
struct Purging<'c> {
    context: &'c mut Context,
    params: PurgeParams,
    archive: Option<PathBuf>,
    interrupt: Interrupt,
    progress: Progress,
    /// The given sessions that are not due.
    not_due: Vec<Text>,
    result: CleanupResult,
}

impl Purging<'_> {
    /// Removes all due sessions, page by page, so that a kept session does not block the others.
    fn all(&mut self, limit: u32) -> Result<(), Failure> {
        let mut cursor = None;
        loop {
            self.check()?;
            let params = PurgeParams {
                limit: Some(limit),
                cursor,
                ..self.params.clone()
            };
            let next = match self.archive.clone() {
                Some(folder) => {
                    let mut due = self.plan(params)?;
                    let next = due.next_cursor.take();
                    self.archive_and_remove(due, &folder)?;
                    next
                }
                None => self.remove(params)?,
            };
            cursor = next.map(Text::from);
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn named(&mut self, ids: &[Text], limit: u32) -> Result<(), Failure> {
        for ids in ids.chunks(limit as usize) {
            self.check()?;
            let params = self.of_sessions(ids.to_vec());
            let due = self.plan(params.clone())?;
            let known: HashSet<&str> = due
                .ids
                .iter()
                .map(SessionId::as_str)
                .chain(due.failed.iter().map(|failed| failed.id.as_str()))
                .collect();
            let is_known = |id: &&Text| known.contains(id.as_str());
            self.not_due
                .extend(ids.iter().filter(|id| !is_known(id)).cloned());
            match self.archive.clone() {
                _ if self.result.dry_run => self.add(due),
                Some(folder) => self.archive_and_remove(due, &folder)?,
                None => {
                    self.remove(params)?;
                }
            }
        }
        Ok(())
    }

    /// The parameters of a purge of these sessions.
    fn of_sessions(&self, ids: Vec<Text>) -> PurgeParams {
        PurgeParams {
            ids: Some(ids),
            ..self.params.clone()
        }
    }

    /// The sessions that are due.
    fn plan(&mut self, params: PurgeParams) -> Result<CleanupResult, Failure> {
        let params = PurgeParams {
            dry_run: Some(true),
            ..params
        };
        self.context.run(&PURGE, params)
    }

    /// Removes sessions; returns the cursor of the next page.
    fn remove(&mut self, params: PurgeParams) -> Result<Option<String>, Failure> {
        let mut batch = self.context.run(&PURGE, params)?;
        let next = batch.next_cursor.take();
        self.add(batch);
        Ok(next)
    }

    /// Stops between two batches, or two files, when asked to.
    fn check(&self) -> Result<(), Failure> {
        let done = count(self.result.removed, "session");
        self.interrupt.check(&format!(
            "interrupted; {done} removed; run the same command to continue"
        ))
    }

    /// Adds the result of a batch.
    fn add(&mut self, batch: CleanupResult) {
        removal::add(&mut self.result, batch);
        let removed = self.result.removed;
        self.progress
            .update(|| format!("{} removed", count(removed, "session")));
    }

    /// Archives the due sessions, and removes those that are archived.
    fn archive_and_remove(&mut self, due: CleanupResult, folder: &Path) -> Result<(), Failure> {
        for failed in due.failed {
            removal::add_failed(&mut self.result, failed);
        }
        let mut archived = Vec::new();
        for id in due.ids {
            self.check()?;
            match self.export(&id, folder)? {
                Ok(()) => archived.push(id.as_str().into()),
                Err(failed) => removal::add_failed(&mut self.result, failed),
            }
            let (removed, more) = (self.result.removed, archived.len());
            self.progress.update(|| {
                format!(
                    "{} removed, {more} more archived",
                    count(removed, "session")
                )
            });
        }
        if !archived.is_empty() {
            self.remove(self.of_sessions(archived))?;
        }
        Ok(())
    }

    /// Exports a session to its file.
    fn export(&mut self, id: &SessionId, folder: &Path) -> Result<Result<(), Refusal>, Failure> {
        let refusal = |code, message| Refusal {
            id: id.to_string(),
            code,
            message,
        };
        let params = IdParams {
            id: id.as_str().into(),
            ..IdParams::default()
        };
        let text = match self.context.run(&EXPORT, params) {
            Ok(text) => text,
            Err(Failure::Error(error)) => match error.cause() {
                Cause::CorruptSession { .. } | Cause::SessionNotFound { .. } => {
                    return Ok(Err(refusal(error.code(), error.to_string())));
                }
                _ => return Err(error.into()),
            },
            Err(failure) => return Err(failure),
        };
        let path = folder.join(format!("{id}.json"));
        let written =
            check_free(&path, id.as_str()).and_then(|()| atomic_file::write(&path, &(text + "\n")));
        Ok(written.map_err(|error| {
            let message = format!("{}: {error}", path.display());
            refusal("FILE_UNWRITABLE", message)
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

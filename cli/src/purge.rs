//! `tenure purge`: empties the trash, a batch at a time. What is to be archived is in its file before it
//! goes; what could not be archived stays, and is named.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::many::Refusal;
use crate::output::count;
use crate::params::Params;
use crate::progress::Progress;
use crate::removed::Removed;
use crate::stop::Stop;
use crate::whole;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --archive a session is exported to DIR/ID.json before it goes, and the file
is synced; what cannot be archived stays, and the exit code is 1. Ctrl-C stops it
with every session whole, and the same command goes on later. `tenure import` brings
an archived session back into the trash.

Examples:
  tenure purge --older-than 30d --dry-run
  tenure purge --older-than 30d --archive /srv/archive/2026
  tenure purge $id
  0 3 * * * cd /srv/bot && tenure purge --older-than 30d --archive old")]
pub(crate) struct Args {
    /// Only these sessions of the trash; by default all in it
    #[arg(value_name = "ID", required_unless_present = "older_than")]
    ids: Vec<String>,
    /// Only those that have been in the trash this long and longer: 30d, 12h
    #[arg(long, value_name = "AGE")]
    older_than: Option<String>,
    /// Write each session to this folder before it goes
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// How many go at once, up to 1000
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

/// What became of a batch.
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
            let problem = format!("{} cannot be made: {error}", folder.display());
            Failure::usage("--archive", problem)
        })?;
    }
    let mut purging = Purging {
        of: Params::new()
            // What is named goes however long it has been there.
            .set("olderThan", args.older_than.as_deref().unwrap_or("0s"))
            .flag("dryRun", args.dry_run),
        archive: args.archive.filter(|_| !args.dry_run),
        stop: Stop::listen(),
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
    // Its line goes away before anything is printed.
    drop(progress);
    let exit = match context.json() {
        true => {
            context.out.json(&serde_json::to_string(&removed)?)?;
            removed.exit()
        }
        false => removed.print("removed for good", context)?,
    };
    for id in &early {
        context.note(&format!(
            "{id} stays: it is not in the trash, or not for so long, or somebody runs it"
        ));
    }
    Ok(match early.is_empty() {
        true => exit,
        false => exit.max(Exit::REFUSED),
    })
}

/// A purge that is under way.
struct Purging<'c> {
    context: &'c mut Context,
    of: Params,
    archive: Option<PathBuf>,
    stop: Stop,
    progress: Progress,
    /// Those that are named and not due.
    early: Vec<String>,
    removed: Removed,
}

impl Purging<'_> {
    /// Goes through the trash from end to end, so that what stays is in nobody's way.
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

    /// Which would go.
    fn plan(&mut self, params: Params) -> Result<Batch, Failure> {
        self.perform(params.flag("dryRun", !self.removed.dry_run))
    }

    /// Between two batches, and two files, the work may stop.
    fn check(&self) -> Result<(), Failure> {
        let done = count(self.removed.removed, "session");
        self.stop.check(&format!(
            "stopped; {done} removed, the same command goes on"
        ))
    }

    fn perform(&mut self, params: Params) -> Result<Batch, Failure> {
        self.context.perform("purge", &params)?.read()
    }

    /// Takes down what has become of a batch.
    fn count(&mut self, batch: Removed) {
        self.removed.add(batch);
        let removed = self.removed.removed;
        self.progress
            .say(|| format!("{} removed", count(removed, "session")));
    }

    /// Removes those whose time has come, once they are in the archive.
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
            self.progress.say(|| {
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

    /// Writes a session to its file.
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
        let written = is_free(&path, id).and_then(|()| whole::write(&path, &(text + "\n")));
        Ok(written.map_err(|error| Refusal {
            id: id.to_owned(),
            code: "FILE_UNWRITABLE".to_owned(),
            message: format!("{}: {error}", path.display()),
        }))
    }
}

/// Whether a file is nobody else's: there are systems that take `a.json` for `A.json`.
fn is_free(path: &Path, id: &str) -> io::Result<()> {
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
            "the file is there, and is not of this session",
        )),
    }
}

//! `tenure purge`: permanently removes sessions from the trash, in batches. With an archive, a session is
//! removed after its file is synced; a session that could not be archived is kept and listed.

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tenure_apps::retention::purge::{PURGE_JOB, PurgeJobParams, PurgeProgress, PurgeResult};
use tenure_archive::Archive;
use tenure_core::work::job::{ExportedPart, Step, StepReply, Verified};
use tenure_core::work::operation::Reply;
use tenure_core::{Error, Millis};
use tenure_host::{Filling, Unfinished};
use tenure_permissions::FileMode;

use crate::atomic_file::AtomicFile;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::job::{Coded, JobHost, run_job};
use crate::output::count;
use crate::progress::Progress;
use crate::session_id::SessionIdArg;
use crate::{archive, removal, time};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --archive a session is exported to DIR/ID.json, and the file is synced,
before the session is removed. No file is replaced: another version of the same
session is exported to DIR/ID.2.json, and so on. A session that cannot be
archived is kept, and the exit code is 1. A URL such as s3://BUCKET/PREFIX or
file:DIR is an archive with manifests, which `tenure archive` reads. Ctrl-C
stops between two sessions; run the same command to continue. `tenure import`
restores an archived session to the trash.

Examples:
  tenure purge --older-than 30d --dry-run
  tenure purge --older-than 30d --archive /srv/archive/2026
  tenure purge --older-than 30d --archive s3://acme-bots/sessions --compress
  tenure purge $id
  0 3 * * * cd /srv/bot && tenure purge --older-than 30d --archive old")]
pub(crate) struct Args {
    /// The ids of sessions in the trash; without ids, --older-than is required
    #[arg(value_name = "ID", required_unless_present = "older_than")]
    ids: Vec<SessionIdArg>,
    /// Only sessions that have been in the trash for at least this long: 30d, 12h
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    older_than: Option<Millis>,
    /// Export each session to this folder, or to this archive, before it is removed
    #[arg(long, value_name = "DIR|URL")]
    archive: Option<PathBuf>,
    /// Compress the sessions of an archive with a URL
    #[arg(long, requires = "archive")]
    compress: bool,
    /// The sessions of one batch, up to 1000
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
    /// List the sessions without removing them
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let archives = args.archive.is_some();
    let target = match args.archive.filter(|_| !args.dry_run) {
        Some(archive) => Some(Target::open(archive, args.compress, context)?),
        None => None,
    };
    context.only_read(args.dry_run);
    // A timer with a misspelt store would purge nothing, and say nothing.
    context.require_store()?;
    let ids = match args.ids.is_empty() {
        true => Vec::new(),
        false => context.session_ids(args.ids)?,
    };
    let params = PurgeJobParams {
        // Sessions given by id are removed at any age.
        older_than: args.older_than.unwrap_or_default(),
        ids: Some(ids).filter(|ids| !ids.is_empty()),
        dry_run: Some(args.dry_run),
        archive: Some(archives),
        batch: Some(args.batch),
        ..PurgeJobParams::default()
    };
    let mut purging = Purging {
        target,
        interrupt: Interrupt::listen(),
        progress: Progress::new(!context.json()),
        removed: 0,
        context,
    };
    let purged = run_job(&PURGE_JOB, params, &mut purging);
    let Purging {
        context, progress, ..
    } = purging;
    // Erases the progress line before anything is printed.
    drop(progress);
    print(&purged?, context)
}

fn print(result: &PurgeResult, context: &mut Context) -> Outcome {
    let exit = match context.json() {
        true => {
            context.print_json(result)?;
            removal::exit_of(result.failed.iter().map(|failed| failed.code.as_str()))
        }
        false => removal::print(result, "permanently removed", context)?,
    };
    let not_due = result.not_due.as_deref().unwrap_or_default();
    for id in not_due {
        context.note(&format!(
            "{id} was not removed: it is not in the trash, not old enough, or its process is running"
        ));
    }
    Ok(match not_due.is_empty() {
        true => exit,
        false => exit.max(Exit::REFUSED),
    })
}

/// Where sessions are archived.
enum Target {
    /// A folder of files, one for each version of a session.
    Folder {
        folder: PathBuf,
        /// The file of the session of which some parts are written.
        file: Option<AtomicFile>,
    },
    /// An archive with manifests.
    Archive(Box<Filling>),
}

impl Target {
    fn open(archive: PathBuf, compress: bool, context: &Context) -> Result<Self, Failure> {
        if let Some(address) = archive.to_str().filter(|text| Archive::is_address(text)) {
            let filling = archive::fill(address, compress, context)?;
            return Ok(Self::Archive(Box::new(filling)));
        }
        if compress {
            return Err(Failure::usage(
                "--compress",
                "possible only with the URL of an archive",
            ));
        }
        let created = context.file_mode().create_folders(&archive);
        created.map_err(|error| {
            let problem = format!("{} cannot be created: {error}", archive.display());
            Failure::usage("--archive", problem)
        })?;
        Ok(Self::Folder {
            folder: archive,
            file: None,
        })
    }
}

/// A purge in progress.
struct Purging<'c> {
    context: &'c mut Context,
    target: Option<Target>,
    interrupt: Interrupt,
    progress: Progress,
    removed: u64,
}

impl Purging<'_> {
    fn unfinished(&self, problem: Unfinished) -> Failure {
        match problem {
            Unfinished::Stopped => self.interrupt.failure(&interrupted(self.removed)),
            Unfinished::Failed(error) => archive::failure(error),
        }
    }
}

impl JobHost for Purging<'_> {
    /// Stops between two operations when asked to.
    fn run(&mut self, step: &dyn Step) -> Result<StepReply, Failure> {
        self.interrupt.check(&interrupted(self.removed))?;
        self.context.run_step(step)
    }

    fn export(&mut self, part: ExportedPart) -> Result<(), Coded> {
        let mode = self.context.file_mode();
        match &mut self.target {
            Some(Target::Folder { folder, file }) => {
                let path = folder.join(format!("{}.json", part.id));
                write(&path, file, &part, mode).map_err(|error| {
                    Coded::Code("FILE_UNWRITABLE", format!("{}: {error}", path.display()))
                })
            }
            Some(Target::Archive(filling)) => {
                let stops = || self.interrupt.is_requested();
                let added = filling.add(part, &stops);
                Ok(added.map_err(|problem| self.unfinished(problem))?)
            }
            None => Err(Failure::from(Error::internal("there is no archive")).into()),
        }
    }

    fn verify(&mut self) -> Result<Verified, Failure> {
        match &mut self.target {
            Some(Target::Archive(filling)) => {
                let stops = || self.interrupt.is_requested();
                let finished = filling.finish(self.context.now(), &stops);
                finished.map_err(|problem| self.unfinished(problem))
            }
            // A file is synced after its last part.
            _ => Ok(Verified::default()),
        }
    }

    fn progress(&mut self, progress: Box<dyn Reply>) {
        let Ok(progress) = progress.into_any().downcast::<PurgeProgress>() else {
            return;
        };
        let PurgeProgress { removed, archived } = *progress;
        self.removed = removed;
        self.progress.update(|| {
            let removed = count(removed, "session");
            match archived {
                0 => format!("{removed} removed"),
                more => format!("{removed} removed, {more} more archived"),
            }
        });
    }
}

/// What is said of a purge that a signal has stopped.
fn interrupted(removed: u64) -> String {
    let done = count(removed, "session");
    format!("interrupted; {done} removed; run the same command to continue")
}

/// Writes a part of an archived session, whose file has its name after the last one.
fn write(
    path: &Path,
    current: &mut Option<AtomicFile>,
    part: &ExportedPart,
    mode: FileMode,
) -> io::Result<()> {
    let former = current.take();
    if part.is_aborted {
        return Ok(());
    }
    let mut file = match former {
        Some(file) if !part.is_first => file,
        _ => {
            check_free(path, part.id.as_str())?;
            AtomicFile::create(path, mode)?
        }
    };
    file.write(part.text.as_str())?;
    if part.is_last {
        file.write("\n")?;
        return file.commit_beside(names_of(part.id.as_str()));
    }
    *current = Some(file);
    Ok(())
}

/// The names of the versions of a session in an archive.
fn names_of(id: &str) -> impl Iterator<Item = String> {
    let more = (2..).map(move |number: u32| format!("{id}.{number}.json"));
    std::iter::once(format!("{id}.json")).chain(more)
}

/// Checks that a file is not the archive of another session: some file systems ignore case, and take
/// `a.json` for `A.json`.
fn check_free(path: &Path, id: &str) -> io::Result<()> {
    #[derive(Deserialize)]
    struct Known {
        id: String,
    }
    let file = match tenure_regular::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // An archive may be of any size.
    match serde_json::from_reader::<_, Known>(BufReader::new(file)) {
        Ok(known) if known.id == id => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the file exists and belongs to another session",
        )),
    }
}

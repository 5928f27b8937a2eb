//! `tenure archive`: lists, reads, restores, verifies and removes archived sessions. `tenure purge` archives them.

use clap::Subcommand;
use serde::Serialize;
use tenure_archive::{Archive, ArchiveError, DEFAULT_PAGE, Entry};
use tenure_core::session::operations::IMPORT;
use tenure_core::session::params::ImportParams;
use tenure_core::{Millis, Text, Timestamp};
use tenure_host::{Filling, RuntimeThread, open_existing_archive};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::lazy_args::LazyArgs;
use crate::output::{clean, count};
use crate::progress::Progress;
use crate::{choice, removal, time};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
An archive is a folder, file:DIR, or in a bucket: s3://BUCKET/PREFIX, also gs://
of Google Cloud Storage and az:// of Azure. It is named by --archive or the
variable TENURE_ARCHIVE. Credentials of a service come from its own variables,
such as AWS_ACCESS_KEY_ID and AWS_ENDPOINT.

Examples:
  tenure purge --older-than 30d --archive s3://acme-bots/sessions
  tenure archive list --archive s3://acme-bots/sessions
  tenure archive get $id | jq .task
  tenure archive restore $id
  tenure archive verify
  tenure archive thin --older-than 365d")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List archived sessions, newest first
    List(LazyArgs<List>),
    /// Print an archived session, to the byte as it was exported
    Get(LazyArgs<Get>),
    /// Bring archived sessions back into the store
    Restore(LazyArgs<Restore>),
    /// Compare all objects of the archive with its manifests
    Verify(LazyArgs<Verify>),
    /// Remove what was archived long ago
    Thin(LazyArgs<Thin>),
}

/// Which archive.
#[derive(Debug, clap::Args)]
struct ArchiveArg {
    /// The archive: file:DIR or s3://BUCKET/PREFIX
    #[arg(
        long,
        value_name = "URL",
        env = "TENURE_ARCHIVE",
        hide_env_values = true
    )]
    archive: Option<String>,
}

impl ArchiveArg {
    fn open(&self, context: &Context) -> Result<Archive, Failure> {
        // An empty environment variable counts as unset.
        match self.archive.as_deref().unwrap_or_default() {
            "" => Err(Failure::usage(
                "--archive",
                "name an archive, such as file:./archive or s3://bucket/prefix",
            )),
            address => open_existing(address, context),
        }
    }
}

/// Opens an archive that exists, with the keys of the command.
pub(crate) fn open_existing(address: &str, context: &Context) -> Result<Archive, Failure> {
    open_existing_archive(address, &context.store_options()?).map_err(failure)
}

/// The archive that a job fills, with the keys of the command. It is opened when a run begins.
pub(crate) fn fill_later(
    address: &str,
    compress: bool,
    context: &Context,
) -> Result<Filling, Failure> {
    Filling::open_later(address, compress, &context.store_options()?).map_err(failure)
}

/// Opens an archive that is to be filled, with the keys of the command.
pub(crate) fn fill(address: &str, compress: bool, context: &Context) -> Result<Filling, Failure> {
    Filling::open(address, compress, &context.store_options()?).map_err(failure)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line has the time at which the session was archived, its id, its version, and
the size of its object in bytes.

Examples:
  tenure archive list --archive s3://acme-bots/sessions
  tenure archive list $id --json")]
struct List {
    /// Only the versions of this session
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    archive: ArchiveArg,
    /// Only sessions that were archived at this time or later
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    after: Option<Timestamp>,
    /// The most sessions to print
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PAGE, value_parser = choice::limit)]
    limit: u32,
    /// Continue after a page
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure archive get $id | jq .task
  tenure archive get $id --version 7")]
struct Get {
    /// The id of the session
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    archive: ArchiveArg,
    /// This version instead of the last one
    #[arg(long, value_name = "N")]
    version: Option<u64>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure archive restore $id
  tenure archive restore $id --replace")]
struct Restore {
    /// The ids of the sessions
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    archive: ArchiveArg,
    /// This version instead of the last one
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Replace a session of the store with the same id
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure archive verify --archive file:/srv/archive")]
struct Verify {
    #[command(flatten)]
    archive: ArchiveArg,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure archive thin --older-than 365d")]
struct Thin {
    #[command(flatten)]
    archive: ArchiveArg,
    /// What was archived at least this long ago: 365d
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    older_than: Millis,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::List(LazyArgs(args)) => list(&args, context),
        Command::Get(LazyArgs(args)) => get(&args, context),
        Command::Restore(LazyArgs(args)) => restore(&args, context),
        Command::Verify(LazyArgs(args)) => verify(&args, context),
        Command::Thin(LazyArgs(args)) => thin(&args, context),
    }
}

/// The failure that an error of an archive is.
pub(crate) fn failure(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Unsupported { address, problem } => {
            Failure::usage("--archive", format!("{address:?} is no archive: {problem}"))
        }
        error => Failure::Error(error.into()),
    }
}

fn list(args: &List, context: &mut Context) -> Outcome {
    let archive = args.archive.open(context)?;
    let runtime = RuntimeThread::shared()?;
    let page = archive.list(
        args.id.as_deref(),
        args.after,
        args.limit as usize,
        args.cursor.as_deref(),
    );
    let page = runtime.handle().block_on(page).map_err(failure)?;
    let exit = match page.problems.is_empty() {
        true => Exit::DONE,
        false => Exit::REFUSED,
    };
    if context.json() {
        context.print_json(&page)?;
        return Ok(exit);
    }
    for entry in &page.items {
        let archived_at = entry
            .archived_at
            .map(|at| at.to_string())
            .unwrap_or_default();
        let Entry {
            id, version, bytes, ..
        } = entry;
        let line = format!("{archived_at}\t{}\t{version}\t{bytes}", clean(id));
        context.out.line(&line)?;
    }
    if let Some(next) = &page.next_cursor {
        context.note(&format!("more sessions may exist: --cursor {next}"));
    }
    for problem in &page.problems {
        let problem = clean(&problem.problem);
        context.note(&format!("{problem}; its sessions are missing here"));
    }
    Ok(exit)
}

fn get(args: &Get, context: &mut Context) -> Outcome {
    let archive = args.archive.open(context)?;
    let runtime = RuntimeThread::shared()?;
    let got = runtime
        .handle()
        .block_on(archive.get(&args.id, args.version));
    match got {
        Ok((_, text)) => {
            context.out.line(&text)?;
            Ok(Exit::DONE)
        }
        Err(error) => refused(error, context),
    }
}

/// The outcome of an error. That a session is not in the archive says nothing of the store.
fn refused(error: ArchiveError, context: &mut Context) -> Outcome {
    if matches!(error, ArchiveError::NotFound { .. }) && !context.json() {
        context.note(&clean(&error.to_string()));
        return Ok(Exit::REFUSED);
    }
    Err(failure(error))
}

/// The sessions that were brought back, and those that were not.
#[derive(Serialize)]
struct Restored {
    restored: Vec<String>,
    failed: Vec<NotRestored>,
}

/// A session that was not brought back.
#[derive(Serialize)]
struct NotRestored {
    id: String,
    code: String,
    message: String,
}

fn restore(args: &Restore, context: &mut Context) -> Outcome {
    let archive = args.archive.open(context)?;
    let runtime = RuntimeThread::shared()?;
    if !args.replace {
        context.require_store()?;
    }
    let mut reply = Restored {
        restored: Vec::new(),
        failed: Vec::new(),
    };
    for id in &args.ids {
        let got = runtime.handle().block_on(archive.get(id, args.version));
        let (code, message) = match got {
            Err(error) => (error.code(), error.to_string()),
            Ok((_, text)) => match bring_back(text, args.replace, context) {
                Ok(()) => {
                    reply.restored.push(id.clone());
                    continue;
                }
                Err(Failure::Error(error)) => (error.code(), error.to_string()),
                Err(failure) => return Err(failure),
            },
        };
        reply.failed.push(NotRestored {
            id: id.clone(),
            code: code.to_owned(),
            message,
        });
    }
    if context.json() {
        context.print_json(&reply)?;
    } else {
        for failed in &reply.failed {
            context.note(&clean(&failed.message));
        }
        if !reply.restored.is_empty() {
            let restored = count(reply.restored.len() as u64, "session");
            context.note(&format!(
                "{restored} restored; one that was in the trash is there again"
            ));
        }
    }
    Ok(removal::exit_of(
        reply.failed.iter().map(|failed| failed.code.as_str()),
    ))
}

/// Imports an archived session.
fn bring_back(text: String, replaces: bool, context: &mut Context) -> Result<(), Failure> {
    let params = ImportParams {
        text: Text::from(text),
        replace: Some(replaces),
        ..ImportParams::default()
    };
    context.run(&IMPORT, params)?;
    Ok(())
}

fn verify(args: &Verify, context: &mut Context) -> Outcome {
    let archive = args.archive.open(context)?;
    let runtime = RuntimeThread::shared()?;
    let interrupt = Interrupt::listen();
    let mut progress = Progress::new(!context.json());
    let verifying = archive.verify(|sessions| {
        progress.update(|| format!("{sessions} sessions compared"));
    });
    let verification = runtime.handle().block_on(verifying).map_err(failure)?;
    drop(progress);
    interrupt.check("interrupted")?;
    if context.json() {
        context.print_json(&verification)?;
    } else {
        for problem in &verification.problems {
            let line = format!("{}: {}", clean(&problem.path), clean(&problem.problem));
            context.out.line(&line)?;
        }
        let sessions = count(verification.sessions, "session");
        let problems = count(verification.problems.len() as u64, "problem");
        let unlisted = verification.unlisted;
        context.out.line(&format!(
            "{sessions} as archived, {problems}, {unlisted} objects of interrupted batches"
        ))?;
    }
    Ok(match verification.problems.is_empty() {
        true => Exit::DONE,
        false => Exit::REFUSED,
    })
}

/// What was removed from an archive.
#[derive(Serialize)]
struct Thinning {
    sessions: u64,
    bytes: u64,
    unlisted: u64,
    damaged: u64,
}

fn thin(args: &Thin, context: &mut Context) -> Outcome {
    let archive = args.archive.open(context)?;
    let runtime = RuntimeThread::shared()?;
    let thinned = archive.thin(args.older_than, context.now());
    let thinned = runtime.handle().block_on(thinned).map_err(failure)?;
    let damaged = thinned.damaged;
    if context.json() {
        context.print_json(&Thinning {
            sessions: thinned.sessions,
            bytes: thinned.bytes,
            unlisted: thinned.unlisted,
            damaged,
        })?;
    } else {
        let sessions = count(thinned.sessions, "archived session");
        context.out.line(&format!("{sessions} removed"))?;
        if thinned.unlisted > 0 {
            let objects = count(thinned.unlisted, "object");
            context.note(&format!("{objects} without a manifest removed"));
        }
        if damaged > 0 {
            let manifests = count(damaged, "manifest");
            context.note(&format!(
                "{manifests} cannot be read or removed; their sessions stay: `tenure archive verify` lists them"
            ));
        }
    }
    Ok(match damaged {
        0 => Exit::DONE,
        _ => Exit::REFUSED,
    })
}

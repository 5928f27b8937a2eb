//! `tenure import`: imports files of other programs, and exported sessions. This module reads folders
//! and files. A job decides which, how they are parsed and what is written.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use tenure_apps::folders::file::is_wanted;
use tenure_apps::folders::job::{
    IMPORT_DIRECTORY, ImportCounts, ImportDirectoryParams, ImportDirectoryResult, ImportProblem,
    ImportProgress,
};
use tenure_core::error::Cause;
use tenure_core::session::operations::IMPORT;
use tenure_core::session::params::ImportParams;
use tenure_core::session::portable;
use tenure_core::work::job::{FolderEntry, ReadFile, Step, StepReply};
use tenure_core::work::operation::Reply;
use tenure_core::{Text, Timestamp};
use tenure_regular::MAX_FILE_BYTES;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::input;
use crate::interrupt::Interrupt;
use crate::job::{Coded, JobHost, run_job};
use crate::output::count;
use crate::progress::Progress;
use crate::token::TokenArg;

/// The most problems that a result lists.
const MAX_LISTED: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
These files are imported from a folder and its subfolders: <id>/session.json,
.claude/session/<id>/state.json, jarvis_vm_registry.json,
active_sessions/*.json, audit/session_audit_*.json and recent_pr_*.lock.
Unchanged and newer sessions in the store are kept, so an import can be
repeated.

A single file with another name, or -, is a session as `tenure export` prints
it; a .jsonl file has such a session in each line. It replaces the session with
the same id.

Examples:
  tenure import ./sessions --dry-run
  tenure import ./sessions
  tenure import session-42.json
  tenure import exported/*.json
  tenure --store file:./old export $id | tenure import -")]
pub(crate) struct Args {
    /// Folders and files; - reads a session from standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Report without writing anything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    held: TokenArg,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let mut importing = Importing {
        interrupt: Interrupt::listen(),
        progress: Progress::new(!context.json()),
        held: args.held,
        seen: 0,
        result: ImportDirectoryResult {
            dry_run: args.dry_run,
            ..ImportDirectoryResult::default()
        },
        context,
    };
    for path in &args.paths {
        importing.path(path)?;
    }
    let Importing {
        context,
        result,
        progress,
        held,
        ..
    } = importing;
    // Erases the progress line before anything is printed.
    drop(progress);
    if held.given().is_some() && result.sessions.written + result.failed == 0 {
        context.note("no session was written, so the token was not checked");
    }
    print(context, &result)
}

fn print(context: &mut Context, imported: &ImportDirectoryResult) -> Outcome {
    if context.json() {
        context.print_json(imported)?;
    } else {
        for ImportProblem { path, message, .. } in &imported.problems {
            context.note(&format!("{path}: {message}"));
        }
        let done = match imported.dry_run {
            true => "would be imported",
            false => "imported",
        };
        for (name, counts) in [
            ("session", imported.sessions),
            ("lease", imported.leases),
            ("audit record", imported.audit),
        ] {
            let ImportCounts {
                written,
                unchanged,
                newer,
            } = counts;
            if written + unchanged + newer > 0 || name == "session" {
                context.out.line(&format!(
                    "{} {done}, {unchanged} unchanged, {newer} newer in the store",
                    count(written, name)
                ))?;
            }
        }
        if imported.failed > 0 {
            let failed = imported.failed;
            context
                .out
                .line(&format!("{failed} could not be imported"))?;
        }
    }
    Ok(match imported.failed {
        0 => Exit::DONE,
        _ => Exit::REFUSED,
    })
}

/// An import in progress.
struct Importing<'c> {
    context: &'c mut Context,
    interrupt: Interrupt,
    progress: Progress,
    held: TokenArg,
    /// The number of files in folders, of any name.
    seen: u64,
    result: ImportDirectoryResult,
}

impl Importing<'_> {
    fn path(&mut self, path: &str) -> Result<(), Failure> {
        if path == "-" {
            return self.session("PATH", input::all_of_stdin("PATH", MAX_FILE_BYTES)?);
        }
        let found = fs::metadata(path)
            .map_err(|error| Failure::usage("PATH", format!("{path} cannot be read: {error}")))?;
        // A file is recognised by the names of its folders, too.
        let full = std::path::absolute(path).unwrap_or_else(|_| path.into());
        let what = format!("PATH {path}");
        if found.is_dir() {
            self.files(&full, false)?;
            self.check_found(path)
        } else if is_wanted(&full.to_string_lossy()) {
            self.files(&full, true)
        } else if path.ends_with(".jsonl") {
            self.lines(&what, Path::new(path))
        } else {
            self.session(&what, input::file("PATH", path, MAX_FILE_BYTES)?)
        }
    }

    /// Notes that a folder has files, and none that is imported from a folder.
    fn check_found(&mut self, path: &str) -> Result<(), Failure> {
        if self.result.files > 0 || self.seen == 0 {
            return Ok(());
        }
        let problem = format!(
            "{path} has no file that is imported from a folder; name exported sessions themselves: \
             tenure import {path}/*.json"
        );
        Err(Failure::usage("PATH", problem))
    }

    /// Imports the exported sessions of a file with one in each line.
    fn lines(&mut self, what: &str, path: &Path) -> Result<(), Failure> {
        let unreadable = |error| Failure::usage(what, format!("cannot be read: {error}"));
        let mut file = BufReader::new(tenure_regular::open(path).map_err(unreadable)?);
        for number in 1.. {
            let mut line = Vec::new();
            let mut limited = file.by_ref().take(MAX_FILE_BYTES);
            let read = limited.read_until(b'\n', &mut line).map_err(unreadable)?;
            if read == 0 {
                break;
            }
            let text = tenure_regular::text_of(line).map_err(unreadable)?;
            if text.trim().is_empty() {
                continue;
            }
            self.check()?;
            self.session(&format!("{what}, line {number}"), text)?;
            let sessions = self.result.sessions.written;
            self.progress
                .update(|| format!("{sessions} sessions imported"));
        }
        Ok(())
    }

    /// Imports an exported session. `what` names the text in errors.
    fn session(&mut self, what: &str, text: String) -> Result<(), Failure> {
        self.result.files += 1;
        if self.result.dry_run {
            let problem = "not possible for an exported session, which always replaces the \
                           session with its id";
            return Err(Failure::usage("--dry-run", problem));
        }
        // The operation says what is wrong with the text.
        let id = portable::read_head(&text).ok();
        let id = id.map(|session| session.head.id.as_str().into());
        let params = ImportParams {
            token: self.held.of(id.as_slice()),
            text: text.into(),
            ..ImportParams::default()
        };
        self.context
            .run(&IMPORT, params)
            .map_err(|failure| named(what, failure))?;
        self.result.sessions.written += 1;
        Ok(())
    }

    /// Imports the files of a folder, or one file.
    fn files(&mut self, path: &Path, is_file: bool) -> Result<(), Failure> {
        let params = ImportDirectoryParams {
            path: path.to_string_lossy().as_ref().into(),
            is_file: Some(is_file),
            dry_run: Some(self.result.dry_run),
            token: self.held.given(),
        };
        let imported = run_job(&IMPORT_DIRECTORY, params, self)?;
        let result = &mut self.result;
        add(&mut result.sessions, imported.sessions);
        add(&mut result.leases, imported.leases);
        add(&mut result.audit, imported.audit);
        result.files += imported.files;
        result.failed += imported.failed;
        let room = MAX_LISTED.saturating_sub(result.problems.len());
        let problems = imported.problems.into_iter().map(|problem| ImportProblem {
            path: full_path(path, &problem.path),
            ..problem
        });
        result.problems.extend(problems.take(room));
        Ok(())
    }
}

/// The failure of an import, with the name of the file.
fn named(what: &str, failure: Failure) -> Failure {
    let Failure::Error(error) = failure else {
        return failure;
    };
    match error.into_cause() {
        Cause::InvalidArgument { what: of, problem } if of == "text" => {
            Failure::usage(what, problem)
        }
        cause => cause.into(),
    }
}

fn add(counts: &mut ImportCounts, more: ImportCounts) {
    counts.written += more.written;
    counts.unchanged += more.unchanged;
    counts.newer += more.newer;
}

/// The full path of a file that is named relative to a folder; `.` is the folder.
fn full_path(folder: &Path, relative: &str) -> String {
    match relative {
        "." => folder.display().to_string(),
        _ => folder.join(relative).display().to_string(),
    }
}

impl JobHost for Importing<'_> {
    fn run(&mut self, step: &dyn Step) -> Result<StepReply, Failure> {
        self.check()?;
        self.context.run_step(step)
    }

    fn read_file(&mut self, path: &Text) -> Result<ReadFile, Coded> {
        self.check()?;
        // A file that is not UTF-8 is refused: replacing its bytes would change its content.
        let read = tenure_regular::read_to_string(Path::new(path.as_str()), MAX_FILE_BYTES)
            .and_then(|text| Ok((text, fs::metadata(path.as_str())?.modified()?)));
        let (text, modified) = read.map_err(unreadable)?;
        let modified_at = modified
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .and_then(|millis| Timestamp::from_millis(millis).ok());
        Ok(ReadFile {
            text: text.into(),
            modified_at,
        })
    }

    /// Symbolic links are not followed: they may form a circle, or leave the folder. A file whose name is
    /// no text, that cannot be examined or is no regular file is listed: if it is wanted, reading it fails.
    fn read_folder(&mut self, path: &Text) -> Result<Vec<FolderEntry>, Coded> {
        self.check()?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(path.as_str()).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let is_folder = match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => true,
                Ok(found) if found.is_symlink() => continue,
                _ => false,
            };
            self.seen += u64::from(!is_folder);
            entries.push(FolderEntry {
                path: path.to_string_lossy().as_ref().into(),
                is_folder,
            });
        }
        Ok(entries)
    }

    fn progress(&mut self, progress: Box<dyn Reply>) {
        let Ok(progress) = progress.into_any().downcast::<ImportProgress>() else {
            return;
        };
        let files = self.result.files + progress.files;
        self.progress.update(|| format!("{files} files read"));
    }
}

impl Importing<'_> {
    fn check(&self) -> Result<(), Failure> {
        self.interrupt
            .check("interrupted; run the same command to continue")
    }
}

fn unreadable(error: io::Error) -> Coded {
    Coded::Code("FILE_UNREADABLE", error.to_string())
}

//! `tenure import`: imports files of other programs, and exported sessions. This module walks folders
//! and reads files. The core decides which files it knows, how it parses them and what it writes.

use std::fs;
use std::io;
use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::Serialize;
use tenure_apps::folders::file::{FileProblem, Holds, ImportFileParams, ImportWantedParams};
use tenure_apps::folders::operations::{IMPORT_FILE, IMPORT_WANTED};
use tenure_core::Timestamp;
use tenure_core::session::operations::IMPORT;
use tenure_core::session::params::ImportParams;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::input;
use crate::interrupt::Interrupt;
use crate::output::count;
use crate::progress::Progress;

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
it. It replaces the session with the same id.

Examples:
  tenure import ./sessions --dry-run
  tenure import ./sessions
  tenure import session-42.json
  tenure --store file:./old export $id | tenure import -")]
pub(crate) struct Args {
    /// Folders and files; - reads a session from standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Report without writing anything
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let mut importing = Importing {
        dry_run: args.dry_run,
        interrupt: Interrupt::listen(),
        progress: Progress::new(!context.json()),
        result: Imported {
            dry_run: args.dry_run,
            ..Imported::default()
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
        ..
    } = importing;
    // Erases the progress line before anything is printed.
    drop(progress);
    print(context, &result)
}

fn print(context: &mut Context, imported: &Imported) -> Outcome {
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
            let Counts {
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

/// The result of an import, with the property names of the npm package.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    sessions: Counts,
    leases: Counts,
    audit: Counts,
    files: u64,
    failed: u64,
    problems: Vec<ImportProblem>,
    dry_run: bool,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Counts {
    written: u64,
    unchanged: u64,
    newer: u64,
}

#[derive(Serialize)]
struct ImportProblem {
    path: String,
    code: String,
    message: String,
}

/// An import in progress.
struct Importing<'c> {
    context: &'c mut Context,
    dry_run: bool,
    interrupt: Interrupt,
    progress: Progress,
    result: Imported,
}

impl Importing<'_> {
    fn path(&mut self, path: &str) -> Result<(), Failure> {
        if path == "-" {
            return self.session(input::all_of_stdin("PATH")?);
        }
        let found = fs::metadata(path)
            .map_err(|error| Failure::usage("PATH", format!("{path} cannot be read: {error}")))?;
        // A file is recognised by the names of its folders, too.
        let full = std::path::absolute(path).unwrap_or_else(|_| path.into());
        if found.is_dir() {
            self.folder(&full)
        } else if self.is_wanted(&full, "")? {
            self.file(&full)
        } else {
            self.session(input::file("PATH", path)?)
        }
    }

    /// Imports an exported session.
    fn session(&mut self, text: String) -> Result<(), Failure> {
        self.result.files += 1;
        if self.dry_run {
            let problem = "is not possible for an exported session, which always replaces the \
                           session with its id";
            return Err(Failure::usage("--dry-run", problem));
        }
        let params = ImportParams { text: text.into() };
        self.context.run(&IMPORT, params)?;
        self.result.sessions.written += 1;
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let mut entries: Vec<PathBuf> = match fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable(folder, &error);
                return Ok(());
            }
        };
        entries.sort();
        for path in entries {
            // Symbolic links are not followed: they may form a circle, or leave the folder.
            let Ok(found) = fs::symlink_metadata(&path) else {
                continue;
            };
            if found.is_dir() {
                if self.is_wanted(&path, MAIN_SEPARATOR_STR)? {
                    self.folder(&path)?;
                }
            } else if found.is_file() && self.is_wanted(&path, "")? {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn is_wanted(&mut self, path: &Path, end: &str) -> Result<bool, Failure> {
        self.interrupt
            .check("interrupted; run the same command to continue")?;
        let path = format!("{}{end}", path.to_string_lossy());
        let params = ImportWantedParams { path: path.into() };
        self.context.run(&IMPORT_WANTED, params)
    }

    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        self.result.files += 1;
        let files = self.result.files;
        self.progress.update(|| format!("{files} files read"));
        // A file that is not UTF-8 is refused: replacing its bytes would change its content.
        let (text, modified) = match fs::read_to_string(path)
            .and_then(|text| Ok((text, fs::metadata(path)?.modified()?)))
        {
            Ok(read) => read,
            Err(error) => {
                self.unreadable(path, &error);
                return Ok(());
            }
        };
        let modified = modified
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .and_then(|millis| Timestamp::from_millis(millis).ok());
        let params = ImportFileParams {
            path: path.to_string_lossy().as_ref().into(),
            text: text.into(),
            modified_at: modified,
            dry_run: self.dry_run.then_some(true),
        };
        let import = self.context.run(&IMPORT_FILE, params)?;
        for FileProblem { code, message } in import.problems {
            self.problem(path, code, message);
        }
        let counts = match import.holds {
            Some(Holds::Sessions) => &mut self.result.sessions,
            Some(Holds::Leases) => &mut self.result.leases,
            Some(Holds::Audit) => &mut self.result.audit,
            None => return Ok(()),
        };
        counts.written += import.written;
        counts.unchanged += import.unchanged;
        counts.newer += import.newer;
        Ok(())
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.problem(path, "FILE_UNREADABLE".to_owned(), error.to_string());
    }

    fn problem(&mut self, path: &Path, code: String, message: String) {
        self.result.failed += 1;
        if self.result.problems.len() < MAX_LISTED {
            self.result.problems.push(ImportProblem {
                path: path.display().to_string(),
                code,
                message,
            });
        }
    }
}

//! Running the program `git`: its arguments never pass through a shell, it asks nobody at a
//! terminal, and it ends in time. What it reads and says goes through files, so that whatever it leaves running can
//! hold nobody up.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tenure_core::error::cut;
use tenure_core::{Error, Result};

/// Variables that tie git to the repository that a caller works in, as one of its hooks does.
const OF_CALLER: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// What is said of a git that took too long.
const ENDED: &str = "git was ended after";

/// How git is run.
#[derive(Debug)]
pub(crate) struct Program {
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// Where what it reads and says is kept.
    pub(crate) scratch: PathBuf,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Its repository; that of the folder, without.
    pub(crate) repository: Option<PathBuf>,
    /// What it is told beside what its configuration says, the last with the most weight; in place
    /// of what its caller tells it, unless there is none. Not among its arguments, which every user
    /// of a machine can read, and in no file that could be left behind.
    pub(crate) settings: Vec<(String, String)>,
}

/// How a run of git has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code; none if it was ended.
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    /// What it complains of, in a line.
    pub(crate) complaint: String,
}

impl Ran {
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

impl Program {
    /// Runs git with these arguments, and lets it read `input`.
    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Ran> {
        let [given, out, err] = ["in", "out", "err"].map(|name| self.scratch.join(name));
        let file = |file: std::io::Result<File>, path: &Path| {
            file.map_err(|error| scratch_failed(path, &error))
        };
        fs::write(&given, input).map_err(|error| scratch_failed(&given, &error))?;
        let mut command = self.command();
        command
            .args(arguments)
            .stdin(file(File::open(&given), &given)?)
            .stdout(file(File::create(&out), &out)?)
            .stderr(file(File::create(&err), &err)?);
        let child = command.spawn().map_err(|error| self.not_run(&error))?;
        let ended = self.wait(child)?;
        let read = |path: &Path| fs::read(path).map_err(|error| scratch_failed(path, &error));
        let mut complaint = complaint(&String::from_utf8_lossy(&read(&err)?));
        if ended.is_none() {
            let limit = self.timeout.as_millis();
            complaint = format!("{ENDED} {limit} ms; {complaint}");
        }
        Ok(Ran {
            code: ended.and_then(|status| status.code()),
            out: read(&out)?,
            complaint,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            // What it says is read here.
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0");
        if let Some(repository) = &self.repository {
            for name in OF_CALLER {
                command.env_remove(name);
            }
            command.env("GIT_DIR", repository);
        }
        if !self.settings.is_empty() {
            for (number, (key, value)) in self.settings.iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{number}"), key);
                command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
            }
            command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // With those that it starts, so that all of them can be ended.
            command.process_group(0);
        }
        command
    }

    /// Waits for its end; nothing when it took too long, and was ended.
    fn wait(&self, mut child: Child) -> Result<Option<ExitStatus>> {
        const LONGEST: Duration = Duration::from_millis(10);
        let start = Instant::now();
        let mut pause = Duration::from_micros(500);
        loop {
            let failed = |error: std::io::Error| unavailable(format!("waiting for git: {error}"));
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok(Some(status));
            }
            if start.elapsed() >= self.timeout {
                end(&mut child);
                child.wait().map_err(failed)?;
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST);
        }
    }

    fn not_run(&self, error: &std::io::Error) -> Error {
        if error.kind() == ErrorKind::NotFound && self.folder.is_dir() {
            return unavailable(
                "there is no program `git`, which a git store runs; install it, or put it on the \
                 PATH"
                    .to_owned(),
            );
        }
        let folder = self.folder.display();
        unavailable(format!("git cannot be run in {folder}: {error}"))
    }
}

/// Ends git and what it has started.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(number) = i32::try_from(child.id())
        && let Some(group) = rustix::process::Pid::from_raw(number)
    {
        // It may have ended just now.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

/// What git complains of, in a line, without its advice.
fn complaint(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let told = lines.filter(|line| {
        let advice = line.starts_with("hint:") || line.starts_with("error: failed to push some");
        !line.is_empty() && !advice
    });
    cut(told.collect::<Vec<_>>().join("; "))
}

/// Whether what is said of a run is that it took too long.
pub(crate) fn was_ended(complaint: &str) -> bool {
    complaint.contains(ENDED)
}

/// The store cannot be reached.
pub(crate) fn unavailable(problem: String) -> Error {
    Error::StoreUnavailable { problem }
}

/// The error for a folder of the store's own.
pub(crate) fn scratch_failed(path: &Path, error: &std::io::Error) -> Error {
    let problem = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::StorageFull { problem },
        _ => unavailable(problem),
    }
}

//! Runs the program `git`. Its arguments never pass through a shell, it has no terminal, it has a
//! timeout, and it is killed when the future that runs it is dropped. Its input and output are
//! files, so that a process that it leaves running cannot delay the caller.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use tenure_core::error::cut;
use tenure_core::value::address;
use tenure_core::{Error, Result};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use crate::failure::{scratch_failed, unavailable};
use crate::scratch::Workspace;

/// The maximum number of concurrent processes of one handle. SSH servers refuse more than ten new
/// connections.
const CONCURRENT: usize = 8;
/// The longest wait for a killed process to end, in milliseconds.
const KILL_WAIT_MS: u64 = 20;
/// The interval at which the end of a process is polled, in case its signal does not arrive.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The variables that git sets for the repository of a caller, for example in a hook.
const CALLER_VARIABLES: &[&str] = &[
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

/// The start of the message about a git that exceeded its timeout.
const TIMED_OUT: &str = "git was ended after";

/// The settings of a run of git.
#[derive(Debug)]
pub(crate) struct Program {
    /// The folder of the run.
    pub(crate) folder: PathBuf,
    /// The timeout of a run.
    pub(crate) timeout: Duration,
    /// Settings that override git's configuration; later ones override earlier ones. They replace
    /// those of the caller's environment, unless there are none. They are passed in the
    /// environment, because other users can read arguments, and a file could be left behind.
    pub(crate) settings: Vec<(String, String)>,
    /// Whether the child processes of git are killed with it. Processes that serve a repository on
    /// this machine are not killed, because they must not be interrupted while they move refs; they
    /// end by themselves.
    pub(crate) kills_helpers: bool,
    permits: Semaphore,
}

/// The result of a run of git.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; `None` if git was killed.
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    /// The error message of git, in one line.
    pub(crate) complaint: String,
}

impl Ran {
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

impl Program {
    /// The settings to run git in a folder as the caller would.
    pub(crate) fn new(folder: PathBuf, timeout: Duration) -> Self {
        Self {
            folder,
            timeout,
            settings: Vec::new(),
            kills_helpers: true,
            permits: Semaphore::new(CONCURRENT),
        }
    }

    /// Runs git with these arguments and this input, in a workspace or else in the repository of
    /// its folder.
    pub(crate) async fn run(
        &self,
        workspace: Option<&Workspace>,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<Ran> {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|error| Error::internal(error.to_string()))?;
        let [mut out, mut err] = [new_file()?, new_file()?];
        let mut process = {
            let mut command = self.command(workspace);
            command.args(arguments).stdin(given(input)?);
            command.stdout(shared(&out)?).stderr(shared(&err)?);
            let child = command.spawn().map_err(|error| self.not_run(&error))?;
            Process {
                child,
                kills_helpers: self.kills_helpers,
            }
        };
        let status = process.wait(self.timeout).await?;
        let mut complaint = complaint(&String::from_utf8_lossy(&content(&mut err)?));
        if status.is_none() {
            let limit = self.timeout.as_millis();
            complaint = format!("{TIMED_OUT} {limit} ms; {complaint}");
        }
        Ok(Ran {
            code: status.and_then(|status| status.code()),
            out: content(&mut out)?,
            complaint,
        })
    }

    fn command(&self, workspace: Option<&Workspace>) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.folder)
            .kill_on_drop(true)
            // The messages are parsed, so they must be in English.
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0");
        if let Some(workspace) = workspace {
            for name in CALLER_VARIABLES {
                command.env_remove(name);
            }
            command.env("GIT_DIR", workspace.repository());
            command.env("GIT_OBJECT_DIRECTORY", workspace.objects());
        }
        if !self.settings.is_empty() {
            for (number, (key, value)) in self.settings.iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{number}"), key);
                command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
            }
            command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        }
        // A process group, so that git and its child processes can be killed together.
        #[cfg(unix)]
        command.process_group(0);
        command
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

/// A running git. It is killed when this is dropped before its end.
struct Process {
    child: Child,
    kills_helpers: bool,
}

impl Process {
    /// Waits for the end. Returns `None` if git exceeded the timeout and was killed.
    async fn wait(&mut self, timeout: Duration) -> Result<Option<ExitStatus>> {
        match tokio::time::timeout(timeout, self.end()).await {
            Ok(status) => status.map(Some),
            Err(_) => {
                self.kill();
                self.end().await?;
                Ok(None)
            }
        }
    }

    /// Waits for the end. The runtime is notified through a file descriptor of the process or, if
    /// the system has none, by the signal `SIGCHLD`. Node and other code in this process may have
    /// replaced the handler of that signal, so the process is polled, too.
    async fn end(&mut self) -> Result<ExitStatus> {
        loop {
            if let Ok(status) = tokio::time::timeout(POLL_INTERVAL, self.child.wait()).await {
                return status.map_err(|error| unavailable(format!("waiting for git: {error}")));
            }
        }
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        if self.kills_helpers
            && let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            // The group may have ended already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The id is `None` after the end of the process.
        if self.child.id().is_none() {
            return;
        }
        self.kill();
        // Until the process has ended, it may write into the workspace, which is removed next.
        for _ in 0..KILL_WAIT_MS {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(1)),
                _ => return,
            }
        }
    }
}

/// A file without a name, which is removed when it is closed.
fn new_file() -> Result<File> {
    tempfile::tempfile().map_err(|error| files_failed(&error))
}

/// A handle on a file for another process.
fn shared(file: &File) -> Result<Stdio> {
    let file = file.try_clone().map_err(|error| files_failed(&error))?;
    Ok(file.into())
}

/// A standard input with this content.
fn given(input: &[u8]) -> Result<Stdio> {
    if input.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = new_file()?;
    let written = file.write_all(input).and_then(|()| file.rewind());
    written.map_err(|error| files_failed(&error))?;
    Ok(file.into())
}

/// The content of a file that a process has written.
fn content(file: &mut File) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = file.rewind().and_then(|()| file.read_to_end(&mut content));
    read.map_err(|error| files_failed(&error))?;
    Ok(content)
}

fn files_failed(error: &std::io::Error) -> Error {
    scratch_failed(&std::env::temp_dir(), error)
}

/// The error message of git, in one line, without its advice and without what may be secret in URLs.
fn complaint(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let complaints = lines.filter(|line| {
        let advice = line.starts_with("hint:") || line.starts_with("error: failed to push some");
        !line.is_empty() && !advice
    });
    cut(address::shown_in(
        &complaints.collect::<Vec<_>>().join("; "),
    ))
}

/// Whether an error message says that git exceeded its timeout.
pub(crate) fn timed_out(complaint: &str) -> bool {
    complaint.contains(TIMED_OUT)
}

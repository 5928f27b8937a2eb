//! The process of the command: starts it, and has its output and its exit status. `process_tree` signals it and waits for its end.
//!
//! Without a terminal the command gets its own process group, so that all its processes can be signalled
//! together. On a terminal it stays in the foreground group, or reading the terminal would stop it; its
//! processes are then found as its descendants.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal};

use super::session::RunSession;
use crate::exit::Exit;
use crate::process_tree::ProcessTree;
use crate::token;

/// The arguments of the intermediate process between `tenure run` and the command.
#[derive(Debug, clap::Args)]
pub(crate) struct RunChild {
    /// The PID of `tenure run`
    parent: i32,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Becomes the command. Before that, this process asks the system for SIGTERM at the death of its
/// parent, which only the process itself can do.
pub(crate) fn become_command(args: RunChild) -> Exit {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
        let parent = rustix::process::getppid().map(Pid::as_raw_nonzero);
        if parent.map(std::num::NonZero::get) != Some(args.parent) {
            // The parent died before the request.
            return Exit(128 + 15);
        }
    }
    let Some((program, arguments)) = args.command.split_first() else {
        return Exit::USAGE;
    };
    let error = Command::new(program).args(arguments).exec();
    eprintln!("tenure: {}: {error}", program.to_string_lossy());
    match error.kind() {
        io::ErrorKind::NotFound => Exit(127),
        _ => Exit(126),
    }
}

/// The process of a running command.
pub(crate) struct Child {
    process: std::process::Child,
    tree: ProcessTree,
}

impl Child {
    /// Starts a command.
    pub(crate) fn spawn(
        command: &[OsString],
        session: &RunSession,
        store: &str,
        own_group: bool,
    ) -> io::Result<Self> {
        let mut child = Command::new(this_program()?);
        child
            .arg("run-child")
            .arg(std::process::id().to_string())
            .arg("--")
            .args(command)
            .env(token::SESSION, session.id.as_str())
            .env("TENURE_STORE", store)
            .envs(session.token.map(|token| (token::TOKEN, token.to_string())))
            .stdin(Stdio::inherit())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (process, tree) = ProcessTree::start(&mut child, own_group)?;
        Ok(Self { process, tree })
    }

    /// The PID.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its process and the descendants of that.
    pub(crate) fn tree(&self) -> ProcessTree {
        self.tree
    }

    /// Takes the pipes of its output.
    pub(crate) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.process.stdout.take(), self.process.stderr.take())
    }

    /// The exit status, after the end.
    pub(crate) fn status(&mut self) -> ExitStatus {
        // This cannot fail for a child that is not reaped elsewhere.
        self.process
            .wait()
            .unwrap_or_else(|_| ExitStatus::from_raw(Signal::KILL.as_raw()))
    }
}

/// The path of this program. On Linux it is valid even if the file was replaced.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") && Path::new("/proc/self/exe").exists() {
        return Ok("/proc/self/exe".into());
    }
    env::current_exe()
}

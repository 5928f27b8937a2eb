//! The command's process: how it is started, how it and what it started are signalled, how it ended.
//!
//! Without a terminal the command gets a process group of its own, so that all that it starts can be
//! ended with it. On a terminal it stays in the foreground group, or reading the terminal would stop
//! it; its processes are then found as its descendants.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use crate::exit::Exit;

/// The arguments of the step between `tenure run` and the command.
#[derive(Debug, clap::Args)]
pub(crate) struct RunChild {
    /// The process that waits for the command
    parent: i32,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Becomes the command, which is to end with the process that waits for it. The system asks for that
/// to be said by the process itself, before it turns into the command.
pub(crate) fn become_command(args: RunChild) -> Exit {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
        let parent = rustix::process::getppid().map(Pid::as_raw_nonzero);
        if parent.map(std::num::NonZero::get) != Some(args.parent) {
            // It has died before it could be said.
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

/// A command that runs.
pub(crate) struct Child {
    process: std::process::Child,
    pid: Pid,
    own_group: bool,
}

impl Child {
    /// Starts a command.
    pub(crate) fn spawn(
        command: &[OsString],
        session: &str,
        store: &str,
        own_group: bool,
    ) -> io::Result<Self> {
        let mut child = Command::new(this_program()?);
        child
            .arg("run-child")
            .arg(std::process::id().to_string())
            .arg("--")
            .args(command)
            .env("TENURE_SESSION", session)
            .env("TENURE_STORE", store)
            .stdin(Stdio::inherit())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if own_group {
            child.process_group(0);
        }
        let process = child.spawn()?;
        let pid = Pid::from_child(&process);
        Ok(Self {
            process,
            pid,
            own_group,
        })
    }

    /// The number of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether its processes are a group of their own, apart from the terminal's.
    pub(crate) fn has_own_group(&self) -> bool {
        self.own_group
    }

    /// What it prints, once.
    pub(crate) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.process.stdout.take(), self.process.stderr.take())
    }

    /// Waits until it has ended. It stays known to the system, so that nobody else can get its
    /// number, or its group's, while there is something to signal.
    pub(crate) fn wait_for_end(pid: u32) {
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
            return;
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            waitid(WaitId::Pid(pid), options),
            Err(rustix::io::Errno::INTR)
        ) {}
    }

    /// Signals it and all that it has started. One that is gone already is no failure.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.own_group {
            let _ = kill_process_group(self.pid, signal);
            return;
        }
        for pid in descendants(self.pid) {
            let _ = kill_process(pid, signal);
        }
        let _ = kill_process(self.pid, signal);
    }

    /// How it has ended; to be asked when it has.
    pub(crate) fn status(&mut self) -> ExitStatus {
        // It cannot fail for a child that nobody else waits for.
        self.process
            .wait()
            .unwrap_or_else(|_| ExitStatus::from_raw(Signal::KILL.as_raw()))
    }
}

/// This program, also when its file has been replaced meanwhile, where the system knows it then.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") && Path::new("/proc/self/exe").exists() {
        return Ok("/proc/self/exe".into());
    }
    env::current_exe()
}

/// The processes that a process has started, and theirs, where the system shows them.
fn descendants(of: Pid) -> Vec<Pid> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name before it may hold anything but ends with the last parenthesis.
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let parent = after_name.split(' ').nth(1);
        if let Some(parent) = parent
            .and_then(|text| text.parse().ok())
            .and_then(Pid::from_raw)
        {
            parents.push((pid, parent));
        }
    }
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&one) = found.get(at) {
        let children = parents.iter().filter(|(_, parent)| *parent == one);
        found.extend(children.map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

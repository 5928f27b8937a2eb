//! A process with its descendants, which are signalled together. With a process group of its own they are that group. Without one
//! they are found by their parents, where the system shows them.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// How to look for the end of a process without reaping it.
const UNREAPED: WaitIdOptions = WaitIdOptions::EXITED.union(WaitIdOptions::NOWAIT);

/// A process that was started and has not been waited for, with its descendants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessTree {
    pid: Pid,
    own_group: bool,
}

impl ProcessTree {
    /// Starts a command, in a process group of its own or in that of this process, which the signals of a terminal
    /// reach.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn start(command: &mut Command, own_group: bool) -> io::Result<(Child, Self)> {
        if own_group {
            command.process_group(0);
        }
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        Ok((child, Self { pid, own_group }))
    }

    /// Whether it has its own process group.
    pub(crate) fn has_own_group(self) -> bool {
        self.own_group
    }

    /// Whether the process has ended. It is not reaped, so that its PID and its group are not used again while its
    /// descendants may be signalled.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn has_ended(self) -> io::Result<bool> {
        let options = UNREAPED | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(self.pid), options)?.is_some())
    }

    /// Waits until the process has ended. It is not reaped, as in [`has_ended`](Self::has_ended).
    pub(crate) fn wait_for_end(self) {
        while matches!(
            waitid(WaitId::Pid(self.pid), UNREAPED),
            Err(rustix::io::Errno::INTR)
        ) {}
    }

    /// Signals all of them, and continues those that are stopped.
    pub(crate) fn signal_and_continue(self, signal: Signal) {
        self.signal(signal);
        self.signal(Signal::CONT);
    }

    /// Signals all of them. A process that has ended is no failure.
    pub(crate) fn signal(self, signal: Signal) {
        if self.own_group {
            let _ = kill_process_group(self.pid, signal);
            return;
        }
        for pid in descendants(self.pid) {
            let _ = kill_process(pid, signal);
        }
        let _ = kill_process(self.pid, signal);
    }
}

/// The descendants of a process, where the system shows them.
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
        // The name may contain anything, and ends with the last parenthesis.
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

//! A process with its descendants, which are signalled together. With a process group of its own they are that group. Without one
//! they are found by their parents, where the system shows them.

use std::io;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// A process that was started and has not been waited for, with its descendants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessTree {
    pid: Pid,
    own_group: bool,
}

impl ProcessTree {
    /// The tree of a child that has its own process group, or is in that of this process.
    pub(crate) fn of(child: &std::process::Child, own_group: bool) -> Self {
        Self {
            pid: Pid::from_child(child),
            own_group,
        }
    }

    /// Whether it has its own process group.
    pub(crate) fn has_own_group(self) -> bool {
        self.own_group
    }

    /// Whether the process has ended. It is not waited for, so that its PID and its group are not used again.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn has_ended(self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(self.pid), options)?.is_some())
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

//! A command that has a time limit. When that has passed, it is ended with the processes that it has started.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process_tree::ProcessTree;

/// How long a command may take to end by itself after its limit, before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// The greatest interval at which the command is looked at. It begins with the least one and doubles.
const MOST_INTERVAL: Duration = Duration::from_millis(20);
const LEAST_INTERVAL: Duration = Duration::from_millis(1);

/// A command that runs.
pub(crate) struct LimitedCommand {
    /// Its process.
    pub(crate) child: Child,
    tree: ProcessTree,
    began: Instant,
    limit: Duration,
    grace: Duration,
}

/// How a command has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitedEnd {
    /// By itself.
    Exited(ExitStatus),
    /// It was ended at its limit.
    TimedOut,
    /// It was killed because it had to stop.
    Stopped,
}

impl LimitedCommand {
    /// Starts a command, as [`ProcessTree::start`] does.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn start(
        command: &mut Command,
        limit: Duration,
        own_group: bool,
    ) -> io::Result<Self> {
        let (child, tree) = ProcessTree::start(command, own_group)?;
        Ok(Self {
            child,
            tree,
            began: Instant::now(),
            limit,
            grace: GRACE,
        })
    }

    /// Waits for its end, its limit, or until `stops`.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn wait(mut self, stops: impl Fn() -> bool) -> io::Result<LimitedEnd> {
        let ended = self.end(stops);
        if !matches!(ended, Ok(None)) {
            self.tree.signal(Signal::KILL);
        }
        let status = self.child.wait()?;
        Ok(ended?.unwrap_or(LimitedEnd::Exited(status)))
    }

    /// Why it had to end; nothing if it has ended by itself.
    fn end(&self, stops: impl Fn() -> bool) -> io::Result<Option<LimitedEnd>> {
        let mut interval = LEAST_INTERVAL;
        let mut is_late = false;
        loop {
            if self.tree.has_ended()? {
                return Ok(is_late.then_some(LimitedEnd::TimedOut));
            }
            if stops() {
                return Ok(Some(LimitedEnd::Stopped));
            }
            let took = self.began.elapsed();
            if took >= self.limit.saturating_add(self.grace) {
                return Ok(Some(LimitedEnd::TimedOut));
            }
            if took >= self.limit && !is_late {
                is_late = true;
                self.tree.signal_and_continue(Signal::TERM);
            }
            thread::sleep(interval);
            interval = (interval * 2).min(MOST_INTERVAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;
    use std::path::Path;

    use tempfile::NamedTempFile;

    use super::*;

    fn start(script: &str, limit: Duration, own_group: bool) -> LimitedCommand {
        let mut command = Command::new("sh");
        let started = LimitedCommand::start(command.args(["-c", script]), limit, own_group);
        let grace = Duration::from_millis(200);
        LimitedCommand {
            grace,
            ..started.unwrap()
        }
    }

    /// A command that starts a process, and the file into which it writes the PID of that.
    fn start_two(limit: Duration, own_group: bool) -> (LimitedCommand, NamedTempFile) {
        let pids = NamedTempFile::new().unwrap();
        let script = format!("sleep 600 & echo $! > {}; wait", pids.path().display());
        (start(&script, limit, own_group), pids)
    }

    fn has_started(pids: &Path) -> bool {
        read_to_string(pids).is_ok_and(|pids| pids.ends_with('\n'))
    }

    fn wait_until_gone(pids: &Path) {
        let pid = read_to_string(pids).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let is_gone = || read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        while !is_gone() {
            thread::sleep(MOST_INTERVAL);
        }
    }

    #[test]
    fn a_command_that_has_to_stop_is_killed_with_its_children() {
        for own_group in [true, false] {
            let (command, pids) = start_two(Duration::from_secs(600), own_group);
            let end = command.wait(|| has_started(pids.path())).unwrap();
            assert_eq!(end, LimitedEnd::Stopped);
            wait_until_gone(pids.path());
        }
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_its_children() {
        for own_group in [true, false] {
            let (command, pids) = start_two(Duration::from_secs(3), own_group);
            let end = command.wait(|| false).unwrap();
            assert_eq!(end, LimitedEnd::TimedOut);
            assert!(has_started(pids.path()));
            wait_until_gone(pids.path());
        }
    }

    #[test]
    fn a_command_can_clean_up_at_its_limit_and_is_killed_if_it_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let cleaned = folder.path().join("cleaned");
        let script = format!(
            "trap 'echo > {}' TERM; while :; do sleep 0.01; done",
            cleaned.display()
        );
        let end = start(&script, Duration::from_secs(3), false).wait(|| false);
        assert_eq!(end.unwrap(), LimitedEnd::TimedOut);
        assert!(cleaned.exists());
    }
}

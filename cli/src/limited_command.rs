//! A command that has a time limit. When that has passed, it is killed with the processes that it has started: it has a
//! process group of its own.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// How often the command is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// A command that runs.
pub(crate) struct LimitedCommand {
    /// Its process.
    pub(crate) child: Child,
    began: Instant,
    limit: Duration,
}

/// How a command has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitedEnd {
    /// By itself.
    Exited(ExitStatus),
    /// It was killed at its limit.
    TimedOut,
    /// It was killed because it had to stop.
    Stopped,
}

impl LimitedCommand {
    /// Starts a command.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn start(command: &mut Command, limit: Duration) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Self {
            child: command.spawn()?,
            began: Instant::now(),
            limit,
        })
    }

    /// Waits for its end, its limit, or until `stops`.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn wait(mut self, stops: impl Fn() -> bool) -> io::Result<LimitedEnd> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(LimitedEnd::Exited(status));
            }
            let end = match stops() {
                true => Some(LimitedEnd::Stopped),
                false => (self.began.elapsed() >= self.limit).then_some(LimitedEnd::TimedOut),
            };
            if let Some(end) = end {
                kill(&mut self.child);
                return Ok(end);
            }
            thread::sleep(INTERVAL);
        }
    }
}

fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        // It has not been waited for, so that its group is its own.
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;

    use super::*;

    #[test]
    fn a_command_that_hangs_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let text = format!("sleep 600 & echo $! > {}; wait", pids.display());
        let has_started = || read_to_string(&pids).is_ok_and(|pids| pids.ends_with('\n'));
        let mut hangs = Command::new("sh");
        let hangs = LimitedCommand::start(hangs.args(["-c", &text]), Duration::from_secs(600));
        let end = hangs.unwrap().wait(has_started).unwrap();
        assert_eq!(end, LimitedEnd::Stopped);
        let pid = read_to_string(&pids).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let is_gone = || read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        while !is_gone() {
            thread::sleep(INTERVAL);
        }
        let mut long = Command::new("sleep");
        let long = LimitedCommand::start(long.arg("600"), Duration::from_millis(100));
        let end = long.unwrap().wait(|| false).unwrap();
        assert_eq!(end, LimitedEnd::TimedOut);
    }
}

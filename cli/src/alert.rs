//! The command of `tenure jobs run --alert`, which gets an alert as JSON. It has a time limit, so that it does not hold up the job.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tenure_core::Json;

use crate::command_line::split;
use crate::exit::Failure;

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// The command of `--alert`.
pub(crate) struct AlertCommand {
    program: String,
    args: Vec<String>,
    limit: Duration,
}

impl AlertCommand {
    /// Splits the words of a command. Its program has to exist: at its first alert it would be too late.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub(crate) fn parse(command: &str) -> Result<Self, Failure> {
        let mut words = split("--alert", command)?.into_iter();
        let program = words.next().unwrap_or_default();
        // Without the variable the system looks in these.
        let paths = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let exists = match program.contains('/') {
            true => Path::new(&program).exists(),
            false => {
                !program.is_empty()
                    && env::split_paths(&paths).any(|folder| folder.join(&program).exists())
            }
        };
        match exists {
            true => Ok(Self {
                program,
                args: words.collect(),
                limit: LIMIT,
            }),
            false => Err(Failure::usage(
                "--alert",
                format!("there is no program {program:?}"),
            )),
        }
    }

    /// Runs the command to its end, its time limit, or until `stops`: then it is killed with the processes that it has started.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub(crate) fn run(&self, alert: &Json, stops: impl Fn() -> bool) -> Result<(), String> {
        let began = Instant::now();
        let mut child = self
            .start(alert)
            .map_err(|error| format!("the command of --alert cannot be run: {error}"))?;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(format!("the command of --alert has failed: {status}"));
                }
                Ok(None) => {}
                Err(error) => {
                    return Err(format!("the command of --alert cannot be run: {error}"));
                }
            }
            let is_stopped = stops();
            if is_stopped || began.elapsed() >= self.limit {
                kill(&mut child);
                return Err(match is_stopped {
                    true => "the command of --alert was stopped".to_owned(),
                    false => {
                        let seconds = self.limit.as_secs();
                        format!("the command of --alert was stopped after {seconds} s")
                    }
                });
            }
            thread::sleep(INTERVAL);
        }
    }

    fn start(&self, alert: &Json) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        // A process group, so that it can be killed with the processes that it has started.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            let text = alert.as_str().to_owned();
            // A command that reads nothing holds up this thread alone, until it ends.
            thread::spawn(move || input.write_all(text.as_bytes()));
        }
        Ok(child)
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
    use super::*;

    fn command(text: &str, limit: Duration) -> AlertCommand {
        let command = AlertCommand::parse(text).unwrap_or_else(|_| panic!("{text}"));
        AlertCommand { limit, ..command }
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let text = format!("sh -c 'sleep 600 & echo $! > {}; wait'", pids.display());
        let alert = Json::of(&"alert");
        let has_started = || std::fs::read_to_string(&pids).is_ok_and(|pids| pids.ends_with('\n'));
        let hangs = command(&text, Duration::from_secs(600));
        let error = hangs.run(&alert, has_started).unwrap_err();
        assert_eq!(error, "the command of --alert was stopped");
        let pid = std::fs::read_to_string(&pids).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let is_gone = || {
            let stat = std::fs::read_to_string(&stat);
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        while !is_gone() {
            thread::sleep(INTERVAL);
        }
        let short = command("sleep 600", Duration::from_millis(100));
        let error = short.run(&alert, || false).unwrap_err();
        assert_eq!(error, "the command of --alert was stopped after 0 s");
    }
}

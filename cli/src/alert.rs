//! The command of `tenure jobs run --alert`, which gets an alert as JSON. It has a time limit, so that it does not hold up the job.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use tenure_core::Json;

use crate::command_line::split;
use crate::exit::Failure;
use crate::limited_command::{LimitedCommand, LimitedEnd};

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The command of `--alert`.
pub(crate) struct AlertCommand {
    program: String,
    args: Vec<String>,
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
        let end = self.start(alert).and_then(|command| command.wait(stops));
        match end {
            Ok(LimitedEnd::Exited(status)) if status.success() => Ok(()),
            Ok(LimitedEnd::Exited(status)) => {
                Err(format!("the command of --alert has failed: {status}"))
            }
            Ok(LimitedEnd::Stopped) => Err("the command of --alert was stopped".to_owned()),
            Ok(LimitedEnd::TimedOut) => {
                let seconds = LIMIT.as_secs();
                Err(format!(
                    "the command of --alert was stopped after {seconds} s"
                ))
            }
            Err(error) => Err(format!("the command of --alert cannot be run: {error}")),
        }
    }

    fn start(&self, alert: &Json) -> io::Result<LimitedCommand> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut command = LimitedCommand::start(&mut command, LIMIT, true)?;
        if let Some(mut input) = command.child.stdin.take() {
            let text = alert.as_str().to_owned();
            // A command that reads nothing holds up this thread alone, until it ends.
            thread::spawn(move || input.write_all(text.as_bytes()));
        }
        Ok(command)
    }
}

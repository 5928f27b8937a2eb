//! What every command has: the options that all share, the store, the present, and where to print.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use tenure_core::Timestamp;
use tenure_host::Local;

use crate::answer::Answer;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, clean_lines};
use crate::params::Params;
use crate::{store, time};

/// Options that all commands share.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Globals {
    /// Where sessions are kept: sqlite:FILE, file:FOLDER or registry:
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TENURE_STORE",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) store: Option<String>,
    /// Print results as JSON, for programs
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Act as if it were this moment, such as 2026-01-08T18:05:30Z
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        value_parser = time::parse,
        help_heading = "Global options"
    )]
    pub(crate) now: Option<Timestamp>,
}

/// What a command has to work with.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) out: Output,
    store: Option<Local>,
}

impl Context {
    pub(crate) fn new(globals: Globals) -> Self {
        Self {
            globals,
            out: Output::new(),
            store: None,
        }
    }

    /// Whether programs read what is printed.
    pub(crate) fn json(&self) -> bool {
        self.globals.json
    }

    /// The present.
    pub(crate) fn now(&self) -> Timestamp {
        self.globals
            .now
            .or_else(|| Timestamp::from_millis(tenure_host::now() as i64).ok())
            .unwrap_or_default()
    }

    /// Has an operation performed over the command's store.
    pub(crate) fn perform(&mut self, name: &str, params: &Params) -> Result<Answer, Failure> {
        let now = self.now();
        let store = match self.store.take() {
            Some(store) => store,
            None => store::open_default(self.globals.store.as_deref(), name)?,
        };
        let answer = perform_over(&store, now, name, params);
        self.store = Some(store);
        answer
    }

    /// Has an operation performed and prints its result: as it is for programs, else as `show` says.
    pub(crate) fn tell(
        &mut self,
        name: &str,
        params: &Params,
        show: impl FnOnce(&mut Self, &Answer) -> Outcome,
    ) -> Outcome {
        let answer = self.perform(name, params)?;
        if !self.json() {
            return show(self, &answer);
        }
        self.out.json(answer.json())?;
        Ok(match answer.json() {
            // An id that is not known.
            "null" => Exit::REFUSED,
            _ => Exit::DONE,
        })
    }

    /// Says something to people that is no result.
    pub(crate) fn note(&mut self, text: &str) {
        eprintln!("tenure: {}", clean_lines(text));
    }

    /// Ends the command.
    pub(crate) fn finish(mut self, outcome: Outcome) -> ExitCode {
        let exit = match outcome {
            Ok(exit) => exit,
            Err(failure) => self.explain(&failure),
        };
        let exit = match self.out.flush() {
            Ok(()) => exit,
            Err(error) => self.explain(&error.into()).max(exit),
        };
        ExitCode::from(exit.0)
    }

    /// Says what kept a command, or a part of it, from its end.
    pub(crate) fn explain(&mut self, failure: &Failure) -> Exit {
        match failure {
            Failure::Error { json, message, .. } => {
                if self.json() {
                    // Where even this cannot be printed, the exit code has to do.
                    let _ = self.out.json(&format!(r#"{{"error":{json}}}"#));
                } else {
                    self.complain(message);
                }
            }
            Failure::Output(error) if failure.exit() != Exit::DONE => {
                self.complain(&format!("the output cannot be written: {error}"));
            }
            Failure::Output(_) => {}
            Failure::Interrupted(note) => self.note(note),
        }
        failure.exit()
    }

    fn complain(&mut self, message: &str) {
        let red = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let (on, off) = if red {
            ("\x1b[31m", "\x1b[0m")
        } else {
            ("", "")
        };
        eprintln!("{on}tenure:{off} {}", clean_lines(message));
    }
}

/// Has an operation performed over a store.
pub(crate) fn perform_over(
    store: &Local,
    now: Timestamp,
    name: &str,
    params: &Params,
) -> Result<Answer, Failure> {
    Answer::of(store.perform(name, &params.text(), now.as_millis() as f64))
}

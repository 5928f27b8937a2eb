//! What every command has: the options that all share, the store, the present, and where to print.

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::sync::Arc;

use tenure_core::{Host, Limits, Process, Timestamp};
use tenure_host::{Local, OnBehalf, this_host};

use crate::answer::Answer;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, clean_lines};
use crate::params::Params;
use crate::store::Opened;
use crate::time;

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
    /// The models that there are: the sessions of others take no changes
    #[arg(
        long,
        global = true,
        value_name = "NAME,...",
        value_delimiter = ',',
        env = "TENURE_MODELS",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) models: Vec<String>,
}

/// What a command has to work with.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) out: Output,
    store: Option<Opened>,
    host: Arc<dyn Host>,
    limits: Limits,
}

impl Context {
    pub(crate) fn new(mut globals: Globals) -> Self {
        // A variable that is empty is one that is not set.
        globals.store = globals.store.filter(|url| !url.is_empty());
        for model in &mut globals.models {
            *model = model.trim().to_owned();
        }
        globals.models.retain(|model| !model.is_empty());
        let models = Some(globals.models.clone()).filter(|models| !models.is_empty());
        let limits = Limits {
            models,
            ..Limits::default()
        };
        Self {
            globals,
            out: Output::new(),
            store: None,
            host: this_host(),
            limits,
        }
    }

    /// Unless the command names a store, it is about the machine's registry. The variable says where
    /// sessions are kept, and not where the processes of a machine meet.
    pub(crate) fn use_registry(&mut self) {
        let names_one = |arg: OsString| {
            let arg = arg.to_string_lossy();
            arg == "--store" || arg.starts_with("--store=")
        };
        if !env::args_os().any(names_one) {
            self.globals.store = Some("registry:".to_owned());
        }
    }

    /// What is performed from now on is done for another process.
    pub(crate) fn act_for(&mut self, behalf: OnBehalf) {
        self.host = Arc::new(behalf);
    }

    /// What is performed from now on is done for this process itself.
    pub(crate) fn act_for_itself(&mut self) {
        self.host = this_host();
    }

    /// The process for which all is done.
    pub(crate) fn process(&self) -> Option<&Process> {
        self.host.process()
    }

    /// Whether programs read what is printed.
    pub(crate) fn json(&self) -> bool {
        self.globals.json
    }

    /// The present.
    pub(crate) fn now(&self) -> Timestamp {
        self.globals.now.unwrap_or_else(tenure_host::now)
    }

    /// The limits under which stores are opened; they say which models there are, too.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Has an operation performed over the command's store.
    pub(crate) fn perform(&mut self, name: &str, params: &Params) -> Result<Answer, Failure> {
        let now = self.now();
        let named = self.globals.store.as_deref();
        let store = match self.store.take() {
            Some(store) if store.serves(name) => store,
            _ => Opened::for_operation(named, name, &self.limits)?,
        };
        let now = now.as_millis() as f64;
        let answer = store
            .local
            .perform_as(Arc::clone(&self.host), name, &params.text(), now);
        self.store = Some(store);
        Answer::of(answer)
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
        self.before_stderr();
        eprintln!("tenure: {}", clean_lines(text));
    }

    /// Hands over what was printed before something is said on standard error, so that it comes
    /// first where both go to the same place.
    fn before_stderr(&mut self) {
        // What cannot be written is said at the end.
        let _ = self.out.flush();
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

    /// Says what was refused.
    pub(crate) fn complain(&mut self, message: &str) {
        self.before_stderr();
        let red = stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
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

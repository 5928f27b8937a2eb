//! The context of a command: the global options, the store, the clock and the output.

use std::env;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use tenure_bridge::{EncryptionOptions, KeyOptions, Options};
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::work::job::{Step, StepReply};
use tenure_core::work::operation::{Access, Operation};
use tenure_core::{Error, Host, Limits, Models, Process, Text, Timestamp};
use tenure_host::{Local, OnBehalf, this_host};
use tenure_permissions::FileMode;

use crate::arguments;
use crate::exit::{Exit, Failure, Outcome};
use crate::idempotency::Repeatable;
use crate::output::{Output, clean_lines};
use crate::progress;
use crate::store::CommandStore;
use crate::time;

/// The global options.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Globals {
    /// The URL of the store: sqlite:FILE, file:DIR, postgres://HOST/DB or registry:
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TENURE_STORE",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) store: Option<String>,
    /// Print replies as JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Override the clock with this time, such as 2026-01-08T18:05:30Z
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        value_parser = time::parse,
        help_heading = "Global options"
    )]
    pub(crate) now: Option<Timestamp>,
    /// The available models; sessions of other models cannot be changed
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
    /// The permissions of new files, such as 640; 600 by default
    #[arg(
        long,
        global = true,
        value_name = "BITS",
        value_parser = file_mode,
        env = "TENURE_FILE_MODE",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) file_mode: Option<FileMode>,
    /// The keys of an encrypted store: ID=file:PATH, ID=env:NAME or ID=command:PROGRAM, the current one first
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        value_delimiter = ',',
        env = "TENURE_ENCRYPTION_KEY",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) encryption_key: Vec<String>,
}

/// Reads where a key is; `None` for another text. Its error must not show the text, which may be the key itself.
fn encryption_key(text: &str) -> Option<KeyOptions> {
    let (id, source) = text.split_once('=')?;
    let (kind, place) = source.split_once(':')?;
    let mut key = KeyOptions {
        id: id.into(),
        ..KeyOptions::default()
    };
    match kind {
        "file" => key.file = Some(place.into()),
        "env" => key.env = Some(place.into()),
        "command" => {
            key.command = Some(place.split_ascii_whitespace().map(Text::from).collect());
        }
        _ => return None,
    }
    Some(key)
}

/// Reads permissions as octal digits. An empty environment variable counts as unset.
fn file_mode(text: &str) -> Result<FileMode, String> {
    if text.is_empty() {
        return Ok(FileMode::PRIVATE);
    }
    let bits = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok();
    bits.and_then(FileMode::new).ok_or_else(|| {
        "expected octal permissions such as 600, 640 or 660: the owner may read and write, and \
         nobody may execute"
            .to_owned()
    })
}

/// The context of a command.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) out: Output,
    /// The command with all of its subcommands.
    command: fn() -> clap::Command,
    store: Option<Local>,
    /// Whether operations that may write only read, because the command is a dry run.
    only_reads: bool,
    host: Arc<dyn Host>,
    limits: Limits,
}

impl Context {
    pub(crate) fn new(mut globals: Globals, command: fn() -> clap::Command) -> Self {
        // An empty environment variable counts as unset.
        globals.store = globals.store.filter(|url| !url.is_empty());
        for model in &mut globals.models {
            *model = model.trim().to_owned();
        }
        globals.models.retain(|model| !model.is_empty());
        let models = match globals.models.is_empty() {
            true => Models::Unknown,
            false => Models::Names(globals.models.clone()),
        };
        let limits = Limits {
            models,
            ..Limits::default()
        };
        Self {
            globals,
            out: Output::new(),
            command,
            store: None,
            only_reads: false,
            host: this_host(),
            limits,
        }
    }

    /// Uses this machine's registry unless `--store` is given. `TENURE_STORE` is ignored: it names the
    /// store of sessions, while the processes of a machine share one registry.
    pub(crate) fn use_registry(&mut self) {
        if !is_store_named() {
            self.globals.store = Some("registry:".to_owned());
        }
    }

    /// From now on, operations are performed on behalf of another process.
    pub(crate) fn act_for(&mut self, behalf: OnBehalf) {
        self.host = Arc::new(behalf);
    }

    /// From now on, operations are performed by this process itself.
    pub(crate) fn act_as_self(&mut self) {
        self.host = this_host();
    }

    /// The process that performs operations, or on whose behalf they are performed.
    pub(crate) fn process(&self) -> Option<&Process> {
        self.host.process()
    }

    /// Whether replies are printed as JSON.
    pub(crate) fn json(&self) -> bool {
        self.globals.json
    }

    /// Refuses an option that `--json` would ignore. clap cannot: it does not know of a global option
    /// that is given before the name of the command.
    pub(crate) fn refuse_with_json(
        &self,
        option: &str,
        is_given: bool,
        because: &str,
    ) -> Result<(), Failure> {
        match is_given && self.json() {
            true => Err(Failure::usage(
                option,
                format!("not possible with --json, {because}"),
            )),
            false => Ok(()),
        }
    }

    /// Refuses an option that only `--json` has.
    pub(crate) fn require_json(&self, option: &str, is_given: bool) -> Result<(), Failure> {
        match is_given && !self.json() {
            true => Err(Failure::usage(option, "possible only with --json")),
            false => Ok(()),
        }
    }

    /// Refuses `--store` for a command that does not use the store of a command.
    pub(crate) fn refuse_store(&self, because: &str) -> Result<(), Failure> {
        match is_store_named() {
            true => Err(Failure::usage(
                "--store",
                format!("not possible here: {because}"),
            )),
            false => Ok(()),
        }
    }

    /// The current time, or the clock override.
    pub(crate) fn now(&self) -> Timestamp {
        self.globals.now.unwrap_or_else(tenure_host::now)
    }

    /// The permissions of new files.
    pub(crate) fn file_mode(&self) -> FileMode {
        self.globals.file_mode.unwrap_or_default()
    }

    /// The options of the command's store.
    ///
    /// # Errors
    /// For an `--encryption-key` that does not say where the key is.
    pub(crate) fn store_options(&self) -> Result<Options, Failure> {
        Ok(Options {
            limits: self.limits.clone(),
            file_mode: Some(self.file_mode().bits()),
            on_migration: Some(progress::of_migration),
            encryption: self.encryption()?,
            ..Options::default()
        })
    }

    /// The keys of the command's store. An empty environment variable counts as unset.
    pub(crate) fn encryption(&self) -> Result<Option<EncryptionOptions>, Failure> {
        let texts = self.globals.encryption_key.iter().map(|text| text.trim());
        let keys = texts.filter(|text| !text.is_empty()).map(|text| {
            encryption_key(text).ok_or_else(|| {
                let expected = "expected ID=file:PATH, ID=env:NAME or ID=command:PROGRAM ARGUMENTS";
                Failure::usage("--encryption-key", expected)
            })
        });
        let keys = keys.collect::<Result<Vec<KeyOptions>, Failure>>()?;
        Ok((!keys.is_empty()).then_some(EncryptionOptions { keys, only: false }))
    }

    /// The command's store, which has to exist.
    pub(crate) fn existing_store(&mut self) -> Result<&Local, Failure> {
        self.store(Access::Read)
    }

    /// Runs an operation over the command's store.
    pub(crate) fn run<P, R>(
        &mut self,
        operation: &'static Operation<P, R>,
        params: P,
    ) -> Result<R, Failure>
    where
        P: Send + Sync + 'static,
        R: 'static,
    {
        self.run_with(operation, params, Fingerprint::default())
    }

    /// Runs an operation whose call may be repeated with the same idempotency key.
    pub(crate) fn run_repeatable<P, R>(
        &mut self,
        operation: &'static Operation<P, R>,
        params: P,
    ) -> Result<R, Failure>
    where
        P: Repeatable + Send + Sync + 'static,
        R: 'static,
    {
        let fingerprint = params.fingerprint(operation.name());
        self.run_with(operation, params, fingerprint)
    }

    fn run_with<P, R>(
        &mut self,
        operation: &'static Operation<P, R>,
        params: P,
        fingerprint: Fingerprint,
    ) -> Result<R, Failure>
    where
        P: Send + Sync + 'static,
        R: 'static,
    {
        let (now, host) = (self.now(), Arc::clone(&self.host));
        let store = self.store(operation.access)?;
        Ok(store.run_at(operation, params, now, host, fingerprint)?)
    }

    /// Runs the operation that a job needs.
    pub(crate) fn run_step(&mut self, step: &dyn Step) -> Result<StepReply, Failure> {
        let (now, host) = (self.now(), Arc::clone(&self.host));
        let reply = self.store(step.operation().access)?.run_any(
            step.operation(),
            step.params(),
            now,
            host,
        )?;
        Ok(step.reply(reply)?)
    }

    /// From now on, operations that may write only read if this is a dry run: a store that does not
    /// exist is refused.
    pub(crate) fn only_read(&mut self, is_dry_run: bool) {
        self.only_reads = is_dry_run;
    }

    /// Opens the command's store to read from it.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if it is named and does not exist, and those of the store.
    pub(crate) fn require_store(&mut self) -> Result<(), Failure> {
        self.store(Access::Read).map(drop)
    }

    /// Opens the command's store, which has to exist, also that of a project: a job that runs unattended would find nothing to do in any
    /// other.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, and those of the store.
    pub(crate) fn require_store_of_project(&mut self) -> Result<(), Failure> {
        CommandStore::of(self.globals.store.as_deref())?.require_of_project()?;
        self.require_store()
    }

    /// Opens the command's store, if it can be: one that is named and does not exist is empty, and is not
    /// created by reads.
    pub(crate) fn allow_missing_store(&mut self) {
        // The operation reports why it cannot be opened.
        let _ = self.store(Access::Write);
    }

    /// Takes the command's store out of the context, for a host that runs its operations. One that is named
    /// has to exist.
    pub(crate) fn take_store(&mut self) -> Result<Local, Failure> {
        self.require_store()?;
        let store = self.store.take();
        store.ok_or_else(|| Error::internal("a store was not opened").into())
    }

    /// The command's store, which the first operation opens, according to its access.
    fn store(&mut self, access: Access) -> Result<&Local, Failure> {
        let store = match self.store.take() {
            Some(store) => store,
            None => {
                let store = CommandStore::of(self.globals.store.as_deref())?;
                let access = if self.only_reads {
                    Access::Read
                } else {
                    access
                };
                store.open(&self.store_options()?, access)?
            }
        };
        Ok(self.store.insert(store))
    }

    /// The size of the command's store in bytes, if it can be measured.
    pub(crate) fn store_bytes(&mut self) -> Result<Option<u64>, Failure> {
        let on_disk = CommandStore::of(self.globals.store.as_deref())?.size_on_disk();
        Ok(match on_disk {
            Some(bytes) => Some(bytes),
            None => self.store(Access::Read)?.store_bytes(),
        })
    }

    /// Runs an operation and prints its reply: as JSON with `--json`, otherwise with `print`.
    pub(crate) fn run_and_print<P, R>(
        &mut self,
        operation: &'static Operation<P, R>,
        params: P,
        print: impl FnOnce(&mut Self, R) -> Outcome,
    ) -> Outcome
    where
        P: Send + Sync + 'static,
        R: Serialize + 'static,
    {
        let reply = self.run(operation, params)?;
        self.print(reply, print)
    }

    /// Prints a reply: as JSON with `--json`, otherwise with `print`.
    pub(crate) fn print<R: Serialize>(
        &mut self,
        reply: R,
        print: impl FnOnce(&mut Self, R) -> Outcome,
    ) -> Outcome {
        if !self.json() {
            return print(self, reply);
        }
        let json = serde_json::to_string(&reply)?;
        self.out.json(&json)?;
        Ok(match json.as_str() {
            // An unknown id.
            "null" => Exit::REFUSED,
            _ => Exit::DONE,
        })
    }

    /// Prints a value as JSON.
    pub(crate) fn print_json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value)?;
        Ok(self.out.json(&json)?)
    }

    /// Prints a message that is no reply to standard error.
    pub(crate) fn note(&mut self, text: &str) {
        self.before_stderr();
        eprintln!("tenure: {}", clean_lines(text));
    }

    /// Writes standard output out before a message to standard error, so that both appear in order on
    /// a terminal.
    fn before_stderr(&mut self) {
        // A failure to write is reported at the end.
        let _ = self.out.flush();
    }

    /// Ends the command with its exit code.
    pub(crate) fn finish(mut self, outcome: Outcome) -> ExitCode {
        let exit = match outcome {
            Ok(exit) => exit,
            Err(failure) => self.report(&failure),
        };
        let exit = match self.out.flush() {
            Ok(()) => exit,
            Err(error) => self.report(&error.into()).max(exit),
        };
        ExitCode::from(exit.0)
    }

    /// Reports the failure of a command, and returns its exit code.
    pub(crate) fn report(&mut self, failure: &Failure) -> Exit {
        match failure {
            Failure::Error(error) if self.json() => {
                // Where this cannot be printed either, the exit code remains.
                let _ = self.print_json(&ErrorReply { error });
            }
            Failure::Error(error) => self.error(&arguments::message(error, (self.command)())),
            Failure::Output(error) if failure.exit() != Exit::DONE => {
                self.error(&format!("the output cannot be written: {error}"));
            }
            Failure::Output(_) => {}
            Failure::Interrupted(_, note) => self.note(note),
        }
        failure.exit()
    }

    /// Prints an error message to standard error.
    pub(crate) fn error(&mut self, message: &str) {
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

/// Whether `--store` is given as an option, and not only its variable.
fn is_store_named() -> bool {
    arguments::is_named("--store")
}

/// The reply of an operation that failed.
#[derive(Serialize)]
struct ErrorReply<E> {
    error: E,
}

/// Runs an operation over a store, as this process.
pub(crate) fn run_over<P, R>(
    store: &Local,
    now: Timestamp,
    operation: &'static Operation<P, R>,
    params: P,
) -> Result<R, Failure>
where
    P: Send + Sync + 'static,
    R: 'static,
{
    let fingerprint = Fingerprint::default();
    Ok(store.run_at(operation, params, now, this_host(), fingerprint)?)
}

/// Runs the operation that a job needs over a store, as this process.
pub(crate) fn step_over(
    store: &Local,
    now: Timestamp,
    step: &dyn Step,
) -> Result<StepReply, Error> {
    step.reply(store.run_any(step.operation(), step.params(), now, this_host())?)
}

//! `tenure __complete`: the ids with which a command line can go on, for the scripts of `tenure
//! completions`. It only reads, and where it fails it prints nothing.

use std::any::TypeId;

use clap::{Arg, Command};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::session_id::SessionIdArg;

/// The most ids that are printed.
const MAX_IDS: usize = 200;
/// The pages of sessions that are searched, the newest first.
const MAX_PAGES: usize = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The words after the command's name; the last one is completed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: &Args, mut tenure: Command, context: &mut Context) -> Outcome {
    tenure.build();
    let Some((last, before)) = args.words.split_last() else {
        return Ok(Exit::DONE);
    };
    let line = CommandLine::read(&tenure, before, last);
    if !line.completed.is_some_and(names_session) {
        return Ok(Exit::DONE);
    }
    if line.store.is_some() {
        context.globals.store = line.store;
    }
    let mut ids = Vec::new();
    let listed = context.each_session(Some(MAX_PAGES), |id| {
        if id.starts_with(last.as_str()) {
            ids.push(id.to_owned());
        }
        ids.len() < MAX_IDS
    });
    if listed.is_ok() {
        for id in ids {
            context.out.line(&id)?;
        }
    }
    Ok(Exit::DONE)
}

/// Whether the value of an argument is the id of an existing session.
pub(crate) fn names_session(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<SessionIdArg>()
}

/// What is known of a command line that is not complete.
#[derive(Default)]
struct CommandLine<'c> {
    /// The argument whose value is completed.
    completed: Option<&'c Arg>,
    /// The value of `--store`.
    store: Option<String>,
}

impl<'c> CommandLine<'c> {
    /// Reads the words before the last one.
    fn read(tenure: &'c Command, before: &[String], last: &str) -> Self {
        let mut line = Self::default();
        let mut command = tenure;
        let mut positionals = 0;
        // An option whose value is the next word.
        let mut option: Option<&Arg> = None;
        let mut options_ended = false;
        for word in before {
            if let Some(given) = option.take() {
                line.note(given, word);
            } else if options_ended {
                positionals += 1;
            } else if word == "--" {
                options_ended = true;
            } else if let Some((arg, value)) = option_of(command, word) {
                match value {
                    Some(value) => line.note(arg, value),
                    None => option = arg.get_action().takes_values().then_some(arg),
                }
            } else if word.starts_with('-') {
                // An unknown option.
            } else if let Some(subcommand) = command.find_subcommand(word) {
                command = subcommand;
            } else {
                positionals += 1;
            }
        }
        line.completed = match option {
            Some(option) => Some(option),
            None if last.starts_with('-') && !options_ended => None,
            None => positional(command, positionals),
        };
        line
    }

    fn note(&mut self, option: &Arg, value: &str) {
        if option.get_long() == Some("store") {
            self.store = Some(value.to_owned());
        }
    }
}

/// The option that a word names, and the value within the word.
fn option_of<'c, 'w>(command: &'c Command, word: &'w str) -> Option<(&'c Arg, Option<&'w str>)> {
    let mut args = command.get_arguments();
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        return Some((args.find(|arg| arg.get_long() == Some(name))?, value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let short = letters.next()?;
    let value = Some(letters.as_str()).filter(|value| !value.is_empty());
    Some((args.find(|arg| arg.get_short() == Some(short))?, value))
}

/// The positional argument at a place; the last one may have many values.
fn positional(command: &Command, place: usize) -> Option<&Arg> {
    let has_many = |arg: &&Arg| {
        arg.get_num_args()
            .is_some_and(|count| count.max_values() > 1)
    };
    let last = || command.get_positionals().last().filter(has_many);
    command.get_positionals().nth(place).or_else(last)
}

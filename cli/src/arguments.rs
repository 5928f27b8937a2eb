//! The words for arguments in messages. An operation names its parameters (`maxIterations`), and a person
//! gave an argument (`--max-iterations`, `TASK`), so messages for people name the argument of the command
//! that was called. With `--json` an error is the same as in every other host.

use std::env;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use tenure_core::Error;
use tenure_core::error::Cause;

/// The least characters of the beginning of a session's id.
pub(crate) const MIN_PREFIX: usize = 6;

/// The arguments whose names do not follow from the names of their parameters.
const NAMES: [(&str, &str); 15] = [
    ("agentName", "--agent"),
    ("atSequence", "--at"),
    ("callId", "--finish"),
    ("channelId", "--channel"),
    ("commitSha", "COMMIT"),
    ("data", "JSON"),
    ("eventType", "EVENT"),
    ("gitRef", "--ref"),
    ("leaseDurationMs", "--for"),
    ("parentId", "--parent"),
    ("resultData", "--data"),
    ("text", "PATH"),
    ("timeoutMs", "--timeout"),
    ("userId", "--user"),
    ("vmId", "ID"),
];

/// What messages of the core say about parameters and operations, and what this command says.
const PHRASES: [(&str, &str); 10] = [
    (
        "another store than the one that is copied from",
        "a store other than FROM",
    ),
    ("`override: true`", "--override"),
    ("`addIterations`", "`tenure resume ID --add-iterations N`"),
    ("`idempotencyKey`", "--idempotency-key"),
    ("give one in `context`", "give one with --context"),
    ("give them in `headers`", "give them with --headers"),
    ("requestApproval", "`tenure agent request-approval`"),
    (
        "recorded by `updateContext`",
        "recorded by `tenure context set`",
    ),
    (
        "`unfinishedToolCalls` of `context` has those",
        "`tenure context get ID --json` lists those",
    ),
    (
        "agentUpdate, approve and deny",
        "`tenure agent update`, `tenure agent approve` and `tenure agent deny`",
    ),
];

/// The options that variables of the environment give, too, with their values.
const FROM_ENVIRONMENT: [(&str, &str); 4] = [
    ("--store", "<URL>"),
    ("--models", "<NAME,...>"),
    ("--file-mode", "<BITS>"),
    ("--encryption-key", "<KEY>"),
];

/// Whether an option is on the command line.
pub(crate) fn is_named(option: &str) -> bool {
    let names_one = |arg: OsString| {
        let arg = arg.to_string_lossy();
        let rest = arg.strip_prefix(option);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let mut options = env::args_os().take_while(|arg| arg != "--");
    options.any(names_one)
}

/// An error of the command line, without the names of hidden commands, without options that nobody gave,
/// and without Rust's words for numbers.
pub(crate) fn explained(mut error: clap::Error, command: &Command) -> clap::Error {
    if let Some(ContextValue::Strings(names)) = error.get(ContextKind::ValidSubcommand) {
        let is_hidden = |name: &String| {
            let found = command.find_subcommand(name);
            found.is_some_and(Command::is_hide_set)
        };
        let names = names.iter().filter(|name| !is_hidden(name)).cloned();
        let names = ContextValue::Strings(names.collect());
        error.insert(ContextKind::ValidSubcommand, names);
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = FROM_ENVIRONMENT
            .iter()
            .fold(usage.clone(), |usage, (option, value)| {
                match is_named(option) {
                    true => usage,
                    // The usage names each argument that has a value.
                    false => usage
                        .to_string()
                        .replace(&format!(" {option} {value}"), "")
                        .into(),
                }
            });
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let Some(expected) = expected_number(&error) else {
        return error;
    };
    let (argument, value) = (
        text(ContextKind::InvalidArg),
        text(ContextKind::InvalidValue),
    );
    clap::Error::raw(
        ErrorKind::ValueValidation,
        format!(
            "invalid value '{value}' for '{argument}': {expected}\n\nFor more information, try '--help'.\n"
        ),
    )
}

/// What was expected, if the error is about a number.
fn expected_number(error: &clap::Error) -> Option<String> {
    let source = std::error::Error::source(error)?;
    if source.is::<std::num::ParseIntError>() {
        return Some("expected a whole number".to_owned());
    }
    if source.is::<std::num::ParseFloatError>() {
        return Some("expected a number".to_owned());
    }
    // clap says `0 is not in 1..=1000`.
    let text = source.to_string();
    let (_, range) = text.split_once(" is not in ")?;
    let (least, most) = range.split_once("..=")?;
    Some(format!("expected {least} to {most}"))
}

/// The message of an error of an operation of a command, with the names of the called command's arguments.
pub(crate) fn message(error: &Error, command: Command) -> String {
    let named = match error.cause().clone() {
        Cause::InvalidArgument { what, problem } => Cause::InvalidArgument {
            what: name_of(what, command),
            problem,
        },
        Cause::TooLarge {
            what,
            actual,
            limit,
        } => Cause::TooLarge {
            what: name_of(what, command),
            actual,
            limit,
        },
        Cause::TooDeep { what, limit } => Cause::TooDeep {
            what: name_of(what, command),
            limit,
        },
        Cause::InvalidCursor => Cause::InvalidArgument {
            what: "--cursor".to_owned(),
            problem: "expected the cursor of the page before, with the same options".to_owned(),
        },
        Cause::SessionNotFound { id } => return unknown_session(&id),
        cause => cause,
    };
    let message = named.to_string();
    PHRASES.iter().fold(message, |message, (of_core, here)| {
        message.replace(of_core, here)
    })
}

/// The message about an id that no session has.
pub(crate) fn unknown_session(id: &str) -> String {
    let tip = match id.len() < MIN_PREFIX {
        true => format!("; an id can be shortened to {MIN_PREFIX} characters or more"),
        false => String::new(),
    };
    format!("there is no session {id}{tip}")
}

/// The name of the argument that gave a parameter, or else the parameter's own.
fn name_of(parameter: String, command: Command) -> String {
    let words: String = parameter
        .chars()
        .flat_map(|char| match char.is_ascii_uppercase() {
            true => vec!['-', char.to_ascii_lowercase()],
            false => vec![char],
        })
        .collect();
    let other = NAMES.iter().find(|(name, _)| *name == parameter);
    let candidates = [
        other.map(|(_, name)| (*name).to_owned()),
        Some(format!("--{words}")),
        Some(words.replace('-', "_").to_ascii_uppercase()),
    ];
    let called = called(command);
    let is_argument = |name: &String| called.get_arguments().any(|arg| has_name(arg, name));
    let names: Vec<String> = candidates
        .into_iter()
        .flatten()
        .filter(is_argument)
        .collect();
    // Of several that can have given it, the one that is there.
    let given = names.iter().find(|name| is_named(name));
    given.or(names.first()).cloned().unwrap_or(parameter)
}

/// The command that was called.
fn called(mut command: Command) -> Command {
    // Parsing builds the arguments of the called command.
    let Ok(matches) = command.try_get_matches_from_mut(env::args_os()) else {
        return command;
    };
    let mut matches = &matches;
    while let Some((name, of_subcommand)) = matches.subcommand() {
        let Some(subcommand) = command.find_subcommand(name) else {
            break;
        };
        command = subcommand.clone();
        matches = of_subcommand;
    }
    command
}

fn has_name(arg: &Arg, name: &str) -> bool {
    match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => {
            let names = arg.get_value_names().unwrap_or_default();
            arg.is_positional() && names.iter().any(|value| value.as_str() == name)
        }
    }
}

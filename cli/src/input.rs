//! Arguments that are texts or JSON. `-` reads standard input; for JSON, `@FILE` reads a file.

use std::io::stdin;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tenure_core::error::Cause;
use tenure_core::{Error, Json, Text};
use tenure_regular::{read_stream, text_of};

use crate::exit::Failure;

/// The greatest size of a text or JSON, in bytes. The limits of what is stored are far below.
const MAX_ARGUMENT_BYTES: u64 = 64 << 20;

/// The failure of an argument whose input could not be read.
fn unreadable(what: &str, error: &std::io::Error) -> Failure {
    Failure::usage(what, format!("cannot be read: {error}"))
}

/// A text; `-` reads standard input without the final line break.
pub(crate) fn text(what: &str, argument: Text) -> Result<Text, Failure> {
    if argument.as_str() != "-" {
        return Ok(argument);
    }
    let mut text = all_of_stdin(what, MAX_ARGUMENT_BYTES)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text.into())
}

/// [`text`] of an optional argument.
pub(crate) fn maybe_text(what: &str, argument: Option<Text>) -> Result<Option<Text>, Failure> {
    argument.map(|argument| text(what, argument)).transpose()
}

/// The JSON of an argument.
pub(crate) fn json(what: &str, argument: String) -> Result<Json, Failure> {
    let lacks_quotes = !argument.starts_with('@')
        && !argument.contains('"')
        && argument.contains(char::is_alphabetic);
    let text = match (argument.as_str(), argument.strip_prefix('@')) {
        (_, Some(path)) => file(what, path, MAX_ARGUMENT_BYTES)?,
        ("-", None) => all_of_stdin(what, MAX_ARGUMENT_BYTES)?,
        _ => argument,
    };
    Json::parse(&text).map_err(|error| match error.into_cause() {
        Cause::InvalidArgument { problem, .. } if lacks_quotes => Failure::usage(
            what,
            format!("{problem}; texts and names need double quotes"),
        ),
        Cause::InvalidArgument { problem, .. } => Failure::usage(what, problem),
        cause => Error::from(cause).into(),
    })
}

/// [`json`] of an optional argument.
pub(crate) fn maybe_json(what: &str, argument: Option<String>) -> Result<Option<Json>, Failure> {
    argument.map(|argument| json(what, argument)).transpose()
}

/// The text of a regular file of at most `max_bytes`.
pub(crate) fn file(what: &str, path: &str, max_bytes: u64) -> Result<String, Failure> {
    tenure_regular::read_to_string(Path::new(path), max_bytes)
        .map_err(|error| unreadable(&format!("{what} {path}"), &error))
}

/// The text of standard input, of at most `max_bytes`. It is that of one argument: a second one would
/// be empty.
pub(crate) fn all_of_stdin(what: &str, max_bytes: u64) -> Result<String, Failure> {
    static IS_READ: AtomicBool = AtomicBool::new(false);
    if IS_READ.swap(true, Ordering::Relaxed) {
        let problem = "standard input is read by another argument; only one can be -";
        return Err(Failure::usage(what, problem));
    }
    read_stream(stdin(), max_bytes)
        .and_then(text_of)
        .map_err(|error| unreadable(what, &error))
}

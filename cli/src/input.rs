//! Arguments that are texts or JSON. `-` reads standard input; for JSON, `@FILE` reads a file.

use std::fs;
use std::io::{Read, stdin};

use crate::exit::{Failure, check_json};

/// The failure of an argument whose input could not be read.
fn unreadable(what: &str, error: &std::io::Error) -> Failure {
    Failure::usage(what, format!("cannot be read: {error}"))
}

/// A text; `-` reads standard input without the final line break.
pub(crate) fn text(what: &str, argument: String) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = all_of_stdin(what)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// [`text`] of an optional argument.
pub(crate) fn maybe_text(what: &str, argument: Option<String>) -> Result<Option<String>, Failure> {
    argument.map(|argument| text(what, argument)).transpose()
}

/// The JSON of an optional argument.
pub(crate) fn maybe_json(what: &str, argument: Option<String>) -> Result<Option<String>, Failure> {
    let Some(argument) = argument else {
        return Ok(None);
    };
    let json = match argument.strip_prefix('@') {
        Some(path) => file(what, path)?,
        None => text(what, argument)?,
    };
    check_json(what, &json)?;
    Ok(Some(json))
}

/// The text of a file.
pub(crate) fn file(what: &str, path: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| unreadable(&format!("{what} {path}"), &error))
}

/// The text of standard input.
pub(crate) fn all_of_stdin(what: &str) -> Result<String, Failure> {
    let mut text = String::new();
    stdin()
        .read_to_string(&mut text)
        .map_err(|error| unreadable(what, &error))?;
    Ok(text)
}

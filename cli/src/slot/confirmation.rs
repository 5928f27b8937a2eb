//! Asks at a terminal whether a session may be replaced. The question goes to standard error, so that
//! standard output holds the id only.

use std::io::{IsTerminal, Write, stderr, stdin};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::clean_lines;

/// The answer to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmation {
    /// Replace the session.
    Replace,
    /// Export the session, then replace it.
    Export,
    /// Keep the session.
    Keep,
}

/// Whether there is a terminal to ask at. With `--json` there is no question.
pub(super) fn is_possible(context: &Context) -> bool {
    !context.json() && stdin().is_terminal() && stderr().is_terminal()
}

/// Asks until the answer is valid. No answer keeps the session.
pub(super) fn ask(question: &str, may_export: bool) -> Result<Confirmation, Failure> {
    let choices = match may_export {
        true => "y/N, e to export it first",
        false => "y/N",
    };
    loop {
        write!(stderr(), "{} ({choices}) ", clean_lines(question))?;
        let mut line = String::new();
        let read = stdin().read_line(&mut line)?;
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(Confirmation::Replace),
            "e" | "export" if may_export => return Ok(Confirmation::Export),
            "" | "n" | "no" => {
                if read == 0 {
                    // End of input: ends the line of the question.
                    writeln!(stderr())?;
                }
                return Ok(Confirmation::Keep);
            }
            _ => {}
        }
    }
}

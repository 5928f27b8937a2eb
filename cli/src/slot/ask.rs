//! Asking the people at a terminal whether a session may be replaced. The question goes to standard
//! error, so that a script keeps the id alone.

use std::io::{IsTerminal, Write, stderr, stdin};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::clean_lines;

/// What people have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It may go.
    Yes,
    /// It may go once it is exported.
    Export,
    /// It stays.
    No,
}

/// Whether there is anybody to ask. Programs that read JSON are not asked.
pub(super) fn is_possible(context: &Context) -> bool {
    !context.json() && stdin().is_terminal() && stderr().is_terminal()
}

/// Asks, and asks again until the answer is one. Whoever says nothing wants nothing replaced.
pub(super) fn ask(question: &str, may_export: bool) -> Result<Said, Failure> {
    let choices = match may_export {
        true => "y/N, e exports it first",
        false => "y/N",
    };
    loop {
        write!(stderr(), "{} ({choices}) ", clean_lines(question))?;
        let mut line = String::new();
        let read = stdin().read_line(&mut line)?;
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(Said::Yes),
            "e" | "export" if may_export => return Ok(Said::Export),
            "" | "n" | "no" => {
                if read == 0 {
                    // The line with the question has not ended.
                    writeln!(stderr())?;
                }
                return Ok(Said::No);
            }
            _ => {}
        }
    }
}

//! The output of a decision: three lines for the log of the job, and outputs of the step for later
//! steps. None of the three values contains a line break.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};

use tenure_apps::dedup::params::DedupDecision;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::clean;

/// Prints the decision.
pub(super) fn print(context: &mut Context, decision: &DedupDecision) -> Result<(), Failure> {
    let (key, reason) = (clean(&decision.key), clean(&decision.message));
    let skip = decision.skip;
    let out = &mut context.out;
    Ok(out.print(format_args!(
        "SESSION_KEY={key}\nSKIP_EXECUTION={skip}\nREASON={reason}\n"
    ))?)
}

/// Adds the decision to the outputs of the step, if `GITHUB_OUTPUT` is set.
pub(super) fn add(context: &mut Context, decision: &DedupDecision) {
    let Some(path) = env::var_os("GITHUB_OUTPUT").filter(|path| !path.is_empty()) else {
        return;
    };
    let DedupDecision {
        key, skip, message, ..
    } = decision;
    let text = format!("session_key={key}\nskip_execution={skip}\nreason={message}\n");
    let write = || -> io::Result<()> {
        context.file_mode().create_empty(path.as_ref())?;
        // Opening a FIFO would wait for a reader.
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        let mut file = OpenOptions::new().append(true).open(&path)?;
        file.write_all(text.as_bytes())
    };
    if let Err(error) = write() {
        context.note(&format!("$GITHUB_OUTPUT cannot be written: {error}"));
    }
}

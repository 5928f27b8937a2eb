//! `tenure export`: prints a session of any size, or writes it to a file, part by part.

use std::io;

use tenure_apps::export::{EXPORT_PART, ExportPart, ExportPartParams};
use tenure_core::Text;

use crate::atomic_file::AtomicFile;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::session_id::SessionIdArg;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A session that changes meanwhile is exported as it was at the beginning. If an
import replaces its history meanwhile, the command fails, and FILE is unchanged.

Examples:
  tenure export $id > session.json
  tenure export $id -o session.json
  tenure export $id | tenure --store sqlite:./other.db import -")]
pub(crate) struct Args {
    /// The session's id
    id: SessionIdArg,
    /// Write to this file, and replace it if it exists
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    match args.output {
        Some(path) => write(id, &path, context)?,
        None => print(id, context)?,
    }
    Ok(Exit::DONE)
}

/// Writes the file, which replaces the former one at the end.
fn write(id: Text, path: &str, context: &mut Context) -> Result<(), Failure> {
    let failed =
        |error: io::Error| Failure::usage("--output", format!("{path} cannot be written: {error}"));
    let interrupt = Interrupt::listen();
    let mut file = AtomicFile::create(path.as_ref(), context.file_mode()).map_err(failed)?;
    for_each_part(id, context, |_, text| {
        interrupt.check(&format!("interrupted; {path} is unchanged"))?;
        file.write(text).map_err(failed)
    })?;
    file.write("\n").map_err(failed)?;
    file.commit().map_err(failed)
}

/// Prints the session, or with `--json` its text as a JSON string.
fn print(id: Text, context: &mut Context) -> Result<(), Failure> {
    let quotes = context.json();
    let mut is_first = true;
    for_each_part(id, context, |context, text| {
        if !quotes {
            return Ok(context.out.json_part(text)?);
        }
        // The texts of the parts of a string are the parts of its text.
        let quoted = serde_json::to_string(text)?;
        let inner = quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        if std::mem::take(&mut is_first) {
            context.out.write("\"")?;
        }
        Ok(context.out.json_part(inner.unwrap_or_default())?)
    })?;
    let end = if quotes { "\"\n" } else { "\n" };
    Ok(context.out.write(end)?)
}

/// Visits the parts of the text of a session.
fn for_each_part(
    id: Text,
    context: &mut Context,
    mut visit: impl FnMut(&mut Context, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let params = ExportPartParams {
            id: id.clone(),
            after,
            ..ExportPartParams::default()
        };
        let ExportPart { text, next, .. } = context.run(&EXPORT_PART, params)?;
        visit(context, &text)?;
        match next {
            Some(next) => after = Some(next.into()),
            None => return Ok(()),
        }
    }
}

//! `tenure completions`: completion scripts for shells.

use clap::Command;
use clap_complete::Shell;

use crate::context::Context;
use crate::exit::{Exit, Outcome};

/// Print a shell's completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure completions bash > ~/.local/share/bash-completion/completions/tenure
  tenure completions zsh > ~/.zfunc/_tenure
  tenure completions fish > ~/.config/fish/completions/tenure.fish")]
pub(crate) struct Args {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

pub(crate) fn run(args: Args, mut tenure: Command, context: &mut Context) -> Outcome {
    context.refuse_store("no store is used")?;
    context.refuse_with_json("completions", true, "because it prints a script")?;
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tenure, "tenure", &mut script);
    context.out.write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::DONE)
}

//! `tenure completions`: completion scripts for shells. The scripts that clap writes know the commands
//! and their options. Those for bash, zsh and fish also ask `tenure __complete` for the ids of sessions.

use clap::{Command, ValueHint};
use clap_complete::Shell;

use crate::complete::names_session;
use crate::context::Context;
use crate::exit::{Exit, Outcome};

/// Print a shell's completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "\
In bash, zsh and fish the ids of sessions are completed, too, newest first.

Examples:
  tenure completions bash > ~/.local/share/bash-completion/completions/tenure
  tenure completions zsh > ~/.zfunc/_tenure
  tenure completions fish > ~/.config/fish/completions/tenure.fish")]
pub(crate) struct Args {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

pub(crate) fn run(args: Args, tenure: &Command, context: &mut Context) -> Outcome {
    context.refuse_store("no store is used")?;
    context.refuse_with_json("completions", true, "because it prints a script")?;
    let mut tenure = visible(tenure);
    tenure.build();
    let mut tenure = with_hints(tenure);
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tenure, "tenure", &mut script);
    let script = String::from_utf8_lossy(&script);
    context.out.write(&match args.shell {
        Shell::Bash => format!("{script}{BASH}"),
        Shell::Zsh => zsh(&script),
        Shell::Fish => format!("{script}{FISH}").replace(FISH_USERS, "(__tenure_session_ids)"),
        _ => script.into_owned(),
    })?;
    Ok(Exit::DONE)
}

/// The command without its hidden commands, which clap would complete.
fn visible(tenure: &Command) -> Command {
    let commands = tenure.get_subcommands();
    let commands = commands.filter(|command| !command.is_hide_set());
    Command::new("tenure")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(tenure.get_arguments().cloned())
        .subcommands(commands.cloned())
}

/// Marks the arguments that name sessions by a hint that no other argument has. In the scripts it becomes
/// the completion of names of users, which is replaced.
fn with_hints(command: Command) -> Command {
    let command = command.mut_args(|arg| match names_session(&arg) {
        true => arg.value_hint(ValueHint::Username),
        false => arg,
    });
    command.mut_subcommands(with_hints)
}

/// Completes ids after clap's function. Bash splits words at `:` and `=`, as in `--store=sqlite:a.db`; the
/// parts are put together again.
const BASH: &str = r#"
_tenure_with_ids() {
    _tenure "$@"
    local cur="${COMP_WORDS[COMP_CWORD]}" word joined=0 i
    local -a words=() ids=()
    [[ "${cur}" == -* ]] && return 0
    for (( i = 1; i <= COMP_CWORD; i++ )); do
        word="${COMP_WORDS[i]}"
        if [[ ${#words[@]} -gt 0 && ( "${word}" == [:=]* || ${joined} -eq 1 ) && i -lt COMP_CWORD ]]; then
            words[${#words[@]}-1]+="${word}"
        else
            words+=("${word}")
        fi
        [[ "${word}" == [:=]* ]] && joined=1 || joined=0
    done
    while IFS= read -r word; do
        ids+=("${word}")
    done < <("$1" __complete -- "${words[@]}" 2>/dev/null)
    [[ ${#ids[@]} -gt 0 ]] && COMPREPLY=("${ids[@]}")
    return 0
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _tenure_with_ids -o nosort -o bashdefault -o default tenure
else
    complete -F _tenure_with_ids -o bashdefault -o default tenure
fi
"#;

/// The start of clap's function for zsh, which changes `words`.
const ZSH_START: &str = "_tenure() {\n";
/// The completion of names of users in zsh.
const ZSH_USERS: &str = ":_users'";

/// The script for zsh, whose functions see the variables of their callers.
fn zsh(script: &str) -> String {
    const SESSIONS: &str = r#"_tenure_session_ids() {
    local -a ids
    ids=(${(f)"$(tenure __complete -- "${tenure_words[@]}" 2>/dev/null)"})
    compadd -V ids -a ids
}

"#;
    let with_words = format!(
        "{SESSIONS}{ZSH_START}    local -a tenure_words\n    \
         tenure_words=(\"${{(@Q)words[2,CURRENT-1]}}\" \"$PREFIX\")\n"
    );
    script
        .replacen(ZSH_START, &with_words, 1)
        .replace(ZSH_USERS, ":_tenure_session_ids'")
}

/// The completion of names of users in fish.
const FISH_USERS: &str = "(__fish_complete_users)";

/// Completes ids in fish, where clap completes options and commands only.
const FISH: &str = "
function __tenure_session_ids
    set -l before (commandline -opc)
    set -l last (commandline -ct)
    tenure __complete -- $before[2..-1] \"$last\" 2>/dev/null
end

complete -c tenure -k -f -n 'test -n \"$(__tenure_session_ids)\"' -a '(__tenure_session_ids)'
";

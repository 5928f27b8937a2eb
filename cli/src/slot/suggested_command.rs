//! The suggested next command: the current command line, quoted for a shell, with an option added.

use std::env;

/// The current command line with an option added.
pub(super) fn with_option(option: &str, value: &str) -> String {
    let args = env::args_os().skip(1);
    let args: Vec<String> = args.map(|arg| quoted(&arg.to_string_lossy())).collect();
    with(&args, &format!("{option} {}", quoted(value)))
}

fn with(args: &[String], option: &str) -> String {
    // Options end at `--`.
    let end = args.iter().position(|arg| arg == "--");
    let (before, after) = args.split_at(end.unwrap_or(args.len()));
    let command = ["tenure"].into_iter();
    let command = command
        .chain(before.iter().map(String::as_str))
        .chain([option]);
    let command: Vec<&str> = command.chain(after.iter().map(String::as_str)).collect();
    command.join(" ")
}

/// An argument, quoted for a shell where necessary.
fn quoted(arg: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:@%+=,".contains(char);
    if !arg.is_empty() && arg.chars().all(plain) {
        return arg.to_owned();
    }
    format!("'{}'", arg.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_quoted_where_a_shell_needs_it() {
        for (arg, text) in [
            ("T1", "T1"),
            ("", "''"),
            ("plan it", "'plan it'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
        ] {
            assert_eq!(quoted(arg), text);
        }
    }

    #[test]
    fn an_option_is_added_before_the_end_of_options() {
        let args = |args: &[&str]| args.iter().map(|arg| quoted(arg)).collect::<Vec<_>>();
        assert_eq!(with(&args(&["slot"]), "--x 1"), "tenure slot --x 1");
        assert_eq!(
            with(&args(&["slot", "--", "-a b"]), "--x 1"),
            "tenure slot --x 1 -- '-a b'"
        );
    }
}

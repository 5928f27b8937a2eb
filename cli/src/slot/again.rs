//! The command that was called, as a shell reads it, with something added: what people are told to
//! call next.

use std::env;

/// This command with an option added.
pub(super) fn with_option(option: &str, value: &str) -> String {
    let args = env::args_os().skip(1);
    let args: Vec<String> = args.map(|arg| quoted(&arg.to_string_lossy())).collect();
    with(&args, &format!("{option} {}", quoted(value)))
}

fn with(args: &[String], option: &str) -> String {
    // After this word nothing is an option.
    let end = args.iter().position(|arg| arg == "--");
    let (before, after) = args.split_at(end.unwrap_or(args.len()));
    let words = ["tenure"].into_iter();
    let words = words
        .chain(before.iter().map(String::as_str))
        .chain([option]);
    let words: Vec<&str> = words.chain(after.iter().map(String::as_str)).collect();
    words.join(" ")
}

/// A word that a shell reads as it is.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:@%+=,".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_word_as_it_is() {
        for (word, text) in [
            ("T1", "T1"),
            ("", "''"),
            ("plan it", "'plan it'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
        ] {
            assert_eq!(quoted(word), text);
        }
    }

    #[test]
    fn an_option_is_added_where_it_is_one() {
        let args = |words: &[&str]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>();
        assert_eq!(with(&args(&["slot"]), "--x 1"), "tenure slot --x 1");
        assert_eq!(
            with(&args(&["slot", "--", "-a b"]), "--x 1"),
            "tenure slot --x 1 -- '-a b'"
        );
    }
}

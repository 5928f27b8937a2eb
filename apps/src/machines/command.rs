//! The command that removes a virtual machine. It is a list of arguments, which no shell reads. The ids
//! that it gets come from the processes that registered machines, so they are parts of arguments, and never a
//! program or an option.

use tenure_core::error::{Error, Result};

/// The arguments of a command with values in place of placeholders such as `{vmId}`. Placeholders within
/// values are not replaced.
///
/// # Errors
/// `INVALID_ARGUMENT` for no arguments, for a placeholder in the program, and for a value that the
/// program would parse as an option.
pub fn filled<A: AsRef<str>>(command: &[A], values: &[(&str, &str)]) -> Result<Vec<String>> {
    let refused = |problem: String| Error::invalid("command", problem);
    let program = command.first().map(AsRef::as_ref).unwrap_or_default();
    if program.is_empty() {
        return Err(refused("expected a program and its arguments".to_owned()));
    }
    if values.iter().any(|(name, _)| program.contains(name)) {
        let problem = format!("{program:?} would run a program that a machine names");
        return Err(refused(problem));
    }
    let fill = |argument: &A| {
        let argument = argument.as_ref();
        let filled = fill(argument, values);
        if filled.starts_with('-') && !argument.starts_with('-') {
            return Err(refused(format!("{filled:?} would be parsed as an option")));
        }
        Ok(filled)
    };
    command.iter().map(fill).collect()
}

fn fill(argument: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(argument.len());
    let mut rest = argument;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                filled.push_str(value);
                rest = &rest[name.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(command: &[&str], vm: &str, zone: &str) -> Option<Vec<String>> {
        filled(command, &[("{vmId}", vm), ("{zone}", zone)]).ok()
    }

    #[test]
    fn a_value_is_a_part_of_one_argument_whatever_it_contains() {
        let evil = "a b; $(touch x) 'y' {zone}";
        let command = ["rm", "{vmId}", "--zone={zone}", "{other}", "{"];
        let expected = ["rm", evil, "--zone=z\n", "{other}", "{"].map(str::to_owned);
        assert_eq!(with(&command, evil, "z\n"), Some(expected.into()));
    }

    #[test]
    fn a_value_is_neither_an_option_nor_a_program() {
        let command = ["rm", "{vmId}", "-z{zone}", "{zone}{vmId}"];
        assert!(with(&command, "a", "z").is_some());
        for (vm, zone) in [("--all", "z"), ("-", "z"), ("a", "-z"), ("-a", "")] {
            assert_eq!(with(&command, vm, zone), None, "{vm} {zone}");
        }
        for command in [&["{vmId}"][..], &["/bin/{zone}", "{vmId}"], &[""], &[]] {
            assert_eq!(with(command, "a", "z"), None, "{command:?}");
        }
    }
}

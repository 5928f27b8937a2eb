//! A command template: a command line that is split into arguments as a shell would, without a shell.
//! The value of a placeholder such as `{vmId}` is always a part of one argument, whatever it contains.

use crate::exit::Failure;

/// The arguments of a command, with placeholders.
#[derive(Debug)]
pub(super) struct CommandTemplate(Vec<String>);

impl CommandTemplate {
    /// Splits a text into arguments at white space. Between single quotes every character is literal.
    /// Between double quotes and outside of quotes, a backslash escapes the next character.
    ///
    /// # Errors
    /// A quote that is not closed, a backslash at the end, and no arguments at all.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut arguments = Vec::new();
        let mut argument: Option<String> = None;
        let mut quote = None;
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            match (quote, char) {
                (Some(open), char) if char == open => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(char);
                    // Empty quotes are an empty argument.
                    argument.get_or_insert_default();
                }
                (None | Some('"'), '\\') => match chars.next() {
                    Some(next) => {
                        let argument = argument.get_or_insert_default();
                        if quote.is_some() && !matches!(next, '"' | '\\') {
                            argument.push('\\');
                        }
                        argument.push(next);
                    }
                    None => return Err(invalid("it ends with a backslash")),
                },
                (None, char) if char.is_whitespace() => arguments.extend(argument.take()),
                (_, char) => argument.get_or_insert_default().push(char),
            }
        }
        if let Some(quote) = quote {
            return Err(invalid(&format!("the quote {quote} is not closed")));
        }
        arguments.extend(argument);
        match arguments.is_empty() {
            true => Err(invalid("it is empty")),
            false => Ok(Self(arguments)),
        }
    }

    /// Whether the template contains a placeholder.
    pub(super) fn has(&self, placeholder: &str) -> bool {
        self.0.iter().any(|argument| argument.contains(placeholder))
    }

    /// The arguments with values in place of placeholders.
    ///
    /// # Errors
    /// A value that the command would parse as an option.
    pub(super) fn fill(&self, values: &[(&str, &str)]) -> Result<Vec<String>, String> {
        self.0
            .iter()
            .map(|argument| {
                let filled = fill(argument, values);
                if filled.starts_with('-') && !argument.starts_with('-') {
                    return Err(filled);
                }
                Ok(filled)
            })
            .collect()
    }
}

/// Fills one argument. Placeholders within values are not replaced.
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

fn invalid(problem: &str) -> Failure {
    Failure::usage("--exec", format!("expected a command, but {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        CommandTemplate::parse(text).unwrap().0
    }

    #[test]
    fn a_command_is_split_into_arguments_as_a_shell_would() {
        assert_eq!(arguments("a  b\tc\n"), ["a", "b", "c"]);
        assert_eq!(arguments(r#"a 'b c' "d e"f"#), ["a", "b c", "d ef"]);
        assert_eq!(
            arguments(r#"a\ b '\' "\"\\\n" ''"#),
            ["a b", "\\", "\"\\\\n", ""]
        );
        for invalid in ["", "  ", "'a", "a \"b", "a\\"] {
            assert!(CommandTemplate::parse(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_value_is_a_part_of_one_argument_whatever_it_contains() {
        let command = CommandTemplate::parse("rm {vmId} --zone={zone} {other} {").unwrap();
        let evil = "a b; $(touch x) 'y' {zone}";
        let filled = command.fill(&[("{vmId}", evil), ("{zone}", "z\n")]);
        assert_eq!(filled.unwrap(), ["rm", evil, "--zone=z\n", "{other}", "{"]);
        assert!(command.has("{vmId}") && !command.has("{pid}"));
    }

    #[test]
    fn a_value_that_looks_like_an_option_is_refused() {
        let command = CommandTemplate::parse("rm {vmId} -z{zone}").unwrap();
        let values = |vm, zone| [("{vmId}", vm), ("{zone}", zone)];
        assert_eq!(command.fill(&values("--all", "z")), Err("--all".to_owned()));
        assert!(command.fill(&values("a", "-z")).is_ok());
    }
}

//! A command template: a command line that is split into arguments as a shell would, without a shell.
//! The value of a placeholder such as `{vmId}` is always a part of one argument, whatever it contains.

use tenure_apps::machines::command::filled;
use tenure_core::Error;

use crate::command_line::split;
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
        split("--exec", text).map(Self)
    }

    /// Whether the template contains a placeholder.
    pub(super) fn has(&self, placeholder: &str) -> bool {
        self.0.iter().any(|argument| argument.contains(placeholder))
    }

    /// The arguments with values in place of placeholders.
    ///
    /// # Errors
    /// Those of [`filled`].
    pub(super) fn fill(&self, values: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        filled(&self.0, values)
    }
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
    fn values_take_the_place_of_placeholders_after_the_text_is_split() {
        let command = CommandTemplate::parse("rm {vmId} '--zone={zone}'").unwrap();
        let values = |vm, zone| [("{vmId}", vm), ("{zone}", zone)];
        let filled = command.fill(&values("a b", "z")).unwrap();
        assert_eq!(filled, ["rm", "a b", "--zone=z"]);
        assert!(command.has("{vmId}") && !command.has("{pid}"));
        assert!(command.fill(&values("--all", "z")).is_err());
    }
}

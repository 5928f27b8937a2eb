//! A command line in one text, parted into words once, as a shell would, and never by a shell. What
//! is put in the place of `{vmId}` is a part of one word, whatever stands in it.

use crate::exit::Failure;

/// The words of a command, with placeholders.
#[derive(Debug)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Parts a text at white space. Between single quotes everything stands for itself; between
    /// double quotes and outside of quotes, a backslash takes its meaning from what follows it.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            match (quote, char) {
                (Some(open), char) if char == open => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(char);
                    // Even nothing between quotes is a word.
                    word.get_or_insert_default();
                }
                (None | Some('"'), '\\') => match chars.next() {
                    Some(next) => {
                        let word = word.get_or_insert_default();
                        if quote.is_some() && !matches!(next, '"' | '\\') {
                            word.push('\\');
                        }
                        word.push(next);
                    }
                    None => return Err(unclear("it ends with a backslash")),
                },
                (None, char) if char.is_whitespace() => words.extend(word.take()),
                (_, char) => word.get_or_insert_default().push(char),
            }
        }
        if let Some(quote) = quote {
            return Err(unclear(&format!("the quote {quote} is not closed")));
        }
        words.extend(word);
        match words.is_empty() {
            true => Err(unclear("it is empty")),
            false => Ok(Self(words)),
        }
    }

    /// Whether a placeholder is among the words.
    pub(super) fn has(&self, placeholder: &str) -> bool {
        self.0.iter().any(|word| word.contains(placeholder))
    }

    /// The words with values in the places of placeholders. `Err` says which value would be taken
    /// for an option of the command.
    pub(super) fn fill(&self, values: &[(&str, &str)]) -> Result<Vec<String>, String> {
        self.0
            .iter()
            .map(|word| {
                let filled = fill(word, values);
                if filled.starts_with('-') && !word.starts_with('-') {
                    return Err(filled);
                }
                Ok(filled)
            })
            .collect()
    }
}

/// Values are never looked through for placeholders themselves.
fn fill(word: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(word.len());
    let mut rest = word;
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

fn unclear(problem: &str) -> Failure {
    Failure::usage("--exec", format!("expected a command, but {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Words::parse(text).unwrap().0
    }

    #[test]
    fn a_command_is_parted_as_a_shell_would() {
        assert_eq!(words("a  b\tc\n"), ["a", "b", "c"]);
        assert_eq!(words(r#"a 'b c' "d e"f"#), ["a", "b c", "d ef"]);
        assert_eq!(
            words(r#"a\ b '\' "\"\\\n" ''"#),
            ["a b", "\\", "\"\\\\n", ""]
        );
        for unclear in ["", "  ", "'a", "a \"b", "a\\"] {
            assert!(Words::parse(unclear).is_err(), "{unclear}");
        }
    }

    #[test]
    fn a_value_is_a_part_of_one_word_whatever_stands_in_it() {
        let command = Words::parse("rm {vmId} --zone={zone} {other} {").unwrap();
        let evil = "a b; $(touch x) 'y' {zone}";
        let filled = command.fill(&[("{vmId}", evil), ("{zone}", "z\n")]);
        assert_eq!(filled.unwrap(), ["rm", evil, "--zone=z\n", "{other}", "{"]);
        assert!(command.has("{vmId}") && !command.has("{pid}"));
    }

    #[test]
    fn a_value_is_not_taken_for_an_option() {
        let command = Words::parse("rm {vmId} -z{zone}").unwrap();
        let values = |vm, zone| [("{vmId}", vm), ("{zone}", zone)];
        assert_eq!(command.fill(&values("--all", "z")), Err("--all".to_owned()));
        assert!(command.fill(&values("a", "-z")).is_ok());
    }
}

//! A command line in the value of an option: it is split into arguments as a shell would, without a shell.

use crate::exit::Failure;

/// Splits the text of an option into arguments at white space. Between single quotes every character is literal. Between double quotes and
/// outside of quotes, a backslash escapes the next character.
///
/// # Errors
/// A quote that is not closed, a backslash at the end, and no arguments at all.
pub(crate) fn split(option: &str, text: &str) -> Result<Vec<String>, Failure> {
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
                None => return Err(invalid(option, "it ends with a backslash")),
            },
            (None, char) if char.is_whitespace() => arguments.extend(argument.take()),
            (_, char) => argument.get_or_insert_default().push(char),
        }
    }
    if let Some(quote) = quote {
        return Err(invalid(option, &format!("the quote {quote} is not closed")));
    }
    arguments.extend(argument);
    match arguments.is_empty() {
        true => Err(invalid(option, "it is empty")),
        false => Ok(arguments),
    }
}

fn invalid(option: &str, problem: &str) -> Failure {
    Failure::usage(option, format!("expected a command, but {problem}"))
}

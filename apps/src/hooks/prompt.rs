//! The ids in the prompt of a delegation. A prompt is free text: an id may be in quotes, in markup or at
//! the end of a sentence, and one that a user chose may be any word.

use std::collections::HashSet;

use tenure_core::value::id::SessionId;

/// The number of ids that are looked up.
pub(super) const MAX_IDS: usize = 500;
/// The number of readings of a word that ends in characters of which an id may end in some.
const MAX_ENDS: usize = 4;
/// The beginnings of the ids that are generated.
const GENERATED: [&str; 2] = ["agent-", "session_"];

/// How sure it is that a word of a prompt is an id. The surest is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdForm {
    /// It has the form of a generated id.
    Generated,
    /// It is a chosen id if anything: it has a digit, or `.`, `_` or `-` within.
    Chosen,
    /// It may be an id that a user chose, and is also a plain word.
    Word,
}

impl IdForm {
    fn of(word: &str) -> Self {
        if GENERATED.iter().any(|start| word.starts_with(start)) {
            Self::Generated
        } else if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Self::Word
        } else {
            Self::Chosen
        }
    }
}

/// The words of a prompt that can be ids, each once: the surest first, of those the first in the prompt.
pub(super) fn ids(prompt: &str) -> Vec<(IdForm, SessionId)> {
    let mut seen = HashSet::new();
    let mut generated = Vec::new();
    let mut chosen = Vec::new();
    let mut words = Vec::new();
    for word in prompt.split(|char| !is_part(char)).flat_map(readings) {
        let form = IdForm::of(word);
        let list = match form {
            IdForm::Generated => &mut generated,
            IdForm::Chosen => &mut chosen,
            IdForm::Word => &mut words,
        };
        // No list grows beyond what is looked up, however long the prompt is.
        if list.len() == MAX_IDS || !seen.insert(word) {
            continue;
        }
        if let Ok(id) = SessionId::parse(word) {
            list.push((form, id));
        }
    }
    generated.append(&mut chosen);
    generated.append(&mut words);
    generated.truncate(MAX_IDS);
    generated
}

/// Whether a character can be in an id.
fn is_part(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.')
}

/// A word without markup and punctuation around it, and with what an id may end in: `.`, `_` and `-`.
fn readings(word: &str) -> impl Iterator<Item = &str> {
    let start = word.trim_start_matches(['-', '_', '.']);
    let trimmed = start.trim_end_matches(['-', '_', '.']);
    let ends = trimmed.len()..=start.len();
    ends.take(MAX_ENDS).map(move |end| &start[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(prompt: &str) -> Vec<String> {
        let ids = ids(prompt).into_iter();
        ids.map(|(_, id)| id.to_string()).collect()
    }

    #[test]
    fn generated_ids_come_first_and_plain_words_last() {
        let prompt =
            "Read deploy-7, then **agent-20260108-180530-abc12345**, `session_x` and \"plan\".";
        assert_eq!(
            found(prompt),
            [
                "agent-20260108-180530-abc12345",
                "session_x",
                "deploy-7",
                "Read",
                "then",
                "and",
                "plan"
            ]
        );
    }

    #[test]
    fn ids_are_found_within_markup_and_punctuation() {
        for text in [
            "_agent-1_",
            "__agent-1__",
            "**agent-1**",
            "`agent-1`",
            "(agent-1).",
            "\u{201c}agent-1\u{201d}",
            "'agent-1'...",
            "[agent-1](agent-1)",
            "~~agent-1~~",
            "<agent-1>",
            "--agent-1",
            "id=agent-1,",
        ] {
            assert_eq!(found(text).first().unwrap(), "agent-1", "{text}");
        }
        assert_eq!(found("agent-1_"), ["agent-1", "agent-1_"]);
        assert_eq!(found("a_."), ["a_", "a_.", "a"]);
        assert_eq!(found(&format!("a{}", "-".repeat(1000))).len(), MAX_ENDS);
        assert!(found("... -- __ é").is_empty());
    }

    #[test]
    fn a_long_prompt_has_a_bounded_number_of_ids() {
        let words: String = (0..10_000).map(|number| format!("w{number} ")).collect();
        let found = found(&(words + "agent-1"));
        assert_eq!(found.len(), MAX_IDS);
        assert_eq!(found[0], "agent-1");
        assert!(super::ids(&"a".repeat(1 << 20)).is_empty());
    }
}

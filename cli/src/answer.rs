//! The answer of an operation: its result as JSON text, to be printed as it is or read.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::exit::Failure;

/// The result of an operation that was not refused.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    start: usize,
    end: usize,
}

impl Answer {
    /// Parts the bridge's text into result and error.
    pub(crate) fn of(text: String) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Refused<'a> {
            #[serde(borrow)]
            error: &'a RawValue,
        }
        #[derive(Deserialize)]
        struct Done<'a> {
            #[serde(borrow)]
            ok: Option<&'a RawValue>,
        }
        const OK: &str = r#"{"ok":"#;
        if !text.starts_with(OK) {
            let refused: Refused<'_> = serde_json::from_str(&text)?;
            return Err(Failure::of_json(refused.error.get()));
        }
        let start = OK.len();
        // Long lists never have notices: they are not read twice for them.
        let end = if text.contains(r#","notices":["#) {
            let done: Done<'_> = serde_json::from_str(&text)?;
            start + done.ok.map_or("null", RawValue::get).len()
        } else {
            text.len() - 1
        };
        Ok(Self { text, start, end })
    }

    /// The result as JSON.
    pub(crate) fn json(&self) -> &str {
        &self.text[self.start..self.end]
    }

    /// The result, read.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Failure> {
        Ok(serde_json::from_str(self.json())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_what_stands_before_the_notices() {
        for (text, json) in [
            (r#"{"ok":null}"#, "null"),
            (r#"{"ok":{"a":[1,2]}}"#, r#"{"a":[1,2]}"#),
            (r#"{"ok":{"a":1},"notices":["x"]}"#, r#"{"a":1}"#),
            (
                r#"{"ok":{"a":1,"notices":[2]}}"#,
                r#"{"a":1,"notices":[2]}"#,
            ),
            (r#"{"ok":null,"notices":["x"]}"#, "null"),
        ] {
            assert_eq!(Answer::of(text.to_owned()).unwrap().json(), json, "{text}");
        }
    }

    #[test]
    fn an_error_keeps_its_code() {
        let refused = r#"{"error":{"code":"SESSION_NOT_FOUND","message":"m","details":{}}}"#;
        match Answer::of(refused.to_owned()) {
            Err(Failure::Error { code, .. }) => assert_eq!(code, "SESSION_NOT_FOUND"),
            other => panic!("{other:?}"),
        }
    }
}

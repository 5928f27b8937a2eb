//! The answer to the operation `heads` for clients that take its bytes as they are, and not in base 64 within
//! JSON: a line with the rest of the answer as JSON, and then the bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenure_core::session::heads::HEADS;
use tenure_core::work::operation::AnyOperation;

/// The media type of the answer with its bytes as they are.
pub(crate) const MEDIA_TYPE: &str = "application/octet-stream";

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    ok: Page<'a>,
}

#[derive(Deserialize)]
struct Page<'a> {
    bytes: &'a str,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize)]
struct Line {
    ok: Map<String, Value>,
}

/// Whether an operation is the one that reads heads.
pub(crate) fn is_read_by(operation: &AnyOperation) -> bool {
    operation.name() == HEADS.name()
}

/// The line and the bytes of an answer; nothing for an error.
pub(crate) fn content(answer: &str) -> Option<Vec<u8>> {
    let Read { ok: page } = serde_json::from_str(answer).ok()?;
    let mut content = serde_json::to_vec(&Line { ok: page.rest }).ok()?;
    content.push(b'\n');
    STANDARD.decode_vec(page.bytes, &mut content).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_an_answer_has_all_but_the_bytes() {
        let answer = r#"{"ok":{"bytes":"AAr/","count":1,"nextCursor":"ca.0.\"\n","unread":[],"position":9007199254740993}}"#;
        let content = content(answer).unwrap();
        let (line, bytes) = content.split_at(content.len() - 3);
        assert_eq!(bytes, [0, 10, 255]);
        let line = line.strip_suffix(b"\n").unwrap();
        assert!(!line.contains(&b'\n'));
        let read: Value = serde_json::from_slice(line).unwrap();
        let mut expected: Value = serde_json::from_str(answer).unwrap();
        expected["ok"].as_object_mut().unwrap().remove("bytes");
        assert_eq!(read, expected);
    }

    #[test]
    fn an_answer_without_bytes_has_no_content() {
        for answer in [
            r#"{"error":{"code":"INVALID_CURSOR","message":"m","details":{}}}"#,
            r#"{"ok":{"bytes":"?"}}"#,
            r#"{"ok":null}"#,
        ] {
            assert_eq!(content(answer), None, "{answer}");
        }
    }
}

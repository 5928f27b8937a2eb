//! Telling calls apart by their parameters.

use tenure_core::Json;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::json::Object;

/// Identifies a call's parameters, less those that may differ between a call and its repeat.
pub(crate) fn of(operation: &str, params: &str) -> Fingerprint {
    // Only a call with an idempotency key is ever compared with another. The key's name may be
    // spelled with escapes.
    if !params.contains("idempotencyKey") && !params.contains("\\u") {
        return Fingerprint::default();
    }
    let Ok(json) = Json::parse(params) else {
        return Fingerprint::default();
    };
    let properties = Object::parse(&json);
    let mut text = Vec::new();
    for (key, value) in properties.by_key() {
        if ![&b"idempotencyKey"[..], b"ifVersion", b"token"].contains(&key) {
            // Encoded names contain no line breaks and JSON values end unambiguously, so different sets
            // of properties have different texts.
            text.extend_from_slice(key);
            text.push(b'\n');
            text.extend_from_slice(value.as_bytes());
            text.push(b'\n');
        }
    }
    Fingerprint::of(operation, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_the_fingerprint_of_the_call() {
        let a = of("start", r#"{"task":"t","idempotencyKey":"k"}"#);
        assert_eq!(a, of("start", r#"{"idempotencyKey":"other","task":"t"}"#));
        let pair = of("start", r#"{"task":"t","mode":"m","idempotencyKey":"k"}"#);
        let held = r#"{"task":"t","mode":"m","idempotencyKey":"k","token":7}"#;
        assert_eq!(pair, of("start", held));
        let turned = r#"{ "mode":"m", "idempotency\u004bey":"k", "task":"t" }"#;
        assert_eq!(pair, of("start", turned));
        assert_ne!(pair, a);
        assert_ne!(a, of("start", r#"{"task":"u","idempotencyKey":"k"}"#));
        assert_ne!(a, of("fork", r#"{"task":"t","idempotencyKey":"k"}"#));
    }
}

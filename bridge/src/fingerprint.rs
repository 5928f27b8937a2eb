//! Telling calls apart by their parameters.

use tenure_core::Json;
use tenure_core::idempotency::Fingerprint;
use tenure_core::json::Object;

/// Identifies a call's parameters, less those that may differ between a call and its repeat.
pub(crate) fn of(operation: &str, params: &str) -> Fingerprint {
    // Only a call with an idempotency key is ever compared with another.
    if !params.contains("idempotencyKey") {
        return Fingerprint::default();
    }
    let Ok(json) = Json::parse(params.to_owned()) else {
        return Fingerprint::default();
    };
    let mut members = Object::parse(&json);
    members.remove("idempotencyKey");
    members.remove("ifVersion");
    Fingerprint::of(operation, members.to_json().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_the_fingerprint_of_the_call() {
        let a = of("start", r#"{"task":"t","idempotencyKey":"k"}"#);
        assert_eq!(a, of("start", r#"{"idempotencyKey":"other","task":"t"}"#));
        assert_ne!(a, of("start", r#"{"task":"u","idempotencyKey":"k"}"#));
        assert_ne!(a, of("fork", r#"{"task":"t","idempotencyKey":"k"}"#));
    }
}

//! Reading parameters, with errors that name the member that is wrong.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tenure_core::idempotency::Fingerprint;
use tenure_core::json::Object;
use tenure_core::{Error, Json, Result};

/// Reads an operation's parameters.
pub(crate) fn read<T: DeserializeOwned>(operation: &str, params: &str) -> Result<T> {
    serde_json::from_str(params).map_err(|error| {
        let said = error.to_string();
        let problem = said.split(" at line ").next().unwrap_or(&said);
        // Parameters come as one line, so a column is a place in the text. Of the members that
        // begin before the place where reading stopped, the last is the one that is wrong; an
        // error about members as such (missing, unknown) names its own.
        let member = if said.contains('`') && said.contains(" field ") {
            None
        } else {
            member_at(params, error.column())
        };
        Error::invalid(member.unwrap_or_else(|| operation.to_owned()), problem)
    })
}

/// Identifies a call's parameters, less those that may differ between a call and its repeat.
pub(crate) fn fingerprint(operation: &str, params: &str) -> Fingerprint {
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

fn member_at(params: &str, column: usize) -> Option<String> {
    let members: std::collections::BTreeMap<String, &RawValue> =
        serde_json::from_str(params).ok()?;
    let start = params.as_ptr() as usize;
    members
        .into_iter()
        .map(|(name, value)| (value.get().as_ptr() as usize - start, name))
        .filter(|(begin, _)| *begin < column)
        .max()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_core::params::StartParams;

    fn problem(params: &str) -> String {
        read::<StartParams>("start", params)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_error_names_the_member_that_is_wrong() {
        let said = problem(r#"{"task":"t","mode":7,"context":{"mode":{}}}"#);
        assert_eq!(said, "mode: invalid type: integer `7`, expected a string");
        let said = problem(r#"{"task":"t","mode":"m","maxIterations":-1,"userId":"u"}"#);
        assert!(
            said.starts_with("maxIterations: invalid value: integer `-1`"),
            "{said}"
        );
        let said = problem(r#"{"task":"t","mode":"m","maxIterations":1.5}"#);
        assert!(
            said.starts_with("maxIterations: invalid type: floating point"),
            "{said}"
        );
        let said = problem(r#"{"task":"t"}"#);
        assert_eq!(said, "start: missing field `mode`");
        let said = problem(r#"{"task":"t","mode":"m","maxIteration":1}"#);
        assert!(
            said.starts_with("start: unknown field `maxIteration`, expected one of"),
            "{said}"
        );
        assert!(problem("[]").starts_with("start: "), "{}", problem("[]"));
        assert!(problem("nonsense").starts_with("start: "));
    }

    #[test]
    fn a_repeat_has_the_fingerprint_of_the_call() {
        let a = fingerprint("start", r#"{"task":"t","idempotencyKey":"k"}"#);
        assert_eq!(
            a,
            fingerprint("start", r#"{"idempotencyKey":"other","task":"t"}"#)
        );
        assert_ne!(
            a,
            fingerprint("start", r#"{"task":"u","idempotencyKey":"k"}"#)
        );
        assert_ne!(
            a,
            fingerprint("fork", r#"{"task":"t","idempotencyKey":"k"}"#)
        );
    }
}

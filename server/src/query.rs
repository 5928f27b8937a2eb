//! The parameters in the query of a URL.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use percent_encoding::percent_decode_str;
use tenure_core::{Error, Result};

/// The names and values of a query, decoded.
///
/// # Errors
/// `INVALID_ARGUMENT` for what is no UTF-8, and for a name that is given twice.
pub(crate) fn parameters(query: &str) -> Result<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        match parameters.entry(name) {
            Entry::Vacant(free) => free.insert(value),
            Entry::Occupied(first) => return Err(Error::invalid(first.key(), "is given twice")),
        };
    }
    Ok(parameters)
}

fn decoded(text: &str) -> Result<String> {
    let spaced: Cow<'_, str> = match text.contains('+') {
        true => text.replace('+', " ").into(),
        false => text.into(),
    };
    let decoded = percent_decode_str(&spaced).decode_utf8();
    match decoded {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Error::invalid("query", "expected UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let found = parameters("from=12&filter=%7B%22a%22%3A%22b%26c%2B%22%7D&x&y=a+b").unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (&**n, &**v)).collect();
        let expected = [
            ("filter", r#"{"a":"b&c+"}"#),
            ("from", "12"),
            ("x", ""),
            ("y", "a b"),
        ];
        assert_eq!(found, expected);
        assert!(parameters("").unwrap().is_empty());
        assert!(parameters("a=%ff").is_err());
        assert!(parameters("a=1&%61=1").is_err());
    }
}

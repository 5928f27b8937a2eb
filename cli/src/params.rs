//! The parameters of an operation, put together as JSON text.

use std::fmt::Display;

use serde::Serialize;

/// A JSON object in the making. Members without a value are left out.
#[derive(Debug, Clone)]
pub(crate) struct Params(String);

impl Params {
    /// No members yet.
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// The parameters of an operation on one session.
    pub(crate) fn id(id: &str) -> Self {
        Self::new().set("id", id)
    }

    /// Adds anything that has a JSON form.
    pub(crate) fn set(self, name: &str, value: impl Serialize) -> Self {
        // Texts, numbers and lists of them always have one.
        match serde_json::to_string(&value) {
            Ok(text) => self.json(name, text),
            Err(_) => self,
        }
    }

    /// Adds what was given, if it was.
    pub(crate) fn maybe(self, name: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// Adds a choice that was made.
    pub(crate) fn flag(self, name: &str, chosen: bool) -> Self {
        if chosen { self.set(name, true) } else { self }
    }

    /// Adds a list, unless it is empty.
    pub(crate) fn list(self, name: &str, items: &[impl Serialize]) -> Self {
        if items.is_empty() {
            self
        } else {
            self.set(name, items)
        }
    }

    /// Adds a member whose JSON text is given, if it is.
    pub(crate) fn maybe_json(self, name: &str, json: Option<impl Display>) -> Self {
        match json {
            Some(json) => self.json(name, json),
            None => self,
        }
    }

    fn json(mut self, name: &str, json: impl Display) -> Self {
        use std::fmt::Write;
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing into a string cannot fail.
        let _ = write!(self.0, "{comma}\"{name}\":{json}");
        self
    }

    /// The text of the object.
    pub(crate) fn text(&self) -> String {
        format!("{}}}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_stands_in_the_object() {
        let params = Params::id("a\"b")
            .maybe("task", None::<&str>)
            .maybe("limit", Some(5))
            .flag("dryRun", false)
            .flag("permanent", true)
            .list("status", &[""; 0])
            .maybe_json("context", Some("{\"n\":1e400}"));
        assert_eq!(
            params.text(),
            r#"{"id":"a\"b","limit":5,"permanent":true,"context":{"n":1e400}}"#
        );
        assert_eq!(Params::new().text(), "{}");
    }
}

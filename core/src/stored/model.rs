//! The model of a session in a slot: a name, or a name with a version and parameters. Models that are
//! only names are compared as text.

use serde::{Serialize, Serializer};

use crate::declare_params;
use crate::value::json::{Json, Object};
use crate::value::properties::{Params, Property};
use crate::value::text::Text;

/// A model, as callers pass and see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its other properties: those of a [`ModelSpec`] without the name.
    pub details: Option<Json>,
}

declare_params! {
    /// A model with a version or parameters.
    pub struct ModelSpec {
        /// Its name.
        pub name: Text,
        /// Its version; the part before the first dot is the major version.
        pub version: Option<Text>,
        /// Its parameters, a JSON object; `{}` by default.
        pub params: Option<Json>,
        /// The names of the significant parameters: a change of one is a major change. By default all
        /// parameters are significant.
        pub significant: Option<Vec<Text>>,
    }
}

/// How a model differs from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum ModelChange {
    /// In a minor version or in an insignificant parameter: it produces the same results.
    Minor,
    /// In the name, the major version or a significant parameter: it may produce other results.
    Major,
}

/// How the model `to` differs from `from`. A model that is only a name can only differ in its name.
pub fn change(from: &Model, to: &Model) -> Option<ModelChange> {
    if from.name != to.name {
        return Some(ModelChange::Major);
    }
    let (from, to) = match (&from.details, &to.details) {
        (None, None) => return None,
        (Some(from), Some(to)) => (Object::parse(from), Object::parse(to)),
        _ => return Some(ModelChange::Minor),
    };
    let versions = (from.text("version"), to.text("version"));
    let version = match &versions {
        (Some(from), Some(to)) if major(from) != major(to) => Some(ModelChange::Major),
        (from, to) => (from != to).then_some(ModelChange::Minor),
    };
    // The new model defines the significant parameters; if it names none, the old one does.
    let significant: Option<Vec<String>> = to.read(SIGNIFICANT).or_else(|| from.read(SIGNIFICANT));
    let parameters = changed_params(&from, &to)
        .into_iter()
        .map(|name| match &significant {
            Some(names) if !names.contains(&name) => ModelChange::Minor,
            _ => ModelChange::Major,
        })
        .max();
    version.max(parameters)
}

const SIGNIFICANT: &str = "significant";

/// The part of a version before the first dot.
fn major(version: &str) -> &str {
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    version.split('.').next().unwrap_or(version)
}

/// The names of the parameters that are not the same in both.
fn changed_params(from: &Object<'_>, to: &Object<'_>) -> Vec<String> {
    let params = |model: &Object<'_>| model.read::<Json>("params").unwrap_or_default().compact();
    let (from, to) = (params(from), params(to));
    let (from, to) = (Object::parse(&from), Object::parse(&to));
    let keys = from.by_key().chain(to.by_key()).map(|(key, _)| key);
    let mut names: Vec<String> = keys
        .map(|key| String::from_utf8_lossy(key).into_owned())
        .collect();
    names.retain(|name| from.get(name) != to.get(name));
    names
}

impl Model {
    /// Reads a model; `None` if the JSON is no model.
    pub fn of(shown: &Json) -> Option<Self> {
        if let Some(name) = shown.as_text() {
            return Some(Self {
                name,
                details: None,
            });
        }
        if !shown.is_object() {
            return None;
        }
        let mut properties = Object::parse(shown);
        let name = properties.text("name")?;
        properties.remove("name");
        Some(Self {
            name,
            details: Some(properties.to_json()),
        })
    }

    /// The model as it is shown.
    pub fn to_json(&self) -> Json {
        let Some(details) = &self.details else {
            return Json::of(&self.name);
        };
        let mut shown = Object::default();
        shown.set("name", &self.name);
        shown.merge(Object::parse(details));
        shown.to_json()
    }
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl Property for Model {
    fn read(name: &str, text: &str) -> crate::error::Result<Self> {
        if text.starts_with('"') {
            return Text::read(name, text).map(|name| Self {
                name: name.into_string(),
                details: None,
            });
        }
        let spec = ModelSpec::read(name, text)?;
        let mut details = Object::default();
        if let Some(version) = &spec.version {
            details.set("version", version);
        }
        if let Some(params) = &spec.params {
            details.set("params", params);
        }
        if let Some(significant) = &spec.significant {
            details.set("significant", significant);
        }
        Ok(Self {
            name: spec.name.into_string(),
            details: Some(details.to_json()),
        })
    }
}

#[cfg(feature = "ts")]
crate::value::ts::declare_as!(Model, "string | ModelSpec");

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> Model {
        Model::read("model", text).unwrap()
    }

    #[test]
    fn a_model_is_shown_as_it_was_given() {
        for text in [
            r#""m""#,
            r#"{"name":"m"}"#,
            r#"{"name":"m","version":"1.2","params":{"t":1e400},"significant":["t"]}"#,
        ] {
            assert_eq!(model(text).to_json().as_str(), text);
            assert_eq!(Model::of(&model(text).to_json()), Some(model(text)));
        }
        for text in ["7", "{}", r#"{"name":"m","size":1}"#] {
            assert!(Model::read("model", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_model_changes_with_its_name_its_major_version_and_what_is_significant() {
        use ModelChange::{Major, Minor};
        for (from, to, expected) in [
            (r#""m""#, r#""m""#, None),
            (r#""m""#, r#""M""#, Some(Major)),
            (r#""m 1.0""#, r#""m 1.1""#, Some(Major)),
            (r#""m""#, r#"{"name":"m","version":"2"}"#, Some(Minor)),
            (r#"{"name":"m"}"#, r#"{"name":"n"}"#, Some(Major)),
            (
                r#"{"name":"m","version":"1.0"}"#,
                r#"{"name":"m","version":"1.9"}"#,
                Some(Minor),
            ),
            (
                r#"{"name":"m","version":"1.0"}"#,
                r#"{"name":"m","version":"2.0"}"#,
                Some(Major),
            ),
            (
                r#"{"name":"m","version":"v1.0"}"#,
                r#"{"name":"m","version":"1.2"}"#,
                Some(Minor),
            ),
            (
                r#"{"name":"m"}"#,
                r#"{"name":"m","version":"2.0"}"#,
                Some(Minor),
            ),
            (
                r#"{"name":"m","params":{"t":1}}"#,
                r#"{"name":"m","params":{ "t" : 1 }}"#,
                None,
            ),
            (
                r#"{"name":"m","params":{"t":1}}"#,
                r#"{"name":"m","params":{"t":2}}"#,
                Some(Major),
            ),
            (
                r#"{"name":"m","params":{"t":1}}"#,
                r#"{"name":"m"}"#,
                Some(Major),
            ),
            (
                r#"{"name":"m","params":{"t":1,"s":1}}"#,
                r#"{"name":"m","params":{"t":1,"s":2},"significant":["t"]}"#,
                Some(Minor),
            ),
            (
                r#"{"name":"m","params":{"t":1},"significant":["t"]}"#,
                r#"{"name":"m","params":{"t":2}}"#,
                Some(Major),
            ),
            (
                r#"{"name":"m","params":{"t":1},"significant":["t"]}"#,
                r#"{"name":"m","params":{"t":2},"significant":[]}"#,
                Some(Minor),
            ),
        ] {
            let found = change(&model(from), &model(to));
            assert_eq!(found, expected, "{from} {to}");
        }
    }
}

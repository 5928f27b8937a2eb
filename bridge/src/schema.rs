//! The results of all operations as JSON Schema, made from their TypeScript declarations, so that each type is
//! declared once. It reads as much of TypeScript as those declarations use.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tenure_core::store::Capabilities;
use tenure_core::stored::model::ModelSpec;
use tenure_core::value::ts::Declarations;
use ts_rs::TypeVisitor;

use crate::table::TABLE;

/// Where the schemas of types are in the description that has them.
const SCHEMAS: &str = "#/components/schemas/";

/// The file `server/src/results.json`: the schemas of the results by operation, and those of the types that they
/// refer to by name.
///
/// # Errors
/// What was read in place of what was expected, if the declarations use more of TypeScript.
pub fn results() -> Result<String, String> {
    let mut declarations = Declarations::default();
    for operation in TABLE.iter() {
        (operation.signature.types().declare)(&mut declarations);
    }
    declarations.visit::<Capabilities>();
    declarations.visit::<ModelSpec>();
    let declared: BTreeMap<&str, &str> = declarations.each().collect();
    let mut wanted = BTreeSet::from(["Capabilities".to_owned()]);
    let mut results = Map::new();
    for operation in TABLE.iter() {
        let (_, result) = (operation.signature.types().names)(&declarations.config);
        let mut reader = Reader::of(&result);
        let schema = reader.whole()?;
        wanted.append(&mut reader.names);
        results.insert(operation.name().to_owned(), schema);
    }
    let mut schemas = BTreeMap::new();
    while let Some(name) = wanted.pop_first() {
        if schemas.contains_key(&name) {
            continue;
        }
        let text = declared.get(name.as_str());
        let text = text.ok_or_else(|| format!("the type {name} has no declaration"))?;
        let mut reader = Reader::of(text);
        let schema = reader.declaration()?;
        wanted.append(&mut reader.names);
        schemas.insert(name, schema);
    }
    let all = json!({ "results": results, "schemas": schemas });
    Ok(format!("{all:#}\n"))
}

/// The schema of a type that is written by hand in `npm/src/values`; nothing for a type that is declared.
fn known(name: &str) -> Option<Value> {
    Some(match name {
        "string" | "EventType" | "CoreErrorCode" | "DriverErrorCode" => json!({ "type": "string" }),
        "number" => json!({ "type": "number" }),
        "boolean" => json!({ "type": "boolean" }),
        "null" => json!({ "type": "null" }),
        "unknown" => json!({}),
        // Metadata may have anything under the names that have a meaning.
        "JsonObject" | "SessionMetadata" => json!({ "type": "object" }),
        "UnfinishedToolCall" => json!({
            "type": "object",
            "required": ["callId", "tool", "args", "startedAt"],
            "properties": {
                "callId": { "type": "string" },
                "tool": { "type": "string" },
                "args": {},
                "startedAt": { "type": "string" },
            },
        }),
        _ => return None,
    })
}

/// Reads the text of types.
struct Reader<'t> {
    rest: &'t str,
    /// The names of the types that were referred to.
    names: BTreeSet<String>,
}

impl<'t> Reader<'t> {
    fn of(rest: &'t str) -> Self {
        let names = BTreeSet::new();
        Self { rest, names }
    }

    /// `export type Name = ...;`, with its documentation before it.
    fn declaration(&mut self) -> Result<Value, String> {
        let description = self.comment();
        for word in ["export", "type"] {
            self.expect(word)?;
        }
        self.word()?;
        self.expect("=")?;
        let schema = self.union()?;
        self.expect(";")?;
        self.end()?;
        Ok(described(schema, description))
    }

    /// One type.
    fn whole(&mut self) -> Result<Value, String> {
        let schema = self.union()?;
        self.end()?;
        Ok(schema)
    }

    /// Types between `|`.
    fn union(&mut self) -> Result<Value, String> {
        let mut any = vec![self.single()?];
        while self.pass("|") {
            any.push(self.single()?);
        }
        Ok(match any.len() {
            1 => any.remove(0),
            _ => one_of(any),
        })
    }

    fn single(&mut self) -> Result<Value, String> {
        let mut schema = match self.next() {
            Some('{') => self.object()?,
            Some('"') => json!({ "const": self.quoted()? }),
            Some('(') => {
                self.expect("(")?;
                let schema = self.union()?;
                self.expect(")")?;
                schema
            }
            _ => self.named()?,
        };
        while self.pass("[") {
            self.expect("]")?;
            schema = list(schema);
        }
        Ok(schema)
    }

    /// A name, perhaps with types between `<` and `>`.
    fn named(&mut self) -> Result<Value, String> {
        let name = self.word()?;
        if !self.pass("<") {
            return Ok(known(name).unwrap_or_else(|| {
                self.names.insert(name.to_owned());
                json!({ "$ref": format!("{SCHEMAS}{name}") })
            }));
        }
        let mut of = vec![self.union()?];
        while self.pass(",") {
            of.push(self.union()?);
        }
        self.expect(">")?;
        match (name, of.as_slice()) {
            ("Array", [item]) => Ok(list(item.clone())),
            ("Record", [_, value]) => Ok(map(value)),
            _ => Err(format!("{name} with types is not known")),
        }
    }

    /// `{ name: type, other?: type, }` or `{ [key in string]: type }`.
    fn object(&mut self) -> Result<Value, String> {
        self.expect("{")?;
        if self.pass("[") {
            for word in ["key", "in"] {
                self.expect(word)?;
            }
            self.union()?;
            self.expect("]")?;
            self.pass("?");
            self.expect(":")?;
            let schema = map(&self.union()?);
            self.expect("}")?;
            return Ok(schema);
        }
        let (mut required, mut properties) = (Vec::new(), Map::new());
        while !self.pass("}") {
            let description = self.comment();
            let name = match self.next() {
                Some('"') => self.quoted()?,
                _ => self.word()?,
            };
            if !self.pass("?") {
                required.push(name);
            }
            self.expect(":")?;
            let schema = self.union()?;
            properties.insert(name.to_owned(), described(schema, description));
            self.pass(",");
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        Ok(schema)
    }

    /// The text of a comment `/** ... */` in one line; empty without one.
    fn comment(&mut self) -> String {
        if !self.pass("/**") {
            return String::new();
        }
        let (comment, rest) = self.rest.split_once("*/").unwrap_or((self.rest, ""));
        self.rest = rest;
        let lines = comment
            .lines()
            .map(|line| line.trim().trim_start_matches('*'));
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        words.join(" ")
    }

    /// The text between two quotes, which has no escapes.
    fn quoted(&mut self) -> Result<&'t str, String> {
        self.expect("\"")?;
        let (text, rest) = self.rest.split_once('"').ok_or("a text has no end")?;
        self.rest = rest;
        Ok(text)
    }

    fn word(&mut self) -> Result<&'t str, String> {
        let text = self.rest.trim_start();
        let is_of_word = |character: char| character.is_alphanumeric() || character == '_';
        let end = text.find(|character| !is_of_word(character));
        let (word, rest) = text.split_at(end.unwrap_or(text.len()));
        self.rest = rest;
        match word {
            "" => Err(format!("expected a name at {:.40}", self.rest)),
            word => Ok(word),
        }
    }

    fn next(&self) -> Option<char> {
        self.rest.trim_start().chars().next()
    }

    /// Passes a text, if it is next.
    fn pass(&mut self, text: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        match self.pass(text) {
            true => Ok(()),
            false => Err(format!("expected {text} at {:.40}", self.rest.trim_start())),
        }
    }

    fn end(&self) -> Result<(), String> {
        match self.rest.trim() {
            "" => Ok(()),
            rest => Err(format!("expected the end at {rest:.40}")),
        }
    }
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn map(values: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": values })
}

/// The schema of what is of one of several types.
fn one_of(any: Vec<Value>) -> Value {
    let texts: Vec<&Value> = any.iter().filter_map(|one| one.get("const")).collect();
    if texts.len() == any.len() {
        return json!({ "enum": texts });
    }
    json!({ "anyOf": any })
}

fn described(mut schema: Value, description: String) -> Value {
    if !description.is_empty() {
        schema["description"] = description.into();
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        Reader::of(text).whole()
    }

    #[test]
    fn the_committed_schemas_are_those_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/src/results.json");
        let committed = std::fs::read_to_string(path).unwrap();
        // Not compared by `assert_eq!`, which would print both.
        assert!(
            committed == results().unwrap(),
            "server/src/results.json is out of date: run `npm run build -- types`"
        );
    }

    #[test]
    fn a_declaration_is_read_with_what_is_written_about_it() {
        let text = "/**\n * About\n * it.\n */\nexport type It = {\n/**\n * A name.\n */\nname: string,\nof?: Array<Other> | null, };\n";
        let mut reader = Reader::of(text);
        let expected = json!({
            "type": "object",
            "description": "About it.",
            "required": ["name"],
            "properties": {
                "name": { "type": "string", "description": "A name." },
                "of": { "anyOf": [
                    { "type": "array", "items": { "$ref": "#/components/schemas/Other" } },
                    { "type": "null" },
                ] },
            },
        });
        assert_eq!(reader.declaration(), Ok(expected));
        assert_eq!(reader.names, BTreeSet::from(["Other".to_owned()]));
    }

    #[test]
    fn the_types_of_declarations_are_read() {
        for (text, expected) in [
            (r#""a" | "b""#, json!({ "enum": ["a", "b"] })),
            (r#""a""#, json!({ "const": "a" })),
            (
                "(number | boolean)[]",
                json!({ "type": "array", "items": { "anyOf": [{ "type": "number" }, { "type": "boolean" }] } }),
            ),
            (
                "Record<string, number>",
                json!({ "type": "object", "additionalProperties": { "type": "number" } }),
            ),
            (
                "{ [key in string]: JsonObject }",
                json!({ "type": "object", "additionalProperties": { "type": "object" } }),
            ),
            (
                r#"{ "kind": "none" }"#,
                json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "const": "none" } } }),
            ),
            ("unknown", json!({})),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_types_are_refused() {
        for text in [
            "",
            "string &",
            "Map<string>",
            "{ a string }",
            "{ a: }",
            "\"a",
            "string extra",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

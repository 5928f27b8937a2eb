//! The description of the API in OpenAPI 3.1, made from the table of operations. The types of parameters
//! are found by reading the sample call of an operation with other values, so that they are declared once.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tenure_bridge::TABLE;
use tenure_core::Error;
use tenure_core::error::Class;
use tenure_core::feed::operations::CHANGES_SINCE;
use tenure_core::work::operation::{Access, AnyOperation, Group};

use crate::heads;
use crate::metrics::is_own;

/// The description, as JSON text.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{:#}\n", description()))
}

/// The results of operations, and the types that they refer to, as `npm run build -- types` writes them.
const RESULTS: &str = include_str!("results.json");

#[derive(Deserialize, Default)]
struct Results {
    results: Map<String, Value>,
    schemas: Map<String, Value>,
}

fn description() -> Value {
    // The tests read it, too.
    let Results {
        results,
        mut schemas,
    } = serde_json::from_str(RESULTS).unwrap_or_default();
    schemas.insert("Error".to_owned(), error());
    let mut paths = Map::new();
    paths.insert("/healthz".to_owned(), json!({ "get": health() }));
    paths.insert("/v1".to_owned(), json!({ "get": about() }));
    paths.insert("/v1/watch".to_owned(), json!({ "get": watch() }));
    paths.insert("/v1/archive".to_owned(), json!({ "get": archive() }));
    paths.insert(
        "/v1/archive/{id}".to_owned(),
        json!({ "get": archived_session() }),
    );
    for operation in TABLE.iter().filter(|operation| !is_own(operation)) {
        let path = format!("/v1/{}", operation.name());
        let result = results.get(operation.name()).cloned();
        paths.insert(
            path,
            json!({ "post": call(operation, result.unwrap_or_default()) }),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tenure",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Sessions of AI agents",
            "description": "Each operation takes a JSON object and replies `{\"ok\": result}`, with `notices`, the \
                            payloads of webhooks as texts, where there are any. An error is `{\"error\": {code, \
                            message, details}}`. Its class decides the status.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "tags": tags(),
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas,
            "responses": failures(),
        },
    })
}

/// The schema of an answer with an error.
fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "details"],
                "properties": {
                    "code": { "type": "string" },
                    "message": { "type": "string" },
                    "details": { "type": "object" },
                },
            },
        },
    })
}

/// The classes of errors, with the names of their responses.
const CLASSES: [(Class, &str); 6] = [
    (Class::Invalid, "Invalid"),
    (Class::NotFound, "NotFound"),
    (Class::Conflict, "Conflict"),
    (Class::Refused, "Refused"),
    (Class::Store, "Store"),
    (Class::Internal, "Internal"),
];

/// The refusals of the server itself: the name of the response, its status, and its codes.
const REFUSALS: [(&str, u16, &str); 2] = [
    ("Unauthorized", 401, "`UNAUTHORIZED`"),
    ("Forbidden", 403, "`FORBIDDEN`, `READ_ONLY`"),
];

/// The responses to errors.
fn failures() -> Map<String, Value> {
    let response = |codes: String| {
        let schema = json!({ "$ref": "#/components/schemas/Error" });
        json!({ "description": codes, "content": { "application/json": { "schema": schema } } })
    };
    let of_class = CLASSES.map(|(class, name)| {
        let codes = Error::CODES
            .iter()
            .filter(|code| Error::class_of(code) == Some(class));
        let mut codes: Vec<String> = codes.map(|code| format!("`{code}`")).collect();
        if class == Class::Store {
            codes.push("`SERVER_BUSY`".to_owned());
        }
        (name.to_owned(), response(codes.join(", ")))
    });
    let refusals = REFUSALS.map(|(name, _, codes)| (name.to_owned(), response(codes.to_owned())));
    of_class.into_iter().chain(refusals).collect()
}

/// The responses of an operation: its result, and errors.
fn responses(result: Value) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), result);
    let of_class = CLASSES.map(|(class, name)| (class.http_status(), name));
    let refusals = REFUSALS.map(|(name, status, _)| (status, name));
    for (status, name) in of_class.into_iter().chain(refusals) {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        responses.insert(status.to_string(), reference);
    }
    Value::Object(responses)
}

fn health() -> Value {
    let text = json!({ "schema": { "type": "string" } });
    json!({
        "operationId": "health",
        "summary": "Whether the server runs.",
        "security": [],
        "responses": { "200": { "description": "It runs.", "content": { "text/plain": text } } },
    })
}

fn about() -> Value {
    let result = json!({
        "type": "object",
        "required": ["version", "capabilities", "readOnly"],
        "properties": {
            "version": { "type": "string" },
            "capabilities": { "$ref": "#/components/schemas/Capabilities" },
            "readOnly": { "type": "boolean" },
            "models": {
                "type": "array",
                "items": { "type": "string" },
                "description": "The available models; absent if every model counts as available.",
            },
        },
    });
    json!({
        "operationId": "about",
        "summary": "What the server and its store can do.",
        "responses": responses(json!({
            "description": "The version of the server and the capabilities of its store.",
            "content": { "application/json": { "schema": ok(result) } },
        })),
    })
}

fn watch() -> Value {
    let (mut properties, _) = parameters(&CHANGES_SINCE);
    for name in ["position", "limit"] {
        properties.remove(name);
    }
    let filter =
        json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let position = json!({ "type": "integer", "minimum": 0 });
    json!({
        "operationId": "watch",
        "summary": "Streams the changes as server-sent events.",
        "description": "The id of an event is the position of a change. `change` has a change as JSON. `lagged` ends a \
                        stream whose client is behind by more changes than the store keeps, and `failed` one whose \
                        store fails; both have an error. The stream ends when the server is closed and after an hour.",
        "parameters": [
            {
                "name": "filter",
                "in": "query",
                "description": "Which sessions to watch. Without it also leases and the audit log are watched.",
                "content": { "application/json": { "schema": filter } },
            },
            {
                "name": "from",
                "in": "query",
                "description": "The position after which to begin; by default the newest one.",
                "schema": position,
            },
            {
                "name": "positions",
                "in": "query",
                "description": "Streams the newest position alone, as the id of an event without data.",
                "schema": { "const": "true" },
            },
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "The id of the last event that was received. It replaces `from`.",
                "schema": position,
            },
        ],
        "responses": responses(json!({
            "description": "The changes.",
            "content": { "text/event-stream": { "schema": { "type": "string" } } },
        })),
    })
}

fn archive() -> Value {
    let parameter = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "integer" });
    let entry = json!({
        "type": "object",
        "required": ["id", "version", "path", "bytes", "sha256", "textBytes", "archivedAt"],
        "properties": {
            "id": text(),
            "version": number(),
            "path": { "type": "string", "description": "The object, from the root of the archive." },
            "bytes": number(),
            "sha256": text(),
            "textBytes": number(),
            "compression": text(),
            "key": { "type": "string", "description": "The id of the key with which the object is encrypted." },
            "archivedAt": text(),
            "about": {
                "type": "object",
                "description": "The user, mode, status, task id, phase, model, times and number of events.",
            },
        },
    });
    let page = json!({
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": { "type": "array", "items": entry },
            "nextCursor": text(),
            "problems": {
                "type": "array",
                "items": { "type": "object" },
                "description": "The manifests that cannot be read, whose sessions are missing.",
            },
        },
    });
    json!({
        "operationId": "archive",
        "summary": "Lists archived sessions, newest first.",
        "description": "A server that was started without an archive refuses it with `INVALID_ARGUMENT`.",
        "parameters": [
            parameter("id", "Only the versions of this session.", text()),
            parameter("after", "Only what was archived at this time or later, in RFC 3339.", text()),
            parameter("limit", "The sessions of a page: 50 by default.", json!({ "type": "integer", "minimum": 1, "maximum": 1000 })),
            parameter("cursor", "The `nextCursor` of the previous page.", text()),
        ],
        "responses": responses(json!({
            "description": "A page.",
            "content": { "application/json": { "schema": ok(page) } },
        })),
    })
}

fn archived_session() -> Value {
    let session = json!({ "type": "object", "description": "The session as `export` returns it, with its history." });
    json!({
        "operationId": "archivedSession",
        "summary": "Reads an archived session: the version that was archived last, or another one.",
        "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
            { "name": "version", "in": "query", "schema": { "type": "integer", "minimum": 1 } },
        ],
        "responses": responses(json!({
            "description": "The session.",
            "content": { "application/json": { "schema": ok(session) } },
        })),
    })
}

fn call(operation: &'static AnyOperation, result: Value) -> Value {
    let lines: Vec<&str> = operation.signature.doc().lines().map(str::trim).collect();
    let doc = lines.join(" ");
    let (properties, required) = parameters(operation);
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let content = json!({ "schema": schema, "example": example(operation) });
    let mut results = json!({ "application/json": { "schema": ok(result) } });
    if heads::is_read_by(operation) {
        // The answer without `bytes` in one line, and the bytes.
        results[heads::MEDIA_TYPE] = json!({});
    }
    json!({
        "operationId": operation.name(),
        "summary": doc.split_inclusive(". ").next().unwrap_or(&doc).trim(),
        "description": doc.trim(),
        "tags": [name_of(operation.group)],
        "x-access": match operation.access {
            Access::Read => "read",
            Access::Write => "write",
            Access::WriteMany => "writeMany",
        },
        "requestBody": { "required": true, "content": { "application/json": content } },
        "responses": responses(json!({
            "description": "The result.",
            "content": results,
        })),
    })
}

fn ok(result: Value) -> Value {
    let notices = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "type": "object",
        "required": ["ok"],
        "properties": { "ok": result, "notices": notices },
    })
}

fn tags() -> Vec<Value> {
    let groups: BTreeSet<Group> = TABLE.iter().map(|operation| operation.group).collect();
    let tag = |group| json!({ "name": name_of(group) });
    groups.into_iter().map(tag).collect()
}

fn name_of(group: Group) -> &'static str {
    match group {
        Group::Sessions => "sessions",
        Group::Agents => "agents",
        Group::Leases => "leases",
        Group::Slots => "slots",
        Group::Audit => "audit",
        Group::Feed => "feed",
        Group::Copying => "copying",
        Group::Dedup => "dedup",
        Group::Machines => "machines",
        Group::Hooks => "hooks",
        Group::Folders => "folders",
        Group::Metrics => "metrics",
        Group::Webhooks => "webhooks",
        Group::Jobs => "jobs",
    }
}

/// The sample call of an operation. It has every property.
fn sample(operation: &AnyOperation) -> Map<String, Value> {
    match serde_json::from_str(operation.signature.sample()) {
        Ok(Value::Object(sample)) => sample,
        _ => Map::new(),
    }
}

/// A call of an operation that a server performs: of the first page, since a cursor comes from a reply, and without
/// what is refused beside `ids`.
fn example(operation: &AnyOperation) -> Map<String, Value> {
    let mut example = sample(operation);
    example.remove("cursor");
    if example.contains_key("ids") {
        example.remove("limit");
    }
    example
}

/// The schemas of the parameters of an operation, and those that it requires.
fn parameters(operation: &'static AnyOperation) -> (Map<String, Value>, Vec<String>) {
    let sample = sample(operation);
    let accepts = |params: &Map<String, Value>| {
        let text = Value::Object(params.clone()).to_string();
        operation.read(&text).is_ok()
    };
    let mut schemas = Map::new();
    let mut required = Vec::new();
    for (name, value) in &sample {
        let mut others = sample.clone();
        others.remove(name);
        if !accepts(&others) {
            required.push(name.clone());
        }
        let mut types = BTreeSet::new();
        for candidate in candidates(value) {
            others.insert(name.clone(), candidate.clone());
            if accepts(&others) {
                types.insert(type_of(&candidate));
            }
        }
        if types.contains("number") {
            types.remove("integer");
        }
        let types: Vec<&str> = types.into_iter().collect();
        let schema = match types.as_slice() {
            [one] => json!({ "type": one }),
            several => json!({ "type": several }),
        };
        schemas.insert(name.clone(), schema);
    }
    (schemas, required)
}

/// Values of all types, beside that of the sample.
fn candidates(sample: &Value) -> Vec<Value> {
    let mut candidates = vec![
        sample.clone(),
        json!("s"),
        json!("2030-01-01T00:00:00Z"),
        json!("1d"),
        json!(1),
        json!(0.5),
        json!(true),
        json!([]),
        json!({}),
        json!(null),
    ];
    match sample {
        Value::Array(items) => candidates.extend(items.first().cloned()),
        other => candidates.push(json!([other])),
    }
    candidates
}

/// The type of a value, as JSON Schema names it.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_described_with_its_sample_call() {
        let description: Value = serde_json::from_str(text()).unwrap();
        for operation in TABLE.iter().filter(|operation| !is_own(operation)) {
            let call = &description["paths"][format!("/v1/{}", operation.name())]["post"];
            assert_eq!(call["operationId"], operation.name());
            assert!(!call["summary"].as_str().unwrap().is_empty());
            let content = &call["responses"]["200"]["content"]["application/json"];
            let result = &content["schema"]["properties"]["ok"];
            assert!(result.is_object(), "{}", operation.name());
            let example = &call["requestBody"]["content"]["application/json"]["example"];
            assert!(operation.read(&example.to_string()).is_ok(), "{example}");
        }
    }

    /// The schema of a parameter names the type of every value that the operation accepts.
    #[test]
    fn what_an_operation_accepts_is_of_a_described_type() {
        let values = [
            json!(0),
            json!(7),
            json!(-1),
            json!(1.5),
            json!("9"),
            json!(""),
            json!("active"),
            json!("30d"),
            json!(["s"]),
            json!([1]),
            json!([{}]),
            json!({"a": 1}),
            json!(false),
        ];
        for operation in TABLE.iter() {
            let (schemas, required) = parameters(operation);
            let sample = sample(operation);
            for (name, schema) in &schemas {
                let is_described = |value: &Value| match &schema["type"] {
                    Value::Array(types) => types.iter().any(|one| fits(one, value)),
                    one => fits(one, value),
                };
                for value in values.iter().chain([&Value::Null, &sample[name]]) {
                    let mut params = sample.clone();
                    params.insert(name.clone(), value.clone());
                    let is_accepted = operation.read(&Value::Object(params).to_string()).is_ok();
                    assert!(
                        !is_accepted || is_described(value),
                        "{} {name}: {value}",
                        operation.name()
                    );
                }
            }
            assert!(required.iter().all(|name| schemas.contains_key(name)));
        }
    }

    fn fits(described: &Value, value: &Value) -> bool {
        let described = described.as_str().unwrap();
        let found = type_of(value);
        described == found || (described == "number" && found == "integer")
    }
}

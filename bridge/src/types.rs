//! Writes the TypeScript declarations of all operations and jobs, and of all types that cross: the file
//! `npm/src/generated.ts`.

use std::fmt::Write;

use tenure_apps::copy::job::CopyProgress;
use tenure_apps::folders::job::ImportProgress;
use tenure_apps::jobs::run::{JobAlert, JobRetry};
use tenure_apps::retention::job::RetentionProgress;
use tenure_apps::retention::purge::PurgeProgress;
use tenure_core::Error;
use tenure_core::slot::message;
use tenure_core::slot::params::{SlotCancelled, SlotFailure};
use tenure_core::store::feed::{Change, FeedPage, FeedQuery};
use tenure_core::store::{
    Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Record, Scan,
};
use tenure_core::stored::model::ModelSpec;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::limits::Limits;
use tenure_core::value::ts::Declarations;
use tenure_core::work::operation::{Access, AnyOperation, Group};
use tenure_core::work::webhook::WebhookPayload;
use ts_rs::{Config, TypeVisitor};

use crate::table::TABLE;

/// The whole file.
pub fn typescript() -> String {
    let mut declarations = Declarations::default();
    let mut out = String::from(
        "// Generated from the table of operations: `npm run build -- types` writes it. Do not edit.\n\n\
         import type { DriverErrorCode } from \"./values/error-code.js\";\n\
         import type { EventType, JsonObject, OverridesOf, SessionMetadata, UnfinishedToolCall } from \"./values/session-data.js\";\n\n\
         /** New values for anything that a session has. */\n\
         export type Overrides = OverridesOf<Status, Phase>;\n\n",
    );
    for operation in TABLE.iter() {
        (operation.signature.types().declare)(&mut declarations);
    }
    for job in TABLE.jobs() {
        (job.signature.types().declare)(&mut declarations);
    }
    declarations.visit::<CopyProgress>();
    declarations.visit::<PurgeProgress>();
    declarations.visit::<RetentionProgress>();
    declarations.visit::<ImportProgress>();
    declarations.visit::<JobAlert>();
    declarations.visit::<JobRetry>();
    // What the package uses beside the operations: options, webhooks, and the methods of a store.
    declarations.visit::<Limits>();
    declarations.visit::<ModelSpec>();
    declarations.visit::<WebhookPayload>();
    declarations.visit::<SlotCancelled>();
    declarations.visit::<SlotFailure>();
    declarations.visit::<Capabilities>();
    declarations.visit::<History>();
    declarations.visit::<Loaded>();
    declarations.visit::<Changes>();
    declarations.visit::<Commit>();
    declarations.visit::<ListQuery>();
    declarations.visit::<Page>();
    declarations.visit::<Scan>();
    declarations.visit::<Record>();
    declarations.visit::<Change>();
    declarations.visit::<FeedQuery>();
    declarations.visit::<FeedPage>();
    out.push_str(&declarations.text());
    error_codes(&mut out);
    failure_messages(&mut out);
    operations(&mut out, &declarations.config);
    jobs(&mut out, &declarations.config);
    out
}

fn error_codes(out: &mut String) {
    out.push_str("/** The codes of errors that the core and its stores report. */\nexport type CoreErrorCode =\n");
    for code in Error::CODES {
        push(out, format_args!("  | \"{code}\"\n"));
    }
    out.push_str(";\n\n");
}

/// The messages for errors about slots. They are constants of the package, because a host without an
/// open store cannot call an operation for them.
fn failure_messages(out: &mut String) {
    out.push_str(
        "/** The messages for users about errors of slots, by error code. */\n\
         export const FAILURE_MESSAGES: ReadonlyMap<string, string> = new Map([\n",
    );
    for (code, message) in message::MESSAGES {
        push(out, format_args!("  [\"{code}\", {message:?}],\n"));
    }
    push(
        out,
        format_args!(
            "]);\n\n/** The message for users about any other error. */\n\
             export const UNEXPECTED_FAILURE = {:?};\n\n",
            message::UNEXPECTED
        ),
    );
}

fn operations(out: &mut String, config: &Config) {
    out.push_str(
        "/** Every operation: its parameters and its reply. */\nexport interface Operations {\n",
    );
    for operation in TABLE.iter() {
        let types = (operation.signature.types().names)(config);
        property(out, operation.name(), operation.signature.doc(), &types);
    }
    out.push_str(
        "}\n\n/** Whether an operation only reads, may write, or may write to a session with its fencing token. */\nexport const OPERATIONS = {\n",
    );
    for operation in TABLE.iter() {
        let access = match operation.access {
            Access::Read => "read",
            _ if takes_token(operation) => "fenced",
            Access::Write | Access::WriteMany => "write",
        };
        push(out, format_args!("  {}: \"{access}\",\n", operation.name()));
    }
    out.push_str(
        "} as const satisfies Record<keyof Operations, \"read\" | \"write\" | \"fenced\">;\n",
    );
}

/// Whether an operation takes the fencing token of the sessions that it writes to. Its sample call has
/// every property.
fn takes_token(operation: &AnyOperation) -> bool {
    let sample = Json::parse(operation.signature.sample());
    let has_token = sample.is_ok_and(|sample| Object::parse(&sample).get("token").is_some());
    has_token && matches!(operation.group, Group::Sessions | Group::Agents)
}

fn jobs(out: &mut String, config: &Config) {
    out.push_str("\n/** Every job: its parameters and its result. */\nexport interface Jobs {\n");
    for job in TABLE.jobs() {
        property(
            out,
            job.signature.name,
            job.signature.doc(),
            &(job.signature.types().names)(config),
        );
    }
    out.push_str("}\n");
}

/// A property of `Operations` or `Jobs`, with its documentation and its types.
fn property(out: &mut String, name: &str, doc: &str, (params, result): &(String, String)) {
    let lines: Vec<&str> = doc.lines().map(str::trim).collect();
    let doc = lines.join(" ");
    push(
        out,
        format_args!("  /** {doc} */\n  {name}: {{ params: {params}; result: {result} }};\n"),
    );
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_types_are_those_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../npm/src/generated.ts");
        let committed = std::fs::read_to_string(path).unwrap();
        // Not compared by `assert_eq!`, which would print both.
        assert!(
            committed == typescript(),
            "npm/src/generated.ts is out of date: run `npm run build -- types`"
        );
    }
}

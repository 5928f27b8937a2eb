//! The commands `tenure webhooks`: the endpoints of a store, and the delivery of what is queued for them.

mod deliver;
pub(crate) mod failing;
mod unknown;

use clap::{ArgGroup, Subcommand};
use tenure_apps::webhooks::failed::{WEBHOOK_FAILED, WEBHOOK_REDELIVER};
use tenure_apps::webhooks::operations::{
    WEBHOOK_ADD, WEBHOOK_LIST, WEBHOOK_REMOVE, WEBHOOK_ROTATE, WEBHOOK_UPDATE,
};
use tenure_apps::webhooks::params::{
    WebhookAddParams, WebhookAdded, WebhookFailedParams, WebhookListParams, WebhookParams,
    WebhookRedeliverParams, WebhookRotateParams, WebhookUpdateParams,
};
use tenure_core::value::properties::Patch;
use tenure_core::work::webhook::WebhookEvent;
use tenure_core::{Millis, Text};

use crate::choice::{self, choice};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::input;
use crate::lazy_args::LazyArgs;
use crate::output::{clean, count};
use crate::time;

/// The greatest size of the file of a secret, in bytes.
const SECRET_FILE: u64 = 4096;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Changes of sessions are queued for each endpoint in the commit of the change, by
every program that writes to the store. They are posted by `tenure webhooks
deliver`, by `tenure ui --deliver`, and by programs that open the store with
`deliver`. Each is signed as Standard Webhooks has it, and repeated until it has
arrived, for about three days.

Examples:
  tenure webhooks add https://example.com/hooks --id bot --event complete
  tenure webhooks test bot
  tenure webhooks deliver
  tenure webhooks failed
  tenure webhooks redeliver --endpoint bot")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an endpoint, and print its id and its secret
    Add(LazyArgs<Add>),
    /// List the endpoints
    List(LazyArgs<List>),
    /// Enable, disable or change an endpoint
    Update(LazyArgs<Update>),
    /// Replace the secret of an endpoint, and print the new one
    Rotate(LazyArgs<Rotate>),
    /// Remove an endpoint with what is queued for it
    Remove(LazyArgs<Remove>),
    /// Post a signed example to an endpoint
    Test(LazyArgs<deliver::Test>),
    /// Post what is queued and due
    Deliver(LazyArgs<deliver::Deliver>),
    /// List deliveries that have failed for good
    Failed(LazyArgs<Failed>),
    /// Attempt failed deliveries again or waiting ones now, or drop them
    Redeliver(LazyArgs<Redeliver>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Add(LazyArgs(args)) => add(args, context),
        Command::List(LazyArgs(args)) => list(args, context),
        Command::Update(LazyArgs(args)) => update(args, context),
        Command::Rotate(LazyArgs(args)) => rotate(args, context),
        Command::Remove(LazyArgs(args)) => remove(args, context),
        Command::Test(LazyArgs(args)) => deliver::test(args, context),
        Command::Deliver(LazyArgs(args)) => deliver::run(args, context),
        Command::Failed(LazyArgs(args)) => failed(args, context),
        Command::Redeliver(LazyArgs(args)) => redeliver(args, context),
    }
}

/// A parser of events.
fn event() -> impl clap::builder::TypedValueParser<Value = Text> {
    choice(WebhookEvent::ALL.map(|event| (event.as_str(), Text::from(event.as_str()))))
}

/// A secret of a file, of which white space at the ends does not count.
fn secret_of(path: Option<&str>) -> Result<Option<Text>, Failure> {
    let Some(path) = path else {
        return Ok(None);
    };
    let text = match path {
        "-" => input::all_of_stdin("--secret-file", SECRET_FILE)?,
        path => input::file("--secret-file", path, SECRET_FILE)?,
    };
    Ok(Some(text.trim().into()))
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints the id of the endpoint and, if it is new, its secret, separated by a tab.
The secret is not shown again. Headers may be secrets: give them in a file, with
--headers @FILE.

Examples:
  tenure webhooks add https://example.com/hooks
  tenure webhooks add https://example.com/hooks --id bot --event complete \\
    --event error --mode developer --secret-file secret
  tenure webhooks add https://example.com/hooks --headers @headers.json")]
struct Add {
    /// The URL to post to, https: or http:
    url: Text,
    /// The id of the endpoint; one is made by default
    #[arg(long, value_name = "ID")]
    id: Option<Text>,
    /// Only this event; may be repeated
    #[arg(long = "event", value_name = "EVENT", value_parser = event())]
    events: Vec<Text>,
    /// Only sessions of this mode; may be repeated
    #[arg(long = "mode", value_name = "MODE")]
    modes: Vec<Text>,
    /// Only sessions of this user; may be repeated
    #[arg(long = "user", value_name = "ID")]
    users: Vec<Text>,
    /// Additional headers: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    headers: Option<String>,
    /// The secret is in this file, or in standard input with -
    #[arg(long, value_name = "FILE")]
    secret_file: Option<String>,
    /// Deliver the changes of a session in any order
    #[arg(long)]
    unordered: bool,
    /// The timeout of an attempt: 10s by default, up to 60s
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    timeout: Option<Millis>,
    /// Change the endpoint if there is one with this id
    #[arg(long, requires = "id")]
    replace: bool,
}

fn add(args: Add, context: &mut Context) -> Outcome {
    let some = |list: Vec<Text>| Some(list).filter(|list| !list.is_empty());
    let params = WebhookAddParams {
        id: args.id,
        url: args.url,
        events: some(args.events),
        modes: some(args.modes),
        users: some(args.users),
        headers: input::maybe_json("--headers", args.headers)?,
        secret: secret_of(args.secret_file.as_deref())?,
        ordered: Some(!args.unordered),
        timeout_ms: args.timeout.map(|Millis(millis)| millis),
        abandoned_as_error: None,
        replace: Some(args.replace),
    };
    context.run_and_print(&WEBHOOK_ADD, params, |context, added| {
        print_added(context, &added)
    })
}

fn print_added(context: &mut Context, added: &WebhookAdded) -> Outcome {
    let id = clean(&added.endpoint.id);
    match &added.secret {
        Some(secret) => context.out.line(&format!("{id}\t{secret}"))?,
        None => context.out.line(&id)?,
    }
    Ok(Exit::DONE)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every endpoint is a line of tab-separated fields: id, URL, enabled or why it is
disabled, the time of the next attempt or -, events, modes and users, each * if
all are delivered, the number of deliveries that wait, 1000+ if there are more
than 1,000, and why the last attempt of these has failed or -. No secret is
shown.

Examples:
  tenure webhooks list
  tenure webhooks list --json | jq -r '.items[].id'")]
struct List {
    /// Only this endpoint
    #[arg(value_name = "ID")]
    id: Option<Text>,
}

fn list(args: List, context: &mut Context) -> Outcome {
    let id = args.id.clone();
    let params = WebhookListParams { id: args.id };
    context.run_and_print(&WEBHOOK_LIST, params, |context, endpoints| {
        if let Some(id) = id.filter(|_| endpoints.items.is_empty()) {
            return Ok(unknown::endpoint(&id, context));
        }
        for endpoint in &endpoints.items {
            let all = |list: &Option<Vec<String>>| match list {
                Some(list) => list.join(","),
                None => "*".to_owned(),
            };
            let next = endpoint.next_attempt_at.map(|at| at.to_string());
            let more = endpoint.more_waiting.map_or("", |_| "+");
            let fields = [
                endpoint.id.clone(),
                endpoint.url.clone(),
                endpoint
                    .disabled_because
                    .clone()
                    .unwrap_or_else(|| "enabled".to_owned()),
                next.unwrap_or_else(|| "-".to_owned()),
                all(&endpoint.events),
                all(&endpoint.modes),
                all(&endpoint.users),
                format!("{}{more}", endpoint.waiting.unwrap_or_default()),
                endpoint
                    .last_problem
                    .clone()
                    .unwrap_or_else(|| "-".to_owned()),
            ];
            let fields = fields.map(|field| clean(&field).into_owned());
            context.out.line(&fields.join("\t"))?;
        }
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is queued for a disabled endpoint waits until it is enabled or removed;
further changes are not queued for it.

Examples:
  tenure webhooks update bot --enable
  tenure webhooks update bot --url https://example.com/new
  tenure webhooks update bot --disable")]
struct Update {
    /// The id of the endpoint
    id: Text,
    /// Its new URL
    #[arg(long, value_name = "URL")]
    url: Option<Text>,
    /// Its additional headers, in place of all: a JSON object, @FILE, or -
    #[arg(long, value_name = "JSON")]
    headers: Option<String>,
    /// The timeout of an attempt
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    timeout: Option<Millis>,
    /// Only this event, in place of those it has; may be repeated
    #[arg(long = "event", value_name = "EVENT", value_parser = event())]
    events: Vec<Text>,
    /// Only sessions of this mode, in place of those it has; may be repeated
    #[arg(long = "mode", value_name = "MODE")]
    modes: Vec<Text>,
    /// Only sessions of this user, in place of those it has; may be repeated
    #[arg(long = "user", value_name = "ID")]
    users: Vec<Text>,
    /// Deliver to it
    #[arg(long)]
    enable: bool,
    /// Deliver nothing to it
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
}

fn update(args: Update, context: &mut Context) -> Outcome {
    let id = args.id.clone();
    let params = WebhookUpdateParams {
        id: args.id,
        url: args.url,
        headers: input::maybe_json("--headers", args.headers)?,
        timeout_ms: args.timeout.map(|Millis(millis)| millis),
        events: replaced(args.events),
        modes: replaced(args.modes),
        users: replaced(args.users),
        enabled: (args.enable || args.disable).then_some(args.enable),
    };
    context.run_and_print(&WEBHOOK_UPDATE, params, |context, updated| {
        let Some(endpoint) = updated else {
            return Ok(unknown::endpoint(&id, context));
        };
        context.out.line(&clean(&endpoint.id))?;
        Ok(Exit::DONE)
    })
}

/// A list in place of another one, if it is given.
fn replaced(list: Vec<Text>) -> Patch<Vec<Text>> {
    match list.is_empty() {
        true => Patch::Keep,
        false => Patch::Set(list),
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
For a time, deliveries are signed by both secrets, so that receivers can change
theirs meanwhile.

Examples:
  tenure webhooks rotate bot > secret
  tenure webhooks rotate bot --keep-for 7d --secret-file secret")]
struct Rotate {
    /// The id of the endpoint
    id: Text,
    /// The new secret is in this file, or in standard input with -
    #[arg(long, value_name = "FILE")]
    secret_file: Option<String>,
    /// How long the former secret signs, too
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, default_value = "24h")]
    keep_for: Millis,
}

fn rotate(args: Rotate, context: &mut Context) -> Outcome {
    let id = args.id.clone();
    let params = WebhookRotateParams {
        id: args.id,
        secret: secret_of(args.secret_file.as_deref())?,
        keep_for: Some(args.keep_for),
    };
    context.run_and_print(&WEBHOOK_ROTATE, params, |context, rotated| {
        let Some(added) = rotated else {
            return Ok(unknown::endpoint(&id, context));
        };
        context
            .out
            .line(added.secret.as_deref().unwrap_or_default())?;
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure webhooks remove bot")]
struct Remove {
    /// The id of the endpoint
    id: Text,
}

fn remove(args: Remove, context: &mut Context) -> Outcome {
    let id = args.id.clone();
    let params = WebhookParams { id: args.id };
    context.run_and_print(&WEBHOOK_REMOVE, params, |context, removed| {
        if !removed.removed {
            return Ok(unknown::endpoint(&id, context));
        }
        let dropped = removed.dropped;
        let noun = if dropped == 1 {
            "delivery"
        } else {
            "deliveries"
        };
        context
            .out
            .line(&format!("removed; {dropped} {noun} dropped"))?;
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every failed delivery is a line of tab-separated fields: key, endpoint, event,
session, time, attempts, problem. They are kept for 30 days.

Examples:
  tenure webhooks failed
  tenure webhooks failed --endpoint bot | cut -f1 |
    xargs tenure webhooks redeliver")]
struct Failed {
    /// Only deliveries to this endpoint
    #[arg(long, value_name = "ID")]
    endpoint: Option<Text>,
    /// The most deliveries to print: 50 by default, up to 100
    #[arg(long, short = 'n', value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
    /// Continue after a page
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Text>,
}

fn failed(args: Failed, context: &mut Context) -> Outcome {
    if let Some(id) = unknown::given(args.endpoint.as_ref(), context)? {
        return Ok(unknown::endpoint(&id, context));
    }
    let params = WebhookFailedParams {
        endpoint: args.endpoint,
        limit: args.limit,
        cursor: args.cursor,
    };
    context.run_and_print(&WEBHOOK_FAILED, params, |context, page| {
        for failure in &page.items {
            let at = failure.failed_at.map(|at| at.to_string());
            let fields = [
                failure.key.clone(),
                failure.endpoint.clone(),
                failure.event.clone(),
                failure.session.clone(),
                at.unwrap_or_else(|| "-".to_owned()),
                failure.attempts.to_string(),
                failure.problem.clone().unwrap_or_default(),
            ];
            let fields = fields.map(|field| clean(&field).into_owned());
            context.out.line(&fields.join("\t"))?;
        }
        if let Some(next) = &page.next_cursor {
            context.note(&format!("more failures may exist: --cursor {next}"));
        }
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
They are queued again under the ids that they had, and posted by the next
delivery. With --waiting, what waits for its next attempt is attempted by the
next delivery instead, beginning with the first attempt again.

Examples:
  tenure webhooks redeliver --endpoint bot
  tenure webhooks redeliver --endpoint bot --waiting
  tenure webhooks redeliver $key && tenure webhooks deliver
  tenure webhooks redeliver --endpoint bot --drop")]
#[command(group = ArgGroup::new("which").required(true).args(["keys", "endpoint"]))]
struct Redeliver {
    /// The keys of failed deliveries, as `failed` prints them
    #[arg(value_name = "KEY")]
    keys: Vec<Text>,
    /// All that have failed at this endpoint
    #[arg(long, value_name = "ID")]
    endpoint: Option<Text>,
    /// Drop them instead
    #[arg(long)]
    drop: bool,
    /// Instead of what has failed for good, what waits at --endpoint for its next attempt
    #[arg(long, requires = "endpoint", conflicts_with_all = ["drop", "keys"])]
    waiting: bool,
}

fn redeliver(args: Redeliver, context: &mut Context) -> Outcome {
    if let Some(id) = unknown::given(args.endpoint.as_ref(), context)? {
        return Ok(unknown::endpoint(&id, context));
    }
    let asked = args.keys.len() as u64;
    let verb = match (args.drop, args.waiting) {
        (true, _) => "dropped",
        (_, true) => "due now",
        (false, false) => "requeued",
    };
    let params = WebhookRedeliverParams {
        keys: Some(args.keys).filter(|keys| !keys.is_empty()),
        endpoint: args.endpoint,
        drop: args.drop.then_some(true),
        waiting: args.waiting.then_some(true),
    };
    context.run_and_print(&WEBHOOK_REDELIVER, params, |context, moved| {
        let found = moved.deliveries;
        let noun = if found == 1 { "delivery" } else { "deliveries" };
        context.out.line(&format!("{found} {noun} {verb}"))?;
        if found < asked {
            let missing = count(asked - found, "key");
            context.note(&format!("{missing} not found"));
            return Ok(Exit::REFUSED);
        }
        Ok(Exit::DONE)
    })
}

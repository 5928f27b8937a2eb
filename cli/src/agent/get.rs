//! `tenure agent get`: an agent as JSON, with and without `--json`. The property names and times are
//! those that scripts of agents expect.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use tenure_core::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::params::Params;
use crate::time;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure agent get $id
  tenure agent get $id | jq -r .phase
  tenure agent get $id | jq '.history[-1]'")]
pub(crate) struct Args {
    /// The agent's session id
    id: String,
}

/// An agent, read under the operation's names and written under those of scripts.
#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
struct State<'a> {
    agent_id: &'a str,
    #[serde(borrow)]
    agent_name: Cow<'a, str>,
    #[serde(borrow)]
    purpose: Cow<'a, str>,
    created_at: At<'a>,
    last_updated: At<'a>,
    phase: Option<&'a str>,
    #[serde(borrow)]
    metadata: &'a RawValue,
    resume_ready: bool,
    #[serde(borrow)]
    history: Vec<Change<'a>>,
    error_count: u64,
    #[serde(borrow)]
    last_error: Option<LastError<'a>>,
    finalized_at: Option<At<'a>>,
    #[serde(borrow)]
    duration_seconds: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
struct Change<'a> {
    from_phase: &'a str,
    to_phase: &'a str,
    #[serde(borrow)]
    timestamp: At<'a>,
}

#[derive(Deserialize, Serialize)]
struct LastError<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: At<'a>,
}

/// A time, written to the second.
#[derive(Deserialize)]
struct At<'a>(&'a str);

impl Serialize for At<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Timestamp::parse(self.0) {
            Ok(at) => serializer.serialize_str(&time::iso_second(at)),
            Err(_) => serializer.serialize_str(self.0),
        }
    }
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let answer = context.perform("agentGet", &Params::id(&args.id))?;
    let state: Option<State<'_>> = answer.read()?;
    let json = match context.json() {
        true => serde_json::to_string(&state)?,
        false if state.is_none() => return Ok(super::unknown(&args.id, context)),
        false => serde_json::to_string_pretty(&state)?,
    };
    context.out.json(&json)?;
    Ok(match state {
        Some(_) => Exit::DONE,
        None => Exit::REFUSED,
    })
}

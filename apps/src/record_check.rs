//! The check of records: whether each can be read as what its kind says, and whether the routes of webhooks are those of the
//! endpoints. What is damaged stops only itself, so that nobody notices it without looking.

use serde::Serialize;
use tenure_core::audit::entry::{self, Entry};
use tenure_core::declare_params;
use tenure_core::error::{Cause, Error, Result};
use tenure_core::session::tool_calls;
use tenure_core::store::{Problem, Record, Scan};
use tenure_core::stored::delivery::{self, Delivery, WakeKey};
use tenure_core::stored::lease::{self, Lease};
use tenure_core::stored::route::{self, Routes};
use tenure_core::value::limits::MAX_PAGE;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::{Json, Text};

use crate::jobs::records::{DEAD_LETTER, DeadLetter, JOB, JobRecord};
use crate::webhooks::endpoint::{self, Endpoint};

/// Reads a record as what its kind says.
type Reader = fn(&Record) -> Result<()>;

/// The kinds that are checked, and how each is read. Those that are read whatever they have are not among them.
const KINDS: &[(&str, Reader)] = &[
    (entry::KIND, |record| Entry::read(record).map(drop)),
    (lease::KIND, |record| Lease::read(record).map(drop)),
    (tool_calls::KIND, |record| {
        Json::parse(&record.body).map(drop)
    }),
    (JOB, |record| JobRecord::read(record).map(drop)),
    (DEAD_LETTER, |record| DeadLetter::read(record).map(drop)),
    (endpoint::KIND, |record| {
        Endpoint::read_record(record).map(drop)
    }),
    (delivery::KIND, read_delivery),
    (delivery::FAILED, |record| {
        Delivery::read_record(record).map(drop)
    }),
    (delivery::WAKE, read_wake),
];

/// What the problem with the routes is called.
const ROUTES: &str = "webhooks";

declare_params! {
    /// A page of records.
    pub struct RecordCheckParams {
        /// The `next` of the previous page.
        pub after: Option<Text>,
    }

    /// How to check the routes of webhooks.
    pub struct RoutesCheckParams {}
}

/// What was found on a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct RecordPage {
    /// The number of records that were read.
    pub records: u64,
    /// Those that are damaged, each by its kind and its key.
    pub problems: Vec<Problem>,
    /// The `after` of the next page; absent after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

tenure_core::operations! {
    Group::Copying;
    /// Reads a page of the records of all kinds.
    RECORD_CHECK = Read "recordCheck" (RecordCheckParams) -> RecordPage, steps check,
        r#"{"after":"lease/k"}"#;
    /// What is wrong with the routes of webhooks.
    ROUTES_CHECK = Read "routesCheck" (RoutesCheckParams) -> Vec<Problem>, steps check_routes, "{}";
    /// Makes the routes of webhooks from the endpoints.
    ROUTES_REPAIR = Write "routesRepair" (RoutesCheckParams) -> (), steps repair_routes, "{}";
}

async fn check(context: &Context, params: RecordCheckParams) -> Result<RecordPage> {
    let after = params.after.as_ref().map_or("", Text::as_str);
    let (kind, after) = match after.split_once('/') {
        Some((kind, key)) => (
            Some(kind),
            Some(key.to_owned()).filter(|key| !key.is_empty()),
        ),
        None => (None, None),
    };
    let mut kinds = KINDS
        .iter()
        .skip_while(|(known, _)| kind.is_some_and(|kind| kind != *known));
    let Some((kind, read)) = kinds.next() else {
        return Err(Cause::InvalidCursor.into());
    };
    let scan = Scan {
        kind: (*kind).to_owned(),
        after,
        limit: MAX_PAGE,
    };
    let records = context.scan(&scan).await?;
    let mut page = RecordPage {
        records: records.len() as u64,
        ..RecordPage::default()
    };
    for record in &records {
        if let Err(error) = read(record) {
            page.problems.push(Problem {
                id: format!("{kind} {}", record.key),
                problem: problem_of(record, error),
            });
        }
    }
    let last = records
        .last()
        .filter(|_| records.len() >= MAX_PAGE as usize);
    page.next = match last {
        Some(last) => Some(format!("{kind}/{}", last.key)),
        None => kinds.next().map(|(kind, _)| format!("{kind}/")),
    };
    Ok(page)
}

/// What is wrong with a record, in the words of its reader.
fn problem_of(record: &Record, error: Error) -> String {
    if record.body.is_empty() {
        return "the record does not decrypt".to_owned();
    }
    match error.into_cause() {
        Cause::StoreMisbehaved { problem, .. } => problem,
        _ => "the record is damaged".to_owned(),
    }
}

fn read_delivery(record: &Record) -> Result<()> {
    let delivery = Delivery::read_record(record)?;
    match delivery.key() == record.key {
        true => Ok(()),
        false => Err(damaged("the delivery of another key")),
    }
}

fn read_wake(record: &Record) -> Result<()> {
    match WakeKey::parse(&record.key) {
        Some(_) => Ok(()),
        None => Err(damaged("its key has no time")),
    }
}

fn damaged(problem: &str) -> Error {
    Cause::StoreMisbehaved {
        method: "record".to_owned(),
        problem: format!("the record is damaged: {problem}"),
    }
    .into()
}

async fn check_routes(context: &Context, _: RoutesCheckParams) -> Result<Vec<Problem>> {
    let mut problem = None;
    // An endpoint may be changed between the two reads.
    for _ in 0..2 {
        let endpoints = endpoint::all(context).await?;
        let record = context.record(route::KIND, route::KEY).await?;
        problem = match Routes::read_record(record.as_ref()) {
            Err(_) => {
                Some("the record of the routes of webhooks is damaged: no session can be changed")
            }
            Ok(routes) if routes == routes_of(&endpoints, &routes) => None,
            Ok(_) => Some("the routes of webhooks are not those of the endpoints"),
        };
        if problem.is_none() {
            break;
        }
    }
    Ok(problem
        .map(|problem| Problem {
            id: ROUTES.to_owned(),
            problem: problem.to_owned(),
        })
        .into_iter()
        .collect())
}

async fn repair_routes(context: &Context, _: RoutesCheckParams) -> Result<()> {
    let endpoints = endpoint::all(context).await?;
    context
        .transact(|tx| {
            let record = tx.record(route::KIND, route::KEY)?;
            let known = Routes::read_record(record.as_ref()).unwrap_or_default();
            let routes = routes_of(&endpoints, &known);
            match routes.routes.is_empty() {
                true if record.is_none() => {}
                true => tx.remove_record(route::KIND, route::KEY)?,
                false => tx.put_record(routes.to_record())?,
            }
            Ok(())
        })
        .await
}

/// The routes of these endpoints. Of one that is damaged it is the one that is known.
fn routes_of(endpoints: &[Record], known: &Routes) -> Routes {
    let mut routes = Routes::default();
    for record in endpoints {
        let route = match Endpoint::read_record(record) {
            Ok(endpoint) => Some(endpoint.route()),
            Err(_) => {
                let mut known = known.routes.iter();
                known.find(|known| known.endpoint == record.key).cloned()
            }
        };
        routes.set(&record.key, route);
    }
    routes
}

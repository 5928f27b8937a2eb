//! The runs of cases that are under way: a table of futures, each polled when the host has something
//! new for it. What a run waits for is handed to the host, whose reply takes it on.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde::Serialize;
use tenure_bridge::{Answer, answer};
use tenure_core::{Error, Json};
use tenure_testkit::{CASES, Case, Failure, Outcome};

use crate::fixture::{HostFixture, Stores};

/// A case as the host sees it.
#[derive(Serialize)]
pub(crate) struct CaseInfo {
    group: &'static str,
    name: &'static str,
}

/// All cases in their order.
pub(crate) fn cases() -> Vec<CaseInfo> {
    let info = |case: &Case| CaseInfo {
        group: case.group,
        name: case.name,
    };
    CASES.iter().map(info).collect()
}

/// What a run has come to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Step {
    /// It needs something of the host.
    Need {
        /// The run, for the reply.
        run: u32,
        /// The number of the store that is meant.
        store: u32,
        /// `open`, `close`, or a method of the store.
        method: &'static str,
        /// What it is called with.
        params: Json,
    },
    /// It is over.
    End {
        /// `passed`, `skipped` or `failed`.
        outcome: &'static str,
        /// What was wrong, or why the case was left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// The runs that wait for the host.
#[derive(Default)]
pub(crate) struct Runs {
    running: RefCell<BTreeMap<u32, Running>>,
    last: Cell<u32>,
}

struct Running {
    future: Pin<Box<dyn Future<Output = Step>>>,
    stores: Arc<Stores>,
}

impl Runs {
    /// Begins a run of the case of this name.
    pub(crate) fn start(&self, name: &str, scale: f64) -> Answer {
        let Some(case) = CASES.iter().find(|case| case.name == name) else {
            let problem = format!("there is no case {name:?}");
            return answer::error(&Error::invalid("case", problem));
        };
        let stores = Arc::new(Stores::default());
        let future = Box::pin(run(case, Arc::clone(&stores), scale));
        let id = self.last.get().wrapping_add(1);
        self.last.set(id);
        self.step(id, Running { future, stores })
    }

    /// Goes on with a run after the host's reply.
    pub(crate) fn resume(&self, id: u32, reply: String) -> Answer {
        // Taken out while it runs: a host that calls back in meanwhile finds no such run.
        let running = self.running.borrow_mut().remove(&id);
        match running {
            Some(running) => {
                running.stores.put_reply(reply);
                self.step(id, running)
            }
            None => answer::error(&Error::internal(format!("no run {id} waits for a reply"))),
        }
    }

    /// Forgets a run.
    pub(crate) fn cancel(&self, id: u32) -> Answer {
        let running = self.running.borrow_mut().remove(&id);
        drop(running);
        answer::ok(&())
    }

    fn step(&self, id: u32, mut running: Running) -> Answer {
        let polled = running
            .future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(end) = polled {
            return answer::ok(&end);
        }
        match running.stores.take_request() {
            Some(request) => {
                self.running.borrow_mut().insert(id, running);
                answer::ok(&Step::Need {
                    run: id,
                    store: request.store,
                    method: request.method,
                    params: request.params,
                })
            }
            None => answer::error(&Error::internal("a case waits for nothing")),
        }
    }
}

/// Runs a case to its end, with all that it has opened closed.
async fn run(case: &'static Case, stores: Arc<Stores>, scale: f64) -> Step {
    let fixture = HostFixture(Arc::clone(&stores));
    let outcome = case.check(&fixture, scale).await;
    let closed = stores.close_dropped().await;
    let (outcome, message) = match (outcome, closed) {
        (Outcome::Failed(failure), _) => ("failed", Some(failure.to_string())),
        (_, Err(error)) => {
            let failure = Failure::from(error).within("closing the store");
            ("failed", Some(failure.to_string()))
        }
        (Outcome::Skipped, _) => ("skipped", Some(case.needs.reason().to_owned())),
        (Outcome::Passed, _) => ("passed", None),
    };
    Step::End { outcome, message }
}

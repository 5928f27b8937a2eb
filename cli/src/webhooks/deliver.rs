//! `tenure webhooks deliver` and `test`: the jobs that post, and what they need of a command.

use std::time::{Duration, Instant};

use tenure_apps::webhooks::job::{
    WEBHOOK_DELIVER, WEBHOOK_TEST, WebhookDeliverParams, WebhookDelivered, WebhookFailing,
    WebhookTestParams,
};
use tenure_apps::webhooks::operations::WEBHOOK_LIST;
use tenure_apps::webhooks::params::WebhookListParams;
use tenure_core::Text;
use tenure_core::work::job::{Ended, Posting, Step, StepReply};
use tenure_core::work::operation::Reply;
use tenure_host::{Poster, PosterSignal};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::job::{JobHost, run_job};
use crate::output::{clean, count};
use crate::progress::Progress;

use super::failing::Failing;
use super::unknown;

/// The time between two looks for Ctrl-C.
const PAUSE: Duration = Duration::from_millis(50);
/// The greatest number of failing endpoints in the last line.
const MAX_FAILING: usize = 3;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ends when nothing is due. Several processes may deliver at the same time: each
delivery is one's alone. After Ctrl-C, what is in flight ends first. The exit
code is 1 if a delivery has failed for good, 130 after Ctrl-C, and 143 after
SIGTERM. The last line names endpoints whose last attempt has failed, with the
reason.

Addresses of private networks and of this machine are refused, whatever name
leads to them, unless --allow-private is given.

Examples:
  tenure webhooks deliver
  tenure webhooks deliver --watch --allow-private
  * * * * * cd /srv/bot && tenure webhooks deliver")]
pub(super) struct Deliver {
    /// Only to this endpoint
    #[arg(long, value_name = "ID")]
    endpoint: Option<Text>,
    /// Go on until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Post to addresses of private networks and of this machine, too
    #[arg(long)]
    allow_private: bool,
    /// The most posts in flight, up to 64
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    concurrency: u32,
}

pub(super) fn run(args: Deliver, context: &mut Context) -> Outcome {
    let params = WebhookDeliverParams {
        once: Some(!args.watch),
        endpoint: args.endpoint,
        allow_private: Some(args.allow_private),
        concurrency: Some(args.concurrency),
        ..WebhookDeliverParams::default()
    };
    let (watch, endpoint) = (args.watch, params.endpoint.clone());
    context.require_store()?;
    if let Some(id) = unknown::given(params.endpoint.as_ref(), context)? {
        return Ok(unknown::endpoint(&id, context));
    }
    let mut driver = Driver::new(context)?;
    driver.reports = args.watch;
    if args.watch {
        driver.context.note("delivers what is queued, until Ctrl-C");
    }
    let delivered = run_job(&WEBHOOK_DELIVER, params, &mut driver);
    let Driver {
        context,
        progress,
        interrupt,
        ..
    } = driver;
    // Erases the progress line before anything is printed.
    drop(progress);
    let delivered = delivered?;
    let is_idle = delivered.delivered + delivered.retried + delivered.failed == 0;
    let exit = match delivered.failed {
        0 => Exit::DONE,
        _ => Exit::REFUSED,
    };
    context.print(delivered, |context, delivered| {
        let WebhookDelivered {
            delivered,
            retried,
            failed,
            mut disabled,
            mut failing,
            ..
        } = delivered;
        disabled.sort();
        failing.sort_unstable_by(|one, other| one.endpoint.cmp(&other.endpoint));
        let failing = described(&failing);
        context.out.line(&format!(
            "{delivered} delivered, {retried} to be repeated, {failed} failed{failing}"
        ))?;
        for id in disabled {
            let id = clean(&id);
            context.note(&format!(
                "the endpoint {id} has answered 410, and was disabled"
            ));
        }
        Ok(exit)
    })?;
    if is_idle && !watch {
        note_waiting(endpoint, context)?;
    }
    Ok(interrupt.exit_or(exit))
}

/// Says what waits for its next attempt, where nothing was due.
fn note_waiting(endpoint: Option<Text>, context: &mut Context) -> Result<(), Failure> {
    let endpoints = context.run(&WEBHOOK_LIST, WebhookListParams { id: endpoint })?;
    let enabled = endpoints.items.iter();
    for endpoint in enabled.filter(|endpoint| endpoint.disabled_because.is_none()) {
        let (waiting @ 1.., Some(next)) = (
            endpoint.waiting.unwrap_or_default(),
            endpoint.next_attempt_at,
        ) else {
            continue;
        };
        let id = clean(&endpoint.id);
        context.note(&format!(
            "{waiting} queued for {id}: the next attempt is due at {next}, or at once after `tenure webhooks redeliver --endpoint {id} \
             --waiting`"
        ));
    }
    Ok(())
}

/// The endpoints whose last attempt has failed, with the reasons, as the end of a line.
fn described(failing: &[WebhookFailing]) -> String {
    let first = failing.iter().take(MAX_FAILING);
    let mut text: String = first
        .map(|one| format!("; {}: {}", clean(&one.endpoint), clean(&one.problem)))
        .collect();
    if let Some(more @ 1..) = failing.len().checked_sub(MAX_FAILING) {
        let more = count(more as u64, "more endpoint");
        text.push_str(&format!("; {more} failing"));
    }
    text
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Posts an example with the event \"test\", which no change has. The exit code is 1
if the endpoint does not answer with a status of 200 to 299.

Examples:
  tenure webhooks test bot")]
pub(super) struct Test {
    /// The id of the endpoint
    id: Text,
    /// Post to addresses of private networks and of this machine, too
    #[arg(long)]
    allow_private: bool,
}

pub(super) fn test(args: Test, context: &mut Context) -> Outcome {
    let id = args.id.clone();
    let params = WebhookTestParams {
        id: args.id,
        allow_private: Some(args.allow_private),
    };
    context.require_store()?;
    let mut driver = Driver::new(context)?;
    let tested = run_job(&WEBHOOK_TEST, params, &mut driver)?;
    let Driver {
        context, interrupt, ..
    } = driver;
    let Some(tested) = tested else {
        return Ok(unknown::endpoint(&id, context));
    };
    let exit = match tested.delivered {
        true => Exit::DONE,
        false => Exit::REFUSED,
    };
    context.print(tested, |context, tested| {
        let outcome = match (&tested.problem, tested.status) {
            (None, Some(status)) => format!("answered {status}"),
            (problem, _) => clean(problem.as_deref().unwrap_or_default()).into_owned(),
        };
        let duration = tested.duration_ms;
        context.out.line(&format!("{outcome} ({duration} ms)"))?;
        Ok(exit)
    })?;
    Ok(interrupt.exit_or(exit))
}

/// Performs what the jobs need.
struct Driver<'c> {
    context: &'c mut Context,
    poster: Poster,
    signal: PosterSignal,
    interrupt: Interrupt,
    progress: Progress,
    /// The error of the store that was printed last.
    error: Option<String>,
    /// Whether it is printed why attempts fail, and what was printed.
    reports: bool,
    failing: Failing,
}

impl<'c> Driver<'c> {
    fn new(context: &'c mut Context) -> Result<Self, Failure> {
        let poster = Poster::new()?;
        Ok(Self {
            signal: poster.signal(),
            poster,
            interrupt: Interrupt::listen(),
            progress: Progress::new(!context.json()),
            error: None,
            reports: false,
            failing: Failing::default(),
            context,
        })
    }
}

impl Driver<'_> {
    /// Prints why attempts fail.
    fn note_failing(&mut self, failing: &[WebhookFailing]) {
        for one in self.failing.news(failing) {
            let (endpoint, problem) = (clean(&one.endpoint), clean(&one.problem));
            // Erases the line before the message.
            self.progress = Progress::new(!self.context.json());
            self.context
                .note(&format!("an attempt at {endpoint} has failed: {problem}"));
        }
    }
}

impl JobHost for Driver<'_> {
    fn run(&mut self, step: &dyn Step) -> Result<StepReply, Failure> {
        self.context.run_step(step)
    }

    fn post(&mut self, posting: Posting) -> Result<Ended, Failure> {
        let deadline = Instant::now() + Duration::from_millis(posting.wait_ms);
        let mut start = posting.start;
        loop {
            if self.interrupt.is_requested() {
                self.signal.stop();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let part = left.min(PAUSE);
            let ended = self.poster.perform(Posting {
                start: std::mem::take(&mut start),
                wait_ms: u64::try_from(part.as_millis()).unwrap_or(u64::MAX),
            });
            if !ended.posts.is_empty() || ended.stops || left <= PAUSE {
                return Ok(ended);
            }
        }
    }

    fn progress(&mut self, progress: Box<dyn Reply>) {
        let Ok(progress) = progress.into_any().downcast::<WebhookDelivered>() else {
            return;
        };
        if self.reports {
            self.note_failing(&progress.failing);
        }
        if progress.error != self.error {
            self.error.clone_from(&progress.error);
            if let (Some(code), Some(problem)) = (&progress.error, &progress.problem) {
                // Erases the line before the message.
                self.progress = Progress::new(!self.context.json());
                self.context.note(&format!(
                    "the store fails, and is tried again: {problem} ({code})"
                ));
            }
        }
        self.progress.update(|| match &progress.error {
            Some(code) => format!("{} delivered; the store fails: {code}", progress.delivered),
            None => format!("{} delivered", progress.delivered),
        });
    }
}

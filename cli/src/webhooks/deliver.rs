//! `tenure webhooks deliver` and `test`: the jobs that post, and what they need of a command.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tenure_apps::webhooks::job::{
    WEBHOOK_DELIVER, WEBHOOK_TEST, WebhookDeliverParams, WebhookDelivered, WebhookTestParams,
};
use tenure_core::Text;
use tenure_core::work::job::{Ended, Posting, Step, StepReply};
use tenure_core::work::operation::Reply;
use tenure_host::{Poster, PosterSignal};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::job::{JobHost, run_job};
use crate::output::clean;
use crate::progress::Progress;

use super::unknown;

/// The time between two looks for Ctrl-C.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ends when nothing is due. Several processes may deliver at the same time: each
delivery is one's alone. After Ctrl-C, what is in flight ends first. The exit
code is 1 if a delivery has failed for good.

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
    context.require_store()?;
    if let Some(id) = unknown::given(params.endpoint.as_ref(), context)? {
        return Ok(unknown::endpoint(&id, context));
    }
    let mut driver = Driver::new(context)?;
    driver.reports = true;
    let delivered = run_job(&WEBHOOK_DELIVER, params, &mut driver);
    let Driver {
        context, progress, ..
    } = driver;
    // Erases the progress line before anything is printed.
    drop(progress);
    context.print(delivered?, |context, delivered| {
        let WebhookDelivered {
            delivered,
            retried,
            failed,
            mut disabled,
            ..
        } = delivered;
        disabled.sort();
        context.out.line(&format!(
            "{delivered} delivered, {retried} to be repeated, {failed} failed"
        ))?;
        for id in disabled {
            let id = clean(&id);
            context.note(&format!(
                "the endpoint {id} has answered 410, and was disabled"
            ));
        }
        Ok(if failed > 0 {
            Exit::REFUSED
        } else {
            Exit::DONE
        })
    })
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
    let context = driver.context;
    let Some(tested) = tested else {
        return Ok(unknown::endpoint(&id, context));
    };
    context.print(tested, |context, tested| {
        let outcome = match (tested.status, &tested.problem) {
            (Some(status), _) => format!("answered {status}"),
            (None, problem) => clean(problem.as_deref().unwrap_or_default()).into_owned(),
        };
        let duration = tested.duration_ms;
        context.out.line(&format!("{outcome} ({duration} ms)"))?;
        Ok(match tested.delivered {
            true => Exit::DONE,
            false => Exit::REFUSED,
        })
    })
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
    /// Whether reasons of posts without an answer are printed, and those that were.
    reports: bool,
    reasons: BTreeSet<String>,
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
            reasons: BTreeSet::new(),
            context,
        })
    }
}

impl Driver<'_> {
    /// Prints why posts have no answer, each reason once: they are attempted again for days, and listed nowhere meanwhile.
    fn note_reasons(&mut self, ended: &Ended) {
        let reasons = ended.posts.iter().filter_map(|post| post.problem.as_ref());
        for reason in reasons {
            if self.reports && self.reasons.insert(reason.to_string()) {
                let shown = clean(reason.as_str());
                self.progress = Progress::new(!self.context.json());
                self.context.note(&format!("a post had no answer: {shown}"));
            }
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
            self.note_reasons(&ended);
            if !ended.posts.is_empty() || ended.stops || left <= PAUSE {
                return Ok(ended);
            }
        }
    }

    fn progress(&mut self, progress: Box<dyn Reply>) {
        let Ok(progress) = progress.into_any().downcast::<WebhookDelivered>() else {
            return;
        };
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

//! `tenure copy`: copies all sessions of one store into another, step by step. The core decides what is
//! copied and what differs.

use tenure_apps::copy::job::{COPY, CopyParams, CopyPhase, CopyProgress, CopyResult};
use tenure_apps::copy::model::CopyDifference;
use tenure_bridge::Options;
use tenure_core::store::Problem;
use tenure_core::work::job::{Side, Step, StepReply};
use tenure_core::work::operation::Reply;
use tenure_core::{Error, Text, Timestamp};
use tenure_host::Local;

use crate::context::{Context, step_over};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::job::{JobHost, run_job};
use crate::output::{clean, count, name_of};
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Sessions that exist in the target are kept, so an interrupted copy can be
repeated. At the end all sessions are compared; the exit code is 1 when
something differs.

Examples:
  tenure copy sqlite:./tenure.db file:./sessions
  tenure copy file:./sessions sqlite:./tenure.db --overwrite")]
pub(crate) struct Args {
    /// The store to copy from
    #[arg(value_name = "FROM")]
    from: String,
    /// The store to copy to
    #[arg(value_name = "TO")]
    to: String,
    /// Replace sessions that are newer or different in the target
    #[arg(long)]
    overwrite: bool,
    /// Skip the comparison at the end
    #[arg(long)]
    no_verify: bool,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    context.refuse_store("the stores are FROM and TO")?;
    let progress = Progress::new(!context.json());
    let params = CopyParams {
        from: Some(args.from.as_str().into()),
        to: Some(args.to.as_str().into()),
        overwrite: Some(args.overwrite),
        verify: Some(!args.no_verify),
        progress: Some(progress.is_shown()),
    };
    let mut copying = Copying {
        urls: (args.from, args.to),
        source: None,
        target: None,
        options: context.store_options()?,
        now: context.now(),
        interrupt: Interrupt::listen(),
        progress,
    };
    let copied = run_job(&COPY, params, &mut copying);
    // Erases the progress line before anything is printed.
    drop(copying);
    print(context, copied?)
}

fn print(context: &mut Context, copied: CopyResult) -> Outcome {
    let is_complete = copied.differing == 0 && copied.problems.is_empty();
    if context.json() {
        context.print_json(&copied)?;
    } else {
        for CopyDifference { what, key, target } in &copied.differences {
            let (what, key, target) = (clean(what), clean(key), name_of(target));
            context
                .out
                .line(&format!("{what} {key}: {target} in the target"))?;
        }
        for Problem { id, problem } in &copied.problems {
            context.note(&format!("{id}: {problem}"));
        }
        let CopyResult {
            sessions,
            records,
            same,
            differing,
            ..
        } = copied;
        let (sessions, records) = (count(sessions, "session"), count(records, "record"));
        context.out.line(&format!(
            "{sessions} and {records} copied, {same} unchanged, {differing} differ"
        ))?;
    }
    Ok(if is_complete {
        Exit::DONE
    } else {
        Exit::REFUSED
    })
}

/// A copy in progress.
struct Copying {
    urls: (String, String),
    options: Options,
    source: Option<Local>,
    target: Option<Local>,
    now: Timestamp,
    interrupt: Interrupt,
    progress: Progress,
}

impl JobHost for Copying {
    fn open(&mut self, side: Side) -> Result<Option<Text>, Failure> {
        let store = match side {
            Side::Source => {
                let source = Local::open_existing(&self.urls.0, &self.options)?;
                self.source.insert(source)
            }
            Side::Target => {
                let target = Local::open(&self.urls.1, &self.options)?;
                self.target.insert(target)
            }
        };
        Ok(store.identity().map(Text::from))
    }

    fn run(&mut self, step: &dyn Step) -> Result<StepReply, Failure> {
        self.interrupt
            .check("interrupted; run the same command to continue")?;
        let store = match step.store() {
            Side::Source => &self.source,
            Side::Target => &self.target,
        };
        match store {
            Some(store) => Ok(step_over(store, self.now, step)?),
            None => Err(Error::internal("a store of the copy is not open").into()),
        }
    }

    fn progress(&mut self, progress: Box<dyn Reply>) {
        let Ok(progress) = progress.into_any().downcast::<CopyProgress>() else {
            return;
        };
        self.progress.update(|| {
            let verb = match progress.phase {
                CopyPhase::Copy => "copied",
                CopyPhase::Verify => "compared",
            };
            let CopyProgress {
                sessions,
                of,
                bytes,
                ..
            } = *progress;
            let megabytes = bytes as f64 / 1e6;
            format!("{verb} {sessions} of {of} sessions, {megabytes:.1} MB")
        });
    }
}

//! The runs of a day as other programs keep them: a file a day, with nine properties a run.

use serde::Serialize;
use tenure_core::audit::entry::{Entry, RUN};
use tenure_core::audit::operations::MAX_READ;
use tenure_core::audit::range::Range;
use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::value::json::Object;
use tenure_core::value::limits::{MAX_PAGE, page_limit};
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;

/// A day in UTC.
pub(super) const DAY: Millis = Millis(24 * 60 * 60 * 1000);

tenure_core::operations! {
    Group::Dedup;
    /// A page of the runs of a day in UTC, each with the nine properties of the daily audit files.
    AUDIT_DAY = Read "auditDay" (AuditDayParams) -> AuditDay, steps audit_day,
        r#"{"date":"2026-01-08","limit":2,"cursor":"2026-01-08T00:00:00.000Z/2"}"#;
}

declare_params! {
    /// A day of the audit log.
    pub struct AuditDayParams {
        /// The day, as `2026-01-08` or `20260108`, in UTC; today by default.
        pub date: Option<Text>,
        /// How many runs at most: 1 to 1,000, 1,000 by default.
        pub limit: Option<u32>,
        /// Go on where the page ended that returned this cursor.
        pub cursor: Option<Text>,
    }
}

async fn audit_day(context: &Context, params: AuditDayParams) -> Result<AuditDay> {
    let limit = page_limit(params.limit, MAX_PAGE)? as usize;
    let date = params.date.as_ref().map(Text::as_str);
    let begin = day("date", date, context.call().now)?;
    let mut reply = AuditDay {
        file: day_file(begin),
        items: Vec::new(),
        next_cursor: None,
    };
    let mut range = Range::new(Some(begin), None, params.cursor)?;
    // The last day has no time after it.
    range.before = Some(begin.plus(DAY)).filter(|end| end.since(begin) == DAY.0);
    while let Some((key, entry)) = range.next(context).await? {
        reply.items.extend(AuditRun::of(&entry));
        if reply.items.len() == limit || range.count == MAX_READ {
            reply.next_cursor = Some(key);
            break;
        }
    }
    Ok(reply)
}

/// A run as the audit file of its day shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct AuditRun {
    /// The key of the run.
    pub session_key: String,
    /// When it was recorded, with microseconds.
    pub timestamp: String,
    /// The event that triggered it.
    pub event_type: String,
    /// The name of its workflow.
    pub workflow: String,
    /// The id of the run.
    pub run_id: String,
    /// The first characters of its commit.
    pub commit_sha: String,
    /// Whether it was executed.
    pub executed: bool,
    /// The status of its job.
    pub job_status: String,
    /// Whether it was a duplicate.
    pub duplicate_prevented: bool,
}

impl AuditRun {
    /// The run that an entry is about, if it is an entry of a run that has ended.
    pub fn of(entry: &Entry) -> Option<Self> {
        if entry.kind() != RUN {
            return None;
        }
        let data = Object::parse(&entry.data);
        // A number of another program may be one, and not a text.
        let text = |name: &str| {
            let plain = || data.get(name).filter(|text| *text != "null");
            let text = data.text(name).or_else(|| plain().map(str::to_owned));
            text.unwrap_or_default()
        };
        let executed = data.read("executed").unwrap_or(false);
        Some(Self {
            session_key: entry.subject().unwrap_or_default(),
            timestamp: data.text("timestamp").unwrap_or_else(|| micros(entry.at)),
            event_type: text("event_type"),
            workflow: text("workflow"),
            run_id: text("run_id"),
            commit_sha: text("commit_sha"),
            executed,
            job_status: text("job_status"),
            duplicate_prevented: data.read("duplicate_prevented").unwrap_or(!executed),
        })
    }
}

/// A time to the microsecond, as `2026-01-08T18:05:30.123000Z`.
fn micros(at: Timestamp) -> String {
    let text = at.to_string();
    [text.strip_suffix('Z').unwrap_or(&text), "000Z"].concat()
}

/// A part of the runs of a day, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct AuditDay {
    /// The name of the file that such a day is kept in elsewhere: `session_audit_20260108.json`.
    pub file: String,
    /// The runs, as that file lists them.
    pub items: Vec<AuditRun>,
    /// Where to go on, as `cursor`; absent at the end. A page may have fewer items than it could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The first moment of a day: of the one that a parameter names, as `2026-01-08` or `20260108`, or else of
/// the present one.
///
/// # Errors
/// `INVALID_ARGUMENT` for what is no day.
pub fn day(parameter: &str, date: Option<&str>, now: Timestamp) -> Result<Timestamp> {
    let today = now.to_string();
    let date = date.unwrap_or_else(|| today.get(..10).unwrap_or_default());
    let problem = || Error::invalid(parameter, "expected a day such as 2026-01-08 or 20260108");
    let digits: String = date.chars().filter(|char| *char != '-').collect();
    let plain = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (Some(year), Some(month), Some(day), true) =
        (digits.get(..4), digits.get(4..6), digits.get(6..), plain)
    else {
        return Err(problem());
    };
    let dashed = [year, "-", month, "-", day].concat();
    if date != digits && date != dashed {
        return Err(problem());
    }
    Timestamp::parse(&dashed).map_err(|_| problem())
}

/// The name of the file in which other programs keep a day.
pub fn day_file(day: Timestamp) -> String {
    let text = day.to_string();
    let digits = text.get(..10).unwrap_or_default().replace('-', "");
    ["session_audit_", &digits, ".json"].concat()
}

//! The SQL of filters, lists and statistics. It must agree with `Filter::matches` and `Order::compare` of the
//! core. All values are parameters.

use tenure_core::store::ListQuery;
use tenure_core::store::filter::{Direction, Filter, OrderBy, Trash};
use tenure_core::stored::slot::SlotPhase;
use tenure_core::{Phase, SessionId, Status, Timestamp};

use crate::request::{Request, Value};
use crate::row::{HEAD, period};

/// How many characters of a name are in its index.
const INDEXED: usize = 128;
/// The sizes that make up the user data of a head, as `Head::user_bytes` counts them.
const TEXTS: [&str; 9] = [
    "task",
    "context",
    "result",
    "result_data",
    "error",
    "metadata",
    "summary",
    "last_error",
    "model_details",
];
/// The columns of sums, in the order of `Sums`. The upper and lower halves of numbers are summed separately, so that
/// no sum overflows.
const SUMS: &str = "count(*), sum(iterations)::BIGINT, \
    sum(prompt_tokens >> 32 & 4294967295)::BIGINT, sum(prompt_tokens & 4294967295)::BIGINT, \
    sum(completion_tokens >> 32 & 4294967295)::BIGINT, \
    sum(completion_tokens & 4294967295)::BIGINT, \
    sum(cost_nanos >> 32 & 4294967295)::BIGINT, sum(cost_nanos & 4294967295)::BIGINT";

/// Selects the heads that match `query` in order, at most `rows`, and how many there are of these. Of more user
/// data than wanted, the rest is left out.
pub(crate) fn list<'a>(query: &'a ListQuery, schema: &str, rows: u64) -> Request<'a> {
    let mut request = Request::default();
    let time = match query.order.by {
        OrderBy::CreatedAt => "created_at",
        OrderBy::UpdatedAt => "updated_at",
    };
    let (beyond, direction) = match query.order.direction {
        Direction::Asc => (">", "ASC"),
        Direction::Desc => ("<", "DESC"),
    };
    let order = format!("s.{time} {direction}, s.id {direction}");
    // The order in which the index has the sessions, and within that the one of the list.
    let indexed = match query.order.by {
        OrderBy::CreatedAt => order.clone(),
        OrderBy::UpdatedAt => format!("s.updated_period {direction}, {order}"),
    };
    let mut conditions = Conditions::of(&mut request, &query.filter);
    if let Some(after) = &query.after {
        let at = request.bind(after.at.as_millis());
        let id = request.bind(after.id.as_str());
        conditions.add(format!("(s.{time}, s.id) {beyond} ({at}, {id})"));
        if query.order.by == OrderBy::UpdatedAt {
            let period = request.bind(period(after.at));
            conditions.add(format!("s.updated_period {beyond}= {period}"));
        }
    }
    // No list is longer than the largest integer.
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let limit = request.bind(integer(rows));
    let offset = request.bind(integer(query.offset));
    let most = request.bind(integer(query.max_bytes));
    let sizes = TEXTS.map(|column| format!("coalesce(octet_length(s.{column}), 0)::BIGINT"));
    let columns = HEAD.replace(", ", ", s.");
    request.push(format_args!(
        "SELECT s.{columns}, s.found FROM (\
         SELECT s.{columns}, sum(s.size) OVER (ORDER BY {order}) - s.size AS before, \
         count(*) OVER () AS found FROM (\
         SELECT s.{columns}, {size} AS size FROM {schema}.sessions AS s{conditions} \
         ORDER BY {indexed} LIMIT {limit} OFFSET {offset}) AS s) AS s \
         WHERE s.before <= {most} ORDER BY {order}",
        size = sizes.join(" + "),
        conditions = conditions.clause(),
    ));
    request
}

/// Counts the sessions that match `filter`, by status, mode and model.
pub(crate) fn groups<'a>(filter: &'a Filter, schema: &str) -> Request<'a> {
    let mut request = Request::default();
    let conditions = Conditions::readable(&mut request, filter).clause();
    request.push(format_args!(
        "SELECT s.status, s.mode, s.model, {SUMS} FROM {schema}.sessions AS s{conditions} \
         GROUP BY s.status, s.mode, s.model"
    ));
    request
}

/// Counts the sessions that match `filter`, of the users who have the most, and says how many users have some.
pub(crate) fn users<'a>(filter: &'a Filter, schema: &str, most: u32) -> Request<'a> {
    let mut request = Request::default();
    let mut conditions = Conditions::readable(&mut request, filter);
    conditions.add("s.user_id IS NOT NULL".to_owned());
    let most = request.bind(i64::from(most).max(1));
    request.push(format_args!(
        "SELECT s.user_id, {SUMS}, count(*) OVER () FROM {schema}.sessions AS s{} \
         GROUP BY s.user_id ORDER BY count(*) DESC, s.user_id LIMIT {most}",
        conditions.clause()
    ));
    request
}

/// The values of the sessions that match `filter`, one row for each.
pub(crate) fn values<'a>(filter: &'a Filter, schema: &str) -> Request<'a> {
    let mut request = Request::default();
    let conditions = Conditions::readable(&mut request, filter).clause();
    request.push(format_args!(
        "SELECT s.status, s.mode, s.user_id, s.model, s.iterations, s.prompt_tokens, \
         s.completion_tokens, s.cost_nanos, s.created_at, s.finalized_at \
         FROM {schema}.sessions AS s{conditions}"
    ));
    request
}

/// A `WHERE` clause under construction.
struct Conditions(Vec<String>);

impl Conditions {
    /// The conditions of a filter.
    fn of<'a>(request: &mut Request<'a>, filter: &'a Filter) -> Self {
        // Each property by its name, so that none is forgotten.
        let Filter {
            user_id,
            channel_id,
            mode,
            status,
            phase,
            task_ids,
            slot_phase,
            model,
            parent_id,
            min_iterations,
            max_iterations,
            created_after,
            created_before,
            updated_after,
            updated_before,
            text,
            trash,
        } = filter;
        let mut all = Self(Vec::new());
        for (column, name) in [
            ("user_id", user_id),
            ("channel_id", channel_id),
            ("mode", mode),
            ("model", model),
        ] {
            if let Some(name) = name {
                let beginning = request.bind(beginning(name));
                let name = request.bind(name.as_str());
                all.add(format!("left(s.{column}, {INDEXED}) = {beginning}"));
                all.add(format!("s.{column} = {name}"));
            }
        }
        let status = status
            .as_ref()
            .map(|all| all.iter().map(|one| Status::as_str(*one)).collect());
        all.add_one_of(request, "s.status", status);
        let phase = phase
            .as_ref()
            .map(|all| all.iter().map(|one| Phase::as_str(*one)).collect());
        all.add_one_of(request, "s.phase", phase);
        let slot_phase = slot_phase
            .as_ref()
            .map(|all| all.iter().map(|one| SlotPhase::as_str(*one)).collect());
        all.add_one_of(request, "s.slot_phase", slot_phase);
        if let Some(task_ids) = task_ids {
            let beginnings = task_ids.iter().map(|id| Some(beginning(id))).collect();
            let beginnings = request.bind(Value::Texts(beginnings));
            all.add(format!("left(s.task_id, {INDEXED}) = ANY({beginnings})"));
            let ids = task_ids.iter().map(String::as_str).collect();
            all.add_one_of(request, "s.task_id", Some(ids));
        }
        if let Some(parent) = parent_id.as_ref().map(SessionId::as_str) {
            let parent = request.bind(parent);
            all.add(format!("s.parent_id = {parent}"));
        }
        for (condition, count) in [
            ("s.iterations >=", min_iterations),
            ("s.iterations <=", max_iterations),
        ] {
            if let Some(count) = count.map(i64::from) {
                let count = request.bind(count);
                all.add(format!("{condition} {count}"));
            }
        }
        for (condition, time) in [
            ("s.created_at >=", created_after),
            ("s.created_at <=", created_before),
            ("s.updated_at >=", updated_after),
            ("s.updated_at <=", updated_before),
        ] {
            if let Some(time) = time.map(Timestamp::as_millis) {
                let time = request.bind(time);
                all.add(format!("{condition} {time}"));
            }
        }
        for (condition, time) in [
            ("s.updated_period >=", updated_after),
            ("s.updated_period <=", updated_before),
        ] {
            if let Some(time) = time {
                let period = request.bind(period(*time));
                all.add(format!("{condition} {period}"));
            }
        }
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            // `lower` would change other letters, too.
            let text = request.bind(text.to_ascii_lowercase());
            all.add(format!(
                "strpos(translate(s.task, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', \
                 'abcdefghijklmnopqrstuvwxyz'), {text}) > 0"
            ));
        }
        match trash {
            Trash::Exclude => all.add("s.deleted_at IS NULL".to_owned()),
            Trash::Only => all.add("s.deleted_at IS NOT NULL".to_owned()),
            Trash::Include => {}
        }
        all
    }

    /// The conditions of a filter, without sessions whose status is unknown. Such a session is damaged. A list
    /// reports it.
    fn readable<'a>(request: &mut Request<'a>, filter: &'a Filter) -> Self {
        let mut all = Self::of(request, filter);
        let statuses = Status::ALL.iter().map(|status| Status::as_str(*status));
        all.add_one_of(request, "s.status", Some(statuses.collect()));
        all
    }

    fn add_one_of<'a>(
        &mut self,
        request: &mut Request<'a>,
        column: &str,
        names: Option<Vec<&'a str>>,
    ) {
        if let Some(names) = names {
            let names = request.bind(Value::Texts(names.into_iter().map(Some).collect()));
            self.add(format!("{column} = ANY({names})"));
        }
    }

    fn add(&mut self, condition: String) {
        self.0.push(condition);
    }

    fn clause(&self) -> String {
        match self.0.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", self.0.join(" AND ")),
        }
    }
}

/// The beginning of a name that is indexed.
fn beginning(name: &str) -> &str {
    let end = name
        .char_indices()
        .nth(INDEXED)
        .map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name)
}

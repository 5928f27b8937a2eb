//! The SQL of filters and lists. It must agree with `Filter::matches` and `Order::compare` of the
//! core. All values are parameters. The text depends only on which fields are given, so few
//! statements are prepared.

use rusqlite::types::Value;
use tenure_core::store::ListQuery;
use tenure_core::store::filter::{Direction, Filter, OrderBy, Trash};
use tenure_core::{Phase, SessionId, Timestamp};

use crate::row::head_columns;

/// A statement and its parameters.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Value>,
}

/// Selects the heads that match `query` with the keys of their rows, in order, at most `rows`, by
/// `index` if one is given.
pub(crate) fn list(query: &ListQuery, index: Option<&str>, rows: u64) -> Query {
    let mut conditions = Conditions::of(&query.filter);
    let time = match query.order.by {
        OrderBy::CreatedAt => "created_at",
        OrderBy::UpdatedAt => "updated_at",
    };
    let (beyond, direction) = match query.order.direction {
        Direction::Asc => (">", "ASC"),
        Direction::Desc => ("<", "DESC"),
    };
    if let Some(after) = &query.after {
        conditions.add(
            &format!("({time}, id) {beyond} (?, ?)"),
            [
                Value::Integer(after.at.as_millis()),
                Value::Text(after.id.as_str().to_owned()),
            ],
        );
    }
    let Conditions {
        sql: conditions,
        mut parameters,
    } = conditions;
    // SQLite's integers are signed, and no list is longer than the largest one.
    let integer = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    parameters.extend([integer(rows), integer(query.offset)]);
    Query {
        sql: format!(
            "SELECT {}, key FROM sessions{}{conditions} \
             ORDER BY {time} {direction}, id {direction} LIMIT ? OFFSET ?",
            head_columns!(),
            indexed_by(index),
        ),
        parameters,
    }
}

/// Counts the sessions that match `filter`, by status, mode, user and model. The upper and lower halves of
/// numbers are summed separately, so that no sum overflows.
pub(crate) fn tally(filter: &Filter, index: Option<&str>) -> Query {
    let Conditions { sql, parameters } = Conditions::of(filter);
    let halves =
        |column: &str| format!("sum({column} >> 32 & 4294967295), sum({column} & 4294967295)");
    Query {
        sql: format!(
            "SELECT status, mode, user_id, model, count(*), sum(iterations), {}, {}, {} \
             FROM sessions{}{sql} GROUP BY status, mode, user_id, model",
            halves("prompt_tokens"),
            halves("completion_tokens"),
            halves("cost_nanos"),
            indexed_by(index),
        ),
        parameters,
    }
}

/// Counts the sessions that match `filter` by `index`, up to `most`.
pub(crate) fn count(filter: &Filter, index: &str, most: u32) -> Query {
    let Conditions { sql, parameters } = Conditions::of(filter);
    Query {
        sql: format!(
            "SELECT count(*) FROM \
             (SELECT 1 FROM sessions INDEXED BY {index}{sql} LIMIT {most})"
        ),
        parameters,
    }
}

fn indexed_by(index: Option<&str>) -> String {
    index.map_or_else(String::new, |index| format!(" INDEXED BY {index}"))
}

/// A `WHERE` clause under construction.
struct Conditions {
    sql: String,
    parameters: Vec<Value>,
}

impl Conditions {
    fn of(filter: &Filter) -> Self {
        let mut all = Self {
            sql: String::new(),
            parameters: Vec::new(),
        };
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        let time = |time: Option<Timestamp>| time.map(|time| Value::Integer(time.as_millis()));
        let parent = filter
            .parent_id
            .as_ref()
            .map(SessionId::as_str)
            .map(str::to_owned);
        all.add_if("user_id = ?", text(&filter.user_id));
        all.add_if("channel_id = ?", text(&filter.channel_id));
        all.add_if("mode = ?", text(&filter.mode));
        if let Some(statuses) = &filter.status {
            let names = statuses.iter().map(|status| status.as_str()).collect();
            all.add_one_of("status", names);
        }
        match &filter.phase {
            None => {}
            // Sessions of agents have a partial index.
            Some(phases) if Phase::ALL.iter().all(|phase| phases.contains(phase)) => {
                all.add("phase IS NOT NULL", []);
            }
            Some(phases) => {
                let names = phases.iter().map(|phase| phase.as_str()).collect();
                all.add_one_of("phase", names);
            }
        }
        if let Some(tasks) = &filter.task_ids {
            all.add_one_of("task_id", tasks.iter().map(String::as_str).collect());
        }
        if let Some(phases) = &filter.slot_phase {
            let names = phases.iter().map(|phase| phase.as_str()).collect();
            all.add_one_of("slot_phase", names);
        }
        all.add_if("model = ?", text(&filter.model));
        all.add_if("parent_id = ?", text(&parent));
        all.add_if("created_at >= ?", time(filter.created_after));
        all.add_if("created_at <= ?", time(filter.created_before));
        all.add_if("updated_at >= ?", time(filter.updated_after));
        all.add_if("updated_at <= ?", time(filter.updated_before));
        // SQLite's `lower` changes ASCII only, as the filter requires.
        let part = filter.text.as_ref().map(|text| text.to_ascii_lowercase());
        all.add_if("instr(lower(task), ?) > 0", text(&part));
        match filter.trash {
            Trash::Exclude => all.add("deleted_at IS NULL", []),
            Trash::Only => all.add("deleted_at IS NOT NULL", []),
            Trash::Include => {}
        }
        all
    }

    /// Adds a condition that the column has one of the given names.
    fn add_one_of(&mut self, column: &str, mut wanted: Vec<&str>) {
        wanted.sort_unstable();
        wanted.dedup();
        let values = wanted.iter().map(|name| Value::Text((*name).to_owned()));
        match wanted.len() {
            0 => self.add("0", []),
            1 => self.add(&format!("{column} = ?"), values),
            count => {
                let marks = vec!["?"; count].join(", ");
                self.add(&format!("{column} IN ({marks})"), values);
            }
        }
    }

    fn add_if(&mut self, condition: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.add(condition, [value]);
        }
    }

    fn add(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.sql.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        self.sql.push_str(condition);
        self.parameters.extend(values);
    }
}

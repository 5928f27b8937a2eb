//! The SQL of filters and lists. It must agree with `Filter::matches` and `Order::compare` of the
//! core. All values are parameters. The text depends only on which fields are given, so few
//! statements are prepared.

use rusqlite::types::Value;
use tenure_core::store::ListQuery;
use tenure_core::store::filter::{Direction, Filter, OrderBy, Trash};
use tenure_core::stored::slot::SlotPhase;
use tenure_core::{Phase, SessionId, Status, Timestamp};

use crate::row::head_columns;

/// The columns that may be wanted to have one of several values.
pub(crate) const SEVERAL: [&str; 4] = ["status", "phase", "task_id", "slot_phase"];

/// The wanted values of one of [`SEVERAL`] columns, each once; `None` if any will do.
pub(crate) fn names<'f>(filter: &'f Filter, column: &str) -> Option<Vec<&'f str>> {
    let mut names: Vec<&str> = match column {
        "status" => list_of(&filter.status, |status: &Status| status.as_str()),
        "phase" => list_of(&filter.phase, |phase: &Phase| phase.as_str()),
        "task_id" => list_of(&filter.task_ids, String::as_str),
        _ => list_of(&filter.slot_phase, |phase: &SlotPhase| phase.as_str()),
    }?;
    names.sort_unstable();
    names.dedup();
    Some(names)
}

fn list_of<'f, T>(
    values: &'f Option<Vec<T>>,
    name: impl Fn(&'f T) -> &'f str,
) -> Option<Vec<&'f str>> {
    values
        .as_ref()
        .map(|values| values.iter().map(name).collect())
}

/// The key up to which the index of texts has sessions, if there is one.
macro_rules! indexed_through {
    () => {
        "(SELECT value FROM settings WHERE name = 'textIndex')"
    };
}
pub(crate) use indexed_through;

/// The keys of the sessions that may contain a text: those that the index has found, which are the parameter,
/// and those that it lacks.
pub(crate) const CANDIDATES: &str = concat!(
    "SELECT value FROM json_each(?) \
     UNION ALL SELECT key FROM stale_texts \
     UNION ALL SELECT key FROM sessions WHERE key > ",
    indexed_through!()
);

/// Where sessions are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// Wherever SQLite chooses.
    Sessions,
    /// In an index.
    Index(&'static str),
    /// In an index, once for each value of this column, merged in the order of the list.
    Merged(&'static str, &'static str),
    /// Among the sessions that may contain a text. Of these the index of texts has found some, whose keys are
    /// given as an array in JSON.
    Keys(&'a str),
}

impl Source<'_> {
    fn sql(self) -> String {
        match self {
            Self::Sessions => String::new(),
            Self::Index(index) | Self::Merged(index, _) => format!(" INDEXED BY {index}"),
            // The keys are those of rows, which no index has to find.
            Self::Keys(_) => " NOT INDEXED".to_owned(),
        }
    }
}

/// A statement and its parameters.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Value>,
}

/// Selects the heads that match `query` with the keys of their rows, in order, at most `rows`, from a
/// source.
pub(crate) fn list(query: &ListQuery, source: Source<'_>, rows: u64) -> Query {
    let filter = &query.filter;
    let time = match query.order.by {
        OrderBy::CreatedAt => "created_at",
        OrderBy::UpdatedAt => "updated_at",
    };
    let (beyond, direction) = match query.order.direction {
        Direction::Asc => (">", "ASC"),
        Direction::Desc => ("<", "DESC"),
    };
    let parts = match source {
        Source::Merged(_, column) => names(filter, column)
            .unwrap_or_default()
            .into_iter()
            .map(|name| Conditions::with(filter, source, Some((column, name))))
            .collect(),
        _ => vec![Conditions::of(filter, source)],
    };
    let (mut selects, mut parameters) = (Vec::new(), Vec::new());
    for mut part in parts {
        if let Some(after) = &query.after {
            part.add(
                &format!("({time}, id) {beyond} (?, ?)"),
                [
                    Value::Integer(after.at.as_millis()),
                    Value::Text(after.id.as_str().to_owned()),
                ],
            );
        }
        selects.push(format!(
            "SELECT {}, key FROM sessions{}{}",
            head_columns!(),
            source.sql(),
            part.sql
        ));
        parameters.extend(part.parameters);
    }
    // SQLite's integers are signed, and no list is longer than the largest one.
    let integer = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    parameters.extend([integer(rows), integer(query.offset)]);
    Query {
        sql: format!(
            "{} ORDER BY {time} {direction}, id {direction} LIMIT ? OFFSET ?",
            selects.join(" UNION ALL "),
        ),
        parameters,
    }
}

/// Counts the sessions that match `filter`, by status, mode, user and model. The upper and lower halves of
/// numbers are summed separately, so that no sum overflows.
pub(crate) fn tally(filter: &Filter, source: Source<'_>) -> Query {
    let Conditions { sql, parameters } = Conditions::of(filter, source);
    let halves =
        |column: &str| format!("sum({column} >> 32 & 4294967295), sum({column} & 4294967295)");
    Query {
        sql: format!(
            "SELECT status, mode, user_id, model, count(*), sum(iterations), {}, {}, {} \
             FROM sessions{}{sql} GROUP BY status, mode, user_id, model",
            halves("prompt_tokens"),
            halves("completion_tokens"),
            halves("cost_nanos"),
            source.sql(),
        ),
        parameters,
    }
}

/// The values of the sessions that match `filter`, one row for each.
pub(crate) fn values(filter: &Filter, source: Source<'_>) -> Query {
    let Conditions { sql, parameters } = Conditions::of(filter, source);
    Query {
        sql: format!(
            "SELECT status, mode, user_id, model, iterations, prompt_tokens, completion_tokens, cost_nanos, \
             created_at, finalized_at FROM sessions{}{sql}",
            source.sql()
        ),
        parameters,
    }
}

/// Counts the sessions that match `filter` by `index`, up to `most`.
pub(crate) fn count(filter: &Filter, index: &'static str, most: u32) -> Query {
    let source = Source::Index(index);
    let Conditions { sql, parameters } = Conditions::of(filter, source);
    Query {
        sql: format!(
            "SELECT count(*) FROM (SELECT 1 FROM sessions{}{sql} LIMIT {most})",
            source.sql()
        ),
        parameters,
    }
}

/// A `WHERE` clause under construction.
struct Conditions {
    sql: String,
    parameters: Vec<Value>,
}

impl Conditions {
    fn of(filter: &Filter, source: Source<'_>) -> Self {
        Self::with(filter, source, None)
    }

    /// The conditions of a filter, with one value of a column instead of several.
    fn with(filter: &Filter, source: Source<'_>, alone: Option<(&str, &str)>) -> Self {
        let mut all = Self {
            sql: String::new(),
            parameters: Vec::new(),
        };
        if let Source::Keys(keys) = source {
            let keys = [Value::Text(keys.to_owned())];
            all.add(&format!("key IN ({CANDIDATES})"), keys);
        }
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        let time = |time: Option<Timestamp>| time.map(|time| Value::Integer(time.as_millis()));
        let number = |number: Option<u32>| number.map(|number| Value::Integer(number.into()));
        let parent = filter
            .parent_id
            .as_ref()
            .map(SessionId::as_str)
            .map(str::to_owned);
        all.add_if("user_id = ?", text(&filter.user_id));
        all.add_if("channel_id = ?", text(&filter.channel_id));
        all.add_if("mode = ?", text(&filter.mode));
        for column in SEVERAL {
            match (alone, names(filter, column)) {
                (Some((known, name)), _) if known == column => all.add_one_of(column, &[name]),
                (_, Some(names)) => all.add_one_of(column, &names),
                (_, None) => {}
            }
        }
        all.add_if("model = ?", text(&filter.model));
        all.add_if("parent_id = ?", text(&parent));
        all.add_if("created_at >= ?", time(filter.created_after));
        all.add_if("created_at <= ?", time(filter.created_before));
        all.add_if("updated_at >= ?", time(filter.updated_after));
        all.add_if("updated_at <= ?", time(filter.updated_before));
        all.add_if("iterations >= ?", number(filter.min_iterations));
        all.add_if("iterations <= ?", number(filter.max_iterations));
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
    fn add_one_of(&mut self, column: &str, names: &[&str]) {
        let values = names.iter().map(|name| Value::Text((*name).to_owned()));
        match names.len() {
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

//! The choice of the index for a list or a tally. SQLite does not know how many rows match: it
//! takes every equality for selective, and then reads and sorts every completed session for a page
//! of fifty. So this module counts, up to a limit, the sessions that match a field of the filter.
//! If few match, they are read by the index of that field and sorted. Otherwise an index that has
//! the order is read until the page is full; of a field with several values, once for each value,
//! and what is read is merged.

use rusqlite::params_from_iter;
use tenure_core::Result;
use tenure_core::store::filter::{Filter, OrderBy, Trash};

use crate::database::Database;
use crate::query::{self, Query, SEVERAL, Source, names};

/// Up to this number, sessions are quickly read and sorted.
const FEW: u32 = 1000;

/// The sessions of up to so many values are merged in their order.
const MERGED: usize = 9;

const BY_CREATED: &str = "sessions_by_created";
const BY_UPDATED: &str = "sessions_by_updated";
const IN_TRASH: &str = "sessions_in_trash";

impl Database {
    /// Where to look for the sessions that match. SQLite chooses well if one field of the filter has an index that also has
    /// the order of creation. Of several fields it takes any, however many sessions match.
    pub(crate) fn source_for(
        &self,
        filter: &Filter,
        by: Option<OrderBy>,
    ) -> Result<Source<'static>> {
        if SEVERAL
            .iter()
            .any(|column| names(filter, column).is_some_and(|names| names.is_empty()))
        {
            // Nothing matches. SQLite removes the conditions, so an index could not be used.
            return Ok(Source::Sessions);
        }
        let mut fields = fields(filter, by);
        let by_created = by == Some(OrderBy::CreatedAt);
        let ordered = fields.iter().filter(|field| field.has_order);
        if by_created && ordered.clone().all(|field| field.values == 1) && ordered.count() < 2 {
            fields.retain(|field| !field.has_order);
        }
        for Field { index, filter, .. } in &fields {
            if self.has_few_matches(filter, index)? {
                return Ok(Source::Index(index));
            }
        }
        Ok(match by {
            Some(OrderBy::CreatedAt) => fields
                .iter()
                .filter(|field| field.has_order && field.values <= MERGED)
                .min_by_key(|field| field.values)
                .map_or(Source::Sessions, Field::in_order),
            Some(OrderBy::UpdatedAt) => Source::Index(BY_UPDATED),
            None => Source::Sessions,
        })
    }

    fn has_few_matches(&self, field: &Filter, index: &'static str) -> Result<bool> {
        let Query { sql, parameters } = query::count(field, index, FEW);
        self.prepare(&sql)
            .and_then(|mut count| {
                count.query_row(params_from_iter(parameters), |row| row.get::<_, u32>(0))
            })
            .map(|count| count < FEW)
            .map_err(|error| self.failed("list", &error))
    }
}

/// A field of a filter that has an index.
struct Field {
    index: &'static str,
    /// The field alone.
    filter: Filter,
    /// Whether the index has the sessions of one value in the order of the list.
    has_order: bool,
    /// The column, if it may have several values.
    column: Option<&'static str>,
    /// How many values are wanted.
    values: usize,
}

impl Field {
    /// The sessions in the order of the list.
    fn in_order(&self) -> Source<'static> {
        match self.column {
            Some(column) if self.values > 1 => Source::Merged(self.index, column),
            _ => Source::Index(self.index),
        }
    }
}

/// The fields of a filter that have an index. Those that are likely to match the fewest sessions come
/// first.
fn fields(filter: &Filter, by: Option<OrderBy>) -> Vec<Field> {
    let any = || Filter {
        trash: Trash::Include,
        ..Filter::default()
    };
    let given = filter.clone();
    let mut fields = Vec::new();
    let mut add = |is_given: bool, index: &'static str, filter: Filter| {
        if is_given {
            let has_order =
                by == Some(OrderBy::CreatedAt) && ![BY_UPDATED, IN_TRASH].contains(&index);
            let column = SEVERAL
                .into_iter()
                .find(|column| names(&filter, column).is_some());
            let values = column
                .and_then(|column| names(&filter, column))
                .map_or(1, |names| names.len());
            fields.push(Field {
                index,
                filter,
                has_order,
                column,
                values,
            });
        }
    };
    add(
        given.task_ids.is_some(),
        "sessions_by_task",
        Filter {
            task_ids: given.task_ids,
            ..any()
        },
    );
    add(
        given.parent_id.is_some(),
        "sessions_by_parent",
        Filter {
            parent_id: given.parent_id,
            ..any()
        },
    );
    add(
        given.user_id.is_some(),
        "sessions_by_user",
        Filter {
            user_id: given.user_id,
            ..any()
        },
    );
    add(
        given.channel_id.is_some(),
        "sessions_by_channel",
        Filter {
            channel_id: given.channel_id,
            ..any()
        },
    );
    add(
        given.model.is_some(),
        "sessions_by_model",
        Filter {
            model: given.model,
            ..any()
        },
    );
    add(
        given.slot_phase.is_some(),
        "sessions_by_slot",
        Filter {
            slot_phase: given.slot_phase,
            ..any()
        },
    );
    add(
        given.phase.is_some(),
        "sessions_by_phase",
        Filter {
            phase: given.phase,
            ..any()
        },
    );
    add(
        given.status.is_some(),
        "sessions_by_status",
        Filter {
            status: given.status,
            ..any()
        },
    );
    add(
        given.mode.is_some(),
        "sessions_by_mode",
        Filter {
            mode: given.mode,
            ..any()
        },
    );
    if by != Some(OrderBy::CreatedAt) {
        add(
            given.created_after.is_some() || given.created_before.is_some(),
            BY_CREATED,
            Filter {
                created_after: given.created_after,
                created_before: given.created_before,
                ..any()
            },
        );
    }
    if by != Some(OrderBy::UpdatedAt) {
        add(
            given.updated_after.is_some() || given.updated_before.is_some(),
            BY_UPDATED,
            Filter {
                updated_after: given.updated_after,
                updated_before: given.updated_before,
                ..any()
            },
        );
    }
    add(
        given.trash == Trash::Only,
        IN_TRASH,
        Filter {
            trash: Trash::Only,
            ..any()
        },
    );
    fields
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use tenure_core::store::ListQuery;
    use tenure_core::store::filter::{Direction, Order};
    use tenure_core::stored::slot::SlotPhase;
    use tenure_core::{Phase, SessionId, Status, Timestamp};

    use super::*;
    use crate::options::SqliteOptions;
    use crate::schema;

    /// The query plan of SQLite.
    fn plan(database: &Database, Query { sql, parameters }: Query) -> String {
        let mut explain = database
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let steps = explain
            .query_map(params_from_iter(parameters), |row| row.get::<_, String>(3))
            .unwrap();
        steps
            .map(|step| step.unwrap())
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn each_filter() -> Vec<(&'static str, Filter)> {
        let text = || Some("x".to_owned());
        let at = || Some(Timestamp::default());
        let one = Filter::default;
        vec![
            (
                "user",
                Filter {
                    user_id: text(),
                    ..one()
                },
            ),
            (
                "phase",
                Filter {
                    phase: Some(vec![Phase::Planning]),
                    ..one()
                },
            ),
            (
                "task",
                Filter {
                    task_ids: Some(vec!["x".to_owned()]),
                    ..one()
                },
            ),
            (
                "slot",
                Filter {
                    slot_phase: Some(vec![SlotPhase::Plan]),
                    ..one()
                },
            ),
            (
                "model",
                Filter {
                    model: text(),
                    ..one()
                },
            ),
            (
                "agents",
                Filter {
                    phase: Some(Phase::ALL.to_vec()),
                    ..one()
                },
            ),
            (
                "channel",
                Filter {
                    channel_id: text(),
                    ..one()
                },
            ),
            (
                "mode",
                Filter {
                    mode: text(),
                    ..one()
                },
            ),
            (
                "status",
                Filter {
                    status: Some(vec![Status::Active]),
                    ..one()
                },
            ),
            (
                "statuses",
                Filter {
                    status: Some(vec![Status::Active, Status::Paused]),
                    ..one()
                },
            ),
            (
                "parent",
                Filter {
                    parent_id: SessionId::parse("x").ok(),
                    ..one()
                },
            ),
            (
                "created",
                Filter {
                    created_after: at(),
                    ..one()
                },
            ),
            (
                "created",
                Filter {
                    created_before: at(),
                    ..one()
                },
            ),
            (
                "updated",
                Filter {
                    updated_after: at(),
                    ..one()
                },
            ),
            (
                "updated",
                Filter {
                    updated_before: at(),
                    ..one()
                },
            ),
            (
                "trash",
                Filter {
                    trash: Trash::Only,
                    ..one()
                },
            ),
        ]
    }

    fn in_each_order(filter: &Filter) -> [ListQuery; 4] {
        [
            (OrderBy::CreatedAt, Direction::Asc),
            (OrderBy::CreatedAt, Direction::Desc),
            (OrderBy::UpdatedAt, Direction::Asc),
            (OrderBy::UpdatedAt, Direction::Desc),
        ]
        .map(|(by, direction)| ListQuery {
            filter: filter.clone(),
            order: Order { by, direction },
            after: None,
            offset: 0,
            limit: 10,
            max_bytes: u64::MAX,
        })
    }

    #[test]
    fn no_list_reads_all_sessions_to_find_a_few() {
        let folder = tempfile::tempdir().unwrap();
        let path: Arc<Path> = folder.path().join("tenure.db").into();
        let options = SqliteOptions::default();
        let database = Database::connect(&path, &options).unwrap();
        database.set_up(&options).unwrap();
        schema::take_step(&database, 0).unwrap();

        // Without sessions, every filter has few matches.
        for (name, filter) in each_filter() {
            for query in in_each_order(&filter) {
                let source = database.source_for(&filter, Some(query.order.by)).unwrap();
                let plan = plan(&database, query::list(&query, source, 10));
                let index = match name {
                    "statuses" => "status",
                    "agents" => "phase",
                    name => name,
                };
                // A partial index contains only matching sessions.
                let some = name == "trash";
                assert!(plan.contains(index), "{name}: {plan}");
                assert!(!plan.contains("SCAN") || some, "{name}: {plan}");
            }
            let source = database.source_for(&filter, None).unwrap();
            let plan = plan(&database, query::tally(&filter, source));
            assert!(!plan.contains("SCAN") || name == "trash", "{name}: {plan}");
        }

        // With many matches, the index has the order: only the sessions of the page are read, and
        // none are sorted.
        database
            .execute_batch(
                "test",
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
                 INSERT INTO sessions
                 (id, version, status, user_id, channel_id, mode, created_at, updated_at,
                  iterations, max_iterations, event_count, prompt_tokens, completion_tokens,
                  cost_nanos, deleted_at, phase, task_id, slot_phase, model, parent_id, task,
                  context)
                 SELECT n, 1, 'active', 'x', 'x', 'x', n % 2 * 2 - 1, n % 2 * 2 - 1, 0, 0, 0, 0, 0,
                  0, iif(n % 2, NULL, 1), 'planning', 'x', 'plan', 'x', 'x', '', '{}' FROM n",
            )
            .unwrap();
        database
            .execute_batch(
                "test",
                "UPDATE sessions SET user_id = 'rare' WHERE CAST(id AS INTEGER) < 10;
                 UPDATE sessions SET status = 'failed' WHERE CAST(id AS INTEGER) BETWEEN 10 AND 20;",
            )
            .unwrap();
        let rare = |user: &str, status, used| {
            let filter = Filter {
                user_id: Some(user.to_owned()),
                status: Some(vec![status]),
                mode: Some("x".to_owned()),
                ..Filter::default()
            };
            for query in in_each_order(&filter) {
                let source = database.source_for(&filter, Some(query.order.by)).unwrap();
                let plan = plan(&database, query::list(&query, source, 10));
                let by_updated = query.order.by == OrderBy::UpdatedAt && used == "any";
                let used = match (by_updated, used) {
                    (true, _) => "sessions_by_updated",
                    (false, "any") => "sessions_by_user",
                    (false, used) => used,
                };
                assert!(plan.contains(used), "{user} {status:?}: {plan}");
            }
        };
        rare("rare", Status::Active, "sessions_by_user");
        rare("x", Status::Failed, "sessions_by_status");
        rare("x", Status::Active, "any");
        for (name, filter) in each_filter() {
            for query in in_each_order(&filter) {
                let source = database.source_for(&filter, Some(query.order.by)).unwrap();
                let plan = plan(&database, query::list(&query, source, 10));
                assert!(plan.contains("USING INDEX"), "{name}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{name}: {plan}");
            }
        }
    }
}

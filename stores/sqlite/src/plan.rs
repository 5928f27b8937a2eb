//! By which index a list or a tally finds its sessions. SQLite would choose knowing nothing of the
//! data: it takes any equality for a rare one, and then reads and sorts every completed session for
//! a page of fifty. So what it needs to know is looked up: whether a member of the filter is met by
//! few sessions. Those few are read and sorted; otherwise the index that has the order is followed
//! until the page is full.

use rusqlite::params_from_iter;
use tenure_core::Result;
use tenure_core::filter::{Filter, OrderBy, Trash};

use crate::database::Database;
use crate::query::{self, Query};

/// Sessions that are quickly read and sorted.
const FEW: u32 = 1000;

const BY_CREATED: &str = "sessions_by_created";
const BY_UPDATED: &str = "sessions_by_updated";

impl Database {
    /// The index to use, or `None` where SQLite chooses well: then a member of the filter has an
    /// index in the order of creation.
    pub(crate) fn index_for(
        &self,
        filter: &Filter,
        by: Option<OrderBy>,
    ) -> Result<Option<&'static str>> {
        if filter.status.as_ref().is_some_and(Vec::is_empty) {
            // Nothing is met, and SQLite drops what the indexes would be good for.
            return Ok(None);
        }
        for (index, member) in members(filter, by) {
            if self.is_met_by_few(&member, index)? {
                return Ok(Some(index));
            }
        }
        Ok((by == Some(OrderBy::UpdatedAt)).then_some(BY_UPDATED))
    }

    fn is_met_by_few(&self, member: &Filter, index: &str) -> Result<bool> {
        let Query { sql, parameters } = query::count(member, index, FEW);
        self.prepare(&sql)
            .and_then(|mut count| {
                count.query_row(params_from_iter(parameters), |row| row.get::<_, u32>(0))
            })
            .map(|count| count < FEW)
            .map_err(|error| self.failed("list", &error))
    }
}

/// The members of a filter, one by one, that have an index other than one that serves the order.
/// Those come first that are likely to be met by the fewest sessions.
fn members(filter: &Filter, by: Option<OrderBy>) -> Vec<(&'static str, Filter)> {
    let any = || Filter {
        trash: Trash::Include,
        ..Filter::default()
    };
    let given = filter.clone();
    let mut members = Vec::new();
    let mut add = |is_given: bool, index: &'static str, member: Filter| {
        if is_given {
            members.push((index, member));
        }
    };
    if by != Some(OrderBy::CreatedAt) {
        // In the order of creation, these have both.
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
        "sessions_in_trash",
        Filter {
            trash: Trash::Only,
            ..any()
        },
    );
    members
}

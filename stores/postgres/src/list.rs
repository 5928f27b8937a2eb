//! Lists and statistics.

use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Measured, Shared, Sums, Tally};
use tenure_core::store::{ListQuery, Page, Problem};
use tenure_core::stored::head::Usage;
use tenure_core::{Result, Status};
use tokio_postgres::Row;

use crate::database::Database;
use crate::failure::failed;
use crate::query;
use crate::request::Frame;
use crate::row::{self, HEAD_COUNT, any_text, optional_any_text, read_head};

impl Database {
    /// See `Store::list`.
    pub(crate) async fn list(&self, query: &ListQuery) -> Result<Page> {
        // One row more than the limit shows whether more follow. Unreadable rows take the place of
        // readable ones, so the query may have to be repeated with a larger limit.
        let mut rows = u64::from(query.limit) + 1;
        loop {
            let request = query::list(query, &self.schema, rows);
            let replies = self.read("list", Frame::Alone, &[request]).await?;
            let found = replies.into_iter().next().unwrap_or_default();
            let page = self.page(query, &found);
            let is_all = (found.len() as u64) < rows;
            if page.more || page.problems.is_empty() || is_all {
                return Ok(page);
            }
            rows = rows.saturating_mul(2);
        }
    }

    fn page(&self, query: &ListQuery, rows: &[Row]) -> Page {
        let mut page = Page::default();
        // What was left out because of its size follows.
        let total = rows
            .first()
            .and_then(|row| row::get::<i64>(row, HEAD_COUNT).ok());
        page.more = total.is_some_and(|total| row::restored(total) > rows.len() as u64);
        for row in rows {
            match read_head(row) {
                Ok(_) if page.heads.len() >= query.limit as usize => {
                    page.more = true;
                    break;
                }
                Ok(head) => page.heads.push(head),
                Err(damage) => page.problems.push(Problem {
                    id: any_text(row, 0),
                    problem: format!("{damage} (in {})", self.shown),
                }),
            }
        }
        page
    }

    /// See `Store::tally`.
    pub(crate) async fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Tally> {
        match aggregate {
            Aggregate::Counts { users } => self.counts(filter, users).await,
            Aggregate::Values { .. } => self.values(filter, aggregate).await,
        }
    }

    async fn counts(&self, filter: &Filter, most: u32) -> Result<Tally> {
        let requests = [
            query::groups(filter, &self.schema),
            query::users(filter, &self.schema, most),
        ];
        let replies = self.read("tally", Frame::Snapshot, &requests).await?;
        let mut tally = Tally::default();
        let unreadable = |problem| failed("tally", format!("{problem} (in {})", self.shown));
        let [groups, users] = <[_; 2]>::try_from(replies).unwrap_or_default();
        for row in &groups {
            let (mode, model) = (any_text(row, 1), optional_any_text(row, 2));
            let shared = Shared {
                user_id: None,
                mode: Some(&mode),
                status: Status::parse(&any_text(row, 0)),
                model: model.as_deref(),
            };
            tally.add(shared, sums(row, 3).map_err(unreadable)?);
        }
        let total = users.first().map(|row| row::get::<i64>(row, 9)).transpose();
        let total = total.map_err(unreadable)?.map_or(0, row::restored);
        for row in users.iter().take(most as usize) {
            tally.add_user(&any_text(row, 0), sums(row, 1).map_err(unreadable)?);
        }
        tally.users_omitted = total.saturating_sub(most.into());
        Ok(tally)
    }

    async fn values(&self, filter: &Filter, aggregate: Aggregate) -> Result<Tally> {
        let request = query::values(filter, &self.schema);
        let replies = self.read("tally", Frame::Alone, &[request]).await?;
        let mut tally = Tally::new(aggregate);
        for row in replies.iter().flatten() {
            add_values(&mut tally, row)
                .map_err(|damage| failed("tally", format!("{damage} (in {})", self.shown)))?;
        }
        Ok(tally)
    }
}

/// Adds the values of a session.
fn add_values(tally: &mut Tally, row: &Row) -> Result<(), row::Damage> {
    let (mode, user_id, model) = (
        any_text(row, 1),
        optional_any_text(row, 2),
        optional_any_text(row, 3),
    );
    let shared = Shared {
        user_id: user_id.as_deref(),
        mode: Some(&mode),
        status: Status::parse(&any_text(row, 0)),
        model: model.as_deref(),
    };
    let count = |column| row::get::<i64>(row, column).map(row::restored);
    let created_at: i64 = row::get(row, 8)?;
    let finalized_at: Option<i64> = row::get(row, 9)?;
    let duration = finalized_at.map(|at| at.saturating_sub(created_at));
    tally.count_session(
        shared,
        Measured {
            iterations: u32::try_from(count(4)?).unwrap_or(u32::MAX),
            usage: Usage {
                prompt_tokens: count(5)?,
                completion_tokens: count(6)?,
                cost_nanos: count(7)?,
            },
            duration: duration.map(|millis| u64::try_from(millis).unwrap_or(0)),
        },
    );
    Ok(())
}

/// Reads the sums in the columns from `first` on.
fn sums(row: &Row, first: usize) -> Result<Sums, row::Damage> {
    let mut sums = Sums::default();
    for (column, sum) in sums.0.iter_mut().enumerate() {
        *sum = row::get::<i64>(row, first + column).map(row::restored)?;
    }
    Ok(sums)
}

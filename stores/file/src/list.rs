//! Reads of several sessions or records. They read every session file, and keep only heads and
//! records in memory that may be returned.

use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{ListQuery, Page, Problem, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Head, Result, SessionId};

use crate::disk::Disk;
use crate::layout::BucketName;
use crate::session_file::{Part, SessionFile};
use crate::view::{Found, View};

impl<D: Disk> View<'_, D> {
    /// See `Store::list`.
    pub(crate) fn list(&self, query: &ListQuery) -> Result<Page> {
        // One head more than the limit shows whether more follow.
        let wanted = usize::try_from(query.offset)
            .unwrap_or(usize::MAX)
            .saturating_add(query.limit as usize)
            .saturating_add(1);
        let mut heads: Vec<Head> = Vec::new();
        let mut problems = Vec::new();
        self.each_session(
            |file| {
                let after = query.after.as_ref();
                let head = file.head;
                if query.filter.matches(&head)
                    && after.is_none_or(|after| query.order.compare_to(&head, after).is_gt())
                {
                    heads.push(head);
                }
                if heads.len() >= wanted.saturating_mul(2) {
                    heads.sort_by(|a, b| query.order.compare(a, b));
                    heads.truncate(wanted);
                }
            },
            |problem| problems.push(problem),
        )?;
        let mut page = query.page(&heads);
        if query.after.is_none() {
            page.problems = problems;
        }
        Ok(page)
    }

    /// See `Store::tally`.
    pub(crate) fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Tally> {
        let mut tally = Tally::new(aggregate);
        self.each_session(
            |file| {
                if filter.matches(&file.head) {
                    tally.count(&file.head);
                }
            },
            |_| (),
        )?;
        Ok(tally.complete())
    }

    /// See `Store::scan`.
    pub(crate) fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let mut found: Vec<Record> = Vec::new();
        let limit = scan.limit as usize;
        let mut add = |record: Record| {
            let after = scan.after.as_ref();
            if record.kind == scan.kind && after.is_none_or(|after| record.key > *after) {
                found.push(record);
            }
            if found.len() >= limit.saturating_mul(2) {
                found.sort_by(|a, b| a.key.cmp(&b.key));
                found.truncate(limit);
            }
        };
        let buckets = self.buckets(&scan.kind)?;
        let all_inside = buckets.iter().any(BucketName::is_inside);
        for name in &buckets {
            let Some(bucket) = self.bucket(name)? else {
                continue;
            };
            for entry in bucket.records {
                match (entry.record, entry.session) {
                    (Some(record), _) => add(record),
                    (None, Some(owner)) if !all_inside => {
                        let file = self.readable(&owner, Part::Head)?;
                        let record =
                            file.and_then(|file| file.record(&entry.kind, &entry.key).cloned());
                        record.map(&mut add);
                    }
                    _ => {}
                }
            }
        }
        if all_inside {
            // Records of an unreadable session are omitted. A list reports the session itself.
            self.each_session(|file| file.records.into_iter().for_each(&mut add), |_| ())?;
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found.truncate(limit);
        Ok(found)
    }

    fn each_session(
        &self,
        mut session: impl FnMut(SessionFile),
        mut problem: impl FnMut(Problem),
    ) -> Result<()> {
        for name in self.names()? {
            let unreadable = match SessionId::parse(&name) {
                Ok(id) => match self.session(&id, Part::Head)? {
                    Found::Nothing => continue,
                    Found::Session(file) => {
                        session(*file);
                        continue;
                    }
                    Found::Unreadable(problem) => problem,
                },
                Err(_) if !self.is_misnamed(&name) => continue,
                Err(error) => format!("{}: {error}", self.disk.place(&name)),
            };
            problem(Problem {
                id: name,
                problem: unreadable,
            });
        }
        Ok(())
    }
}

//! A list over a store whose user data is encrypted. The store's pages are decrypted here; a session that does not decrypt is named
//! among the problems and hides no other one. The filter `text` reads tasks, so it is applied here, to all sessions that the other
//! properties of the filter select, page by page, until the page is full.

use tenure_core::error::Cause;
use tenure_core::store::filter::{Filter, Position, Trash};
use tenure_core::store::{ListQuery, Page, Problem};
use tenure_core::{Error, Result};

use crate::seal::Seal;

/// The sessions that are read at a time for a filter with a text.
const PAGE: u32 = 200;

/// A page that is being made.
pub(crate) struct Search {
    /// The next page of the store below.
    pub(crate) query: ListQuery,
    /// The text alone.
    text: Option<Filter>,
    skip: u64,
    limit: u32,
    max_bytes: u64,
    bytes: u64,
    page: Page,
    /// Whether a session does not decrypt.
    has_damaged: bool,
}

impl Search {
    /// Begins a page.
    pub(crate) fn of(query: &ListQuery) -> Self {
        let mut below = query.clone();
        // Encrypted data is larger.
        below.max_bytes = query.max_bytes.saturating_mul(2);
        let text = below.filter.text.take().map(|text| Filter {
            text: Some(text),
            trash: Trash::Include,
            ..Filter::default()
        });
        let mut skip = 0;
        if text.is_some() {
            skip = std::mem::take(&mut below.offset);
            below.limit = PAGE;
        }
        Self {
            query: below,
            text,
            skip,
            limit: query.limit,
            max_bytes: query.max_bytes,
            bytes: 0,
            page: Page::default(),
            has_damaged: false,
        }
    }

    /// Decrypts and adds a page of the store below. Whether the next one is needed.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` for a page that does not continue the page before.
    pub(crate) fn add(&mut self, seal: &Seal, below: Page) -> Result<bool> {
        let Page {
            heads,
            more,
            problems,
        } = below;
        self.page.problems.extend(problems);
        let last = heads.last().map(|head| self.query.order.position(head));
        for mut head in heads {
            if self.text.is_none() && self.is_full() {
                self.page.more = true;
                return Ok(false);
            }
            if let Err(error) = seal.open_head(&mut head) {
                self.has_damaged = true;
                self.page.problems.push(Problem {
                    id: head.id.to_string(),
                    problem: error.to_string(),
                });
                continue;
            }
            if self.text.as_ref().is_some_and(|text| !text.matches(&head)) {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
            } else if self.is_full() {
                self.page.more = true;
                return Ok(false);
            } else {
                self.bytes += head.user_bytes();
                self.page.heads.push(head);
            }
        }
        let Some(last) = last.filter(|_| more) else {
            self.page.more = more;
            return Ok(false);
        };
        if self.text.is_none() {
            if self.is_full() {
                self.page.more = true;
                return Ok(false);
            }
            let found = u32::try_from(self.page.heads.len()).unwrap_or(self.limit);
            self.query.limit = self.limit.saturating_sub(found);
            self.query.offset = 0;
        }
        self.go_on_after(last)?;
        Ok(true)
    }

    /// Whether a session does not decrypt.
    pub(crate) fn has_damaged(&self) -> bool {
        self.has_damaged
    }

    /// The page that was asked for.
    pub(crate) fn into_page(self) -> Page {
        self.page
    }

    fn is_full(&self) -> bool {
        self.page.heads.len() >= self.limit as usize || self.bytes > self.max_bytes
    }

    fn go_on_after(&mut self, last: Position) -> Result<()> {
        let order = self.query.order;
        let repeats = |after| !order.compare_positions(&last, after).is_gt();
        if self.query.after.as_ref().is_some_and(repeats) {
            return Err(repeated());
        }
        self.query.after = Some(last);
        Ok(())
    }
}

fn repeated() -> Error {
    Cause::StoreMisbehaved {
        method: "list".to_owned(),
        problem: "a page does not come after the page before".to_owned(),
    }
    .into()
}

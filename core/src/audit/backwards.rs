//! A walk over the entries of the audit log within a period, newest first. A store returns records in the
//! order of their keys, so the walk reads the entries of one span of time at a time, from the last span to
//! the first. A span that has more entries than a page is made shorter.

use crate::error::Result;
use crate::store::Record;
use crate::value::limits::MAX_PAGE;
use crate::value::text::Text;
use crate::value::time::Timestamp;
use crate::work::context::Context;

use super::entry::Entry;
use super::range::{page, time_of};

/// The length of a span at first, in milliseconds: a day.
const FIRST_MS: i64 = 86_400_000;
/// How many times longer or shorter the next span is.
const FACTOR: i64 = 8;
/// A span with fewer entries is followed by a longer one.
const FEW: usize = MAX_PAGE as usize / 8;
/// The greatest number of entries in memory. Only those of one millisecond are more than a page.
const KEPT: usize = 10 * MAX_PAGE as usize;

/// A walk over entries.
#[derive(Debug)]
pub(super) struct Backwards {
    from: Option<Timestamp>,
    /// The time of the oldest entry of the period, once it is known.
    oldest: Option<i64>,
    /// The key before which the next span ends.
    before: Option<String>,
    /// The millisecond before which the next span ends.
    end: i64,
    /// The length of the next span, in milliseconds. The first one starts now, if the period ends later.
    length: Option<i64>,
    /// The entries that have been read, in the order of their keys.
    read: Vec<Record>,
    ended: bool,
    /// How many entries it has returned.
    pub(super) count: usize,
}

impl Backwards {
    /// A walk that starts at the end of a period, or before the key in a cursor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a cursor that is no key.
    pub(super) fn new(
        from: Option<Timestamp>,
        before: Option<Timestamp>,
        cursor: Option<Text>,
    ) -> Result<Self> {
        let mut walk = Self {
            from,
            oldest: None,
            before: before.map(|before| before.to_string()),
            end: before.map_or(Timestamp::MAX.as_millis() + 1, Timestamp::as_millis),
            length: None,
            read: Vec::new(),
            ended: false,
            count: 0,
        };
        if let Some(cursor) = cursor.map(Text::into_string) {
            let at = time_of(&cursor)?;
            if walk.is_before_end(&cursor) {
                walk.before = Some(cursor);
                walk.end = at.as_millis() + 1;
            }
        }
        Ok(walk)
    }

    /// The next entry with its key; `None` at the end.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` for a record that is no entry, and those of the store.
    pub(super) async fn next(&mut self, context: &Context) -> Result<Option<(String, Entry)>> {
        while self.read.is_empty() && !self.ended {
            self.read_span(context).await?;
        }
        let Some(record) = self.read.pop() else {
            return Ok(None);
        };
        let entry = Entry::read(&record)?;
        self.count += 1;
        Ok(Some((record.key, entry)))
    }

    /// Reads the entries of the span before those that were read, or decides on a shorter span.
    async fn read_span(&mut self, context: &Context) -> Result<()> {
        let oldest = match self.oldest {
            Some(oldest) => oldest,
            None => self.find_oldest(context).await?,
        };
        if self.end <= oldest {
            self.ended = true;
            return Ok(());
        }
        let start = self.start(context.call().now).max(oldest);
        let key = Timestamp::from_millis(start)?.to_string();
        let (mut read, mut goes_on) = self.page(context, key.clone()).await?;
        let length = self.end - start;
        if goes_on && length > 1 {
            self.length = Some((length / FACTOR).max(1));
            return Ok(());
        }
        let mut is_cut = false;
        while goes_on && let Some(last) = read.last() {
            let more = self.page(context, last.key.clone()).await?;
            goes_on = more.1;
            read.extend(more.0);
            let more = read.len().saturating_sub(KEPT);
            read.drain(..more);
            is_cut |= more > 0;
        }
        if is_cut {
            // Those before are read again when they are needed.
            self.before = read.first().map(|first| first.key.clone());
        } else {
            self.before = Some(key);
            self.end = start;
        }
        self.length = Some(match self.length {
            Some(length) if read.len() < FEW => length.saturating_mul(FACTOR),
            Some(length) => length,
            None => FIRST_MS,
        });
        self.read = read;
        Ok(())
    }

    /// The time of the oldest entry of the period, or its end if there is none.
    async fn find_oldest(&mut self, context: &Context) -> Result<i64> {
        // Keys begin with the time: what is of this very time comes after it.
        let from = self.from.map(|from| from.to_string());
        let records = page(context, from, 1).await?;
        let oldest = records.first().map(Entry::read).transpose()?;
        let oldest = oldest.map_or(self.end, |oldest| oldest.at.as_millis());
        self.oldest = Some(oldest);
        Ok(oldest)
    }

    /// Where the next span starts.
    fn start(&self, now: Timestamp) -> i64 {
        match self.length {
            Some(length) => self.end.saturating_sub(length),
            // Few entries are later than now.
            None if now.as_millis() < self.end => now.as_millis(),
            None => self.end - FIRST_MS,
        }
    }

    /// The records after a key and before the end of the span, and whether there may be more of them.
    async fn page(&self, context: &Context, after: String) -> Result<(Vec<Record>, bool)> {
        let mut records = page(context, Some(after), MAX_PAGE).await?;
        let is_full = records.len() == MAX_PAGE as usize;
        let within = records.partition_point(|record| self.is_before_end(&record.key));
        let goes_on = is_full && within == records.len();
        records.truncate(within);
        Ok((records, goes_on))
    }

    fn is_before_end(&self, key: &str) -> bool {
        self.before.as_deref().is_none_or(|before| key < before)
    }
}

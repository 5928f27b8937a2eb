//! The log of changes, which is the feed of the store. A commit adds a line to it before it is applied,
//! so that no change is missing, and marks the line afterwards. Only the last line can be pending. If
//! its writer died, whether its commit was applied follows from what the commit was to write: from the
//! content of its file before, or from the number of its intent. The next writer marks it.
//!
//! A writer holds the folder's lock, a reader does not. Lines are added to the newest segment. When it
//! is full, the writer copies it under a name with its positions, and replaces it by an empty one. The
//! oldest segments are removed. Where a part of the log is damaged or missing, nobody knows what has
//! changed: a reader that comes to it has to begin after it, as one that comes to changes which are no
//! longer kept. If the end is damaged, the next writer begins a new segment after it.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenure_core::store::Problem;
use tenure_core::store::feed::{Change, FedChange, FeedPage, FeedQuery};

use crate::disk::Disk;
use crate::failure::{Failed, is_absent, is_transient};
use crate::intent::{Intent, Target};
use crate::layout::{self, BASE, CHANGES, INTENT, NEWEST, NEXT, OWN};
use crate::segment::{
    CommitPoint, DIGIT, Entry, HEADER_BYTES, Header, LOST, Line, Positions, Segment, State,
};

/// The number of changes that are kept at first.
const KEEP: u64 = 10_000;
/// The size from which on a segment is full.
const FULL_BYTES: u64 = 64 << 10;
/// The folders that hold the name of the log.
const FOLDERS: [&str; 3] = [CHANGES, OWN, BASE];
/// Attempts to read the newest segment, while writers mark each line that is pending.
const ATTEMPTS: u32 = 100;
/// How many full segments are remembered: more than the greatest number of changes that may be kept has.
const REMEMBERED: usize = 40_000;

/// The log of a folder, as the handles of one process on it share it.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Memory>);

/// What is remembered of the log. It saves reading files, and nothing depends on it.
#[derive(Debug, Default)]
struct Memory {
    /// The number of changes to keep, which the next commit sets.
    keep: Option<u64>,
    newest: Option<Newest>,
    /// The text of the header of the segment whose name is durable.
    synced: Vec<u8>,
    /// The sessions whose history has ended in the full segments, with the positions.
    ends: BTreeMap<Positions, Arc<[(String, u64)]>>,
}

/// The newest segment, without a pending line or an unfinished one.
#[derive(Debug, Clone)]
struct Newest {
    header: Header,
    /// The text of the header, by which a reader sees that the segment is the same.
    text: Vec<u8>,
    size: u64,
    /// The position of the newest change.
    newest: u64,
    /// The position of the next change.
    next: u64,
    /// See [`FeedPage`]. A writer does not know it.
    kept_after: Option<u64>,
}

/// The end of the log, for a writer.
#[derive(Debug)]
enum End {
    /// There is no log.
    Absent,
    Open(Newest),
    /// The newest segment is damaged or missing. It is taken to have these positions, and so many
    /// changes are kept.
    Broken(Positions, u64),
}

impl Log {
    /// A log whose next commit sets the number of changes to keep.
    pub(crate) fn new(keep: Option<u64>) -> Self {
        Self(Mutex::new(Memory {
            keep,
            ..Memory::default()
        }))
    }

    /// What is remembered. It is never half changed.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, text: &[u8], size: u64) -> Option<Newest> {
        let known = self.memory().newest.clone()?;
        (known.text == text && known.size == size).then_some(known)
    }

    /// Marks the line of a writer that died. Before that a writer must change nothing else.
    pub(crate) fn settle<D: Disk>(&self, disk: &D) -> Result<(), Failed> {
        self.end(disk).map(drop)
    }

    fn end<D: Disk>(&self, disk: &D) -> Result<End, Failed> {
        let Some((text, size)) = existing(NEWEST, disk.peek(NEWEST, HEADER_BYTES))? else {
            return Ok(match last_full(disk)? {
                0 => End::Absent,
                before => {
                    let missing = Segment::default();
                    End::Broken(missing.positions(before), KEEP)
                }
            });
        };
        if let Some(known) = self.remembered(&text, size) {
            return Ok(End::Open(known));
        }
        let bytes = disk.read(NEWEST).map_err(Failed::at(NEWEST))?;
        let mut segment = Segment::parse(&bytes);
        if let Some(line) = segment.pending() {
            let state = match is_applied(disk, line)? {
                true => State::Applied,
                false => State::Dropped,
            };
            // It is synced, since the next writes change that by which it was known.
            disk.overwrite(NEWEST, segment.last_line + DIGIT, digit(state), true)
                .map_err(Failed::at(NEWEST))?;
            segment.set_last(state);
        }
        let header = match &segment.header {
            Some(header) if !segment.is_broken() => header.clone(),
            header => {
                let kept = header.as_ref().map_or(KEEP, |header| header.keep);
                return Ok(End::Broken(segment.positions(last_full(disk)?), kept));
            }
        };
        let positions = segment.positions(0);
        let end = segment.end;
        let entries = positions.entries(segment.lines);
        let known = Newest {
            text,
            size: end,
            newest: entries.last().map_or(header.after, Entry::last),
            next: positions.last + 1,
            kept_after: None,
            header,
        };
        self.memory().newest = Some(known.clone());
        Ok(End::Open(known))
    }

    /// The log with space for a line. If `sync`, its name survives the loss of power.
    fn opened<D: Disk>(&self, disk: &D, sync: bool) -> Result<Newest, Failed> {
        let keep = self.memory().keep;
        let opened = match self.end(disk)? {
            End::Absent => {
                disk.make_folder(CHANGES).map_err(Failed::at(CHANGES))?;
                begin(disk, (1, 0), keep.unwrap_or(KEEP), &FOLDERS)?
            }
            End::Broken(positions, kept) => {
                keep_newest(disk, positions)?;
                let ends = (positions.last + 1, positions.last);
                let opened = begin(disk, ends, keep.unwrap_or(kept), &[CHANGES])?;
                remove_old(disk, &opened);
                opened
            }
            End::Open(known) => {
                let keep = keep.unwrap_or(known.header.keep);
                if keep == known.header.keep && known.size < FULL_BYTES {
                    known
                } else {
                    match renew(disk, &known, keep) {
                        // Without space the segment is used on.
                        Err(Failed::Before(..)) => known,
                        renewed => renewed?,
                    }
                }
            }
        };
        if sync && self.memory().synced != opened.text {
            // The writer that began the segment may have died before it was durable.
            sync_folders(disk, &FOLDERS)?;
            self.memory().synced.clone_from(&opened.text);
        }
        let mut memory = self.memory();
        if keep == Some(opened.header.keep) {
            memory.keep = None;
        }
        memory.newest = Some(opened.clone());
        Ok(opened)
    }

    /// Prepares the line of a commit with these changes; `None` if the feed says nothing of them.
    pub(crate) fn line<D: Disk>(
        &self,
        disk: &D,
        changes: Vec<Change>,
        sync: bool,
        point: impl FnOnce() -> io::Result<Option<CommitPoint>>,
    ) -> Result<Option<Announced>, Failed> {
        if changes.is_empty() {
            return Ok(None);
        }
        let end = self.opened(disk, sync)?;
        let point = point().map_err(Failed::at(NEWEST))?;
        let line = Line {
            done: match point {
                Some(_) => State::Pending,
                None => State::Applied,
            },
            position: end.next,
            point,
            changes: changes.into_iter().map(Into::into).collect(),
        };
        let text = line
            .print()
            .map_err(|error| Failed::Before(NEWEST.to_owned(), error.into()))?;
        Ok(Some(Announced {
            end,
            line,
            text,
            sync,
            is_written: Cell::new(false),
        }))
    }

    /// Writes the line of a commit, which must be applied next.
    pub(crate) fn announce<D: Disk>(&self, disk: &D, announced: &Announced) -> Result<(), Failed> {
        let Announced { end, text, .. } = announced;
        disk.append(NEWEST, end.size, text, announced.sync)
            .map_err(Failed::at(NEWEST))?;
        announced.is_written.set(true);
        Ok(())
    }

    /// Marks the line of a commit that was applied, or has failed.
    pub(crate) fn mark<D: Disk>(&self, disk: &D, announced: Announced, is_applied: bool) {
        let Announced {
            end, line, text, ..
        } = announced;
        if !announced.is_written.get() {
            return;
        }
        let size = end.size + text.len() as u64;
        let marked = match (is_applied, line.done) {
            (true, State::Pending) => {
                disk.overwrite(NEWEST, end.size + DIGIT, digit(State::Applied), false)
            }
            (true, _) => Ok(()),
            (false, _) => {
                // Whether it was applied all the same, or else is dropped, is seen from the files. What
                // fails here is left to the next writer.
                let _ = self.settle(disk);
                return;
            }
        };
        self.memory().newest = marked.is_ok().then(|| Newest {
            size,
            newest: line.last(),
            next: line.last() + 1,
            ..end
        });
    }

    /// Notes that the log lacks the changes that follow, because the disk has no space for a line. Readers
    /// have to begin after them.
    pub(crate) fn lose<D: Disk>(&self, disk: &D, sync: bool) -> Result<(), Failed> {
        self.memory().newest = None;
        match disk.overwrite(NEWEST, DIGIT, b'0' + LOST, sync) {
            // There is no log that could be read.
            Err(error) if is_absent(&error) => Ok(()),
            lost => lost.map_err(Failed::at(NEWEST)),
        }
    }

    /// See `Store::feed`.
    pub(crate) fn feed<D: Disk>(&self, disk: &D, query: &FeedQuery) -> Result<FeedPage, Failed> {
        let peeked = existing(NEWEST, disk.peek(NEWEST, HEADER_BYTES))?;
        if let Some((text, size)) = &peeked
            && let Some(known) = self.remembered(text, *size)
            && let Some(kept_after) = known.kept_after
            && query.after.is_none_or(|after| after >= known.newest)
        {
            return Ok(FeedPage {
                changes: Vec::new(),
                kept_after,
                newest: known.newest,
            });
        }
        let Some(tip) = Tip::read(disk)? else {
            return Ok(FeedPage::default());
        };
        let newest = tip.entries.last().map_or(tip.after, Entry::last);
        let is_within = query.after.is_none_or(|after| after >= tip.after);
        let kept_after = self.kept_after(&tip.text).filter(|_| is_within);
        // The full segments, of which a page of the newest segment needs none.
        let chain = match kept_after {
            Some(_) => Vec::new(),
            None => chain(segments(disk)?, tip.positions.first),
        };
        let kept_after = kept_after
            .or(chain.first().map(|oldest| oldest.first - 1))
            .map_or(tip.after, |kept_after| kept_after.min(newest));
        self.remember(&tip, newest, kept_after);

        let mut page = Page::new(query);
        for full in &chain {
            if full.last > page.after && !page.is_complete() {
                page.add(&full.entries(self.read_full(disk, *full)?));
            }
        }
        page.add(&tip.entries);
        if page.has_events_before(tip.positions.first) {
            for full in &chain {
                page.leave_out_events(&self.ends(disk, *full)?);
            }
        }
        page.leave_out_events(&ends_in(&tip.entries));
        Ok(FeedPage {
            kept_after: kept_after.max(page.gap()),
            changes: page.changes,
            newest,
        })
    }

    /// The parts of the log that cannot be read. `repair` removes what no reader can go on from: all up to
    /// the last of these parts. The folder's lock is held for that.
    pub(crate) fn check<D: Disk>(&self, disk: &D, repair: bool) -> Result<Vec<Problem>, Failed> {
        let Some(tip) = Tip::read(disk)? else {
            return Ok(Vec::new());
        };
        let mut problems = Vec::new();
        let mut report = |path: &str, entries: &[Entry]| {
            let known = problems.len();
            problems.extend(entries.iter().filter_map(|entry| match entry {
                Entry::Lost(last) => Some(Problem {
                    id: "feed".to_owned(),
                    problem: format!(
                        "{}: the changes up to position {last} cannot be read, and a watch that comes to \
                         them ends",
                        disk.place(path)
                    ),
                }),
                Entry::Commit(_) => None,
            }));
            problems.len() > known
        };
        let mut damaged = None;
        for full in chain(segments(disk)?, tip.positions.first) {
            let entries = full.entries(self.read_full(disk, full)?);
            if report(&layout::segment(full.first, full.last), &entries) {
                damaged = Some(full.last);
            }
        }
        if report(NEWEST, &tip.entries) {
            damaged = Some(u64::MAX);
        }
        if let (true, Some(damaged)) = (repair, damaged) {
            let newest = self.opened(disk, true)?;
            if newest.header.first <= damaged {
                renew(disk, &newest, newest.header.keep)?;
            }
            self.memory().newest = None;
            for full in segments(disk)? {
                if full.last <= damaged {
                    let path = layout::segment(full.first, full.last);
                    disk.remove_file(&path).map_err(Failed::at(&path))?;
                }
            }
        }
        Ok(problems)
    }

    /// The position after which every change is kept, while the newest segment has this header.
    fn kept_after(&self, text: &[u8]) -> Option<u64> {
        let memory = self.memory();
        let known = memory.newest.as_ref().filter(|known| known.text == text)?;
        known.kept_after
    }

    fn remember(&self, tip: &Tip, newest: u64, kept_after: u64) {
        if let Some(header) = &tip.settled {
            self.memory().newest = Some(Newest {
                header: header.clone(),
                text: tip.text.clone(),
                size: tip.size,
                newest,
                next: tip.positions.last + 1,
                kept_after: Some(kept_after),
            });
        }
    }

    /// The lines of a full segment. One that was removed meanwhile has none.
    fn read_full<D: Disk>(&self, disk: &D, full: Positions) -> Result<Vec<Line>, Failed> {
        let path = layout::segment(full.first, full.last);
        let bytes = existing(&path, disk.read(&path))?.unwrap_or_default();
        Ok(Segment::parse(&bytes).lines)
    }

    /// See [`ends_in`]. A full segment does not change.
    fn ends<D: Disk>(&self, disk: &D, full: Positions) -> Result<Arc<[(String, u64)]>, Failed> {
        if let Some(ends) = self.memory().ends.get(&full) {
            return Ok(Arc::clone(ends));
        }
        let entries = full.entries(self.read_full(disk, full)?);
        let ends: Arc<[(String, u64)]> = ends_in(&entries).into();
        let mut memory = self.memory();
        memory.ends.insert(full, Arc::clone(&ends));
        while memory.ends.len() > REMEMBERED {
            memory.ends.pop_first();
        }
        Ok(ends)
    }
}

/// The line of a commit.
#[derive(Debug)]
pub(crate) struct Announced {
    end: Newest,
    line: Line,
    text: Vec<u8>,
    /// Whether it has to survive the loss of power.
    sync: bool,
    is_written: Cell<bool>,
}

/// The newest segment, for a reader.
struct Tip {
    /// The header, if nothing in the segment is pending, unfinished or damaged.
    settled: Option<Header>,
    /// The text of the header.
    text: Vec<u8>,
    size: u64,
    positions: Positions,
    /// The position of the newest change before the segment.
    after: u64,
    entries: Vec<Entry>,
}

impl Tip {
    /// Reads the newest segment; `None` if there is no log.
    fn read<D: Disk>(disk: &D) -> Result<Option<Self>, Failed> {
        let mut read = existing(NEWEST, disk.read(NEWEST))?;
        for _ in 0..ATTEMPTS {
            let bytes = read.as_deref().unwrap_or_default();
            let segment = Segment::parse(bytes);
            let is_counted = match segment.pending() {
                Some(line) => is_applied(disk, line)?,
                None => return Self::of(disk, segment, read.as_deref(), true),
            };
            // While the line is pending, it was not dropped, and no later commit was applied. If it no
            // longer is, it is read again: it may be applied, and an earlier read may have counted it.
            let now = existing(NEWEST, disk.read(NEWEST))?;
            if now == read {
                return Self::of(disk, segment, read.as_deref(), is_counted);
            }
            read = now;
        }
        let segment = Segment::parse(read.as_deref().unwrap_or_default());
        Self::of(disk, segment, read.as_deref(), false)
    }

    /// `is_counted` unless a pending line is left out.
    fn of<D: Disk>(
        disk: &D,
        mut segment: Segment,
        bytes: Option<&[u8]>,
        is_counted: bool,
    ) -> Result<Option<Self>, Failed> {
        let exists = bytes.is_some();
        let bytes = bytes.unwrap_or_default();
        let size = segment.end;
        let is_pending = segment.pending().is_some();
        let is_settled = !is_pending && size == bytes.len() as u64 && !segment.is_broken();
        if is_pending && !is_counted {
            segment.lines.pop();
        }
        let before = match segment.header {
            Some(_) => 0,
            None => last_full(disk)?,
        };
        if !exists && before == 0 {
            return Ok(None);
        }
        let positions = segment.positions(before);
        let after = match &segment.header {
            Some(header) => header.after,
            None => positions.first - 1,
        };
        Ok(Some(Self {
            settled: segment.header.filter(|_| is_settled),
            text: bytes.get(..HEADER_BYTES).unwrap_or_default().to_vec(),
            size,
            positions,
            after,
            entries: positions.entries(segment.lines),
        }))
    }
}

/// A page of the feed.
struct Page {
    changes: Vec<FedChange>,
    limit: usize,
    /// The position after which it goes on.
    after: u64,
    /// The last position of the changes that cannot be read, at which it ends.
    lost: Option<u64>,
    is_wanted: bool,
}

impl Page {
    fn new(query: &FeedQuery) -> Self {
        Self {
            changes: Vec::new(),
            limit: query.limit as usize,
            after: query.after.unwrap_or(u64::MAX),
            lost: None,
            is_wanted: query.after.is_some(),
        }
    }

    fn is_complete(&self) -> bool {
        self.changes.len() >= self.limit || self.lost.is_some() || !self.is_wanted
    }

    fn add(&mut self, entries: &[Entry]) {
        for entry in entries.iter().filter(|entry| entry.last() > self.after) {
            if self.is_complete() {
                return;
            }
            match entry {
                Entry::Lost(last) => self.lost = Some(*last),
                Entry::Commit(line) => {
                    let positions = line.position..;
                    let changes = line.changes.iter().zip(positions);
                    let changes = changes.filter(|(_, position)| *position > self.after);
                    let free = self.limit - self.changes.len();
                    self.changes
                        .extend(changes.take(free).map(|(change, position)| FedChange {
                            position,
                            kind: change.kind,
                            key: change.key.clone(),
                            events: change.events(),
                        }));
                }
            }
        }
    }

    /// Whether there are changes with events before a position.
    fn has_events_before(&self, position: u64) -> bool {
        self.changes
            .iter()
            .any(|change| change.position < position && change.events.is_some())
    }

    /// Leaves out the events of histories that have ended later.
    fn leave_out_events(&mut self, ends: &[(String, u64)]) {
        let ends: HashMap<&str, u64> = ends
            .iter()
            .map(|(key, position)| (key.as_str(), *position))
            .collect();
        for change in &mut self.changes {
            if ends
                .get(change.key.as_str())
                .is_some_and(|end| *end > change.position)
            {
                change.events = None;
            }
        }
    }

    /// The position after which a reader has to begin, if nothing before it can be read.
    fn gap(&self) -> u64 {
        self.lost.filter(|_| self.changes.is_empty()).unwrap_or(0)
    }
}

/// The sessions whose history has ended, in the order of the positions.
fn ends_in(entries: &[Entry]) -> Vec<(String, u64)> {
    let mut ends = Vec::new();
    for entry in entries {
        if let Entry::Commit(line) = entry {
            let changes = line.changes.iter().zip(line.position..);
            let ending = changes.filter(|(change, _)| change.ends_history);
            ends.extend(ending.map(|(change, position)| (change.key.clone(), position)));
        }
    }
    ends
}

/// The names of the full segments, in the order of their last positions.
fn segments<D: Disk>(disk: &D) -> Result<Vec<Positions>, Failed> {
    let entries = existing(CHANGES, disk.list(CHANGES))?.unwrap_or_default();
    let mut segments: Vec<Positions> = entries
        .iter()
        .filter_map(|entry| layout::positions_in(&entry.name))
        .map(|(first, last)| Positions { first, last })
        .collect();
    segments.sort_unstable_by_key(|segment| segment.last);
    Ok(segments)
}

/// The last position of the full segments; 0 if there are none.
fn last_full<D: Disk>(disk: &D) -> Result<u64, Failed> {
    Ok(segments(disk)?.last().map_or(0, |segment| segment.last))
}

/// Those of the segments that follow each other up to a position.
fn chain(segments: Vec<Positions>, end: u64) -> Vec<Positions> {
    let mut next = end;
    let mut chain: Vec<Positions> = Vec::new();
    for segment in segments.into_iter().rev() {
        if segment.last + 1 == next {
            next = segment.first;
            chain.push(segment);
        }
    }
    chain.reverse();
    chain
}

/// Whether the commit of a pending line was applied.
fn is_applied<D: Disk>(disk: &D, line: &Line) -> Result<bool, Failed> {
    match &line.point {
        None => Ok(true),
        Some(CommitPoint::File { target, before }) => {
            let now = fingerprint(disk, target).map_err(Failed::at(&target.path()))?;
            Ok(now != *before)
        }
        Some(CommitPoint::Intent(number)) => {
            let written = existing(INTENT, disk.read(INTENT))?;
            let intent = written.map(|bytes| serde_json::from_slice::<Intent>(&bytes));
            let problem = |error| io::Error::new(ErrorKind::InvalidInput, error);
            let intent = intent
                .transpose()
                .map_err(problem)
                .map_err(Failed::at(INTENT))?;
            Ok(intent.is_some_and(|intent| intent.number >= *number))
        }
    }
}

/// A text that differs for different contents of a file.
pub(crate) fn fingerprint<D: Disk>(disk: &D, target: &Target) -> io::Result<String> {
    match disk.read(&target.path()) {
        Ok(bytes) => Ok(layout::hash(bytes)),
        Err(error) if is_transient(&error) => Err(error),
        Err(error) if is_absent(&error) => Ok("absent".to_owned()),
        Err(_) => Ok("unreadable".to_owned()),
    }
}

/// Replaces the newest segment by an empty one, and removes the oldest ones.
fn renew<D: Disk>(disk: &D, newest: &Newest, keep: u64) -> Result<Newest, Failed> {
    let positions = Positions {
        first: newest.header.first,
        last: newest.next - 1,
    };
    keep_newest(disk, positions)?;
    let renewed = begin(disk, (newest.next, newest.newest), keep, &[CHANGES])?;
    remove_old(disk, &renewed);
    Ok(renewed)
}

/// Replaces the newest segment by an empty one, with its first position, and that of the newest change
/// before it.
fn begin<D: Disk>(
    disk: &D,
    (first, after): (u64, u64),
    keep: u64,
    folders: &[&str],
) -> Result<Newest, Failed> {
    let header = Header {
        lost: 0,
        first,
        after,
        keep,
        id: RandomState::new().hash_one(NEWEST),
    };
    let text = header
        .print()
        .map_err(|error| Failed::Before(NEWEST.to_owned(), error.into()))?;
    replace(disk, NEWEST, &text, folders)?;
    Ok(Newest {
        size: text.len() as u64,
        text,
        newest: header.after,
        next: header.first,
        kept_after: None,
        header,
    })
}

/// Copies the newest segment under a name with its positions. It keeps its own name, so that there is
/// one at any time.
fn keep_newest<D: Disk>(disk: &D, positions: Positions) -> Result<(), Failed> {
    if positions.last < positions.first {
        return Ok(());
    }
    let bytes = existing(NEWEST, disk.read(NEWEST))?.unwrap_or_default();
    let path = layout::segment(positions.first, positions.last);
    replace(disk, &path, &bytes, &[CHANGES])
}

/// Replaces a file atomically. It survives the loss of power.
fn replace<D: Disk>(disk: &D, path: &str, bytes: &[u8], folders: &[&str]) -> Result<(), Failed> {
    disk.write(NEXT, bytes)
        .and_then(|()| disk.rename(NEXT, path))
        .map_err(Failed::at(path))?;
    sync_folders(disk, folders)
}

fn sync_folders<D: Disk>(disk: &D, folders: &[&str]) -> Result<(), Failed> {
    folders.iter().try_for_each(|folder| {
        let synced = disk.sync_folder(folder);
        synced.map_err(|error| Failed::Unsure((*folder).to_owned(), error))
    })
}

/// Removes the full segments whose changes are no longer kept, and those that a writer that died has
/// left. What cannot be removed is left to the next full segment.
fn remove_old<D: Disk>(disk: &D, newest: &Newest) {
    let Ok(segments) = segments(disk) else {
        return;
    };
    let kept = chain(segments.clone(), newest.header.first);
    let oldest = newest.newest.saturating_sub(newest.header.keep);
    for segment in segments {
        if segment.last <= oldest || !kept.contains(&segment) {
            let _ = disk.remove_file(&layout::segment(segment.first, segment.last));
        }
    }
}

fn digit(state: State) -> u8 {
    b'0' + u8::from(state)
}

/// What was read of a file, if it exists.
fn existing<T>(path: &str, read: io::Result<T>) -> Result<Option<T>, Failed> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Failed::Before(path.to_owned(), error)),
    }
}

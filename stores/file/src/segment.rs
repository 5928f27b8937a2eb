//! A segment of the log of changes: a header, and a line for each commit, as JSON. The digit at the
//! beginning of each is overwritten in place, which needs no space on the disk. Each change has a
//! position. Those of a segment follow each other, so that a line that is damaged or missing is
//! noticed.

use serde::{Deserialize, Serialize};
use tenure_core::store::feed::{Change, ChangeKind, EventRange};

use crate::intent::Target;
use crate::layout::END;

/// The size of a header in bytes. It is padded with spaces.
pub(crate) const HEADER_BYTES: usize = 128;
/// The place of the digit in a header or a line.
pub(crate) const DIGIT: u64 = 8;
/// How many positions are left out where it is unknown how many were assigned: more than the changes of
/// a segment.
const UNKNOWN: u64 = 1 << 20;

/// The digit of a header after whose segment changes are lost.
pub(crate) const LOST: u8 = 1;

/// The header of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// [`LOST`] if changes after the last line were lost.
    pub(crate) lost: u8,
    /// The first position of the segment.
    pub(crate) first: u64,
    /// The position of the newest change before the segment.
    pub(crate) after: u64,
    /// The number of changes that are kept.
    pub(crate) keep: u64,
    /// A random number, by which the segment differs from every other one.
    pub(crate) id: u64,
}

impl Header {
    /// The text of the header.
    pub(crate) fn print(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)?;
        text.resize(HEADER_BYTES - 1, b' ');
        text.push(b'\n');
        Ok(text)
    }
}

/// Whether the commit of a line was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub(crate) enum State {
    /// It is being applied. If its writer died, whether it was follows from the commit point.
    Pending,
    Applied,
    /// It was not. Its positions are not assigned again.
    Dropped,
}

impl From<State> for u8 {
    fn from(state: State) -> Self {
        match state {
            State::Pending => 0,
            State::Applied => 1,
            State::Dropped => 2,
        }
    }
}

impl TryFrom<u8> for State {
    type Error = &'static str;

    fn try_from(digit: u8) -> Result<Self, Self::Error> {
        match digit {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Applied),
            2 => Ok(Self::Dropped),
            _ => Err("no state of a commit"),
        }
    }
}

/// The line of a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) done: State,
    /// The position of the first change.
    pub(crate) position: u64,
    /// By what it is known whether the commit was applied. Without it, the line alone is the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) point: Option<CommitPoint>,
    pub(crate) changes: Vec<LoggedChange>,
}

impl Line {
    /// The position of the last change.
    pub(crate) fn last(&self) -> u64 {
        let more = (self.changes.len() as u64).saturating_sub(1);
        self.position.saturating_add(more)
    }

    /// The text of the line.
    pub(crate) fn print(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// The write with which a commit is applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum CommitPoint {
    /// A file is replaced or removed.
    File {
        target: Target,
        /// Its fingerprint before.
        before: String,
    },
    /// The intent with this number is written.
    Intent(u64),
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoggedChange {
    pub(crate) kind: ChangeKind,
    pub(crate) key: String,
    /// The sequence numbers of the first and the last event that it appended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<(u64, u64)>,
    /// Whether the events that the session had before it are gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ends_history: bool,
}

impl LoggedChange {
    pub(crate) fn events(&self) -> Option<EventRange> {
        let (first, last) = self.events?;
        Some(EventRange { first, last })
    }
}

impl From<Change> for LoggedChange {
    fn from(change: Change) -> Self {
        Self {
            kind: change.kind,
            key: change.key,
            events: change.events.map(|events| (events.first, events.last)),
            ends_history: change.ends_history,
        }
    }
}

/// What was read of a segment.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    /// `None` if it is damaged.
    pub(crate) header: Option<Header>,
    /// The lines that can be read.
    pub(crate) lines: Vec<Line>,
    /// Where the last of these lines begins.
    pub(crate) last_line: u64,
    /// Where the next line is written. What follows is an unfinished line.
    pub(crate) end: u64,
    /// Whether lines at the end are damaged or lost.
    lost: bool,
}

impl Segment {
    /// Reads the content of a segment.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut segment = Self::default();
        let mut at = 0u64;
        for (number, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let (begin, end) = (at, at + text.len() as u64);
            at = end;
            let is_whole = text.ends_with(b"\n");
            if number == 0 {
                let header: Option<Header> = serde_json::from_slice(text).ok();
                segment.header = header
                    .filter(|header| is_whole && header.after < header.first && header.first < END);
                segment.end = end;
                continue;
            }
            match serde_json::from_slice::<Line>(text) {
                Ok(line) if is_whole && segment.may_continue_with(&line) => {
                    segment.lines.push(line);
                    (segment.last_line, segment.end) = (begin, end);
                    segment.lost = false;
                }
                // Its writer died, or its disk was full. The commit was not applied.
                _ if !is_whole && !is_applied(text) => {}
                _ => segment.lost = true,
            }
        }
        segment
    }

    fn may_continue_with(&self, line: &Line) -> bool {
        let after = match (self.lines.last(), &self.header) {
            (Some(last), _) => last.last(),
            (None, Some(header)) => header.first.saturating_sub(1),
            (None, None) => 0,
        };
        line.position > after && line.last() < END && !line.changes.is_empty()
    }

    /// Whether it is unknown which changes the end of the segment has had.
    pub(crate) fn is_broken(&self) -> bool {
        let is_lost = |header: &Header| header.lost == LOST;
        self.lost || self.header.as_ref().is_none_or(is_lost)
    }

    /// The last line, if it is pending.
    pub(crate) fn pending(&self) -> Option<&Line> {
        self.lines.last().filter(|line| line.done == State::Pending)
    }

    /// Sets the state of the last line.
    pub(crate) fn set_last(&mut self, state: State) {
        if let Some(line) = self.lines.last_mut() {
            line.done = state;
        }
    }

    /// The positions that the segment has assigned. `before` is the last one before it, for a segment
    /// whose header is damaged.
    pub(crate) fn positions(&self, before: u64) -> Positions {
        let first = match (&self.header, self.lines.first()) {
            (Some(header), _) => header.first,
            (None, Some(line)) => line.position,
            (None, None) => before + 1,
        };
        let last = self.lines.last().map_or(first - 1, Line::last);
        Positions {
            first,
            last: match self.is_broken() {
                true => last + UNKNOWN,
                false => last,
            },
        }
    }
}

/// Whether the text of a line says that its commit was applied.
fn is_applied(text: &[u8]) -> bool {
    text.starts_with(br#"{"done":1"#)
}

/// The positions of a segment, without those before `first` and after `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Positions {
    pub(crate) first: u64,
    /// The last position; the one before `first` if there is none.
    pub(crate) last: u64,
}

impl Positions {
    /// The lines of commits that were applied, and the positions between them of which nothing is
    /// known.
    pub(crate) fn entries(self, lines: Vec<Line>) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut next = self.first;
        for line in lines {
            if line.position < next {
                continue;
            }
            if line.position > next {
                entries.push(Entry::Lost(line.position - 1));
            }
            next = line.last() + 1;
            if line.done != State::Dropped {
                entries.push(Entry::Commit(line));
            }
        }
        if next <= self.last {
            entries.push(Entry::Lost(self.last));
        }
        entries
    }
}

/// A part of the feed.
#[derive(Debug, PartialEq)]
pub(crate) enum Entry {
    /// The changes of a commit that was applied.
    Commit(Line),
    /// Changes up to this position that cannot be read.
    Lost(u64),
}

impl Entry {
    /// Its last position.
    pub(crate) fn last(&self) -> u64 {
        match self {
            Self::Commit(line) => line.last(),
            Self::Lost(last) => *last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let most = END - 1;
        Header {
            lost: 0,
            first: most,
            after: most - 1,
            keep: most,
            id: u64::MAX,
        }
    }

    fn line(position: u64, done: State) -> Line {
        let change = LoggedChange {
            kind: ChangeKind::Updated,
            key: "a\nb".to_owned(),
            events: Some((1, 2)),
            ends_history: false,
        };
        Line {
            done,
            position,
            point: Some(CommitPoint::Intent(7)),
            changes: vec![change.clone(), change],
        }
    }

    /// A segment from position 1 on.
    fn text(lines: &[Line]) -> Vec<u8> {
        let first = Header {
            first: 1,
            after: 0,
            ..header()
        };
        let lines = lines.iter().map(|line| line.print().unwrap());
        [first.print().unwrap()]
            .into_iter()
            .chain(lines)
            .flatten()
            .collect()
    }

    #[test]
    fn the_digit_of_headers_and_lines_is_in_its_place() {
        let printed = header().print().unwrap();
        assert_eq!(printed.len(), HEADER_BYTES);
        assert_eq!(printed[DIGIT as usize], b'0');
        for state in [State::Pending, State::Applied, State::Dropped] {
            let text = line(1, state).print().unwrap();
            assert_eq!(text[DIGIT as usize], b'0' + u8::from(state));
            assert_eq!(is_applied(&text), state == State::Applied);
        }
    }

    #[test]
    fn an_unfinished_line_is_replaced_and_a_damaged_one_leaves_a_gap() {
        let lines = [line(1, State::Applied), line(3, State::Applied)];
        let whole = text(&lines);
        let end = text(&lines[..1]).len();
        let read = Segment::parse(&whole);
        assert_eq!(
            (read.lines.as_slice(), read.end),
            (&lines[..], whole.len() as u64)
        );
        assert!(!read.is_broken());
        for cut in 1..whole.len() - end {
            // A line that was applied was not left by a writer that died.
            let read = Segment::parse(&whole[..whole.len() - cut]);
            assert_eq!(read.lines, lines[..1]);
            assert_eq!(read.is_broken(), cut < whole.len() - end - DIGIT as usize);
            let mut pending = text(&[lines[0].clone(), line(3, State::Pending)]);
            pending.truncate(whole.len() - cut);
            let read = Segment::parse(&pending);
            assert!(!read.is_broken());
            assert_eq!(read.end, end as u64);
        }
        let three = [&lines[..], &[line(5, State::Applied)]].concat();
        let mut damaged = text(&three);
        damaged[end + 20] = b'"';
        let read = Segment::parse(&damaged);
        assert!(!read.is_broken());
        let positions = read.positions(0);
        assert_eq!((positions.first, positions.last), (1, 6));
        let entries: Vec<u64> = positions
            .entries(read.lines)
            .iter()
            .map(Entry::last)
            .collect();
        assert_eq!(entries, [2, 4, 6]);
    }
}

//! What is kept of a command's output: lines, within limits of their length, of how many come in a
//! second, and of all together. What is left out is counted. Nothing here waits for a store, so a
//! slow one never holds the command up.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of a line that are kept.
const LONGEST_LINE: usize = 8 << 10;
/// Bytes that are kept in a second, for long and at once.
const RATE: f64 = (1 << 20) as f64;
const BURST: f64 = (8 << 20) as f64;
/// What a line costs at least of these: short ones cost a store as much.
const LEAST_COST: usize = 512;
/// What a line costs of all that is kept, beside its bytes.
const LINE_COST: u64 = 64;
/// Bytes that wait for the store at most.
const MOST_WAITING: usize = 8 << 20;

/// Where output comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    /// The type of its events.
    pub(crate) fn event_type(self) -> &'static str {
        match self {
            Self::Out => "stdout",
            Self::Err => "stderr",
        }
    }
}

/// A line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) stream: Stream,
    pub(crate) text: String,
    /// Bytes at its end that were left out.
    pub(crate) cut: u64,
}

/// What was not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Omitted {
    pub(crate) stdout: u64,
    pub(crate) stderr: u64,
}

impl Omitted {
    pub(crate) fn total(self) -> u64 {
        self.stdout.saturating_add(self.stderr)
    }

    pub(crate) fn add(&mut self, stream: Stream, bytes: u64) {
        let count = match stream {
            Stream::Out => &mut self.stdout,
            Stream::Err => &mut self.stderr,
        };
        *count = count.saturating_add(bytes);
    }
}

/// Puts chunks of a stream together to lines.
pub(crate) struct Splitter {
    stream: Stream,
    line: Vec<u8>,
    cut: u64,
}

impl Splitter {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            line: Vec::new(),
            cut: 0,
        }
    }

    /// Takes a chunk and hands on the lines that it completes.
    pub(crate) fn feed(&mut self, chunk: &[u8], queue: &Queue) {
        let mut queue = queue.lock();
        queue.refill();
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = self.skip(rest, &mut queue);
            let piece = rest.split_inclusive(|&byte| byte == b'\n').next();
            let piece = piece.unwrap_or_default();
            let ends = piece.last() == Some(&b'\n');
            let bytes = if ends { piece.len() - 1 } else { piece.len() };
            let kept = bytes.min(LONGEST_LINE.saturating_sub(self.line.len()));
            self.line
                .extend_from_slice(piece.get(..kept).unwrap_or_default());
            self.cut += (bytes - kept) as u64;
            if ends {
                self.complete(&mut queue);
            }
            rest = rest.get(piece.len()..).unwrap_or_default();
        }
    }

    /// Leaves out the lines of which none would be kept: looking at each would take long. What
    /// follows them is left.
    fn skip<'c>(&mut self, chunk: &'c [u8], queue: &mut Waiting) -> &'c [u8] {
        let end = if queue.left == 0 {
            Some(chunk.len())
        } else if queue.allowance < LEAST_COST as f64 {
            let last = chunk.iter().rposition(|&byte| byte == b'\n');
            last.map(|last| last + 1)
        } else {
            None
        };
        let Some((lines, rest)) = end.and_then(|end| chunk.split_at_checked(end)) else {
            return chunk;
        };
        let bytes = (self.line.len() + lines.len()) as u64 + std::mem::take(&mut self.cut);
        self.line.clear();
        queue.omitted.add(self.stream, bytes);
        rest
    }

    /// Hands on what came after the last line break.
    pub(crate) fn end(&mut self, queue: &Queue) {
        if !self.line.is_empty() || self.cut > 0 {
            self.complete(&mut queue.lock());
        }
    }

    fn complete(&mut self, queue: &mut Waiting) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        // Not every store keeps NUL, and what is no UTF-8 no store does.
        let text = String::from_utf8_lossy(line).replace('\0', "\u{fffd}");
        let cut = std::mem::take(&mut self.cut);
        self.line.clear();
        queue.push(Line {
            stream: self.stream,
            text,
            cut,
        });
    }
}

/// Lines on their way to the store.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

pub(crate) struct Waiting {
    lines: VecDeque<Line>,
    bytes: usize,
    /// Bytes that may still be kept of all.
    left: u64,
    allowance: f64,
    refilled: Instant,
    omitted: Omitted,
    closed: bool,
}

impl Queue {
    /// For `most` bytes in all.
    pub(crate) fn new(most: u64) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                lines: VecDeque::new(),
                bytes: 0,
                left: most,
                allowance: BURST,
                refilled: Instant::now(),
                omitted: Omitted::default(),
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Whoever panicked with it left numbers and whole lines.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more lines come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Sleeps for a time, or until no more lines come; whether they may still come.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let guard = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(guard, time, |waiting| !waiting.closed);
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !guard.closed
    }

    /// The oldest lines, so many at most.
    pub(crate) fn take(&self, most: usize) -> Vec<Line> {
        let mut waiting = self.lock();
        let count = most.min(waiting.lines.len());
        let lines: Vec<Line> = waiting.lines.drain(..count).collect();
        waiting.bytes -= lines.iter().map(|line| line.text.len()).sum::<usize>();
        lines
    }

    /// Takes lines back that could not be written.
    pub(crate) fn put_back(&self, lines: Vec<Line>) {
        let mut waiting = self.lock();
        for line in lines.into_iter().rev() {
            waiting.bytes += line.text.len();
            waiting.lines.push_front(line);
        }
    }

    /// Gives up all that waits; what it was.
    pub(crate) fn give_up(&self) -> Omitted {
        let lines = self.take(usize::MAX);
        let mut waiting = self.lock();
        for line in lines {
            waiting.omitted.add(line.stream, line.text.len() as u64);
        }
        waiting.omitted
    }

    /// What was left out so far.
    pub(crate) fn omitted(&self) -> Omitted {
        self.lock().omitted
    }
}

impl Waiting {
    fn refill(&mut self) {
        let now = Instant::now();
        let passed = now.duration_since(self.refilled).as_secs_f64();
        self.refilled = now;
        self.allowance = (self.allowance + passed * RATE).min(BURST);
    }

    fn push(&mut self, line: Line) {
        let length = line.text.len();
        self.omitted.add(line.stream, line.cut);
        let cost = length.max(LEAST_COST) as f64;
        let of_all = length as u64 + LINE_COST;
        if of_all > self.left {
            // What comes after it would be out of place.
            self.left = 0;
        }
        if self.left == 0 || cost > self.allowance || self.bytes + length > MOST_WAITING {
            self.omitted.add(line.stream, length as u64);
            return;
        }
        self.left -= of_all;
        self.allowance -= cost;
        self.bytes += length;
        self.lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(most: u64, chunks: &[&[u8]]) -> (Vec<Line>, Omitted) {
        let queue = Queue::new(most);
        let mut splitter = Splitter::new(Stream::Out);
        for chunk in chunks {
            splitter.feed(chunk, &queue);
        }
        splitter.end(&queue);
        (queue.take(usize::MAX), queue.omitted())
    }

    fn texts(chunks: &[&[u8]]) -> Vec<String> {
        let (lines, omitted) = lines(1 << 20, chunks);
        assert_eq!(omitted, Omitted::default());
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn chunks_are_put_together_to_lines_wherever_they_were_parted() {
        let all = "one\r\n\nzwei \u{e4}\u{1f600}\nthree".as_bytes();
        for at in 0..all.len() {
            let (a, b) = all.split_at(at);
            assert_eq!(texts(&[a, b]), ["one", "", "zwei \u{e4}\u{1f600}", "three"]);
        }
        assert_eq!(texts(&[b"a\n", b""]), ["a"]);
        assert_eq!(texts(&[]), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(texts(&[b"a\xff\0b\n"]), ["a\u{fffd}\u{fffd}b"]);
    }

    #[test]
    fn a_long_line_is_cut_and_what_is_cut_is_counted() {
        let long = vec![b'x'; LONGEST_LINE + 10];
        let (lines, omitted) = lines(1 << 20, &[&long, b"yz\nnext"]);
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].text.len(), lines[0].cut), (LONGEST_LINE, 12));
        assert_eq!((lines[1].text.as_str(), lines[1].cut), ("next", 0));
        assert_eq!(
            omitted,
            Omitted {
                stdout: 12,
                stderr: 0
            }
        );
    }

    #[test]
    fn nothing_is_kept_once_the_limit_is_met() {
        let (lines, omitted) = lines(2 * (LINE_COST + 4), &[b"aaaa\nbbbb\ncccc\n", b"dddd\n"]);
        assert_eq!(lines.len(), 2);
        assert_eq!(omitted.stdout, 5 + 5);
    }

    #[test]
    fn what_waits_is_bounded() {
        let queue = Queue::new(u64::MAX);
        let mut splitter = Splitter::new(Stream::Err);
        let line = [vec![b'x'; 4000], vec![b'\n']].concat();
        let count = 4 * MOST_WAITING / line.len();
        for _ in 0..count {
            splitter.feed(&line, &queue);
        }
        let omitted = queue.omitted().stderr;
        let kept: usize = queue
            .take(usize::MAX)
            .iter()
            .map(|line| line.text.len())
            .sum();
        assert!(kept <= MOST_WAITING);
        // Line breaks are counted where lines are not looked at.
        let all = count as u64 * 4000;
        assert!((all..=all + count as u64).contains(&(kept as u64 + omitted)));
    }
}

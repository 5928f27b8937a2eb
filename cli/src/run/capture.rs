//! Captures the output of a command as lines, within limits of line length, rate and total size.
//! Omitted bytes are counted. Nothing here waits for the store, so a slow store never blocks the command.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most bytes of a line.
const MAX_LINE: usize = 8 << 10;
/// The sustained rate in bytes per second, and the burst in bytes.
const RATE: f64 = (1 << 20) as f64;
const BURST: f64 = (8 << 20) as f64;
/// The least cost of a line against the rate: a short line costs the store as much as this.
const MIN_LINE_COST: usize = 512;
/// The overhead of a line against the total size.
const LINE_OVERHEAD: u64 = 64;
/// The most bytes that wait for the store.
const MAX_WAITING: usize = 8 << 20;

/// A stream of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    /// The event type of the stream.
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
    /// The bytes of the output that it stands for.
    pub(crate) bytes: usize,
    /// The bytes omitted at its end.
    pub(crate) cut: u64,
    /// Whether lines of the stream were omitted before it.
    pub(crate) after_gap: bool,
    /// Whether secrets have been redacted.
    pub(crate) is_redacted: bool,
}

/// The bytes that were omitted, by stream.
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

/// Splits the chunks of a stream into lines.
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

    /// Takes a chunk, and queues the lines that it completes.
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
            let taken = bytes.min(MAX_LINE.saturating_sub(self.line.len()));
            self.line
                .extend_from_slice(piece.get(..taken).unwrap_or_default());
            self.cut += (bytes - taken) as u64;
            if ends {
                self.complete(&mut queue);
            }
            rest = rest.get(piece.len()..).unwrap_or_default();
        }
    }

    /// Omits lines in bulk while the limits allow none, because splitting each would take long. Returns
    /// the rest of the chunk.
    fn skip<'c>(&mut self, chunk: &'c [u8], queue: &mut Waiting) -> &'c [u8] {
        let end = if queue.left == 0 {
            Some(chunk.len())
        } else if queue.allowance < MIN_LINE_COST as f64 {
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
        queue.omit(self.stream, bytes);
        rest
    }

    /// Queues the text after the last line break.
    pub(crate) fn end(&mut self, queue: &Queue) {
        if !self.line.is_empty() || self.cut > 0 {
            self.complete(&mut queue.lock());
        }
    }

    fn complete(&mut self, queue: &mut Waiting) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        // Not every store accepts NUL, and no store accepts invalid UTF-8.
        let text = String::from_utf8_lossy(line).replace('\0', "\u{fffd}");
        let cut = std::mem::take(&mut self.cut);
        self.line.clear();
        queue.push(Line {
            stream: self.stream,
            bytes: text.len(),
            text,
            cut,
            after_gap: false,
            is_redacted: false,
        });
    }
}

/// The queue of lines that wait for the store.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

pub(crate) struct Waiting {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The bytes left of the total size.
    left: u64,
    allowance: f64,
    refilled: Instant,
    omitted: Omitted,
    /// Whether lines were omitted since the last one of the stream.
    gaps: [bool; 2],
    closed: bool,
}

impl Queue {
    /// A queue with a limit of `max` bytes in total.
    pub(crate) fn new(max: u64) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                lines: VecDeque::new(),
                bytes: 0,
                left: max,
                allowance: BURST,
                refilled: Instant::now(),
                omitted: Omitted::default(),
                gaps: [false; 2],
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while it was locked cannot have left a partial line.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the queue: no more lines will arrive.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Sleeps for a duration, or until the queue is closed; returns whether it is open.
    pub(crate) fn sleep(&self, duration: Duration) -> bool {
        let guard = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(guard, duration, |waiting| !waiting.closed);
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !guard.closed
    }

    /// Takes at most `max` of the oldest lines.
    pub(crate) fn take(&self, max: usize) -> Vec<Line> {
        let mut waiting = self.lock();
        let count = max.min(waiting.lines.len());
        let lines: Vec<Line> = waiting.lines.drain(..count).collect();
        waiting.bytes -= lines.iter().map(|line| line.bytes).sum::<usize>();
        lines
    }

    /// Puts lines back that could not be written.
    pub(crate) fn put_back(&self, lines: Vec<Line>) {
        let mut waiting = self.lock();
        for line in lines.into_iter().rev() {
            waiting.bytes += line.bytes;
            waiting.lines.push_front(line);
        }
    }

    /// Discards all waiting lines, and returns the bytes omitted so far.
    pub(crate) fn discard(&self) -> Omitted {
        let lines = self.take(usize::MAX);
        let mut waiting = self.lock();
        for line in lines {
            waiting.omitted.add(line.stream, line.bytes as u64);
        }
        waiting.omitted
    }

    /// The bytes omitted so far.
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

    /// Omits lines of a stream.
    fn omit(&mut self, stream: Stream, bytes: u64) {
        self.omitted.add(stream, bytes);
        self.gaps[stream as usize] = true;
    }

    fn push(&mut self, mut line: Line) {
        let length = line.bytes;
        self.omitted.add(line.stream, line.cut);
        let cost = length.max(MIN_LINE_COST) as f64;
        let size = length as u64 + LINE_OVERHEAD;
        if size > self.left {
            // Later, shorter lines are omitted too, so that the recorded output has no gap.
            self.left = 0;
        }
        if self.left == 0 || cost > self.allowance || self.bytes + length > MAX_WAITING {
            self.omit(line.stream, length as u64);
            return;
        }
        line.after_gap = std::mem::take(&mut self.gaps[line.stream as usize]);
        self.left -= size;
        self.allowance -= cost;
        self.bytes += length;
        self.lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(max: u64, chunks: &[&[u8]]) -> (Vec<Line>, Omitted) {
        let queue = Queue::new(max);
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
    fn lines_do_not_depend_on_where_chunks_were_split() {
        let all = "one\r\n\nzwei \u{e4}\u{1f600}\nthree".as_bytes();
        for at in 0..all.len() {
            let (a, b) = all.split_at(at);
            assert_eq!(texts(&[a, b]), ["one", "", "zwei \u{e4}\u{1f600}", "three"]);
        }
        assert_eq!(texts(&[b"a\n", b""]), ["a"]);
        assert_eq!(texts(&[]), Vec::<String>::new());
    }

    #[test]
    fn invalid_utf8_and_nul_are_replaced() {
        assert_eq!(texts(&[b"a\xff\0b\n"]), ["a\u{fffd}\u{fffd}b"]);
    }

    #[test]
    fn a_long_line_is_cut_and_the_cut_bytes_are_counted() {
        let long = vec![b'x'; MAX_LINE + 10];
        let (lines, omitted) = lines(1 << 20, &[&long, b"yz\nnext"]);
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].text.len(), lines[0].cut), (MAX_LINE, 12));
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
    fn no_line_is_captured_after_the_limit() {
        let (lines, omitted) = lines(2 * (LINE_OVERHEAD + 4), &[b"aaaa\nbbbb\ncccc\n", b"dddd\n"]);
        assert_eq!(lines.len(), 2);
        assert_eq!(omitted.stdout, 5 + 5);
    }

    #[test]
    fn a_line_after_omitted_ones_says_so() {
        let queue = Queue::new(u64::MAX);
        let (mut out, mut err) = (Splitter::new(Stream::Out), Splitter::new(Stream::Err));
        let line = [vec![b'x'; MAX_LINE - 1], vec![b'\n']].concat();
        while queue.omitted().stdout == 0 {
            out.feed(&line, &queue);
        }
        queue.lock().allowance = BURST;
        let taken = queue.take(usize::MAX);
        assert!(taken.iter().all(|line| !line.after_gap));
        out.feed(b"a\nb\n", &queue);
        err.feed(b"c\n", &queue);
        let taken = queue.take(usize::MAX);
        let gaps: Vec<bool> = taken.iter().map(|line| line.after_gap).collect();
        assert_eq!(gaps, [true, false, false]);
    }

    #[test]
    fn the_waiting_bytes_are_bounded() {
        let queue = Queue::new(u64::MAX);
        let mut splitter = Splitter::new(Stream::Err);
        let line = [vec![b'x'; 4000], vec![b'\n']].concat();
        let count = 4 * MAX_WAITING / line.len();
        for _ in 0..count {
            splitter.feed(&line, &queue);
        }
        let omitted = queue.omitted().stderr;
        let captured: usize = queue
            .take(usize::MAX)
            .iter()
            .map(|line| line.text.len())
            .sum();
        assert!(captured <= MAX_WAITING);
        // Line breaks count where lines are omitted in bulk.
        let all = count as u64 * 4000;
        assert!((all..=all + count as u64).contains(&(captured as u64 + omitted)));
    }
}

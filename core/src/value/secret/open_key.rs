//! What a private key without an end contains: one that was cut off, or whose lines come one by one. It is
//! recognized by what it is made of, so that the mention of a key hides nothing else.

use std::ops::Range;

use super::scan::{Alphabet, Scan};

/// What follows the inside of a private key, and that of a key file of PuTTY.
pub(super) const KEY_END: &str = "-----END ";
pub(super) const KEY_FILE_END: &str = "Private-MAC";
/// How many other words may stand between those of a key, as where programs print at the same time.
const MAX_OTHERS: u8 = 64;
/// Of these, how many may stand before the last line of a key, as where each line has a date.
const MAX_BEFORE_LAST: u8 = 8;
/// How long a line of a key is at least, but for its last one.
const LINE: usize = 40;
/// What separates the lines of a key in texts and in code.
const BETWEEN: &[u8] = b" \t\r\n\\\"',";

/// What is known of the text before.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenKey {
    /// In how many words one of the key has to come; none is expected at 0.
    left: u8,
    /// Whether the last one was a complete line, so that a short one may follow.
    after_line: bool,
}

impl OpenKey {
    /// A key has begun that has no end yet.
    pub(super) fn begin(&mut self) {
        self.left = MAX_OTHERS;
        self.after_line = false;
    }

    /// Text is missing here, in which a key may have begun.
    pub(crate) fn skip_gap(&mut self) {
        self.left = self.left.max(MAX_BEFORE_LAST);
    }

    /// Finds what belongs to the key, up to its end if it stands in the text.
    pub(super) fn go_on(&mut self, scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
        if self.left == 0 {
            return;
        }
        let mut end = scan.len();
        for mark in [KEY_END, KEY_FILE_END] {
            end = scan.find(0, mark).unwrap_or(end).min(end);
        }
        self.find(scan, 0..end, found);
        if end < scan.len() {
            self.left = 0;
        }
    }

    /// Finds what belongs to the key in a part of the text. Returns where it has been searched to.
    #[inline(never)]
    pub(super) fn find(
        &mut self,
        scan: &Scan<'_>,
        within: Range<usize>,
        found: &mut Vec<Range<usize>>,
    ) -> usize {
        let mut at = within.start;
        while self.left > 0 {
            let next = scan.past(at, BETWEEN);
            let Some(run) = scan.next_run(next, Alphabet::BASE64) else {
                break;
            };
            if run.start >= within.end {
                break;
            }
            let follows = self.left == MAX_OTHERS && run.start == next;
            let is_line = run.len() >= LINE;
            let is_last = match self.after_line {
                true => self.left > MAX_OTHERS - MAX_BEFORE_LAST && !scan.is_word(run.clone()),
                false => follows && !is_of_sentence(scan.slice(run.clone())),
            };
            if is_line || is_last {
                // An escape's letter is none of the key's.
                let escape = usize::from(scan.before(run.start) == Some(b'\\'));
                found.push(if follows { at } else { run.start + escape }..run.end);
                self.begin();
                self.after_line = is_line;
            }
            self.left -= u8::from(!is_line);
            at = run.end;
        }
        at
    }
}

/// Whether a word, perhaps with a capital, is none of a key's.
fn is_of_sentence(word: &str) -> bool {
    word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase())
}

//! A private key that comes line by line, as commands print it. Its lines are recognized by what they are made
//! of, so that a key without an end hides what looks like one and nothing else.

/// What follows the inside of a private key, and that of a key file of PuTTY.
pub(super) const KEY_END: &str = "-----END ";
pub(super) const KEY_FILE_END: &str = "Private-MAC";
/// How many other lines may stand between those of a key, as where programs print at the same time.
const MAX_OTHERS: u8 = 16;
/// How long a line of a key is at least, but for its last one.
const LINE: usize = 40;

/// What is known of the lines before.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyLines {
    /// In how many lines one of the key has to come; none is expected at 0.
    left: u8,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyLine {
    /// A part of a key.
    Inside,
    /// A part of a key up to this place, where its end stands.
    EndsAt(usize),
    /// Anything else.
    Outside,
}

impl KeyLines {
    /// A key has begun that has no end yet.
    pub(crate) fn begin(&mut self) {
        self.left = MAX_OTHERS;
    }

    /// Takes the next line. After a gap, in which a key may have begun, a line of a key is one on its own.
    pub(crate) fn take(&mut self, line: &str, after_gap: bool) -> KeyLine {
        let last = last_word(line);
        if after_gap && self.left == 0 && last.len() >= LINE && is_of_key(last) {
            self.begin();
        }
        if self.left == 0 {
            return KeyLine::Outside;
        }
        let end = [KEY_END, KEY_FILE_END]
            .iter()
            .find_map(|end| line.find(end));
        if let Some(end) = end {
            self.left = 0;
            let inside = last_word(line.get(..end).unwrap_or_default());
            return match !inside.is_empty() && is_of_key(inside) {
                true => KeyLine::EndsAt(end),
                false => KeyLine::Outside,
            };
        }
        // The last line may be short. It follows another one at once, where a header may stand.
        let follows = self.left == MAX_OTHERS;
        self.left -= 1;
        let is_long = longest_run(line) >= LINE;
        if is_long {
            self.begin();
        }
        let first = line.split_ascii_whitespace().next().unwrap_or_default();
        let is_short = follows && !last.is_empty() && is_of_key(last) && !first.ends_with(':');
        if is_long || is_short {
            KeyLine::Inside
        } else {
            KeyLine::Outside
        }
    }
}

fn is_of_key(text: &str) -> bool {
    longest_run(text) == text.len()
}

fn longest_run(text: &str) -> usize {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let runs = text.as_bytes().split(|byte| !is_base64(byte));
    runs.map(<[u8]>::len).max().unwrap_or(0)
}

/// The last word of a line, without what quotes and joins it in code.
fn last_word(line: &str) -> &str {
    let around = |c: char| c.is_whitespace() || "\"'`,;+\\".contains(c);
    let line = line.trim_end_matches(around);
    let line = line.strip_suffix("\\n").unwrap_or(line);
    line.rsplit(around).next().unwrap_or_default()
}

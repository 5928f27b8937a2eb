//! Reading a text byte by byte. All looks at the text go through a [`Scan`], which counts them in tests:
//! the time of redaction must grow with the length of a text and no faster, whatever it contains.

use std::ops::Range;

/// Classes of ASCII characters; an alphabet is a union of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alphabet(u8);

impl Alphabet {
    pub(super) const DIGITS: Self = Self(1);
    const HEX_LOWER: Self = Self(1 << 1);
    const OTHER_LOWER: Self = Self(1 << 2);
    const HEX_UPPER: Self = Self(1 << 3);
    const OTHER_UPPER: Self = Self(1 << 4);
    /// `-` and `_`.
    const JOINS: Self = Self(1 << 5);
    /// `.` and `~`.
    const DOTS: Self = Self(1 << 6);
    /// `+`, `/`, `=`, `@` and `%`.
    const SIGNS: Self = Self(1 << 7);

    const LOWER: Self = Self::HEX_LOWER.and(Self::OTHER_LOWER);
    pub(super) const LETTERS: Self = Self::LOWER.and(Self::HEX_UPPER).and(Self::OTHER_UPPER);
    pub(super) const HEX: Self = Self::DIGITS.and(Self::HEX_LOWER).and(Self::HEX_UPPER);
    pub(super) const CAPITALS: Self = Self::DIGITS.and(Self::HEX_UPPER).and(Self::OTHER_UPPER);
    pub(super) const ALPHANUMERIC: Self = Self::DIGITS.and(Self::LETTERS);
    /// What names and most tokens are made of.
    pub(super) const WORD: Self = Self::ALPHANUMERIC.and(Self::JOINS);
    pub(super) const DOTTED: Self = Self::WORD.and(Self::DOTS);
    pub(super) const BASE64: Self = Self::ALPHANUMERIC.and(Self::SIGNS);
    pub(super) const ANY: Self = Self::DOTTED.and(Self::SIGNS);

    /// The union of two alphabets.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn contains(self, byte: u8) -> bool {
        let class = match byte {
            b'0'..=b'9' => Self::DIGITS,
            b'a'..=b'f' => Self::HEX_LOWER,
            b'g'..=b'z' => Self::OTHER_LOWER,
            b'A'..=b'F' => Self::HEX_UPPER,
            b'G'..=b'Z' => Self::OTHER_UPPER,
            b'-' | b'_' => Self::JOINS,
            b'.' | b'~' => Self::DOTS,
            b'+' | b'/' | b'=' | b'@' | b'%' => Self::SIGNS,
            _ => return false,
        };
        self.0 & class.0 != 0
    }
}

/// A text that is searched for secrets.
pub(super) struct Scan<'t> {
    text: &'t str,
    #[cfg(test)]
    steps: std::cell::Cell<u64>,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            #[cfg(test)]
            steps: std::cell::Cell::new(0),
        }
    }

    /// Counts bytes that are looked at.
    fn step(&self, bytes: usize) {
        #[cfg(test)]
        self.steps.set(self.steps.get() + bytes as u64);
        let _ = bytes;
    }

    /// How many bytes have been looked at, those looked at twice counted twice.
    #[cfg(test)]
    pub(super) fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.step(1);
        self.text.as_bytes().get(at).copied()
    }

    /// The byte before a place.
    pub(super) fn before(&self, at: usize) -> Option<u8> {
        self.byte(at.checked_sub(1)?)
    }

    /// A part of the text, all of which may be looked at.
    #[inline(never)]
    pub(super) fn slice(&self, range: Range<usize>) -> &'t str {
        self.step(range.len());
        self.text.get(range).unwrap_or_default()
    }

    #[inline(never)]
    pub(super) fn starts(&self, at: usize, what: &[u8]) -> bool {
        self.step(what.len());
        let bytes = self.text.as_bytes().get(at..).unwrap_or_default();
        bytes.starts_with(what)
    }

    #[inline(never)]
    pub(super) fn starts_ignoring_case(&self, at: usize, what: &str) -> bool {
        self.step(what.len());
        let bytes = self.text.as_bytes().get(at..at + what.len());
        bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(what.as_bytes()))
    }

    /// The first place from `from` on with one of some bytes; the text's end if there is none.
    #[inline(never)]
    pub(super) fn find_any(&self, from: usize, bytes: &[u8]) -> usize {
        self.position(from, |byte| bytes.contains(&byte))
    }

    /// The first place from `from` on whose byte is selected; the text's end if none is.
    fn position(&self, from: usize, mut selects: impl FnMut(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let found = rest.iter().position(|&byte| selects(byte));
        let length = found.unwrap_or(rest.len());
        self.step(length + 1);
        from + length
    }

    /// Where a text stands at or after `from`.
    #[inline(never)]
    pub(super) fn find(&self, from: usize, what: &str) -> Option<usize> {
        let rest = self.text.get(from..)?;
        let found = rest.find(what);
        self.step(found.unwrap_or(rest.len()) + what.len());
        Some(from + found?)
    }

    /// Where a run of an alphabet ends that begins at `from`.
    #[inline(never)]
    pub(super) fn run_end(&self, from: usize, alphabet: Alphabet) -> usize {
        self.position(from, |byte| !alphabet.contains(byte))
    }

    /// How long a run of an alphabet is, of which `most` bytes are looked at.
    #[inline(never)]
    pub(super) fn run_length(&self, from: usize, alphabet: Alphabet, most: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let run = rest.iter().take(most);
        let length = run.take_while(|&&byte| alphabet.contains(byte)).count();
        self.step(length + 1);
        length
    }

    /// The next run of an alphabet. Its bytes are ASCII, so that it is a piece of text.
    #[inline(never)]
    pub(super) fn next_run(&self, from: usize, alphabet: Alphabet) -> Option<Range<usize>> {
        let start = self.position(from, |byte| alphabet.contains(byte));
        (start < self.len()).then(|| start..self.run_end(start, alphabet))
    }

    /// Past the spaces and tabs at a place.
    #[inline(never)]
    pub(super) fn past_spaces(&self, from: usize) -> usize {
        self.past(from, b" \t")
    }

    /// The first place from `from` on whose byte is none of these; the text's end if all are.
    #[inline(never)]
    pub(super) fn past(&self, from: usize, bytes: &[u8]) -> usize {
        self.position(from, |byte| !bytes.contains(&byte))
    }

    /// Where the text ends that is quoted and begins at a place: before a quote with so many backslashes.
    pub(super) fn quote_end(&self, from: usize, quote: u8, backslashes: usize) -> usize {
        // Each level of quotes doubles the backslashes of those within it, and adds one.
        let level = 2 * (backslashes + 1);
        let mut before = 0;
        let end = self.position(from, |byte| {
            let closes = byte == quote && before % level == backslashes;
            before = if byte == b'\\' { before + 1 } else { 0 };
            closes
        });
        if end == self.len() {
            end
        } else {
            end.saturating_sub(backslashes).max(from)
        }
    }

    /// Whether a part of the text looks like a word of a sentence, and not like a secret.
    #[inline(never)]
    pub(super) fn is_word(&self, range: Range<usize>) -> bool {
        const SHORT: usize = 6;
        const LONGEST: usize = 15;
        let length = range.len();
        let lowercase = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
        length < SHORT || (length <= LONGEST && lowercase(self.slice(range)))
    }

    /// Whether the scheme `Bearer` stands at a place, with something after it.
    pub(super) fn is_bearer(&self, at: usize) -> bool {
        const SCHEME: &str = "bearer";
        self.starts_ignoring_case(at, SCHEME)
            && matches!(self.byte(at + SCHEME.len()), Some(b' ' | b'\t'))
    }
}

//! What the name before it tells to be a secret: `NAME=value`, `name = "value"`, `"name": "value"`,
//! `name: value`, `Some-Name: value`, `--name value`, `ENV NAME value`, `login user password value`,
//! `<name>value</name>`, a list of values, a value on the next line, and the same in quotes that are escaped.
//! A value that was searched to its end is either a secret, or short.

use std::ops::Range;

use super::rules::{self, Vendors};
use super::scan::{Alphabet, Scan};

/// Values that say that there is none, and types, which follow names in code.
const NO_VALUES: &[&str] = &[
    "null",
    "none",
    "nil",
    "undefined",
    "true",
    "false",
    "string",
    "str",
    "text",
    "bytes",
    "number",
    "int",
    "boolean",
    "bool",
    "any",
    "unknown",
    "object",
    "optional",
    "required",
    "must",
    // The credentials of requests in browsers.
    "include",
    "omit",
    "same-origin",
];
/// What stands before an expression in code.
const BEFORE_CODE: &[&str] = &["await", "new", "async"];
/// What begins a reference to the name of a secret in code.
const REFERENCES: &[&str] = &["process.env.", "import.meta.env.", "this.", "self."];
/// What may stand between the parts of JSON.
pub(super) const BLANK: &[u8] = b" \t\r\n";
/// Quotes within quotes, within others: more levels are not distinguished.
const MOST_BACKSLASHES: usize = 7;
/// Names and code are not longer; what is longer is not searched for them.
const LONGEST_NAME: usize = 64;

/// Whether a value says that there is none, or is a type.
#[inline(never)]
pub(crate) fn is_no_value(text: &str) -> bool {
    NO_VALUES.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Finds the values of names that are a secret's, and of names that contain a vendor's.
pub(super) fn find(scan: &Scan<'_>, is_name: &dyn Fn(&str) -> bool, found: &mut Vec<Range<usize>>) {
    /// How far the `value` stands at most from a `name` with the name of a secret.
    const NEAR: usize = 128;
    let mut at = 0;
    let mut value_until = 0;
    while let Some(word) = scan.next_run(at, Alphabet::WORD) {
        at = word.end;
        let Some(named) = Named::at(scan, &word, is_name) else {
            continue;
        };
        let role = Role::of(named.name);
        if role == Role::Name {
            let start = named.start;
            let text = quoted(scan, start).unwrap_or_else(|| {
                start..start + scan.run_length(start, Alphabet::ANY, LONGEST_NAME + 1)
            });
            let is_secret = text.len() <= LONGEST_NAME && is_name(scan.slice(text.clone()));
            value_until = if is_secret { text.end + NEAR } else { 0 };
        }
        let is_value = role == Role::Value && word.start < value_until;
        let value = if is_value || is_name(named.name) {
            named.value()
        } else {
            named.vendors_value()
        };
        let is_none = |value: &Range<usize>| {
            value.is_empty()
                || (value.len() <= LONGEST_NAME && is_no_value(scan.slice(value.clone())))
        };
        if let Some(value) = value.filter(|value| !is_none(value)) {
            at = value.end;
            found.push(value);
        }
    }
}

/// What the name of a property says of its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the name of what the property `value` contains.
    Name,
    Value,
    Other,
}

impl Role {
    pub(crate) fn of(name: &str) -> Self {
        if name.eq_ignore_ascii_case("value") {
            Self::Value
        } else if ["name", "key"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        {
            Self::Name
        } else {
            Self::Other
        }
    }
}

/// How a value is set apart from its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `=` without spaces, as in shells and URLs.
    Tight,
    /// `=`, `:=`, the attribute `value=`, and the space in a `.netrc`.
    Equals,
    /// The space after `ENV NAME`, whose value is the rest of the line.
    Line,
    /// `=>`
    Arrow,
    /// `:`
    Colon,
    /// The space after an option.
    Space,
    /// The end of a tag.
    Tag,
}

/// A name with a value after it.
struct Named<'s, 't> {
    scan: &'s Scan<'t>,
    /// Whether a name is a secret's.
    is_name: &'s dyn Fn(&str) -> bool,
    name: &'t str,
    /// Where the name begins.
    begin: usize,
    quoted: bool,
    operator: Operator,
    /// Where the operator ends.
    after: usize,
    /// Where the value begins.
    start: usize,
}

impl<'s, 't> Named<'s, 't> {
    fn at(
        scan: &'s Scan<'t>,
        word: &Range<usize>,
        is_name: &'s dyn Fn(&str) -> bool,
    ) -> Option<Self> {
        let quote = Quote::at(scan, word.end);
        let mut end = word.end;
        if let Some(quote) = quote {
            if !quote.is_before(scan, word.start) {
                return None;
            }
            end += quote.length();
            // `settings["name"] = "value"`
            end += usize::from(scan.byte(end) == Some(b']'));
        }
        let spaced = scan.past_spaces(end);
        let byte = |offset: usize| scan.byte(spaced + offset);
        let (operator, length) = match byte(0)? {
            b'=' => match byte(1) {
                // A comparison, but for a name with two signs in one word.
                Some(b'=') if spaced == end && !matches!(byte(2), Some(b' ' | b'=')) => {
                    (Operator::Equals, 2)
                }
                Some(b'=' | b'~') => return None,
                Some(b'>') => (Operator::Arrow, 2),
                Some(b' ' | b'\t') => (Operator::Equals, 1),
                _ if spaced > word.end => (Operator::Equals, 1),
                _ => (Operator::Tight, 1),
            },
            b':' => match byte(1) {
                Some(b':') => return None,
                Some(b'=') => (Operator::Equals, 2),
                _ => (Operator::Colon, 1),
            },
            b'>' if quote.is_none() && scan.before(word.start) == Some(b'<') => (Operator::Tag, 1),
            // `<add key="name" value="value" />`
            b'v' if quote.is_some() && scan.starts(spaced, b"value=") => (Operator::Equals, 6),
            _ if quote.is_none() && spaced > end && scan.starts(word.start, b"--") => {
                (Operator::Space, 0)
            }
            _ if quote.is_none() && spaced > end => (statement(scan, word)?, 0),
            _ => return None,
        };
        let after = spaced + length;
        Some(Self {
            scan,
            is_name,
            name: scan.slice(word.clone()).trim_start_matches('-'),
            begin: word.start,
            quoted: quote.is_some(),
            operator,
            after,
            // In JSON a line may end here.
            start: match quote {
                Some(_) => scan.past(after, BLANK),
                None => scan.past_spaces(after),
            },
        })
    }

    /// The value, where the name is a secret's.
    fn value(&self) -> Option<Range<usize>> {
        let first = self.scan.byte(self.start)?;
        if self.operator == Operator::Tag {
            let value = self.after..self.scan.find_any(self.after, b"<\n\r");
            return self.scan.starts(value.end, b"</").then_some(value);
        }
        if let Some(value) = quoted(self.scan, self.start) {
            return Some(value);
        }
        if first == b'['
            && let Some(values) = self.list()
        {
            return Some(values);
        }
        // References, other lists and what was redacted before.
        if first == b'$' || (self.operator != Operator::Tight && matches!(first, b'[' | b'*')) {
            return None;
        }
        if self.operator == Operator::Colon && matches!(first, b'\n' | b'\r' | b'|' | b'>') {
            return self.next_lines();
        }
        match self.operator {
            Operator::Arrow | Operator::Tag => None,
            Operator::Tight => Some(self.run()).filter(|run| !self.is_count(run)),
            Operator::Equals => Some(self.run()).filter(|run| !self.is_code(run)),
            Operator::Line => Some(self.start..self.scan.find_any(self.start, b"\n\r")),
            Operator::Space if first == b'-' => None,
            Operator::Space => {
                let value = self.start..self.scan.find_any(self.start, b" \t\n\x0c\r");
                Some(value).filter(|value| !self.scan.is_word(value.clone()))
            }
            Operator::Colon => self.value_after_colon(),
        }
    }

    /// The texts of a list, from the first to the last.
    fn list(&self) -> Option<Range<usize>> {
        let mut values: Option<Range<usize>> = None;
        let mut at = self.start + 1;
        loop {
            at = self.scan.past(at, BLANK);
            let Some(value) = quoted(self.scan, at) else {
                return values;
            };
            let after = value.end + Quote::at(self.scan, value.end).map_or(0, Quote::length);
            let start = values.map_or(value.start, |values| values.start);
            values = Some(start..value.end);
            at = self.scan.past(after, BLANK);
            if self.scan.byte(at) != Some(b',') {
                return values;
            }
            at += 1;
        }
    }

    /// The lines after that of a name, as long as they are indented and no names: a text or a list of YAML.
    fn next_lines(&self) -> Option<Range<usize>> {
        if !begins_line(self.scan, self.begin) {
            return None;
        }
        let mut values: Option<Range<usize>> = None;
        let mut at = self.scan.find_any(self.start, b"\n");
        while at < self.scan.len() {
            let start = self.scan.past(at + 1, b" \t-");
            let end = self.scan.find_any(start, b"\r\n");
            let line = self.scan.slice(start..end);
            let is_name = line.ends_with(':') || line.contains(": ");
            if start == at + 1 || line.is_empty() || is_name {
                break;
            }
            values = Some(values.map_or(start, |values| values.start)..end);
            at = self.scan.find_any(end, b"\n");
        }
        values
    }

    /// In sentences colons follow words, and in code types follow colons.
    fn value_after_colon(&self) -> Option<Range<usize>> {
        if self.scan.is_bearer(self.start) {
            return None;
        }
        let spaced = self.start > self.after;
        if spaced && !self.quoted && is_header(self.name) {
            // It goes to the end of the line, or of the quotes that the header stands in.
            return Some(self.start..self.scan.find_any(self.start, b"\n\r\"'"));
        }
        let first = self.scan.byte(self.start);
        if !spaced && matches!(first, Some(b'/' | b'.' | b'\\')) {
            return None;
        }
        let run = self.run();
        if self.is_code(&run) {
            return None;
        }
        if spaced && begins_line(self.scan, self.begin) {
            let line = self.start..self.scan.find_any(self.start, b"\n\r");
            return Some(line).filter(|line| !self.is_sentence(line));
        }
        let is_secret = spaced && (self.quoted || is_compound(self.name));
        (is_secret || !self.scan.is_word(run.clone())).then_some(run)
    }

    /// The value, where the name contains that of a vendor and the value has the form of its secrets.
    fn vendors_value(&self) -> Option<Range<usize>> {
        if matches!(self.operator, Operator::Space | Operator::Tag) {
            return None;
        }
        let start = Quote::at(self.scan, self.start)
            .map_or(self.start, |quote| self.start + quote.length());
        let longest = rules::VENDORS.iter().map(|rule| rule.most).max()?;
        let length = self
            .scan
            .run_length(start, Alphabet::ANY, usize::from(longest) + 1);
        let value = start..start + length;
        let name = self
            .name
            .get(self.name.len().saturating_sub(LONGEST_NAME)..)?;
        let lower = |byte: u8| match byte.to_ascii_lowercase() {
            b'-' => '_',
            byte => char::from(byte),
        };
        let mut known = None;
        let is_vendors = |rule: &Vendors| {
            let fits = (usize::from(rule.least)..=usize::from(rule.most)).contains(&length)
                && self.scan.run_length(start, rule.alphabet, length) == length;
            fits && {
                let name: &String = known.get_or_insert_with(|| name.bytes().map(lower).collect());
                rule.names.split(' ').any(|vendor| name.contains(vendor))
            }
        };
        rules::VENDORS.iter().any(is_vendors).then_some(value)
    }

    /// The value without quotes.
    #[inline(never)]
    fn run(&self) -> Range<usize> {
        const ENDS: &[u8] = b" \t\n\x0c\r\"'`&;,|()<>{}";
        let end = self.scan.find_any(self.start, ENDS);
        // The quotes may be escaped.
        let quoted = matches!(self.scan.byte(end), Some(b'"' | b'\''));
        let value = if quoted {
            self.scan.slice(self.start..end)
        } else {
            ""
        };
        self.start..end - (value.len() - value.trim_end_matches('\\').len())
    }

    /// A number so short that it counts something.
    fn is_count(&self, run: &Range<usize>) -> bool {
        const SHORT: usize = 6;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        run.len() < SHORT && digits(self.scan.slice(run.clone()))
    }

    /// Whether a line says what a token is. Tokens are not made of words, as passwords may be.
    fn is_sentence(&self, line: &Range<usize>) -> bool {
        let of_words = |byte: u8| byte.is_ascii_lowercase() || !byte.is_ascii() || byte == b' ';
        let text = self.scan.slice(line.clone());
        self.name.eq_ignore_ascii_case("token")
            && text.bytes().filter(|&byte| byte == b' ').count() > 1
            && text.bytes().all(of_words)
    }

    /// Whether an unquoted value is an expression or a type.
    fn is_code(&self, run: &Range<usize>) -> bool {
        if run.len() > LONGEST_NAME {
            return false;
        }
        let text = self.scan.slice(run.clone());
        let mut end = run.end;
        if BEFORE_CODE.contains(&text) {
            let next = self.scan.past_spaces(end);
            end = next + self.scan.run_length(next, Alphabet::DOTTED, LONGEST_NAME);
        }
        self.is_count(run)
            || text.ends_with(['[', ']'])
            || matches!(self.scan.byte(end), Some(b'(' | b'<'))
            || is_no_value(text)
            || ((self.is_name)(text) && REFERENCES.iter().any(|begin| text.starts_with(begin)))
    }
}

/// Whether nothing stands before a place on its line but what marks an item.
#[inline(never)]
fn begins_line(scan: &Scan<'_>, mut at: usize) -> bool {
    while let Some(byte) = scan.before(at) {
        match byte {
            b' ' | b'\t' | b'-' | b'+' => at -= 1,
            b'\n' | b'\r' => return true,
            _ => return false,
        }
    }
    true
}

/// How a word is set apart from its value, if it is a name before a space: `ENV NAME value` in a Dockerfile,
/// or `login user password value` in a `.netrc`.
fn statement(scan: &Scan<'_>, word: &Range<usize>) -> Option<Operator> {
    const ENV: &str = "ENV ";
    if let Some(env) = word.start.checked_sub(ENV.len())
        && scan.starts(env, ENV.as_bytes())
    {
        return begins_line(scan, env).then_some(Operator::Line);
    }
    if scan.slice(word.clone()) != "password" {
        return None;
    }
    // The word before a place. Of long ones and of much space only a part is looked at.
    let before = |from: usize| {
        let past = |mut at: usize, blank: bool| {
            let least = at.saturating_sub(LONGEST_NAME);
            while at > least
                && scan
                    .before(at)
                    .is_some_and(|byte| BLANK.contains(&byte) == blank)
            {
                at -= 1;
            }
            at
        };
        let end = past(from, true);
        past(end, false)..end
    };
    let mut at = word.start;
    // `login` and `account`, in any order, each with a value.
    for pairs in 0..3 {
        let value = before(at);
        let name = before(value.start);
        at = name.start;
        match scan.slice(name) {
            "login" | "account" => {}
            "machine" if pairs > 0 || begins_line(scan, at) => return Some(Operator::Equals),
            _ if pairs > 0 && scan.slice(value) == "default" => return Some(Operator::Equals),
            _ => break,
        }
    }
    None
}

/// Whether a name is written as those of HTTP are. In sentences colons follow words.
pub(crate) fn is_header(name: &str) -> bool {
    name.contains('-')
        || ["authorization", "cookie"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a name is made of several words, as those of sentences are not.
fn is_compound(name: &str) -> bool {
    let lower = |byte: &u8| byte.is_ascii_lowercase();
    let bytes = name.as_bytes();
    name.contains('_')
        || bytes
            .iter()
            .zip(bytes.iter().skip(1))
            .any(|(before, byte)| lower(before) && byte.is_ascii_uppercase())
}

/// A quote, with the backslashes that it has in a text that is quoted itself.
#[derive(Clone, Copy)]
pub(super) struct Quote {
    backslashes: usize,
    quote: u8,
}

impl Quote {
    pub(super) fn at(scan: &Scan<'_>, at: usize) -> Option<Self> {
        let mut backslashes = 0;
        while scan.byte(at + backslashes) == Some(b'\\') {
            backslashes += 1;
            if backslashes > MOST_BACKSLASHES {
                return None;
            }
        }
        let quote = scan.byte(at + backslashes)?;
        matches!(quote, b'"' | b'\'').then_some(Self { backslashes, quote })
    }

    pub(super) fn length(self) -> usize {
        self.backslashes + 1
    }

    /// Where the text ends that it begins, before the same quote.
    pub(super) fn end(self, scan: &Scan<'_>, from: usize) -> usize {
        scan.quote_end(from, self.quote, self.backslashes)
    }

    /// Whether the same stands before a place.
    fn is_before(self, scan: &Scan<'_>, at: usize) -> bool {
        let Some(start) = at.checked_sub(self.length()) else {
            return false;
        };
        let escaped = || (start..at - 1).all(|at| scan.byte(at) == Some(b'\\'));
        scan.before(at) == Some(self.quote) && escaped()
    }
}

/// The inside of a quoted value, whose quotes may follow a letter, as in `b"..."`.
#[inline(never)]
pub(super) fn quoted(scan: &Scan<'_>, start: usize) -> Option<Range<usize>> {
    let quote = Quote::at(scan, start);
    let (start, quote) = match quote {
        Some(quote) => (start, quote),
        None if b"bBrRfFuU@$".contains(&scan.byte(start)?) => {
            (start + 1, Quote::at(scan, start + 1)?)
        }
        None => return None,
    };
    let start = start + quote.length();
    Some(start..quote.end(scan, start))
}

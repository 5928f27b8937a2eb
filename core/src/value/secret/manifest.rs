//! The values of a Secret of Kubernetes, in YAML and JSON. Its names tell nothing, and what is in base 64 has
//! no form of its own, so all of the manifest's data is secret.

use std::ops::Range;

use super::named::{BLANK, Quote};
use super::scan::{Alphabet, Scan};

const KIND: &str = "kind";
const SECRET: &str = "Secret";
const DATA: &[&str] = &["data", "stringData"];

/// Finds the values of the data in a text that contains a Secret. They may stand before its kind.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
    if !has_secret(scan) {
        return;
    }
    let mut at = 0;
    while let Some(word) = scan.next_run(at, Alphabet::WORD) {
        at = word.end;
        if !DATA.contains(&scan.slice(word.clone())) {
            continue;
        }
        let quote = Quote::at(scan, word.end).map_or(0, Quote::length);
        let colon = scan.past_spaces(word.end + quote);
        if scan.byte(colon) != Some(b':') {
            continue;
        }
        let start = scan.past(colon + 1, BLANK);
        at = match scan.byte(start) {
            Some(b'{') => in_braces(scan, start + 1, found),
            _ => in_lines(scan, &word, colon + 1, found),
        };
    }
}

/// Whether the text contains `kind: Secret`.
fn has_secret(scan: &Scan<'_>) -> bool {
    let mut at = 0;
    while let Some(kind) = scan.find(at, KIND) {
        at = kind + KIND.len();
        let value = scan.past(at, b"\"'\\: ");
        let after = scan.byte(value + SECRET.len());
        if value > at
            && scan.starts(value, SECRET.as_bytes())
            && !after.is_some_and(|byte| Alphabet::WORD.contains(byte))
        {
            return true;
        }
        at = value;
    }
    false
}

/// The values of a JSON object. Returns where it has been searched to.
fn in_braces(scan: &Scan<'_>, from: usize, found: &mut Vec<Range<usize>>) -> usize {
    let mut at = from;
    loop {
        let mut texts = [0..0, 0..0];
        for (text, before) in texts.iter_mut().zip([b',', b':']) {
            at = scan.past(at, BLANK);
            if scan.byte(at) == Some(before) {
                at = scan.past(at + 1, BLANK);
            }
            let Some(quote) = Quote::at(scan, at) else {
                return at;
            };
            let start = at + quote.length();
            *text = start..quote.end(scan, start);
            at = text.end + quote.length();
        }
        let [_, value] = texts;
        if !value.is_empty() {
            found.push(value);
        }
    }
}

/// The values in the lines of YAML that are indented further than that of a name. Returns where the
/// first other line begins.
fn in_lines(
    scan: &Scan<'_>,
    name: &Range<usize>,
    from: usize,
    found: &mut Vec<Range<usize>>,
) -> usize {
    let mut indent = 0;
    while scan
        .before(name.start - indent)
        .is_some_and(|byte| matches!(byte, b' ' | b'-'))
    {
        indent += 1;
    }
    let begins_line = matches!(scan.before(name.start - indent), None | Some(b'\r' | b'\n'));
    if !begins_line {
        return from;
    }
    let mut at = past_line(scan, from);
    while at < scan.len() {
        let start = scan.past_spaces(at);
        let end = scan.find_any(start, b"\r\n");
        if start < end {
            if start - at <= indent {
                break;
            }
            // A text of several lines goes on where there is no name.
            let name = scan.run_end(start, Alphabet::ANY);
            let value = match scan.byte(name) {
                Some(b':') => scan.past_spaces(name + 1).min(end)..end,
                _ => start..end,
            };
            if !value.is_empty() {
                found.push(value);
            }
        }
        at = past_line(scan, end);
    }
    at
}

fn past_line(scan: &Scan<'_>, from: usize) -> usize {
    (scan.find_any(from, b"\n") + 1).min(scan.len())
}

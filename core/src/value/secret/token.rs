//! Keys and tokens that are recognised wherever they stand, by the [rules] of many vendors.

use std::ops::Range;

use super::rules::{self, Joint, OPEN, Token};
use super::scan::{Alphabet, Scan};

/// The beginnings of the first two parts of a JSON web token: `{"` in base 64.
const WEB_TOKEN: &[u8] = b"eyJ";

/// Finds tokens. What belongs to one goes to the end of its word.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    // No word before this place contains a digit from where it was searched.
    let mut digitless = 0;
    while let Some(word) = scan.next_run(at, Alphabet::WORD) {
        at = word.end;
        let mut web_token = None;
        let mut place = word.start;
        while place < word.end {
            if let Some(end) = token_end(scan, place, &mut digitless) {
                found.push(place..end);
                at = at.max(end);
                break;
            }
            if web_token.is_none() && scan.starts(place, WEB_TOKEN) {
                web_token = Some(place);
            }
            place = next_beginning(scan, place, word.end);
        }
        if let Some(start) = web_token
            && let Some(end) = web_token_end(scan, word.end)
        {
            found.push(start..end);
            at = at.max(end);
        }
        let mut joints = rules::JOINTS.iter();
        if let Some(secret) = joints.find_map(|joint| joined(scan, &word, joint)) {
            at = at.max(secret.end);
            found.push(secret);
        }
    }
}

/// The next place in a word where a token may begin: not within letters and digits, unless these are an
/// escape's.
fn next_beginning(scan: &Scan<'_>, from: usize, end: usize) -> usize {
    let mut at = from + 1;
    while at < end && within(scan, at) {
        at += 1;
    }
    at
}

fn within(scan: &Scan<'_>, at: usize) -> bool {
    let back = |length: usize| at.checked_sub(length).and_then(|at| scan.byte(at));
    match back(1) {
        Some(b'n' | b'r' | b't') if back(2) == Some(b'\\') => false,
        Some(before) if before.is_ascii_alphanumeric() => {
            let unicode = back(6) == Some(b'\\') && back(5) == Some(b'u');
            !unicode && back(3) != Some(b'%')
        }
        _ => false,
    }
}

/// Where the token ends that begins at a place.
fn token_end(scan: &Scan<'_>, place: usize, digitless: &mut usize) -> Option<usize> {
    let first = scan.byte(place)?;
    rules::TOKENS
        .beginning_with(first)
        .filter(|token| scan.starts(place, token.prefix))
        .find_map(|token| end_of(scan, place, &token, digitless))
}

fn end_of(scan: &Scan<'_>, place: usize, token: &Token, digitless: &mut usize) -> Option<usize> {
    if token.digit && place < *digitless {
        return None;
    }
    let start = place + token.prefix.len();
    let least = usize::from(token.least);
    let most = usize::from(token.most);
    let looked_at = if token.most == OPEN { least } else { most + 1 };
    let length = scan.run_length(start, token.alphabet, looked_at);
    if length < least {
        return None;
    }
    let end = start + length;
    let goes_on = || {
        scan.byte(end)
            .is_some_and(|byte| Alphabet::WORD.contains(byte))
    };
    if token.most != OPEN && (length > most || goes_on()) {
        return None;
    }
    let end = scan.run_end(end, token.alphabet.and(Alphabet::WORD));
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    if token.digit && !has_digit(scan.slice(start..end)) {
        *digitless = end;
        return None;
    }
    Some(end)
}

/// Where a web token ends whose first part ends at `at`.
fn web_token_end(scan: &Scan<'_>, at: usize) -> Option<usize> {
    let part = |at: usize| {
        let end = scan.run_end(at + 1, Alphabet::WORD);
        (scan.byte(at) == Some(b'.') && end > at + 1).then_some(end)
    };
    if !scan.starts(at + 1, WEB_TOKEN) {
        return None;
    }
    let claims = part(at)?;
    Some(part(claims).unwrap_or(claims))
}

/// The secret that a word is a part of.
fn joined(scan: &Scan<'_>, word: &Range<usize>, joint: &Joint) -> Option<Range<usize>> {
    let (alphabet, least, most) = joint.before;
    let lengths = usize::from(least)..=usize::from(most);
    let (after, count) = (joint.after.0, usize::from(joint.after.1));
    let start = word.end + joint.joint.len();
    let fits = lengths.contains(&word.len())
        && scan.starts(word.end, joint.joint.as_bytes())
        && scan.starts(word.end - joint.ending.len(), joint.ending.as_bytes())
        && scan.run_length(start, after, count) == count
        && scan
            .slice(word.clone())
            .bytes()
            .all(|byte| alphabet.contains(byte));
    fits.then(|| word.start..scan.run_end(start, after.and(Alphabet::WORD)))
}

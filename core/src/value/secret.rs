//! What a secret looks like: the names that secrets go by, and the forms by which well-known ones
//! are recognised wherever they stand. It only says where a secret is; [`redact`](crate::value::redact)
//! takes it out. All matching is by hand, so that its time grows with the text's length and no faster, and
//! the WebAssembly build stays small: a place that was searched to its end is not searched again.

mod login;
mod manifest;
mod named;
mod open_key;
mod rules;
mod scan;
mod token;

use std::ops::Range;

pub(crate) use login::{Login, in_argument};
pub(crate) use named::{Role, is_header, is_no_value};
pub(crate) use open_key::OpenKey;
use open_key::{KEY_END, KEY_FILE_END};
use scan::{Alphabet, Scan};

/// Names that end in one of these, as a word or as the end of one (`PGPASSWORD`), are a secret's.
const ENDINGS: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "credential",
    "credentials",
    "authorization",
    "apikey",
    "apikeys",
    "accesskey",
    "privatekey",
    "secretkey",
    "signingkey",
    "encryptionkey",
    "authkey",
    "clientkey",
];

/// Names whose last word is one of these. Others end in them by chance, as `OLDPWD` does.
const WORDS: &[&str] = &[
    "pwd", "pass", "pw", "passcode", "creds", "cookie", "cookies",
];

/// What makes keys and tokens secret, where `key` or `tokens` is the word that follows. Other `tokens` are
/// those of models and parsers, which are counted.
const KEYS: &[&str] = &[
    "api",
    "access",
    "private",
    "secret",
    "signing",
    "encryption",
    "auth",
    "client",
    "master",
    "ssh",
    "account",
    "admin",
    "app",
    "application",
    "consumer",
    "crypto",
    "deploy",
    "hmac",
    "jwt",
    "license",
    "role",
    "security",
    "service",
    "shared",
    "storage",
    "subscription",
    "webhook",
];

/// What makes a signature secret, where `signature` is the word that follows: it grants access.
const SIGNATURES: &[&str] = &["access", "amz", "goog"];

/// Words after a name that say only how its value is written, or where it is used.
const FORMS: &[&str] = &[
    "value",
    "pem",
    "base",
    "prod",
    "production",
    "staging",
    "live",
    "old",
    "new",
];

/// Whether a secret is kept under this name.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let words = last_words(name);
    let [first, second, third] = words.each_ref().map(String::as_str);
    let (before, last) = if FORMS.contains(&third) {
        (first, second)
    } else {
        (second, third)
    };
    ENDINGS.iter().any(|ending| last.ends_with(ending))
        || WORDS.contains(&last)
        || (matches!(last, "key" | "keys" | "tokens") && KEYS.contains(&before))
        || (last == "signature" && SIGNATURES.contains(&before))
}

/// The last three words of a name in camel, snake or kebab case, in lower case. Digits set words
/// apart as dashes do: `password2` is a password.
fn last_words(name: &str) -> [String; 3] {
    let mut words = [String::new(), String::new(), String::new()];
    let mut before = '-';
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_ascii_alphabetic() {
            let lower_next = chars.peek().is_some_and(char::is_ascii_lowercase);
            let begins = !before.is_ascii_alphabetic()
                || (c.is_ascii_uppercase() && (before.is_ascii_lowercase() || lower_next));
            if begins {
                words.rotate_left(1);
                words[2].clear();
            }
            words[2].push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words
}

/// Where the data of manifests stands.
pub(crate) fn manifests(text: &str, found: &mut Vec<Range<usize>>) {
    manifest::find(&Scan::new(text), found);
}

/// Where the insides of private keys stand, which run over many words. A key that was cut off is a secret,
/// too; `open` is one that goes on from the text before, and in the next one.
pub(crate) fn key_blocks(text: &str, open: &mut OpenKey, found: &mut Vec<Range<usize>>) {
    scan_key_blocks(&Scan::new(text), open, found);
}

fn scan_key_blocks(scan: &Scan<'_>, open: &mut OpenKey, found: &mut Vec<Range<usize>>) {
    open.go_on(scan, found);
    key_files(scan, open, found);
    pem_blocks(scan, open, found);
}

/// The private part of a key file of PuTTY, whose lines are counted.
fn key_files(scan: &Scan<'_>, open: &mut OpenKey, found: &mut Vec<Range<usize>>) {
    const BEGIN: &str = "Private-Lines: ";
    let mut at = 0;
    let mut end = Some(0);
    while let Some(begin) = scan.find(at, BEGIN) {
        let count = begin + BEGIN.len();
        at = scan.run_end(count, Alphabet::DIGITS);
        if at > count {
            at = key_inside(scan, at, [BEGIN, KEY_FILE_END], &mut end, open, found);
        }
    }
}

fn pem_blocks(scan: &Scan<'_>, open: &mut OpenKey, found: &mut Vec<Range<usize>>) {
    const BEGIN: &str = "-----BEGIN ";
    const DASHES: &str = "-----";
    const LONGEST_LABEL: usize = 64;
    let mut at = 0;
    let mut end = Some(0);
    while let Some(begin) = scan.find(at, BEGIN) {
        at = begin + BEGIN.len();
        let Some(dashes) = scan.find(at, DASHES) else {
            return;
        };
        // A label contains no redacted part; otherwise redaction might produce one.
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
        let length = dashes - at;
        let label = scan.slice(at..at + length.min(LONGEST_LABEL));
        let is_label = length <= LONGEST_LABEL && label.bytes().all(plain);
        if is_label && label.contains("PRIVATE KEY") {
            let inside = dashes + DASHES.len();
            at = key_inside(scan, inside, [BEGIN, KEY_END], &mut end, open, found);
        }
    }
}

/// The inside of a key, up to its end, or what looks like it up to the next one if it has none. An end that
/// is `None` has been searched for. Returns where the inside ends.
#[inline(never)]
fn key_inside(
    scan: &Scan<'_>,
    inside: usize,
    [begin_mark, end_mark]: [&str; 2],
    end: &mut Option<usize>,
    open: &mut OpenKey,
    found: &mut Vec<Range<usize>>,
) -> usize {
    if end.is_some() {
        *end = scan.find(inside, end_mark);
    }
    let Some(end) = *end else {
        let next = scan.find(inside, begin_mark).unwrap_or(scan.len());
        open.begin();
        return open.find(scan, inside..next, found);
    };
    if end > inside {
        found.push(inside..end);
    }
    end
}

/// Where tokens, passwords in URLs, what follows `Bearer` and what follows a secret's name stand.
pub(crate) fn forms(text: &str, is_name: &dyn Fn(&str) -> bool, found: &mut Vec<Range<usize>>) {
    scan_forms(&Scan::new(text), is_name, found);
}

fn scan_forms(scan: &Scan<'_>, is_name: &dyn Fn(&str) -> bool, found: &mut Vec<Range<usize>>) {
    token::find(scan, found);
    bearers(scan, found);
    url_passwords(scan, found);
    login::find(scan, found);
    named::find(scan, is_name, found);
}

/// Whether an item of a list is made of what names are made of.
pub(crate) fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| Alphabet::DOTTED.contains(byte))
}

/// Whether an item after the name of a secret may be another name, as in a list of columns.
pub(crate) fn is_plain_name(text: &str) -> bool {
    const LONGEST: usize = 19;
    text.len() <= LONGEST && is_name(text) && !text.bytes().any(|byte| byte.is_ascii_digit())
}

/// What follows `Bearer` and looks like no word of a sentence.
fn bearers(scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(word) = scan.next_run(at, Alphabet::ALPHANUMERIC) {
        at = word.end;
        if !scan.is_bearer(word.start) {
            continue;
        }
        let start = word.end + 1;
        let end = scan.run_end(start, Alphabet::ANY);
        if end > start && !scan.is_word(start..end) {
            found.push(start..end);
            at = end;
        }
    }
}

/// The passwords of `scheme://user:password@host`, and users that are tokens.
fn url_passwords(scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
    const AFTER_SCHEME: &str = "://";
    const ENDS: &[u8] = b" \t\n\x0c\r/?#\"'`<>\\";
    let mut at = 0;
    while let Some(scheme_end) = scan.find(at, AFTER_SCHEME) {
        let start = scheme_end + AFTER_SCHEME.len();
        at = start;
        let scheme = scan.before(scheme_end);
        let authority = scan.slice(start..scan.find_any(start, ENDS));
        if let Some((user, _)) = authority.rsplit_once('@')
            && scheme.is_some_and(|byte| byte.is_ascii_alphanumeric())
        {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            let end = start + name.len();
            if is_random(name) {
                found.push(start..end);
            }
            if !password.is_empty() {
                found.push(end + 1..end + 1 + password.len());
            }
        }
    }
}

/// Whether a text has the length and the characters of a token, and is no name of a user.
fn is_random(text: &str) -> bool {
    const SHORTEST: usize = 16;
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    text.len() >= SHORTEST
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && text.bytes().all(|byte| Alphabet::WORD.contains(byte))
}

/// Whether a text is what a pattern says, in which `*` stands for any text. Capital and small ASCII
/// letters are the same.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.as_bytes().split(|&byte| byte == b'*').peekable();
    let mut rest = text.as_bytes();
    let mut first = true;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let place = match (first, last) {
            (true, true) => return rest.eq_ignore_ascii_case(part),
            (true, false) => 0,
            (false, true) => match rest.len().checked_sub(part.len()) {
                Some(place) => place,
                None => return false,
            },
            (false, false) => {
                let mut windows = rest.windows(part.len().max(1));
                match windows
                    .position(|window| part.is_empty() || window.eq_ignore_ascii_case(part))
                {
                    Some(place) => place,
                    // Nothing is found in nothing, but nothing is.
                    None if part.is_empty() => 0,
                    None => return false,
                }
            }
        };
        let Some(here) = rest.get(place..place + part.len()) else {
            return false;
        };
        if !here.eq_ignore_ascii_case(part) {
            return false;
        }
        rest = rest.get(place + part.len()..).unwrap_or_default();
        first = false;
    }
    true
}

#[cfg(test)]
mod tests;

//! What a secret looks like: the names that secrets go by, and the forms by which well-known ones
//! are recognised wherever they stand. It only says where a secret is; [`redact`](crate::value::redact)
//! takes it out. All matching is by hand and in one pass, so that its time grows with the text's
//! length and the WebAssembly build stays small.

use std::ops::Range;

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
const WORDS: &[&str] = &["pwd", "cookie", "cookies"];

/// What makes a key secret, where `key` is the word that follows.
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
];

/// Words after a name that say only how its value is written.
const FORMS: &[&str] = &["value", "pem"];

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
        || (matches!(last, "key" | "keys") && KEYS.contains(&before))
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

/// Where the insides of private keys stand, which run over many words.
pub(crate) fn key_blocks(text: &str, found: &mut Vec<Range<usize>>) {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    const DASHES: &str = "-----";
    const LONGEST_LABEL: usize = 64;
    let mut at = 0;
    while let Some(begin) = find_from(text, at, BEGIN) {
        at = begin + BEGIN.len();
        let Some(dashes) = find_from(text, at, DASHES) else {
            return;
        };
        let label = text.get(at..dashes).unwrap_or_default();
        // A label contains no redacted part; otherwise redaction might produce one.
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
        let is_label = label.len() <= LONGEST_LABEL && label.bytes().all(plain);
        if !is_label || !label.contains("PRIVATE KEY") {
            continue;
        }
        let inside = dashes + DASHES.len();
        // One that was cut off before its end is a secret too.
        at = find_from(text, inside, END).unwrap_or(text.len());
        found.push(inside..at);
    }
}

/// Where tokens, passwords in URLs, what follows `Bearer` and what follows a secret's name stand.
pub(crate) fn forms(text: &str, is_name: &dyn Fn(&str) -> bool, found: &mut Vec<Range<usize>>) {
    tokens(text, found);
    bearers(text, found);
    url_passwords(text, found);
    named(text, is_name, found);
}

/// How a kind of token begins, and what has to follow.
struct Kind {
    prefix: &'static str,
    rest: Rest,
}

enum Rest {
    /// At least so many letters, digits, `-` and `_`.
    AtLeast(usize),
    /// The same, with a digit: words begin so too.
    WithDigit(usize),
    /// At least so many letters and digits, and then nothing else.
    OnlyAlphanumeric(usize),
    /// Exactly so many capital letters and digits.
    Capitals(usize),
}

const KINDS: &[Kind] = &[
    kind("ghp_", Rest::AtLeast(8)),
    kind("gho_", Rest::AtLeast(8)),
    kind("ghs_", Rest::AtLeast(8)),
    kind("ghu_", Rest::AtLeast(8)),
    kind("ghr_", Rest::AtLeast(8)),
    kind("github_pat_", Rest::AtLeast(8)),
    kind("glpat-", Rest::AtLeast(8)),
    kind("xoxa-", Rest::AtLeast(8)),
    kind("xoxb-", Rest::AtLeast(8)),
    kind("xoxp-", Rest::AtLeast(8)),
    kind("xoxr-", Rest::AtLeast(8)),
    kind("xoxs-", Rest::AtLeast(8)),
    kind("sk_live_", Rest::AtLeast(8)),
    kind("rk_live_", Rest::AtLeast(8)),
    kind("sk-", Rest::WithDigit(16)),
    kind("AIza", Rest::AtLeast(30)),
    kind("npm_", Rest::OnlyAlphanumeric(30)),
    kind("hf_", Rest::OnlyAlphanumeric(30)),
    kind("AKIA", Rest::Capitals(16)),
    kind("ASIA", Rest::Capitals(16)),
];

const fn kind(prefix: &'static str, rest: Rest) -> Kind {
    Kind { prefix, rest }
}

impl Kind {
    /// Whether a word goes on so; `digits` says whether digits are in what is left of it.
    fn begins(&self, text: &str, digits: bool) -> bool {
        let Some(rest) = text.strip_prefix(self.prefix) else {
            return false;
        };
        let length = rest.len();
        let bytes = rest.as_bytes();
        let alphanumeric = || bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric());
        match self.rest {
            Rest::AtLeast(least) => length >= least,
            Rest::WithDigit(least) => length >= least && digits,
            Rest::OnlyAlphanumeric(least) => length >= least && alphanumeric().count() == length,
            Rest::Capitals(count) => {
                // One more is counted at most: it has to be the last.
                alphanumeric().take(count + 1).count() == count
                    && bytes
                        .iter()
                        .take(count)
                        .all(|byte| !byte.is_ascii_lowercase())
            }
        }
    }
}

/// The beginnings of the first two parts of a JSON web token: `{"` in base 64.
const WEB_TOKEN: &str = "eyJ";

/// Tokens stand in runs of letters, digits, `-` and `_`; what belongs to one goes to the run's end.
fn tokens(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(run) = next_run(text, at, is_token_byte) {
        at = run.end;
        let word = text.get(run.clone()).unwrap_or_default();
        let last_digit = word.bytes().rposition(|byte| byte.is_ascii_digit());
        let begins = |&start: &usize| begins_token(word, start, last_digit);
        if let Some(start) = beginnings(word).find(begins) {
            found.push(run.start + start..run.end);
        }
        if let Some(end) = web_token_end(text, run.end)
            && let Some(start) = beginnings(word).find(|&start| starts_at(word, start, WEB_TOKEN))
        {
            found.push(run.start + start..end);
        }
    }
}

fn begins_token(word: &str, start: usize, last_digit: Option<usize>) -> bool {
    let digits = last_digit.is_some_and(|last| last >= start);
    let rest = word.get(start..).unwrap_or_default();
    // Their prefixes begin with few letters; most words are done with here.
    matches!(
        rest.as_bytes().first(),
        Some(b'g' | b'x' | b's' | b'r' | b'A' | b'n' | b'h')
    ) && KINDS.iter().any(|kind| kind.begins(rest, digits))
}

/// Where a token may begin in a word: not within letters and digits.
fn beginnings(word: &str) -> impl Iterator<Item = usize> {
    let mut within = false;
    word.bytes().enumerate().filter_map(move |(at, byte)| {
        let begins = !within;
        within = byte.is_ascii_alphanumeric();
        begins.then_some(at)
    })
}

/// Where a web token ends whose first part ends at `at`.
fn web_token_end(text: &str, at: usize) -> Option<usize> {
    let part = |at: usize| {
        let rest = text.get(at..)?.strip_prefix('.')?;
        let length = rest.bytes().take_while(|&byte| is_token_byte(byte)).count();
        (length > 0).then_some(at + 1 + length)
    };
    if !starts_at(text, at + 1, WEB_TOKEN) {
        return None;
    }
    let claims = part(at)?;
    Some(part(claims).unwrap_or(claims))
}

/// What follows `Bearer` and looks like no word of a sentence.
fn bearers(text: &str, found: &mut Vec<Range<usize>>) {
    const BEARER: &[u8] = b"bearer";
    let bytes = text.as_bytes();
    let mut within = false;
    for (at, &byte) in bytes.iter().enumerate() {
        let begins = !within && matches!(byte, b'b' | b'B');
        within = byte.is_ascii_alphanumeric();
        if !begins {
            continue;
        }
        let end = at + BEARER.len();
        let named = bytes
            .get(at..end)
            .is_some_and(|word| word.eq_ignore_ascii_case(BEARER));
        if !named || bytes.get(end) != Some(&b' ') {
            continue;
        }
        let start = end + 1;
        let Some(run) = next_run(text, start, is_bearer_byte).filter(|run| run.start == start)
        else {
            continue;
        };
        if !is_word(text.get(run.clone()).unwrap_or_default()) {
            found.push(run);
        }
    }
}

/// Whether a text looks like a word of a sentence, and not like a secret.
fn is_word(text: &str) -> bool {
    const SHORT: usize = 6;
    const LONGEST: usize = 15;
    text.len() < SHORT
        || (text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// What a name before it tells: `NAME=value`, `"name": "value"`, `Some-Name: value`, `--name value`.
fn named(text: &str, is_name: &dyn Fn(&str) -> bool, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(run) = next_run(text, at, is_token_byte) {
        at = run.end;
        let option = text.get(run.clone()).unwrap_or_default();
        let name = option.trim_start_matches('-');
        let rest = text.get(run.end..).unwrap_or_default();
        let before = text
            .get(..run.start)
            .and_then(|before| before.bytes().last());
        // How a value is set apart from its name; names are looked at only where one may follow.
        let start = match rest.as_bytes() {
            [b'=', b'=' | b'>' | b'$', ..] => None,
            [b'=', ..] => Some(1),
            [quote @ (b'"' | b'\''), ..] if before == Some(*quote) => quoted_value(rest),
            [b':', b' ', ..] if is_header(name) => Some(1),
            [b' ', b'-' | b'$', ..] => None,
            [b' ', ..] if option.starts_with("--") => Some(1),
            _ => None,
        };
        let Some(start) = start.filter(|_| is_name(name)) else {
            continue;
        };
        let rest = rest.get(start..).unwrap_or_default();
        let value = match (rest.as_bytes().first(), text.as_bytes().get(run.end)) {
            (_, Some(b':')) => header_value(rest),
            (Some(quote @ (b'"' | b'\'')), _) => 1..1 + up_to_quote(rest, *quote),
            (_, Some(b' ')) => {
                let word = rest.split_ascii_whitespace().next().unwrap_or_default();
                let beside = is_word(word) || !rest.starts_with(word);
                0..if beside { 0 } else { word.len() }
            }
            _ => {
                0..rest
                    .bytes()
                    .position(|byte| {
                        byte.is_ascii_whitespace() || b"\"'`&;,|()<>{}".contains(&byte)
                    })
                    .unwrap_or(rest.len())
            }
        };
        if !value.is_empty() {
            let begin = run.end + start;
            at = begin + value.end;
            found.push(begin + value.start..at);
        }
    }
}

/// Where a quoted value begins after a quoted name and a colon.
fn quoted_value(rest: &str) -> Option<usize> {
    let after = rest.get(1..)?.trim_start_matches(' ').strip_prefix(':')?;
    let value = after.trim_start_matches(' ');
    value
        .starts_with(['"', '\''])
        .then(|| rest.len() - value.len())
}

/// Where the quote ends that a text begins with.
fn up_to_quote(text: &str, quote: u8) -> usize {
    let mut escaped = false;
    let inside = text.as_bytes().iter().skip(1);
    let end = inside.clone().position(|&byte| {
        let ends = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(inside.len())
}

/// Whether a name is written as those of HTTP are. In sentences colons follow words.
fn is_header(name: &str) -> bool {
    name.contains('-')
        || ["authorization", "cookie"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

/// A header's value goes to the end of its line, or of the quotes that it stands in. What follows
/// `Bearer` is a form of its own.
fn header_value(rest: &str) -> Range<usize> {
    const BEARER: &[u8] = b"bearer ";
    let start = rest.len() - rest.trim_start_matches(' ').len();
    let ends = |byte: u8| matches!(byte, b'\n' | b'\r' | b'"' | b'\'');
    let length = rest.bytes().skip(start).position(ends);
    let value = start..length.map_or(rest.len(), |length| start + length);
    let first = rest.as_bytes().get(start..start + BEARER.len());
    if first.is_some_and(|first| first.eq_ignore_ascii_case(BEARER)) {
        return 0..0;
    }
    value
}

/// The passwords of `scheme://user:password@host`.
fn url_passwords(text: &str, found: &mut Vec<Range<usize>>) {
    const AFTER_SCHEME: &str = "://";
    let ends = |byte: u8| byte.is_ascii_whitespace() || b"/?#\"'`<>\\".contains(&byte);
    let mut at = 0;
    while let Some(scheme_end) = find_from(text, at, AFTER_SCHEME) {
        let start = scheme_end + AFTER_SCHEME.len();
        at = start;
        let named = text
            .get(..scheme_end)
            .and_then(|before| before.bytes().last());
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.bytes().position(ends).unwrap_or(rest.len());
        let user = rest
            .get(..length)
            .and_then(|authority| authority.rsplit_once('@'));
        if let Some((user, _)) = user
            && let Some((name, password)) = user.split_once(':')
            && named.is_some_and(|byte| byte.is_ascii_alphanumeric())
            && !password.is_empty()
        {
            let start = start + name.len() + 1;
            found.push(start..start + password.len());
        }
    }
}

/// The next run of bytes of a kind. The bytes are ASCII, so that a run is a piece of text.
fn next_run(text: &str, from: usize, belongs: fn(u8) -> bool) -> Option<Range<usize>> {
    let rest = text.as_bytes().get(from..)?;
    let start = rest.iter().position(|&byte| belongs(byte))?;
    let run = rest.get(start..)?;
    let length = run
        .iter()
        .position(|&byte| !belongs(byte))
        .unwrap_or(run.len());
    Some(from + start..from + start + length)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_bearer_byte(byte: u8) -> bool {
    is_token_byte(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=')
}

fn starts_at(text: &str, at: usize, what: &str) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(what))
}

fn find_from(text: &str, from: usize, what: &str) -> Option<usize> {
    Some(from + text.get(from..)?.find(what)?)
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

//! Redaction: secrets are removed from user data before it is stored, because stored data is read later
//! by people and programs that must not know them. A string is redacted completely if its property has
//! the name of a secret, and in part if it contains a well-known form of a secret; everything else keeps
//! its bytes. `secret` defines these names and forms.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::value::json::Json;
use crate::value::properties::{Params, Properties, Property};
use crate::value::secret::{self, Login, OpenKey, Role};
use crate::value::text::Text;
use crate::value::tokens::Tokens;

/// The replacement of a secret.
pub const REDACTED: &str = "[redacted]";

/// The greatest number of custom names and patterns, and their greatest size in bytes.
const MOST: usize = 100;
const LONGEST: usize = 256;

/// The rules of redaction. By default they cover the secrets that Tenure knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redact {
    off: bool,
    names: Vec<Text>,
    patterns: Vec<Text>,
}

impl Params for Redact {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            off: false,
            names: properties.take_or("names", Vec::new()),
            patterns: properties.take_or("patterns", Vec::new()),
        }
    }
}

impl Property for Redact {
    fn read(name: &str, text: &str) -> Result<Self> {
        match text {
            "false" => Ok(Self::off()),
            "true" => Ok(Self::default()),
            _ => {
                let redact: Self = Params::read(name, text)?;
                redact.check()
            }
        }
    }
}

impl Redact {
    /// Rules that redact nothing.
    pub fn off() -> Self {
        Self {
            off: true,
            ..Self::default()
        }
    }

    fn check(self) -> Result<Self> {
        for (what, list) in [
            ("redact.names", &self.names),
            ("redact.patterns", &self.patterns),
        ] {
            let fits = |item: &Text| (1..=LONGEST).contains(&item.as_str().len());
            if list.len() > MOST || !list.iter().all(fits) {
                return Err(Error::invalid(
                    what,
                    "expected at most 100 texts of 1 to 256 bytes each",
                ));
            }
        }
        Ok(self)
    }

    /// A JSON text without its secrets.
    #[must_use]
    pub fn json(&self, json: &Json) -> Json {
        self.walk(json, None)
    }

    /// A JSON object without the secrets of some properties; the others stay as they are.
    #[must_use]
    pub fn properties(&self, json: &Json, names: &[&str]) -> Json {
        self.walk(json, Some(names))
    }

    /// A text without its secrets.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.off {
            return Cow::Borrowed(text);
        }
        let mut kept = Cow::Borrowed(text);
        for stage in STAGES {
            let found = spans(self, &kept, *stage);
            if !found.is_empty() {
                kept = Cow::Owned(redacted(&kept, &found));
            }
        }
        kept
    }

    /// The arguments of a command without their secrets, also if the name of a secret is an argument
    /// and the secret is the next one: `--password x`.
    #[must_use]
    pub fn arguments(&self, arguments: &[String]) -> Vec<String> {
        let mut program = None;
        let mut secret_next = false;
        let mut before = "";
        let mut kept = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let option = argument.starts_with('-');
            kept.push(if secret_next && !option {
                REDACTED.to_owned()
            } else {
                let password = secret::in_argument(&mut program, before, argument);
                let password = password.filter(|_| !self.off);
                self.text(&redacted(argument, password.as_slice()))
                    .into_owned()
            });
            secret_next = option && self.is_secret(argument);
            before = argument;
        }
        kept
    }

    /// Whether a property of this name contains a secret.
    fn is_secret(&self, name: &str) -> bool {
        !self.off
            && (secret::is_secret_name(name)
                || self
                    .names
                    .iter()
                    .any(|pattern| secret::matches(pattern.as_str(), name)))
    }

    /// Walks the tokens of a text, without recursion: of each enclosing value it only needs to know
    /// whether it is an object and whether its name is that of a secret.
    fn walk(&self, json: &Json, only: Option<&[&str]>) -> Json {
        if self.off {
            return json.clone();
        }
        let text = json.as_str();
        let mut manifests = Vec::new();
        secret::manifests(text, &mut manifests);
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let mut around: Vec<Around<'_>> = Vec::new();
        let mut key_next = false;
        let mut secret = false;
        let mut role = Role::Other;
        let mut in_scope = only.is_none();
        // How deep the `value` of a secret's name is, whose texts are secret.
        let mut value_depth = None;
        let mut tokens = Tokens::of(text);
        while let Some(token) = tokens.next() {
            let first = token.as_bytes().first();
            if matches!(first, Some(b'{' | b'[')) && secret && role == Role::Value {
                value_depth.get_or_insert(around.len());
            }
            match first {
                Some(b'{') => {
                    around.push(Around::of(true, secret));
                    (key_next, secret) = (true, false);
                }
                Some(b'[') => around.push(Around::of(false, secret)),
                Some(b'}' | b']') => {
                    if let Some(pair) = around.pop().and_then(|around| around.items.pair()) {
                        hide(&mut edits, pair);
                    }
                    value_depth = value_depth.filter(|&depth| depth < around.len());
                    key_next = false;
                }
                Some(b',') => {
                    let (object, within) = around
                        .last()
                        .map_or((false, false), |around| (around.object, around.secret));
                    key_next = object;
                    // The items of an array are all that its name says.
                    secret = within && !object;
                }
                Some(b'"') if std::mem::take(&mut key_next) => {
                    let name = decoded(inside(token));
                    if let Some(only) = only
                        && around.len() == 1
                    {
                        in_scope = only.contains(&&*name.text);
                    }
                    role = Role::of(&name.text);
                    let is_named = around.last().is_some_and(|around| around.named);
                    secret = in_scope
                        && (self.is_secret(&name.text) || (is_named && role == Role::Value));
                }
                Some(b'"') if in_scope => {
                    let end = text.len() - tokens.rest().len();
                    let place = end - token.len() + 1..end - 1;
                    let raw = inside(token);
                    let mut part = None;
                    let is_secret = secret
                        || value_depth.is_some()
                        || manifests
                            .binary_search_by_key(&place.start, |range| range.start)
                            .is_ok();
                    match around.last_mut() {
                        Some(around) if around.object => {
                            around.named |= role == Role::Name && self.is_secret(raw);
                            match role {
                                Role::Value => around.value = Some(place.clone()),
                                Role::Name if around.named => {
                                    if let Some(value) = around.value.take() {
                                        hide(&mut edits, value);
                                    }
                                }
                                _ => {}
                            }
                        }
                        Some(around) => {
                            let found = around.items.take(self, raw, place.clone());
                            part = (!found.is_empty()).then(|| redacted(raw, &found));
                        }
                        None => {}
                    }
                    let kept = self.string(part.as_deref().unwrap_or(raw), is_secret);
                    edits.extend(kept.or(part).map(|kept| (place, kept)));
                }
                _ => {}
            }
        }
        if edits.is_empty() {
            return json.clone();
        }
        let edits = edits.iter().map(|(place, kept)| (place, kept.as_str()));
        // Well-formed: strings took the place of strings. Were it not, nothing may leak.
        Json::parse(&replaced(text, edits)).unwrap_or_default()
    }

    /// The inside of a JSON string without its secrets; `None` if it contains none.
    fn string(&self, raw: &str, secret: bool) -> Option<String> {
        if secret {
            let is_kept = raw.is_empty() || raw == REDACTED || secret::is_no_value(raw);
            return (!is_kept).then(|| REDACTED.to_owned());
        }
        let mut kept: Option<String> = None;
        for stage in STAGES {
            let raw = kept.as_deref().unwrap_or(raw);
            let decoded = decoded(raw);
            let mut found = spans(self, &decoded.text, *stage);
            if found.is_empty() {
                continue;
            }
            for span in &mut found {
                *span = decoded.place(span.start)..decoded.place(span.end);
            }
            kept = Some(redacted(raw, &found));
        }
        kept
    }
}

/// Redacts a text that comes line by line: a private key spans many lines.
#[derive(Debug, Clone, Default)]
pub struct LineRedactor {
    redact: Redact,
    key: OpenKey,
}

impl LineRedactor {
    /// A redactor of one stream of lines.
    pub fn new(redact: Redact) -> Self {
        Self {
            redact,
            key: OpenKey::default(),
        }
    }

    /// The next line without its secrets. `after_gap` says that lines before it are missing.
    #[must_use]
    pub fn line<'t>(&mut self, line: &'t str, after_gap: bool) -> Cow<'t, str> {
        if self.redact.off {
            return Cow::Borrowed(line);
        }
        if after_gap {
            self.key.skip_gap();
        }
        let found = key_parts(line, &mut self.key);
        if found.is_empty() {
            return self.redact.text(line);
        }
        Cow::Owned(self.redact.text(&redacted(line, &found)).into_owned())
    }
}

/// The parts of keys in a text, after others.
fn key_parts(text: &str, key: &mut OpenKey) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    secret::key_blocks(text, key, &mut found);
    merge(&mut found);
    found
}

/// Redacts a string that has been read before.
fn hide(edits: &mut Vec<(Range<usize>, String)>, place: Range<usize>) {
    let at = edits.partition_point(|(edited, _)| edited.start < place.start);
    match edits.get_mut(at) {
        Some((edited, kept)) if *edited == place => REDACTED.clone_into(kept),
        _ => edits.insert(at, (place, REDACTED.to_owned())),
    }
}

/// What is known of an object or array while it is read.
struct Around<'t> {
    object: bool,
    /// Whether the name of it is a secret's.
    secret: bool,
    /// Of an object: whether its property `name` or `key` is the name of a secret, whose `value` is one.
    named: bool,
    /// Of an object: where its property `value` is.
    value: Option<Range<usize>>,
    /// Of an array: what is known of its items.
    items: Items<'t>,
}

impl Around<'_> {
    fn of(object: bool, secret: bool) -> Self {
        Self {
            object,
            secret,
            named: false,
            value: None,
            items: Items::default(),
        }
    }
}

/// The texts of a list so far: arguments of a command, headers, or the lines of a key. They are as in
/// JSON, with their escapes.
#[derive(Default)]
struct Items<'t> {
    count: usize,
    /// The program whose arguments follow.
    program: Option<&'static Login>,
    last: &'t str,
    /// Where the last one is.
    place: Range<usize>,
    /// Whether the first one is the name of a secret, and the last one is none.
    after_name: bool,
    /// Whether the last one is the name of a secret that is the next one.
    names_next: bool,
    /// Whether they are names themselves.
    in_names: bool,
    /// The key whose lines they are.
    key: OpenKey,
}

impl<'t> Items<'t> {
    /// Takes the next item, and returns the parts of it that are secret.
    fn take(&mut self, redact: &Redact, raw: &'t str, place: Range<usize>) -> Vec<Range<usize>> {
        let item = decoded(raw);
        let mut secret = key_parts(&item.text, &mut self.key);
        let password = secret::in_argument(&mut self.program, self.last, &item.text);
        let is_name = secret::is_name(raw) && redact.is_secret(raw);
        let is_next = self.last.starts_with('-') || !(is_name && secret::is_plain_name(raw));
        if self.names_next && is_next && !raw.starts_with('-') {
            secret.clear();
            secret.push(0..item.text.len());
        } else if secret.is_empty() {
            secret.extend(password);
        }
        for span in &mut secret {
            *span = item.place(span.start)..item.place(span.end);
        }
        // In a list of names, another one follows a header's.
        self.in_names |= self.names_next && !is_next;
        self.names_next = is_name && secret::is_header(raw) && !self.in_names;
        self.count += 1;
        if self.count == 1 {
            self.after_name = is_name;
        } else {
            self.after_name &= !secret::is_plain_name(raw);
        }
        (self.last, self.place) = (raw, place);
        secret
    }

    /// Where the second of two items is, if the first is the name of a secret.
    fn pair(&self) -> Option<Range<usize>> {
        (self.count == 2 && self.after_name).then(|| self.place.clone())
    }
}

/// Secrets of several words come first: a part of one, once redacted, would hide the rest.
const STAGES: &[Stage] = &[Stage::Blocks, Stage::Forms];

#[derive(Clone, Copy)]
enum Stage {
    Blocks,
    Forms,
}

/// The ranges of the secrets in a text, in their order and without overlaps.
fn spans(redact: &Redact, text: &str, stage: Stage) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    match stage {
        Stage::Blocks => {
            secret::key_blocks(text, &mut OpenKey::default(), &mut found);
            secret::manifests(text, &mut found);
            own_patterns(redact, text, &mut found);
        }
        Stage::Forms => secret::forms(text, &|name| redact.is_secret(name), &mut found),
    }
    merge(&mut found);
    found
}

/// Puts ranges into their order, and makes one of those that touch.
#[inline(never)]
fn merge(found: &mut Vec<Range<usize>>) {
    found.sort_unstable_by_key(|span| span.start);
    found.dedup_by(|later, earlier| {
        let touches = later.start <= earlier.end;
        if touches {
            earlier.end = earlier.end.max(later.end);
        }
        touches
    });
}

/// A custom pattern matches a complete string or a word in it. Text that contains a redacted part is
/// not matched again.
fn own_patterns(redact: &Redact, text: &str, found: &mut Vec<Range<usize>>) {
    let is_meant = |part: &str| {
        !part.is_empty()
            && !part.contains(REDACTED)
            && redact
                .patterns
                .iter()
                .any(|pattern| secret::matches(pattern.as_str(), part))
    };
    if redact.patterns.is_empty() {
        return;
    }
    if is_meant(text) {
        found.push(0..text.len());
        return;
    }
    let mut at = 0;
    for word in text.split([' ', '\n', '\r', '\t']) {
        if is_meant(word) {
            found.push(at..at + word.len());
        }
        at += word.len() + 1;
    }
}

fn redacted(text: &str, spans: &[Range<usize>]) -> String {
    replaced(text, spans.iter().map(|span| (span, REDACTED)))
}

/// A text with other texts in the place of parts of it, which are in their order.
fn replaced<'e>(text: &str, edits: impl Iterator<Item = (&'e Range<usize>, &'e str)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (place, kept) in edits {
        out.push_str(text.get(copied..place.start).unwrap_or_default());
        out.push_str(kept);
        copied = place.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// The text between a JSON string's quotes.
fn inside(token: &str) -> &str {
    let inner = token.strip_prefix('"').unwrap_or(token);
    inner.strip_suffix('"').unwrap_or(inner)
}

/// A JSON string without its escapes, and where each byte came from.
struct Decoded<'t> {
    text: Cow<'t, str>,
    /// By byte of the text, and one for its end; empty where there are no escapes.
    places: Vec<usize>,
}

impl Decoded<'_> {
    fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().unwrap_or(at)
    }
}

/// Takes the escapes out of a JSON string. Halves of surrogate pairs become U+FFFD each: no secret
/// is recognised by them.
fn decoded(raw: &str) -> Decoded<'_> {
    if !raw.contains('\\') {
        return Decoded {
            text: Cow::Borrowed(raw),
            places: Vec::new(),
        };
    }
    let mut text = String::with_capacity(raw.len());
    let mut places = Vec::with_capacity(raw.len());
    let mut chars = raw.char_indices();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some((_, 'b')) => '\u{8}',
                Some((_, 'f')) => '\u{c}',
                Some((_, 'n')) => '\n',
                Some((_, 'r')) => '\r',
                Some((_, 't')) => '\t',
                Some((_, 'u')) => {
                    let digits = (0..4).filter_map(|_| chars.next()?.1.to_digit(16));
                    let unit = digits.fold(0, |unit, digit| unit * 16 + digit);
                    char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                Some((_, c)) => c,
                None => break,
            },
            c => c,
        };
        text.push(c);
        places.resize(text.len(), at);
    }
    places.push(raw.len());
    Decoded {
        text: Cow::Owned(text),
        places,
    }
}

//! Writes heads as bytes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::stored::head::Head;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::time::Timestamp;

use super::form::FORM;

/// The bytes of heads, each of another session, and of the ids of sessions that are no longer there.
pub fn encode(heads: &[Head], gone: &[SessionId]) -> Vec<u8> {
    let mut heads: Vec<&Head> = heads.iter().collect();
    heads.sort_by_key(|head| created(head));
    let mut names = Names::default();
    let mut kinds = Kinds::default();
    let mut written = Vec::new();
    for head in &heads {
        let kind = kinds.place_of(head, &mut names);
        push_bytes(&mut written, &head_of(head, kind));
    }
    let mut bytes = FORM.to_vec();
    push_number(&mut bytes, names.listed.len() as u64);
    for name in &names.listed {
        push_bytes(&mut bytes, name.as_bytes());
    }
    push_number(&mut bytes, kinds.listed.len() as u64);
    for number in kinds.listed.iter().flatten() {
        push_number(&mut bytes, *number);
    }
    push_number(&mut bytes, heads.len() as u64);
    bytes.append(&mut written);
    let all = || heads.iter().copied().enumerate();
    push_order(&mut bytes, all(), |a, b| a.id.cmp(&b.id));
    let of_users: Vec<_> = all().filter(|(_, head)| head.user_id.is_some()).collect();
    push_number(&mut bytes, of_users.len() as u64);
    // The order of keys in memory, where a shorter name comes first.
    let user = |head: &Head| head.user_id.as_ref().map(|user| (user.len(), user.clone()));
    push_order(&mut bytes, of_users.into_iter(), |a, b| {
        (user(a), created(a)).cmp(&(user(b), created(b)))
    });
    push_order(&mut bytes, all(), |a, b| {
        (a.status.as_str(), created(a)).cmp(&(b.status.as_str(), created(b)))
    });
    push_number(&mut bytes, gone.len() as u64);
    for id in gone {
        push_bytes(&mut bytes, id.as_str().as_bytes());
    }
    bytes
}

/// What sessions are ordered by.
fn created(head: &Head) -> (Timestamp, &SessionId) {
    (head.created_at, &head.id)
}

/// Names, each once.
#[derive(Default)]
struct Names<'h> {
    listed: Vec<Cow<'h, str>>,
    places: BTreeMap<Cow<'h, str>, u64>,
}

impl<'h> Names<'h> {
    /// What a name is referred to by.
    fn number_of(&mut self, name: Option<Cow<'h, str>>) -> u64 {
        let Some(name) = name else { return 0 };
        if let Some(number) = self.places.get(&name) {
            return *number;
        }
        self.listed.push(name.clone());
        let number = self.listed.len() as u64;
        self.places.insert(name, number);
        number
    }
}

/// Kinds, each once.
#[derive(Default)]
struct Kinds {
    listed: Vec<[u64; 5]>,
    places: BTreeMap<[u64; 5], u64>,
}

impl Kinds {
    fn place_of<'h>(&mut self, head: &'h Head, names: &mut Names<'h>) -> u64 {
        let status = Status::ALL.iter().position(|status| *status == head.status);
        let kind = [
            names.number_of(head.user_id.as_deref().map(Into::into)),
            names.number_of(Some(head.mode.as_str().into())),
            status.unwrap_or_default() as u64,
            u64::from(head.deleted_at.is_some()),
            names.number_of(head.model()),
        ];
        let next = self.listed.len() as u64;
        *self.places.entry(kind).or_insert_with(|| {
            self.listed.push(kind);
            next
        })
    }
}

/// The bytes of one head.
fn head_of(head: &Head, kind: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_bytes(&mut bytes, head.id.as_str().as_bytes());
    let at = head.created_at.as_millis();
    // The sign is the lowest bit.
    let at = ((at << 1) ^ (at >> 63)) as u64;
    let (iterations, usage) = (u64::from(head.iterations), head.usage);
    // 0 stands for none.
    let duration = head.final_duration().map_or(0, |ms| ms.saturating_add(1));
    for number in [
        at,
        kind,
        iterations,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cost_nanos,
        duration,
    ] {
        push_number(&mut bytes, number);
    }
    bytes.extend_from_slice(Json::of(head).as_str().as_bytes());
    bytes
}

/// Adds the places of heads in an order.
fn push_order<'h>(
    bytes: &mut Vec<u8>,
    heads: impl Iterator<Item = (usize, &'h Head)>,
    compare: impl Fn(&Head, &Head) -> Ordering,
) {
    let mut ordered: Vec<(usize, &Head)> = heads.collect();
    ordered.sort_by(|(_, a), (_, b)| compare(a, b));
    for (place, _) in ordered {
        push_number(bytes, place as u64);
    }
}

fn push_bytes(bytes: &mut Vec<u8>, pushed: &[u8]) {
    push_number(bytes, pushed.len() as u64);
    bytes.extend_from_slice(pushed);
}

fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

//! The keys of the memory store's rows, as text in the order of the rows.

use crate::store::shared::Shared;

/// Adds a number to a key, so that keys are in the order of their numbers. A digit has 15 bits.
pub(super) fn push_number(key: &mut String, number: u64, digits: u32) {
    for digit in (0..digits).rev() {
        let digit = (number >> (digit * 15)) & 0x7fff;
        key.push(char::from_u32(digit as u32).unwrap_or_default());
    }
}

/// The most bytes that a number of 64 bits takes in a key.
pub(super) const NUMBER: usize = 15;

/// Comes after every digit.
pub(super) const BEHIND_DIGITS: char = '\u{8000}';

/// Adds what may be absent to a key. The length says where it ends.
pub(super) fn push_text(key: &mut String, text: Option<&str>) {
    match text {
        None => key.push(BEHIND_DIGITS),
        Some(text) => {
            push_number(key, text.len() as u64, 2);
            key.push_str(text);
        }
    }
}

/// The beginning of the keys of a user's groups, or of those of all users, with a status or without: of those
/// of one mode, if one is given.
pub(super) fn of_groups(user_id: Option<&str>, has_status: bool, mode: Option<&str>) -> String {
    let mut key = String::with_capacity(64);
    push_text(&mut key, user_id);
    key.push(if has_status { 'k' } else { 'u' });
    if mode.is_some() {
        push_text(&mut key, mode);
    }
    key
}

/// The key of a group.
pub(super) fn of_group(shared: Shared<'_>) -> String {
    let mut key = of_groups(shared.user_id, shared.status.is_some(), shared.mode);
    if let Some(status) = shared.status {
        key.push_str(status.as_str());
        push_text(&mut key, shared.model);
    }
    key
}

/// The key of a name that may be absent; of a mode, it begins the keys of users among those of the mode.
pub(super) fn of_name(name: Option<&str>) -> String {
    let mut key = String::with_capacity(64);
    push_text(&mut key, name);
    key
}

/// The key of a user among those of one mode, or of all: the one with the most sessions comes first.
pub(super) fn of_user(mode: Option<&str>, sessions: u64, user_id: &str) -> String {
    let mut key = of_name(mode);
    push_number(&mut key, !sessions, 3);
    key.push_str(user_id);
    key
}

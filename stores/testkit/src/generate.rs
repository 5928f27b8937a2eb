//! Random heads, filters and queries from small sets of values, so that filters match, times are
//! equal, and texts nearly match. Everything is derived from the seed.

use fastrand::Rng;
use tenure_core::store::ListQuery;
use tenure_core::store::filter::{Direction, OrderBy, Trash};
use tenure_core::store::tally::{Aggregate, GroupBy};
use tenure_core::stored::agent::{Agent, StoredError};
use tenure_core::stored::approval::{ApprovalState, StoredApproval};
use tenure_core::stored::head::Usage;
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{Filter, Head, Order, Phase, Position, SessionId, Status, Timestamp};

use crate::sample::{MAX_SAFE, PLENTY, at, head, id, json};

const USERS: &[&str] = &["ann", "Ann", "bob", "", "ann ", "日本"];
const CHANNELS: &[&str] = &["general", "dev", ""];
const MODES: &[&str] = &["developer", "tester", "Developer", "", "__proto__"];
const PARENTS: &[&str] = &["root", "Root", "other"];
const TASKS: &[&str] = &["task", "Task", "", "a/plan", "日本"];
const MODELS: &[&str] = &["model", "Model", "model ", ""];

/// Words of tasks. The Kelvin sign `K` and the long s `ſ` have ASCII letters as their lower or
/// upper case in Unicode, which filters must ignore.
const WORDS: &[&str] = &[
    "Fix",
    "fix",
    "FIX",
    "prefix",
    "100%",
    "100 %",
    "a_b",
    "axb",
    "[a-z]*",
    "ÄPFEL",
    "äpfel",
    "\u{212a}elvin",
    "kelvin",
    "\u{17f}low",
    "slow",
    "İstanbul",
    "straße",
    "STRASSE",
    "🦀",
    "'",
    "\\",
    "\"x\"",
    "e\u{301}",
    "é",
    "\n",
];

/// Texts to search for.
const PARTS: &[&str] = &[
    "", " ", "fix", "FIX", "fIx", "ix p", "%", "0%", "_", "a_b", "A_B", "*", "[a-z]", "[A-Z]", "?",
    "äpfel", "ÄPFEL", "pfel", "k", "KELVIN", "s", "slow", "ss", "ß", "i", "🦀", "'", "\\", "\"X\"",
    "e", "é", "\u{301}", "\n", "nowhere",
];

/// Times that several sessions have, with the ends of the calendar.
const TIMES: &[i64] = &[
    0,
    -1,
    1,
    1_767_895_530_000,
    1_767_895_530_001,
    1_767_895_530_002,
    1_767_895_531_000,
    99_999,
    100_000,
];

/// A number below `count`, which must not be 0. `Rng::usize` and `Rng::choice` draw as many bits as
/// a machine word has, so a seed would give other inputs in WebAssembly than elsewhere.
pub(crate) fn below(rng: &mut Rng, count: usize) -> usize {
    rng.u64(0..count as u64) as usize
}

/// One of the items; `None` for an empty list.
pub(crate) fn one_of<'t, T>(rng: &mut Rng, of: &'t [T]) -> Option<&'t T> {
    match of.len() {
        0 => None,
        count => of.get(below(rng, count)),
    }
}

/// Shuffles the items.
pub(crate) fn shuffle<T>(rng: &mut Rng, these: &mut [T]) {
    for last in (1..these.len()).rev() {
        these.swap(last, below(rng, last + 1));
    }
}

/// A lower-case or upper-case letter.
pub(crate) fn letter(rng: &mut Rng) -> char {
    let small = char::from(b'a' + rng.u8(0..26));
    if rng.bool() {
        small
    } else {
        small.to_ascii_uppercase()
    }
}

fn word<'t>(rng: &mut Rng, of: &[&'t str]) -> &'t str {
    one_of(rng, of).copied().unwrap_or_default()
}

fn time(rng: &mut Rng) -> Timestamp {
    match rng.u8(0..40) {
        0 => Timestamp::MIN,
        1 => Timestamp::MAX,
        _ => at(one_of(rng, TIMES).copied().unwrap_or_default()),
    }
}

/// Often a number that others have, too.
fn iterations(rng: &mut Rng) -> u32 {
    match rng.u8(0..8) {
        0 => u32::MAX,
        1 => rng.u32(0..200),
        _ => rng.u32(0..4),
    }
}

fn status(rng: &mut Rng) -> Status {
    one_of(rng, &Status::ALL).copied().unwrap_or(Status::Active)
}

/// An id with a unique number, in a form that breaks incorrect sorting.
fn numbered_id(rng: &mut Rng, number: usize) -> SessionId {
    let prefix = word(
        rng,
        &["a", "A", "b", "B", "s.", "s-", "s_", "session_", "0"],
    );
    id(&format!("{prefix}{number}"))
}

/// Heads of sessions with different ids.
pub(crate) fn heads(rng: &mut Rng, count: usize) -> Vec<Head> {
    (0..count)
        .map(|number| {
            let id = numbered_id(rng, number);
            random_head(rng, id)
        })
        .collect()
}

/// The head of a session without history.
pub(crate) fn random_head(rng: &mut Rng, id: SessionId) -> Head {
    let words: Vec<&str> = (0..rng.u8(0..4)).map(|_| word(rng, WORDS)).collect();
    Head {
        version: rng.u64(1..1000),
        user_id: rng.bool().then(|| word(rng, USERS).to_owned()),
        channel_id: rng.bool().then(|| word(rng, CHANNELS).to_owned()),
        mode: word(rng, MODES).to_owned(),
        task: words.join(" "),
        status: status(rng),
        created_at: time(rng),
        updated_at: time(rng),
        iterations: iterations(rng),
        context: json(format!(r#"{{"n":{}}}"#, rng.u32(..))),
        result: rng.bool().then(|| "x".repeat(below(rng, 500))),
        metadata: rng.bool().then(|| {
            json(format!(
                r#"{{"m":{},"model":"{}"}}"#,
                rng.u32(..),
                word(rng, MODES)
            ))
        }),
        result_data: rng.bool().then(|| json(rng.u32(..).to_string())),
        usage: Usage {
            prompt_tokens: rng.u64(0..100_000),
            completion_tokens: rng.u64(0..100_000),
            cost_nanos: rng.u64(0..MAX_SAFE / 1000),
        },
        parent_id: (rng.u8(0..4) == 0).then(|| crate::sample::id(word(rng, PARENTS))),
        agent: (rng.u8(0..3) == 0).then(|| Box::new(agent(rng))),
        slot: (rng.u8(0..3) == 0).then(|| Box::new(slot(rng))),
        finalized_at: rng.bool().then(|| time(rng)),
        deleted_at: (rng.u8(0..4) == 0).then(|| time(rng)),
        ..head(id.as_str())
    }
}

fn agent(rng: &mut Rng) -> Agent {
    Agent {
        phase: phase(rng),
        resume_ready: rng.bool(),
        error_count: rng.u32(0..5),
        last_error: rng.bool().then(|| StoredError {
            message: word(rng, WORDS).to_owned(),
            timestamp: time(rng),
        }),
        summary: rng.bool().then(|| word(rng, WORDS).to_owned()),
        approval: rng.bool().then(|| approval(rng)),
    }
}

fn approval(rng: &mut Rng) -> StoredApproval {
    StoredApproval {
        state: ApprovalState::ALL[below(rng, ApprovalState::ALL.len())],
        requested_at: time(rng),
        by: rng.bool().then(|| word(rng, USERS).to_owned()),
        decided_at: rng.bool().then(|| time(rng)),
    }
}

fn slot(rng: &mut Rng) -> Slot {
    Slot {
        task_id: word(rng, TASKS).to_owned(),
        phase: slot_phase(rng),
        model: word(rng, MODELS).to_owned(),
        details: rng
            .bool()
            .then(|| json(format!(r#"{{"version":"{}"}}"#, rng.u32(..)))),
    }
}

fn slot_phase(rng: &mut Rng) -> SlotPhase {
    SlotPhase::ALL[below(rng, SlotPhase::ALL.len())]
}

fn phase(rng: &mut Rng) -> Phase {
    Phase::ALL[below(rng, Phase::ALL.len())]
}

/// A filter; most filters have one or two properties.
pub(crate) fn filter(rng: &mut Rng) -> Filter {
    let rare = rng.u8(2..12);
    let mut given = || rng.u8(0..rare) == 0;
    let given: [bool; 16] = std::array::from_fn(|_| given());
    let [
        user,
        channel,
        mode,
        statuses,
        phases,
        tasks,
        slot_phases,
        model,
        parent,
        after,
        before,
        after_update,
        before_update,
        least,
        most,
        text,
    ] = given;
    Filter {
        user_id: user.then(|| word(rng, USERS).to_owned()),
        channel_id: channel.then(|| word(rng, CHANNELS).to_owned()),
        mode: mode.then(|| word(rng, MODES).to_owned()),
        // Some lists are empty, and some contain a status twice.
        status: statuses.then(|| (0..rng.u8(0..4)).map(|_| status(rng)).collect()),
        phase: phases.then(|| (0..rng.u8(0..4)).map(|_| phase(rng)).collect()),
        task_ids: tasks.then(|| {
            let tasks = (0..rng.u8(0..4)).map(|_| word(rng, TASKS).to_owned());
            tasks.collect()
        }),
        slot_phase: slot_phases.then(|| (0..rng.u8(0..4)).map(|_| slot_phase(rng)).collect()),
        model: model.then(|| word(rng, MODELS).to_owned()),
        parent_id: parent.then(|| id(word(rng, PARENTS))),
        created_after: after.then(|| time(rng)),
        created_before: before.then(|| time(rng)),
        updated_after: after_update.then(|| time(rng)),
        updated_before: before_update.then(|| time(rng)),
        min_iterations: least.then(|| iterations(rng)),
        max_iterations: most.then(|| iterations(rng)),
        text: text.then(|| word(rng, PARTS).to_owned()),
        trash: match rng.u8(0..4) {
            0 => Trash::Only,
            1 => Trash::Exclude,
            _ => Trash::Include,
        },
    }
}

/// A filter for counts, half of the time one for which a store may keep them.
pub(crate) fn tally_filter(rng: &mut Rng) -> Filter {
    if rng.bool() {
        return filter(rng);
    }
    Filter {
        user_id: rng.bool().then(|| word(rng, USERS).to_owned()),
        mode: rng.bool().then(|| word(rng, MODES).to_owned()),
        ..Filter::default()
    }
}

/// What is collected of sessions.
pub(crate) fn aggregate(rng: &mut Rng) -> Aggregate {
    let users = |users| Aggregate::Counts { users };
    let values = |by| Aggregate::Values { by };
    [
        users(0),
        users(1),
        users(2),
        users(u32::MAX),
        values(None),
        values(Some(GroupBy::Mode)),
        values(Some(GroupBy::Model)),
        values(Some(GroupBy::User)),
    ][below(rng, 8)]
}

pub(crate) fn order(rng: &mut Rng) -> Order {
    Order {
        by: if rng.bool() {
            OrderBy::CreatedAt
        } else {
            OrderBy::UpdatedAt
        },
        direction: if rng.bool() {
            Direction::Asc
        } else {
            Direction::Desc
        },
    }
}

/// A query over these heads. Some queries begin after one of them, and some at a position without a
/// head.
pub(crate) fn query(rng: &mut Rng, heads: &[Head]) -> ListQuery {
    let order = order(rng);
    let after = match rng.u8(0..4) {
        0 => {
            let number = below(rng, 10);
            Some(Position {
                at: time(rng),
                id: numbered_id(rng, number),
            })
        }
        1 | 2 => one_of(rng, heads).map(|head| order.position(head)),
        _ => None,
    };
    ListQuery {
        filter: filter(rng),
        order,
        after,
        offset: match rng.u8(0..6) {
            0 => rng.u64(0..20),
            1 => rng.u64(0..1000),
            _ => 0,
        },
        limit: match rng.u8(0..4) {
            0 => 1,
            1 => rng.u32(1..10),
            2 => rng.u32(1..1000),
            _ => 50,
        },
        max_bytes: PLENTY,
    }
}

//! The random bits of a call, and where the ids of a process stand: they grow, so that of two sessions of
//! one millisecond the later one has the greater id, which is what breaks a tie in lists.

use crate::value::time::{Millis, Timestamp};

/// The bits of a number of which a process takes its first one of a millisecond. Numbers that follow are
/// greater, up to the double; 13 digits of base 36 hold more.
const NUMBER_BITS: u32 = 66;
/// The same for the numbers of agents, which have fewer digits.
const AGENT_BITS: u32 = 21;
/// The least steps between two calls: each may make so many ids, or try so many.
const STEP: u128 = 1 << 20;
const AGENT_STEP: u32 = 64;
/// How far a clock is adjusted back. One that goes back by more was set, and ids follow it.
const MAX_BACK: Millis = Millis(1000);

/// What is random in a call, used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entropy {
    bits: [u8; 16],
    ids: Option<Ids>,
}

/// The time and the numbers of a call's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ids {
    at: Timestamp,
    number: u128,
    agent: u32,
}

/// Bits that a host passes, so that ids are reproducible. They grow if the host's bits do.
impl From<[u8; 16]> for Entropy {
    fn from(bits: [u8; 16]) -> Self {
        Self { bits, ids: None }
    }
}

impl Entropy {
    /// The random bits.
    pub fn bits(&self) -> [u8; 16] {
        self.bits
    }

    /// The entropy for one of several ids of a call. The later one is greater.
    pub(crate) fn nth(self, at: usize) -> Self {
        let plus = |number: u128| number.wrapping_add(at as u128);
        Self {
            bits: plus(u128::from_le_bytes(self.bits)).to_le_bytes(),
            ids: self.ids.map(|ids| Ids {
                number: plus(ids.number),
                ..ids
            }),
        }
    }

    /// The time and the number of an id that is made at a time.
    pub(crate) fn id(self, now: Timestamp) -> (Timestamp, u128) {
        let own = (now, u128::from_le_bytes(self.bits));
        self.ids.map_or(own, |ids| (ids.at, ids.number))
    }

    /// The same for an agent's, whose numbers have one bit more than [`AGENT_BITS`].
    pub(crate) fn agents_id(self, now: Timestamp) -> (Timestamp, u32) {
        let own = (u128::from_le_bytes(self.bits) >> 32) as u32 % (1 << (AGENT_BITS + 1));
        self.ids.map_or((now, own), |ids| (ids.at, ids.agent))
    }
}

/// The latest ids of a process.
#[derive(Debug, Default)]
pub struct LatestIds(Option<Ids>);

impl LatestIds {
    /// None yet.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The entropy of the next call, whose ids are greater than those of the calls before, also if the
    /// clock has not moved, or has gone back by up to a second.
    pub fn next(&mut self, now: Timestamp, bits: [u8; 16]) -> Entropy {
        let random = u128::from_le_bytes(bits);
        let first = |at: Timestamp| Ids {
            at,
            number: random % (1 << NUMBER_BITS),
            agent: (random >> 96) as u32 % (1 << AGENT_BITS),
        };
        let ids = match self.0 {
            Some(latest) if latest.at >= now && latest.at.since(now) <= MAX_BACK.0 => {
                let number = latest.number + STEP + random % (1 << 40);
                let agent = latest.agent + AGENT_STEP + (random >> 96) as u32 % 512;
                if number < 1 << (NUMBER_BITS + 1) && agent < 1 << (AGENT_BITS + 1) {
                    Ids {
                        at: latest.at,
                        number,
                        agent,
                    }
                } else {
                    first(latest.at.plus(Millis(1)))
                }
            }
            _ => first(now),
        };
        self.0 = Some(ids);
        Entropy {
            bits,
            ids: Some(ids),
        }
    }
}

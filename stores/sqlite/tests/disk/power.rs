//! What is on a disk after its power was cut: what was synced, and some of what was not.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::{File, Recorded};

/// A write is torn between these parts.
const SECTOR: usize = 512;
/// The index of the log is in memory that processes share. Any of it may be on the disk.
const INDEX: &str = "-shm";

/// A disk whose power is cut after some of what was recorded.
pub(crate) struct Outage<'r> {
    recorded: &'r [Recorded],
    /// The number of recorded calls before the cut.
    calls: usize,
    files: HashMap<File, Contents<'r>>,
    /// The names on the disk, and those of each later moment.
    moments: Vec<BTreeMap<String, File>>,
    acknowledged: u64,
}

#[derive(Default)]
struct Contents<'r> {
    synced: Vec<u8>,
    unsynced: Vec<&'r Recorded>,
}

/// Which of the writes that were not synced are on the disk.
enum Survivors {
    None,
    /// All up to one that is torn.
    First,
    /// Any part of any of them.
    Any,
}

impl<'r> Outage<'r> {
    /// A disk before the first recorded call.
    pub(crate) fn new(recorded: &'r [Recorded]) -> Self {
        Self {
            recorded,
            calls: 0,
            files: HashMap::new(),
            moments: vec![BTreeMap::new()],
            acknowledged: 0,
        }
    }

    /// Moves the cut behind this number of recorded calls.
    pub(crate) fn move_to(&mut self, calls: usize) {
        for recorded in &self.recorded[self.calls..calls] {
            match recorded {
                Recorded::Write { file, .. } | Recorded::Truncate { file, .. } => {
                    self.files.entry(*file).or_default().unsynced.push(recorded);
                }
                Recorded::Sync(file) => {
                    let Contents { synced, unsynced } = self.files.entry(*file).or_default();
                    for recorded in unsynced.drain(..) {
                        change(synced, recorded, || true);
                    }
                }
                Recorded::Names(names) => self.moments.push(names.clone()),
                Recorded::SyncNames => drop(self.moments.drain(..self.moments.len() - 1)),
                Recorded::Acknowledge(number) => {
                    self.acknowledged = self.acknowledged.max(*number);
                }
            }
        }
        self.calls = calls;
    }

    /// Whether a name is on the disk for certain.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.moments.iter().all(|names| names.contains_key(name))
    }

    /// The highest number that was acknowledged before the cut.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Writes the files that are on the disk into a folder.
    pub(crate) fn write_files(&self, folder: &Path, random: &mut Rng) {
        let survivors = match random.u8(0..3) {
            0 => Survivors::None,
            1 => Survivors::First,
            _ => Survivors::Any,
        };
        let names = match survivors {
            Survivors::None => &self.moments[0],
            _ => &self.moments[random.usize(0..self.moments.len())],
        };
        for (name, file) in names {
            let bytes = if name.ends_with(INDEX) {
                (0..32 << 10).map(|_| random.u8(..)).collect()
            } else {
                let contents = self.files.get(file);
                contents.map_or_else(Vec::new, |contents| contents.after(&survivors, random))
            };
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

impl Contents<'_> {
    fn after(&self, survivors: &Survivors, random: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let first = random.usize(0..=self.unsynced.len());
        for (number, recorded) in self.unsynced.iter().enumerate() {
            let share = match survivors {
                Survivors::None => 0.0,
                Survivors::First if number < first => 1.0,
                Survivors::First if number > first => 0.0,
                _ => random.f64(),
            };
            change(&mut bytes, recorded, || random.f64() < share);
        }
        bytes
    }
}

/// Changes a file as was recorded, in those sectors for which `keep` says so.
fn change(file: &mut Vec<u8>, recorded: &Recorded, mut keep: impl FnMut() -> bool) {
    match recorded {
        Recorded::Write { at, bytes, .. } => {
            let mut done = 0;
            while done < bytes.len() {
                let at = at + done;
                let part = (SECTOR - at % SECTOR).min(bytes.len() - done);
                if keep() {
                    file.resize(file.len().max(at + part), 0);
                    file[at..at + part].copy_from_slice(&bytes[done..done + part]);
                }
                done += part;
            }
        }
        Recorded::Truncate { length, .. } if keep() => file.resize(*length, 0),
        _ => {}
    }
}

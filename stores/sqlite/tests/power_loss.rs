//! The loss of power: what was not synced is lost, or on the disk in part. With the durability "full" every
//! acknowledged commit is there, with "normal" the last ones may be missing. The store is never damaged.

use std::cell::Cell;
use std::sync::mpsc;

use crate::common::{Place, scaled, steps};
use crate::disk::{Disk, Outage, Recorded};
use tenure_sqlite::{Attempt, Durability, SqliteOptions, SqliteStore};

/// The steps of a run: enough for several copies of the log into the database.
const STEPS: u64 = 1000;

fn options(durability: Durability) -> SqliteOptions {
    SqliteOptions {
        durability,
        text_index: Some(durability == Durability::Full),
        ..SqliteOptions::default()
    }
}

/// Takes steps with several handles by all calls that write, closing and opening the store now and then.
/// Returns what was recorded on its disk.
fn run(durability: Durability) -> Vec<Recorded> {
    let place = Place::new();
    let disk = Disk::watch(place.file().parent().unwrap());
    let mut taken = 0;
    let mut random = fastrand::Rng::with_seed(21);
    while taken < STEPS {
        let stores = [(); 2].map(|()| place.open_with(options(durability)));
        let until = (taken + random.u64(1..300)).min(STEPS);
        // Some rounds write by one call only: another connection has created the log then.
        let only = random.bool().then(|| (random.usize(0..2), random.u8(0..3)));
        while taken < until {
            let (store, call) = only.unwrap_or_else(|| (random.usize(0..2), random.u8(0..3)));
            let store = &stores[store];
            taken = match call {
                0 => store.transaction(steps::take).unwrap().unwrap(),
                1 => match store.try_transaction(steps::take) {
                    Attempt::Answered(step) => step.unwrap().unwrap(),
                    Attempt::Busy(take) => store.transaction(take).unwrap().unwrap(),
                },
                _ => enqueue(store, &disk, random.u8(1..5)),
            };
            disk.acknowledge(taken);
        }
        for store in stores {
            store.close();
        }
    }
    disk.take()
}

/// Queues several steps, which are committed together. Returns the last one.
fn enqueue(store: &SqliteStore, disk: &Disk, count: u8) -> u64 {
    let (done, results) = mpsc::channel();
    for _ in 0..count {
        let done = done.clone();
        store.enqueue(
            Box::new(|store| steps::take(store).unwrap().to_string()),
            Box::new(move |step| done.send(step.unwrap().parse().unwrap()).unwrap()),
        );
    }
    drop(done);
    results
        .into_iter()
        .inspect(|step| disk.acknowledge(*step))
        .max()
        .unwrap()
}

/// Cuts the power at random moments, and again while the store that was left goes on. Gives `check` the number
/// of steps that are left, and the number that was acknowledged.
fn cut(recorded: &[Recorded], durability: Durability, cuts: u32, check: impl Fn(u64, u64)) {
    let mut random = fastrand::Rng::with_seed(22);
    let mut moments: Vec<usize> = (0..cuts)
        .map(|_| random.usize(0..=recorded.len()))
        .collect();
    moments.sort_unstable();
    let mut outage = Outage::new(recorded);
    for moment in moments {
        outage.move_to(moment);
        let place = Place::new();
        let folder = place.file().parent().unwrap().to_owned();
        outage.write_files(&folder, &mut random);
        let disk = Disk::watch(&folder);
        let begin = disk.calls();
        let store = place.open_with(options(durability));
        check(steps::check(&store), outage.acknowledged());
        for _ in 0..random.u8(0..20) {
            disk.acknowledge(store.transaction(steps::take).unwrap().unwrap());
        }

        let recorded = disk.take();
        let mut again = Outage::new(&recorded);
        again.move_to(random.usize(begin..=recorded.len()));
        let place = Place::new();
        again.write_files(place.file().parent().unwrap(), &mut random);
        let left = steps::check(&place.open());
        check(left, outage.acknowledged().max(again.acknowledged()));
    }
}

#[test]
fn no_acknowledged_commit_is_lost_by_200_power_cuts_in_full_durability() {
    let recorded = run(Durability::Full);
    let check = |held, acknowledged| {
        assert!(
            held >= acknowledged,
            "{held} of {acknowledged} commits are left"
        );
    };
    cut(&recorded, Durability::Full, scaled(200), check);
}

#[test]
fn a_prefix_of_the_history_is_left_by_200_power_cuts_in_normal_durability() {
    let recorded = run(Durability::Normal);
    let losses = Cell::new(0);
    let count = |held, acknowledged| losses.set(losses.get() + u32::from(held < acknowledged));
    cut(&recorded, Durability::Normal, scaled(200), count);
    assert!(losses.get() > 0, "the simulated disk loses nothing");
}

#[test]
fn the_folders_of_a_new_store_survive_a_power_cut() {
    let place = Place::new();
    let folder = place.file().parent().unwrap().to_owned();
    let disk = Disk::watch(&folder);
    let path = folder.join("new/folder/tenure.db");
    drop(SqliteStore::open(&path, SqliteOptions::default()).unwrap());
    let recorded = disk.take();
    let mut outage = Outage::new(&recorded);
    outage.move_to(recorded.len());
    assert!(outage.has("new"));
}

//! A backup of a store to which others write: a store of its own, with the content of one moment.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::common::{Place, scaled, steps};

/// The number of commits after which the writers wait for the next backup.
const BETWEEN: u64 = 40;

/// Ends the writers when it is dropped, also by a check that fails.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn each_of_50_backups_is_the_store_at_one_moment_while_writers_go_on() {
    let place = Place::new();
    place.open();
    let (taken, limit) = (AtomicU64::new(0), AtomicU64::new(BETWEEN));
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(&ended);
        for _ in 0..3 {
            scope.spawn(|| {
                let store = place.open();
                while !ended.load(Ordering::SeqCst) {
                    if taken.load(Ordering::SeqCst) >= limit.load(Ordering::SeqCst) {
                        thread::yield_now();
                        continue;
                    }
                    let step = store.transaction(steps::take).unwrap().unwrap();
                    taken.fetch_max(step, Ordering::SeqCst);
                }
            });
        }
        let store = place.open();
        for _ in 0..scaled(50) {
            let before = taken.load(Ordering::SeqCst);
            limit.fetch_add(BETWEEN, Ordering::SeqCst);
            while taken.load(Ordering::SeqCst) == before {
                thread::yield_now();
            }
            let copy = Place::new();
            store.back_up(&copy.file()).unwrap();
            // A writer notes a step after it was committed.
            let after = steps::taken(&store);
            let held = steps::check(&copy.open());
            assert!((before..=after).contains(&held), "{before} {held} {after}");
        }
    });
    steps::check(&place.open());
}

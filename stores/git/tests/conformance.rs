//! The store passes the cases for stores of records, and skips the other cases.

use tenure_core::Store;
use tenure_core::store::Answer;
use tenure_git::{GitOptions, GitStore};
use tenure_testkit::{CASES, Case, Fixture, Needs, Outcome};

use crate::common::{Remote, block_on};

impl Fixture for Remote {
    fn open<'a>(&'a self) -> Answer<'a, Box<dyn Store>> {
        Box::pin(async {
            let path = self.path();
            let place = path.to_string_lossy();
            let store = GitStore::open(&place, &GitOptions::default()).await?;
            tenure_testkit::store(store)
        })
    }
}

fn about_records() -> Vec<&'static Case> {
    let about_records = |case: &&Case| case.needs == Needs::Nothing;
    CASES.iter().filter(about_records).collect()
}

fn outcome(case: &Case, remote: &Remote) -> Outcome {
    block_on(case.check(remote, 0.1))
}

#[test]
fn every_case_about_records_passes() {
    let cases = about_records();
    let count = cases.len();
    assert!(count >= 10, "the kit has only {count} cases about records");
    // The cases run concurrently, because they mostly wait for git.
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || {
                let ended = outcome(case, &Remote::new());
                assert_eq!(ended, Outcome::Passed, "{}", case.name);
            });
        }
    });
}

#[test]
fn every_case_about_sessions_is_skipped() {
    let remote = Remote::new();
    for case in CASES.iter().filter(|case| case.needs != Needs::Nothing) {
        assert_eq!(outcome(case, &remote), Outcome::Skipped, "{}", case.name);
    }
    assert_eq!(remote.refs(), Vec::<String>::new());
}

//! The store passes what of the kit is about records alone, and claims nothing of the rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use tenure_core::Lift;
use tenure_testkit::{CASES, Needs, Outcome};

use crate::common::Remote;

#[test]
fn every_case_about_records_alone_passes_and_no_other_is_about_this_store() {
    let mut passed = 0;
    for case in CASES {
        let remote = Remote::new();
        let fixture = || tenure_testkit::store(Lift(remote.store()));
        let outcome = tenure_testkit::answer_now(async { Ok(case.check(&fixture, 0.1).await) });
        let expected = match case.needs {
            Needs::Nothing => Outcome::Passed,
            _ => Outcome::Skipped,
        };
        assert_eq!(outcome, Ok(expected), "{}", case.name);
        passed += u32::from(case.needs == Needs::Nothing);
    }
    assert!(
        passed >= 10,
        "the kit has only {passed} cases about records"
    );
}

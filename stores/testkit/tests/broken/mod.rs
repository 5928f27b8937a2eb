//! The kit detects stores with realistic defects. Each is the memory store with one defect, and the
//! test names a case that must detect it.

mod defect;

use tenure_core::error::Cause;
use tenure_core::{Error, Lift, MemoryStore, Store};
use tenure_testkit::{CASES, Fixture, Outcome, block_on, store};

use defect::{Defect, fixture};

/// The names of the cases that the stores of a fixture fail.
fn failures<F: Fixture>(fixture: impl Fn() -> F) -> Vec<&'static str> {
    let failed = |outcome| matches!(outcome, Outcome::Failed(_));
    CASES
        .iter()
        .filter(|case| {
            let outcome = block_on(async { Ok(case.check(&fixture(), 0.01).await) });
            outcome.is_ok_and(failed)
        })
        .map(|case| case.name)
        .collect()
}

#[track_caller]
fn check_detected(defect: Defect, by: &str) {
    let failures = failures(|| fixture(defect));
    assert!(
        failures.contains(&by),
        "{defect:?} is caught by {failures:?}, not by {by:?}"
    );
    // Unrelated cases pass, so that a failure points to the defect.
    assert!(
        failures.len() < CASES.len() / 2,
        "{defect:?} fails {failures:?}"
    );
}

#[test]
fn correct_stores_pass_every_case() {
    assert_eq!(failures(|| fixture(Defect::None)), [""; 0]);
    let plain = || || store(Lift(MemoryStore::default()));
    assert_eq!(failures(plain), [""; 0]);
}

#[test]
fn cases_for_undeclared_capabilities_are_skipped() {
    let outcomes = |fixture: &dyn Fixture| -> Vec<Outcome> {
        let all = async {
            let mut outcomes = Vec::new();
            for case in CASES {
                outcomes.push(case.check(fixture, 0.0).await);
            }
            Ok(outcomes)
        };
        block_on(all).unwrap()
    };
    let skipped = |outcomes: Vec<Outcome>| {
        outcomes
            .into_iter()
            .filter(|outcome| *outcome == Outcome::Skipped)
            .count()
    };
    let plain = || store(Lift(MemoryStore::default()));
    assert_eq!(skipped(outcomes(&plain)), 8);
    assert_eq!(skipped(outcomes(&fixture(Defect::None))), 0);
}

#[test]
fn a_store_that_cannot_be_opened_fails_every_case() {
    let closed = || {
        || -> Result<Box<dyn Store>, Error> {
            Err(Cause::StoreUnavailable {
                problem: "closed".to_owned(),
            }
            .into())
        }
    };
    assert_eq!(failures(closed).len(), CASES.len());
}

macro_rules! caught {
    ($($test:ident: $defect:ident by $case:ident;)*) => {$(
        #[test]
        fn $test() {
            check_detected(Defect::$defect, stringify!($case));
        }
    )*};
}

caught! {
    a_dropped_version_check: DropsTheVersionCheck by a_stale_version_of_a_session_never_applies;
    a_split_commit: AppliesThePartBeforeAConflict by a_refused_session_undoes_the_whole_commit;
    a_commit_split_before_its_records: AppliesThePartBeforeAConflict
        by a_refused_record_undoes_the_whole_commit;
    records_written_ahead: WritesRecordsBeforeItChecksSessions
        by a_refused_session_undoes_the_whole_commit;
    mis_sorted_ties: SortsTiesTheSameWayInBothDirections by ties_are_ordered_by_the_bytes_of_ids;
    a_forgotten_window_of_the_last_events: IgnoresLast by the_last_events_are_loaded;
    a_forgotten_window_after_a_number: IgnoresAfter by the_events_after_a_number_are_loaded;
    a_lost_compare_and_set: LosesTheCompareAndSetOfRecords
        by a_stale_version_of_a_record_never_applies;
    records_that_outlive_their_session: KeepsTheRecordsOfRemovedSessions
        by removing_a_session_removes_its_history_and_its_records;
    events_that_outlive_their_session: KeepsTheEventsOfRemovedSessions
        by a_session_that_is_created_again_has_no_history;
    reprinted_json: ReprintsJson by hostile_json_is_stored_unchanged;
    a_case_sensitive_search: SearchesCaseSensitively by text_is_found_ignoring_ascii_case;
    a_search_by_unicode_case: SearchesByUnicodeCase by text_is_found_ignoring_ascii_case;
    a_search_by_pattern: SearchesByPattern by text_is_taken_literally;
    more_for_every_full_page: SaysMoreWhenAPageIsFull by more_is_true_exactly_if_sessions_follow;
    more_for_no_page: NeverSaysMore by more_is_true_exactly_if_sessions_follow;
    a_position_without_the_id: SkipsTheRestOfATie by ties_are_ordered_by_the_bytes_of_ids;
    pages_without_end: RepeatsPagesForEver by pages_cover_every_session_once;
    forgotten_offsets: ForgetsOffsets by an_offset_skips_sessions;
    offsets_from_the_start: CountsOffsetsFromTheStart by an_offset_skips_sessions;
    empty_pages: ReturnsEmptyPagesOfLargeSessions by a_page_may_end_early_but_is_never_empty;
    an_empty_list_of_statuses_as_none: MatchesEveryStatusWhenNoneIsGiven
        by an_empty_list_of_statuses_matches_nothing;
    excluded_bounds: ExcludesBounds by bounds_of_time_are_inclusive;
    excluded_bounds_of_numbers: ExcludesBounds by bounds_of_iterations_are_inclusive;
    folded_ids: FoldsTheCaseOfIds by ids_that_differ_in_case_are_different_sessions;
    keys_sorted_by_utf16: SortsKeysByUtf16 by a_scan_is_in_the_order_of_bytes;
    a_scan_that_includes_its_start: ScansFromTheKeyOn by a_scan_begins_after_a_key;
    dropped_expired_records: DropsExpiredRecords by expired_records_are_kept;
    a_conflict_without_a_version: NamesNoVersionInConflicts by a_conflict_names_the_current_version;
    a_history_that_is_not_replaced: AppendsWhenItShouldReplace
        by replacing_a_history_removes_and_renumbers_it;
    sums_in_floats: SumsInFloats by sums_are_exact_beyond_the_largest_safe_integer;
    a_counted_trash: CountsTheTrash by every_status_mode_and_user_is_counted_separately;
    a_duration_without_an_end: MeasuresSessionsThatHaveNotEnded
        by every_status_mode_and_user_is_counted_separately;
    a_refused_removal_of_nothing: RefusesToRemoveNothing by removing_something_unknown_succeeds;
    empty_text_as_none: StoresEmptyTextAsNone by the_smallest_head_is_stored;
    cut_text: CutsLongText by text_of_any_script_is_stored;
    a_store_that_forgets: ForgetsOnReopening by written_data_exists_after_reopening;
    a_handle_that_caches: CachesHeads by two_handles_see_each_others_writes;
    a_feed_of_refused_commits: FeedsRefusedCommits by a_refused_commit_feeds_nothing;
    a_feed_that_begins_again: FeedsFromTheStart by the_feed_is_read_in_parts;
    a_feed_with_one_change_a_commit: FeedsEachCommitOnce by every_change_has_the_next_position;
    a_feed_with_events_that_are_gone: NamesEventsOfEndedHistories
        by events_of_a_history_that_has_ended_are_not_named;
}

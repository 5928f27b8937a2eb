//! The list of all cases, as a constant for hosts and as a macro that makes a test of each. The
//! list is written once, in `for_each_case`.

use std::pin::Pin;

use tenure_core::store::Capabilities;

use crate::check::{Check, Failure};
use crate::fixture::{Fixture, Run};

pub(crate) mod commit;
pub(crate) mod expectations;
pub(crate) mod feed;
pub(crate) mod handles;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod pages;
pub(crate) mod properties;
pub(crate) mod records;
pub(crate) mod sessions;
pub(crate) mod tally;
pub(crate) mod user_data;

/// Calls a macro, named in brackets, with its own arguments and the list of all cases: groups, each
/// with the required capabilities and the names of the cases.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_case {
    ([$($macro:tt)*] $arguments:tt) => {
        $($macro)*! {
            $arguments
            sessions Sessions {
                an_unknown_session_is_not_found
                every_field_of_a_head_is_stored
                the_smallest_head_is_stored
                a_put_replaces_every_field
                text_of_any_script_is_stored
                numbers_up_to_the_largest_safe_integer_are_stored
                ids_that_differ_in_case_are_different_sessions
                ids_with_a_meaning_elsewhere_are_ordinary_ids
                ids_of_any_length_are_distinguished
            }
            user_data Sessions {
                hostile_json_is_stored_unchanged
                json_of_128_levels_is_stored
                a_mebibyte_of_json_is_stored
                no_metadata_is_not_empty_metadata
            }
            user_data Verbatim {
                white_space_inside_json_is_kept
            }
            history Sessions {
                every_field_of_an_event_is_stored
                without_history_only_the_head_is_loaded
                the_last_events_are_loaded
                the_events_after_a_number_are_loaded
                the_whole_history_is_loaded
                appends_of_many_commits_keep_their_order
                events_are_ordered_by_number_not_by_time
                a_put_without_events_keeps_the_history
                replacing_a_history_removes_and_renumbers_it
                histories_of_sessions_with_similar_ids_do_not_mix
                head_and_history_are_consistent
            }
            expectations Sessions {
                a_session_is_written_only_as_expected
                a_session_is_removed_only_as_expected
                a_stale_version_of_a_session_never_applies
                a_conflict_names_the_current_version
                expectations_are_about_the_state_before_the_commit
            }
            expectations Nothing {
                a_record_is_written_only_as_expected
                a_record_is_removed_only_as_expected
                a_stale_version_of_a_record_never_applies
            }
            commit Sessions {
                an_empty_commit_applies
                one_commit_writes_many_sessions_and_records
                a_refused_session_undoes_the_whole_commit
                a_refused_record_undoes_the_whole_commit
                removing_a_session_removes_its_history_and_its_records
                a_session_and_its_record_are_removed_together
                a_session_that_is_created_again_has_no_history
                removing_something_unknown_succeeds
            }
            records Nothing {
                an_unknown_record_is_not_found
                bodies_are_stored_unchanged
                keys_of_any_text_are_distinguished
                keys_of_512_bytes_are_stored
                kinds_are_distinguished
                expired_records_are_kept
                a_scan_is_in_the_order_of_bytes
                a_scan_begins_after_a_key
                a_scan_ends_at_its_limit
            }
            records Sessions {
                every_field_of_a_record_is_stored
                a_record_is_removed_with_its_current_owner
            }
            list Sessions {
                an_empty_store_lists_nothing
                listed_heads_have_every_field
                every_property_of_a_filter_is_applied
                text_is_found_ignoring_ascii_case
                text_is_taken_literally
                an_empty_list_of_statuses_matches_nothing
                bounds_of_time_are_inclusive
                bounds_of_iterations_are_inclusive
                the_trash_is_listed_separately
                times_at_the_ends_of_the_calendar_are_ordered
                ties_are_ordered_by_the_bytes_of_ids
            }
            pages Sessions {
                pages_cover_every_session_once
                pages_are_complete_while_sessions_are_added
                a_page_can_begin_after_a_removed_session
                an_offset_skips_sessions
                more_is_true_exactly_if_sessions_follow
                a_page_may_end_early_but_is_never_empty
            }
            tally Sessions {
                an_empty_store_counts_nothing
                every_status_mode_and_user_is_counted_separately
                sums_are_exact_beyond_the_largest_safe_integer
                removed_sessions_are_not_counted
            }
            feed Feed {
                an_empty_feed_begins_at_zero
                every_change_has_the_next_position
                of_records_only_leases_and_audit_entries_are_fed
                a_refused_commit_feeds_nothing
                the_feed_is_read_in_parts
                events_of_a_history_that_has_ended_are_not_named
            }
            feed PersistentFeed {
                positions_go_on_after_reopening
            }
            feed SharedFeed {
                changes_of_two_handles_are_in_one_order
            }
            properties Sessions {
                generated_queries_agree_with_the_reference
                counts_of_generated_filters_agree_with_the_reference
                random_operations_agree_with_a_model
            }
            handles Persistent {
                written_data_exists_after_reopening
                versions_are_checked_after_reopening
                a_store_can_be_reopened_repeatedly
            }
            handles Shared {
                two_handles_see_each_others_writes
                one_of_two_conflicting_handles_succeeds
                all_appends_of_two_handles_are_stored
            }
        }
    };
}

macro_rules! list {
    (() $($group:ident $needs:ident { $($name:ident)* })*) => {
        /// Every case. Basic cases come first, and properties that combine them come last.
        pub const CASES: &[Case] = &[$($(
            Case {
                group: stringify!($group),
                name: stringify!($name),
                needs: Needs::$needs,
                run: |run| Box::pin($group::$name(run)),
            },
        )*)*];
    };
}

for_each_case!([list]());

/// A requirement for stores, and its test.
#[derive(Clone, Copy)]
pub struct Case {
    /// The group of the case.
    pub group: &'static str,
    /// The requirement, as a sentence with `_` between its words.
    pub name: &'static str,
    /// The stores to which the case applies.
    pub needs: Needs,
    run: for<'r> fn(&'r Run<'_>) -> Pin<Box<dyn Future<Output = Check> + 'r>>,
}

/// The capabilities that a case requires of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Every store.
    Nothing,
    /// Stores that keep sessions. The following variants include this one.
    Sessions,
    /// Stores whose contents persist when they are closed.
    Persistent,
    /// Stores that can be open several times at once.
    Shared,
    /// Stores that keep white space inside of user data.
    Verbatim,
    /// Stores that keep a feed of their changes.
    Feed,
    /// Stores that keep a feed which persists when they are closed.
    PersistentFeed,
    /// Stores that keep one feed for all that have them open.
    SharedFeed,
}

impl Needs {
    /// The stores that meet the requirement, in words. It is the reason why a case is skipped for
    /// other stores.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Nothing => "for every store",
            Self::Sessions => "only for stores that keep sessions",
            Self::Persistent => "only for stores that are `persistent`",
            Self::Shared => "only for stores that are `shared`",
            Self::Verbatim => "only for stores that are not `reindents`",
            Self::Feed => "only for stores with a `feed`",
            Self::PersistentFeed => "only for stores with a `feed` that are `persistent`",
            Self::SharedFeed => "only for stores with a `feed` that are `shared`",
        }
    }

    fn met_by(self, capabilities: Capabilities) -> bool {
        match self {
            Self::Nothing => true,
            _ if capabilities.records_only => false,
            Self::Sessions => true,
            Self::Persistent => capabilities.persistent,
            Self::Shared => capabilities.shared,
            Self::Verbatim => !capabilities.reindents,
            Self::Feed => capabilities.feed,
            Self::PersistentFeed => capabilities.feed && capabilities.persistent,
            Self::SharedFeed => capabilities.feed && capabilities.shared,
        }
    }
}

/// The outcome of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The store meets the requirement.
    Passed,
    /// The case requires a capability that the store does not declare.
    Skipped,
    /// The store does not meet the requirement.
    Failed(Failure),
}

impl Case {
    /// Runs the case. The fixture must be separate for each case, with an empty store. `scale`
    /// multiplies the number of generated inputs; 0.1 is a quick test, 1 a thorough one.
    pub async fn check(&self, fixture: &dyn Fixture, scale: f64) -> Outcome {
        let run = Run::new(fixture, scale);
        let ended = async {
            if self.needs != Needs::Nothing && !self.needs.met_by(run.capabilities().await?) {
                return Ok(Outcome::Skipped);
            }
            (self.run)(&run).await.map(|()| Outcome::Passed)
        };
        ended.await.unwrap_or_else(Outcome::Failed)
    }
}

/// Runs the case with this name; see [`Case::check`].
pub async fn check(name: &str, fixture: &dyn Fixture, scale: f64) -> Outcome {
    match CASES.iter().find(|case| case.name == name) {
        Some(case) => case.check(fixture, scale).await,
        None => Outcome::Failed(Failure::new(format!("there is no case {name:?}"))),
    }
}

/// Makes a `#[test]` of each case. The expression returns a [`Fixture`] and is evaluated for each
/// case. The environment variable `TENURE_TEST_SCALE` (0.1 by default) multiplies the number of
/// generated inputs.
///
/// ```
/// use tenure_core::{Lift, MemoryStore};
///
/// tenure_testkit::conformance!(|| tenure_testkit::store(Lift(MemoryStore::default())));
/// ```
#[macro_export]
macro_rules! conformance {
    ($fixture:expr) => {
        $crate::for_each_case!([$crate::conformance_tests]($fixture));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    (($fixture:expr) $($group:ident $needs:ident { $($name:ident)* })*) => {$($(
        #[test]
        fn $name() -> ::std::result::Result<(), $crate::Failure> {
            let scale = ::std::env::var("TENURE_TEST_SCALE")
                .ok()
                .and_then(|scale| scale.parse().ok())
                .unwrap_or(0.1);
            $crate::block_on(async {
                match $crate::check(stringify!($name), &$fixture, scale).await {
                    $crate::Outcome::Failed(failure) => Err(failure),
                    $crate::Outcome::Passed | $crate::Outcome::Skipped => Ok(()),
                }
            })
        }
    )*)*};
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_unique_name() {
        let names: BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
    }
}

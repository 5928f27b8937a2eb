//! The job that renews a lease: when it renews the lease, and when the lease is lost.

use tenure_core::Millis;
use tenure_core::lease::renewal::{LeaseLoss, RENEWAL, RenewalParams};
use tenure_core::work::job::{JobReply, JobResult, Need};

use crate::support::jobs::{driver_error, run_job};

/// The reply to a renewal.
#[derive(Clone, Copy)]
enum Renewal {
    Renewed,
    Lost,
    /// The lease is renewed, and the reply comes after this many milliseconds.
    Slow(u64),
    /// The store does not answer for this many milliseconds, and then fails.
    Fails(u64),
}

/// Renews a lease of 30 seconds that was requested `age` milliseconds ago. Returns the result, and the
/// times of the renewals.
fn renew(age: u64, replies: &[Renewal]) -> (JobResult<LeaseLoss>, Vec<u64>) {
    let params = RenewalParams {
        key: "k".into(),
        holder: Some("h".into()),
        token: 1,
        duration_ms: 30_000,
        age_ms: age,
    };
    let mut times = Vec::new();
    let result = run_job(&RENEWAL, params, |need, clock| match need {
        Need::Sleep(Millis(millis)) => {
            *clock += millis;
            Ok(JobReply::Done)
        }
        Need::Run(step) => {
            let outcome = replies[times.len()];
            times.push(*clock);
            let json = match outcome {
                Renewal::Renewed => r#"{"outcome":"renewed","lease":null}"#,
                Renewal::Slow(after) => {
                    *clock += after;
                    r#"{"outcome":"renewed","lease":null}"#
                }
                Renewal::Lost => r#"{"outcome":"lost","lease":null}"#,
                Renewal::Fails(after) => {
                    *clock += after;
                    return Err(driver_error("STORE_UNAVAILABLE", times.len() as u32));
                }
            };
            Ok(JobReply::Ran(step.read_reply(json)?))
        }
        _ => panic!("it needs something else"),
    });
    (result, times)
}

#[test]
fn a_lease_is_renewed_after_a_third_of_its_duration() {
    let (result, times) = renew(0, &[Renewal::Renewed, Renewal::Renewed, Renewal::Lost]);
    assert_eq!(times, [10_000, 20_000, 30_000]);
    assert!(result.unwrap().problem.contains("another holder"));
}

#[test]
fn a_failed_renewal_is_retried_every_second_until_the_lease_expires() {
    let failing = [Renewal::Fails(0); 25];
    let (result, times) = renew(0, &failing);
    assert_eq!(times[..3], [10_000, 11_000, 12_000]);
    assert_eq!(times.last(), Some(&30_000));
    assert_eq!(result, Err(driver_error("STORE_UNAVAILABLE", 21)));
}

#[test]
fn the_time_since_the_acquisition_counts_towards_the_expiry() {
    let (_, times) = renew(15_500, &[Renewal::Fails(0); 25]);
    assert_eq!(times.last(), Some(&14_500));
}

#[test]
fn a_renewal_after_failures_extends_the_lease_from_the_time_of_the_renewal() {
    let mut replies = vec![Renewal::Fails(500), Renewal::Renewed];
    replies.extend([Renewal::Fails(0); 25]);
    let (_, times) = renew(0, &replies);
    assert_eq!(times[..3], [10_000, 11_500, 21_500]);
    assert_eq!(times.last(), Some(&41_500));
}

#[test]
fn a_failure_after_the_expiry_loses_the_lease() {
    let (result, times) = renew(0, &[Renewal::Fails(20_000)]);
    assert_eq!((result.is_err(), times.len()), (true, 1));
}

#[test]
fn the_next_renewal_is_counted_from_the_request_of_the_last() {
    let (_, times) = renew(
        0,
        &[Renewal::Slow(9_000), Renewal::Slow(12_000), Renewal::Lost],
    );
    assert_eq!(times, [10_000, 20_000, 32_000]);
}

#[test]
fn a_renewal_is_of_use_until_the_lease_expires() {
    let mut left = Vec::new();
    let params = RenewalParams {
        key: "k".into(),
        holder: None,
        token: 1,
        duration_ms: 30_000,
        age_ms: 500,
    };
    let result = run_job(&RENEWAL, params, |need, clock| match need {
        Need::Sleep(Millis(millis)) => {
            *clock += millis;
            Ok(JobReply::Done)
        }
        Need::Run(step) => {
            left.push(step.within());
            *clock += if left.len() < 3 { 0 } else { 60_000 };
            Err(driver_error("STORE_TIMEOUT", 1))
        }
        _ => panic!("it needs something else"),
    });
    assert_eq!(result, Err(driver_error("STORE_TIMEOUT", 1)));
    let expected = [19_500, 18_500, 17_500].map(|millis| Some(Millis(millis)));
    assert_eq!(left, expected);
}

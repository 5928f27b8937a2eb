//! The job that renews a lease for as long as it is needed. It ends when the lease is lost: another
//! holder has it, or it could not be renewed before it expired.

use serde::Serialize;

use crate::declare_params;
use crate::error::Result;
use crate::value::properties::{Properties, Property};
use crate::value::text::Text;
use crate::value::time::Millis;
use crate::work::job::{JobContext, JobResult, Side};

use super::decision::Outcome;
use super::operations::LEASE_RENEW;
use super::params::{LeaseOutcome, LeaseRenewParams};

/// A lease is renewed when this part of its duration has passed: one third.
const RENEWALS: u64 = 3;
/// The maximum delay of the retry after a failed renewal.
const RETRY: Millis = Millis(1000);

declare_params! {
    /// The lease to renew.
    pub struct RenewalParams {
        /// The key of the lease.
        pub key: Text,
        /// The name of the holder; by default the calling process.
        pub holder: Option<Text>,
        /// The fencing token that `leaseAcquire` returned.
        pub token: u64,
        /// The duration of the lease, in milliseconds.
        pub duration_ms: u64,
        /// The time since the lease was requested, in milliseconds.
        pub age_ms: u64,
    }
}

/// The loss of a lease to another holder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LeaseLoss {
    /// The reason.
    pub problem: &'static str,
}

crate::jobs! {
    /// Renews a lease until it is lost. It fails with the error of the last renewal if the lease could not
    /// be renewed before it expired.
    RENEWAL = "renewal" (RenewalParams) -> LeaseLoss, renew,
        r#"{"key":"k","holder":"h","token":1,"durationMs":1000,"ageMs":0}"#;
}

async fn renew(context: JobContext, params: RenewalParams) -> JobResult<LeaseLoss> {
    let interval = params.duration_ms / RENEWALS;
    let mut expires = params.duration_ms.saturating_sub(params.age_ms);
    let mut delay = interval;
    loop {
        context.sleep(Millis(delay)).await?;
        let began = context.elapsed().0;
        let renewal = LeaseRenewParams {
            key: params.key.clone(),
            holder: params.holder.clone(),
            token: params.token,
            ..LeaseRenewParams::default()
        };
        // A reply after the lease has expired is of no use: another holder may have it.
        let left = Some(Millis(expires.saturating_sub(began)));
        match context
            .run_within(Side::Target, &LEASE_RENEW, renewal, left)
            .await
        {
            Ok(Renewed(true)) => {
                expires = began + params.duration_ms;
                // Counted from the request, as the lease is.
                delay = interval.saturating_sub(context.elapsed().0.saturating_sub(began));
            }
            Ok(Renewed(false)) => {
                return Ok(LeaseLoss {
                    problem: "another holder has it, or it was released",
                });
            }
            Err(error) => match expires.saturating_sub(context.elapsed().0) {
                0 => return Err(error),
                left => delay = RETRY.0.min(interval).min(left),
            },
        }
    }
}

/// Whether a lease was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Renewed(pub bool);

impl From<LeaseOutcome> for Renewed {
    fn from(reply: LeaseOutcome) -> Self {
        Self(reply.outcome == Outcome::Renewed)
    }
}

impl Property for Renewed {
    fn read(name: &str, text: &str) -> Result<Self> {
        let outcome: String = Properties::read(name, text)?.get("outcome")?;
        Ok(Self(outcome == "renewed"))
    }
}

//! The job that starts a session in a slot and waits while another call holds the slot's lock, or the
//! store is busy or unavailable. The pauses grow, and half of each is random, so that concurrent calls diverge.

use crate::declare_params;
use crate::value::text::Text;
use crate::value::time::Millis;
use crate::work::job::{JobContext, JobResult};

/// The maximum first pause, in milliseconds. Each further one is `GROWTH` times as long.
const FIRST_MS: u64 = 50;
const GROWTH: u64 = 4;
/// No pause is longer: the lease of a slot that is not released expires before that.
const MAX_MS: u64 = 5000;

/// The code of the outcome when another call holds the lock of the slot.
const LOCKED: &str = "SLOT_LOCKED";
/// The codes of the errors of a store that may be gone the next time, before anything was written.
const BRIEF: [&str; 2] = ["STORE_BUSY", "STORE_UNAVAILABLE"];

declare_params! {
    /// How often to retry.
    pub struct SlotWaitParams {
        /// The number of retries.
        pub retries: u32,
    }
}

crate::jobs! {
    /// Starts a session in a slot, and retries while another call holds the lock of the slot, or the
    /// store is busy or unavailable. The driver starts the session; any other outcome is final.
    SLOT_WAIT = "slotWait" (SlotWaitParams) -> (), wait, r#"{"retries":3}"#;
}

async fn wait(context: JobContext, params: SlotWaitParams) -> JobResult<()> {
    let mut pause = FIRST_MS;
    for _ in 0..params.retries {
        let outcome = context.attempt().await;
        if !is_blocked(&outcome) {
            return outcome.map(drop);
        }
        let shortest = pause / 2;
        let random = context.random(pause - shortest);
        context.sleep(Millis(shortest + random)).await?;
        pause = (pause * GROWTH).min(MAX_MS);
    }
    context.attempt().await.map(drop)
}

/// Whether a call may have another outcome later.
fn is_blocked(outcome: &JobResult<Text>) -> bool {
    match outcome {
        Ok(code) => code.as_str() == LOCKED,
        Err(error) => BRIEF.contains(&error.code()),
    }
}

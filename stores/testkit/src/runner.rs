//! Runs cases natively, over synchronous and asynchronous stores. The thread sleeps until the case
//! is woken. Other hosts poll cases themselves.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::check::{Check, Failure};

/// How long a pending case may take to be woken.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a future to its end. Sleeps while it is pending.
///
/// # Errors
/// Those of the future, and a failure if it is pending and is not woken for a minute.
pub fn block_on<T>(future: impl Future<Output = Check<T>>) -> Check<T> {
    block_on_within(LIMIT, future)
}

fn block_on_within<T>(limit: Duration, future: impl Future<Output = Check<T>>) -> Check<T> {
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(end) = future.as_mut().poll(&mut context) {
            return end;
        }
        if !signal.wait(limit) {
            let limit = limit.as_secs_f64();
            let problem = format!("the store did not wake its caller within {limit} s");
            return Err(Failure::new(problem));
        }
    }
}

/// Whether the future was woken since its last poll.
#[derive(Default)]
struct Signal {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// Waits until the future is woken. Returns false if that exceeds the limit.
    fn wait(&self, limit: Duration) -> bool {
        let is_woken = self.is_woken.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(is_woken, limit, |is_woken| !*is_woken);
        let (mut is_woken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *is_woken)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.is_woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::thread;

    use super::*;

    #[test]
    fn a_future_that_is_ready_is_not_waited_for() {
        assert_eq!(block_on(async { Ok(1) }), Ok(1));
    }

    #[test]
    fn a_future_is_polled_when_another_thread_wakes_it() {
        let mut polls = 0;
        let future = poll_fn(|context| {
            polls += 1;
            let waker = context.waker().clone();
            match polls {
                // The future is woken before its poll returns, and after.
                1 => waker.wake(),
                2 => drop(thread::spawn(move || {
                    thread::sleep(Duration::from_millis(20));
                    waker.wake();
                })),
                _ => return Poll::Ready(Ok(())),
            }
            Poll::Pending
        });
        assert_eq!(block_on(future), Ok(()));
        assert_eq!(polls, 3);
    }

    #[test]
    fn a_future_that_is_never_woken_is_a_failure() {
        let limit = Duration::from_millis(20);
        let end = block_on_within(limit, std::future::pending::<Check>());
        let failure = end.unwrap_err().to_string();
        assert!(failure.contains("did not wake"), "{failure}");
    }
}

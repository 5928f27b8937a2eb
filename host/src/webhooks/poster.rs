//! Posts on the runtime thread, for a driver of jobs that waits for their ends on its own thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tenure_core::Result;
use tenure_core::work::job::{Ended, EndedPost, Post, Posting};
use tokio::task::JoinSet;

use crate::runtime::RuntimeThread;

use super::client::Client;

/// How long what is in flight may take once the job is to end. What is stopped then is attempted again.
const DRAIN: Duration = Duration::from_secs(5);

/// Posts texts. Dropping it drops what is in flight.
pub struct Poster {
    // Dropped in this order: the last user of the runtime waits until its tasks are dropped.
    tasks: JoinSet<()>,
    runtime: Arc<RuntimeThread>,
    client: Arc<Client>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    in_flight: usize,
    stops: Arc<AtomicBool>,
    /// When what is in flight is stopped, once the job is to end.
    drained_at: Option<Instant>,
    /// Whether the job knows that it is to stop.
    has_reported_stop: bool,
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}

enum Event {
    Ended(EndedPost),
    Wake,
}

/// Wakes or stops a job that waits for posts. Threads may share it.
#[derive(Clone)]
pub struct PosterSignal {
    sender: Sender<Event>,
    stops: Arc<AtomicBool>,
}

impl fmt::Debug for PosterSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PosterSignal").finish_non_exhaustive()
    }
}

impl PosterSignal {
    /// Ends the wait for posts, since there may be more to deliver.
    pub fn wake(&self) {
        // Without a receiver nothing waits any more.
        let _ = self.sender.send(Event::Wake);
    }

    /// Has the job end: it starts no further post.
    pub fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        self.wake();
    }
}

impl Poster {
    /// Posts on this process's runtime thread.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the system starts no thread.
    pub fn new() -> Result<Self> {
        let (sender, events) = mpsc::channel();
        Ok(Self {
            tasks: JoinSet::new(),
            runtime: RuntimeThread::shared()?,
            client: Arc::default(),
            sender,
            events,
            in_flight: 0,
            stops: Arc::default(),
            drained_at: None,
            has_reported_stop: false,
        })
    }

    /// What wakes and stops the job.
    pub fn signal(&self) -> PosterSignal {
        PosterSignal {
            sender: self.sender.clone(),
            stops: Arc::clone(&self.stops),
        }
    }

    /// Starts posts, and waits for the end of one. The thread must not be the runtime's.
    pub fn perform(&mut self, posting: Posting) -> Ended {
        let deadline = Instant::now() + Duration::from_millis(posting.wait_ms);
        for post in posting.start {
            self.start(post);
        }
        let mut ended = Ended::default();
        loop {
            let mut is_woken = false;
            while let Ok(event) = self.events.try_recv() {
                is_woken |= self.note(event, &mut ended);
            }
            ended.stops = self.stops.load(Ordering::Acquire);
            let is_reported_now = ended.stops && (!self.has_reported_stop || self.in_flight == 0);
            if !ended.posts.is_empty() || is_reported_now || (is_woken && !ended.stops) {
                self.has_reported_stop |= ended.stops;
                return ended;
            }
            let mut left = deadline.saturating_duration_since(Instant::now());
            if ended.stops && self.in_flight > 0 {
                let drained_at = *self.drained_at.get_or_insert(Instant::now() + DRAIN);
                match drained_at.checked_duration_since(Instant::now()) {
                    Some(until) => left = left.min(until),
                    // Their ends follow at once.
                    None => self.tasks.abort_all(),
                }
            }
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    let is_woken = self.note(event, &mut ended);
                    if is_woken && !self.stops.load(Ordering::Acquire) {
                        return ended;
                    }
                }
                // The sender of the poster itself is never dropped before it.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    if Instant::now() >= deadline {
                        return ended;
                    }
                }
            }
        }
    }

    /// Takes note of an event. Returns whether there may be more to deliver.
    fn note(&mut self, event: Event, ended: &mut Ended) -> bool {
        match event {
            Event::Wake => true,
            Event::Ended(post) => {
                self.in_flight = self.in_flight.saturating_sub(1);
                ended.posts.push(post);
                false
            }
        }
    }

    fn start(&mut self, post: Post) {
        self.in_flight += 1;
        // Removes tasks that have ended from the set.
        while self.tasks.try_join_next().is_some() {}
        let mut report = Report {
            number: post.number,
            sender: Some(self.sender.clone()),
        };
        let client = Arc::clone(&self.client);
        let task = async move {
            let ended = client.post(post).await;
            report.send(ended);
        };
        self.tasks.spawn_on(task, self.runtime.handle());
    }
}

/// Reports the end of a post in any case, also when its task panics.
struct Report {
    number: u32,
    sender: Option<Sender<Event>>,
}

impl Report {
    fn send(&mut self, ended: EndedPost) {
        if let Some(sender) = self.sender.take() {
            // The poster is gone: nobody settles the post.
            let _ = sender.send(Event::Ended(ended));
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.send(EndedPost {
            number: self.number,
            problem: Some("the attempt was stopped".into()),
            ..EndedPost::default()
        });
    }
}

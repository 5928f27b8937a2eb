//! A connection to the server that a test can cut at any byte, interrupt and delay, and whose round trips it can
//! count.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// Which bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// When all connections are cut: after so many bytes.
#[derive(Debug, Clone, Copy)]
struct Cut {
    direction: Direction,
    left: u64,
}

#[derive(Debug)]
struct State {
    cut: Mutex<Option<Cut>>,
    /// Changes when all connections are cut.
    generation: watch::Sender<u64>,
    sent: AtomicU64,
    received: AtomicU64,
    round_trips: AtomicU64,
    /// Whether the client was answered since it has sent something.
    was_answered: AtomicBool,
    /// Whether new connections are refused.
    refuses: AtomicBool,
    /// For how many milliseconds replies are held back, so that all that a client sends without a reply is one round
    /// trip.
    hold_ms: AtomicU64,
    /// Whether nothing is passed, in either direction. What was sent arrives when it is over.
    is_interrupted: watch::Sender<bool>,
}

/// A proxy in front of the server.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(crate) async fn new(server_port: u16) -> Self {
        Self::holding(server_port, Duration::ZERO).await
    }

    /// A proxy that counts round trips.
    pub(crate) async fn holding(server_port: u16, hold: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            cut: Mutex::default(),
            generation: watch::Sender::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            round_trips: AtomicU64::new(0),
            was_answered: AtomicBool::new(true),
            refuses: AtomicBool::new(false),
            hold_ms: AtomicU64::new(hold.as_millis() as u64),
            is_interrupted: watch::Sender::new(false),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.refuses.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else {
                    continue;
                };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pump(
                    Arc::clone(&shared),
                    Direction::ToServer,
                    from_client,
                    to_server,
                ));
                tokio::spawn(pump(
                    Arc::clone(&shared),
                    Direction::ToClient,
                    from_server,
                    to_client,
                ));
            }
        });
        Self { port, state }
    }

    /// Cuts all connections after so many further bytes.
    pub(crate) fn cut_after(&self, direction: Direction, bytes: u64) {
        *self.state.cut.lock().unwrap() = Some(Cut {
            direction,
            left: bytes,
        });
    }

    /// Passes no replies any more.
    pub(crate) fn hold_replies(&self) {
        self.state
            .hold_ms
            .store(u64::from(u32::MAX), Ordering::Relaxed);
    }

    /// Holds replies back for so long from now on.
    pub(crate) fn delay(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).unwrap();
        self.state.hold_ms.store(time, Ordering::Relaxed);
    }

    /// Interrupts the network, or restores it: nothing arrives, and nothing is closed.
    pub(crate) fn interrupt(&self, is_interrupted: bool) {
        self.state.is_interrupted.send_replace(is_interrupted);
    }

    /// Refuses new connections, or accepts them again.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Does not cut any more.
    pub(crate) fn pass(&self) {
        *self.state.cut.lock().unwrap() = None;
    }

    /// The bytes that were sent to the server, and those that were received.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.state.sent), read(&self.state.received))
    }

    /// The number of times that the client has sent something after it was answered.
    pub(crate) fn round_trips(&self) -> u64 {
        self.state.round_trips.load(Ordering::Relaxed)
    }
}

async fn pump(
    state: Arc<State>,
    direction: Direction,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
) {
    let mut generation = state.generation.subscribe();
    let mut interrupted = state.is_interrupted.subscribe();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = generation.changed() => return,
        };
        let Ok(count @ 1..) = read else {
            return;
        };
        let (counter, bytes) = match direction {
            Direction::ToServer => {
                if state.was_answered.swap(false, Ordering::Relaxed) {
                    state.round_trips.fetch_add(1, Ordering::Relaxed);
                }
                (&state.sent, &buffer[..count])
            }
            Direction::ToClient => {
                let hold_ms = state.hold_ms.load(Ordering::Relaxed);
                sleep(Duration::from_millis(hold_ms)).await;
                state.was_answered.store(true, Ordering::Relaxed);
                (&state.received, &buffer[..count])
            }
        };
        let restored = async {
            let restored = interrupted.wait_for(|is_interrupted| !is_interrupted);
            restored.await.map(drop)
        };
        tokio::select! {
            restored = restored => if restored.is_err() { return },
            _ = generation.changed() => return,
        }
        counter.fetch_add(count as u64, Ordering::Relaxed);
        let passed = passed(&state, direction, count as u64);
        let bytes = &bytes[..passed.unwrap_or(count as u64) as usize];
        if to.write_all(bytes).await.is_err() {
            return;
        }
        if passed.is_some() {
            state.generation.send_modify(|generation| *generation += 1);
            return;
        }
    }
}

/// How many bytes are passed before the connections are cut; `None` if they are not.
fn passed(state: &State, direction: Direction, count: u64) -> Option<u64> {
    let mut cut = state.cut.lock().unwrap();
    let planned = cut.as_mut().filter(|cut| cut.direction == direction)?;
    if planned.left > count {
        planned.left -= count;
        return None;
    }
    let left = planned.left;
    *cut = None;
    Some(left)
}

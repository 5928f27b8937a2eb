//! Accepts connections, up to a number, and serves the requests of each.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::failure;
use crate::race::{First, first};
use crate::refusal::Refusal;
use crate::route::respond;
use crate::stalling::Stalling;
use crate::state::State;

/// The greatest size of the head of a request, in bytes, and the greatest number of its headers.
const HEAD_BYTES: usize = 32 << 10;
const HEADERS: usize = 64;
/// The time before the next try if the system accepts no connection, since it has no file left.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until the server is closing, and those that are open to their end.
pub(crate) async fn serve(state: Arc<State>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(state.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = match first(listener.accept(), state.closed()).await {
            First::One(accepted) => accepted,
            First::Other(()) => break,
        };
        // Those that have ended are removed.
        while connections.try_join_next().is_some() {}
        match (accepted, Arc::clone(&room).try_acquire_owned()) {
            (Ok((stream, _)), Ok(permit)) => {
                connections.spawn(connection(Arc::clone(&state), stream, permit));
            }
            (Ok((stream, _)), Err(_)) => {
                let _ = stream.try_write(&busy(&state));
            }
            (Err(_), _) => sleep(PAUSE).await,
        }
    }
    drop(listener);
    let time = state.limits.closing_time;
    let ended = timeout(time, async {
        while connections.join_next().await.is_some() {}
    });
    if ended.await.is_err() {
        connections.shutdown().await;
    }
    let mut running = state.running.subscribe();
    let _ = running.wait_for(|running| *running == 0).await;
}

async fn connection(state: Arc<State>, stream: TcpStream, _permit: OwnedSemaphorePermit) {
    // What is small is sent without waiting for more.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Stalling::new(stream, state.limits.stall_time));
    let shared = Arc::clone(&state);
    let service = service_fn(move |request: Request<Incoming>| {
        let state = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(state, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(state.limits.head_time)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(io, service);
    let mut served = Box::pin(served);
    // A connection that fails is of its client.
    if let First::Other(()) = first(served.as_mut(), state.closed()).await {
        served.as_mut().graceful_shutdown();
        let _ = served.await;
    }
}

/// What a connection gets that is one more than there may be.
fn busy(state: &State) -> Vec<u8> {
    let refusal = Refusal::Busy {
        what: "connections",
        limit: state.limits.connections,
    };
    let body = failure::text(&refusal);
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

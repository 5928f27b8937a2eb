//! A server: it listens from its start on, and serves until it is closed.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};

use tenure_core::{Error, Result};
use tenure_host::RuntimeThread;
use tokio::sync::{Semaphore, watch};

use crate::connection::serve;
use crate::hosts::Hosts;
use crate::metrics::{keep_recording, record};
use crate::options::ServerOptions;
use crate::pulse::Pulse;
use crate::scrapes::Scrapes;
use crate::service::Service;
use crate::state::{ARCHIVE_LISTS, ARCHIVED_SESSIONS, BODY_UNIT, State, THREADS};
use crate::token::Token;
use crate::watch::follow;

/// A running server. One that is dropped ends without waiting for its requests.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    token: Token,
    closing: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
    // Dropped last: without a user the thread ends, with the tasks on it.
    runtime: Arc<RuntimeThread>,
}

impl Server {
    /// Starts a server over the operations of a store.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for options, and for an address on which it cannot listen.
    pub fn bind(service: Arc<dyn Service>, options: ServerOptions) -> Result<Self> {
        let token = options.chosen_token()?;
        options.check_origins()?;
        let listener = listen(options.address);
        let (listener, address) = listener.map_err(|error| {
            let problem = format!("cannot listen on {}: {error}", options.address);
            match error.kind() {
                ErrorKind::AddrInUse => Error::invalid("port", problem + "; 0 is any free one"),
                _ => Error::invalid("address", problem),
            }
        })?;
        let hosts = Hosts::new(address, &options.allowed_hosts)?;
        let runtime = RuntimeThread::shared()?;
        let (closing, is_closing) = watch::channel(false);
        let (ending, ended) = watch::channel(false);
        let limits = options.limits;
        let records = options.records && !options.read_only;
        let state = Arc::new(State {
            service,
            token: token.clone(),
            cookie: format!("tenure_session_{}", address.port()),
            read_only: options.read_only,
            records,
            hosts,
            origins: options.allowed_origins,
            files: options.files,
            archive: options.archive,
            archive_lists: Semaphore::new(ARCHIVE_LISTS),
            archived_sessions: Arc::new(Semaphore::new(ARCHIVED_SESSIONS)),
            log: options.log,
            pulse: Pulse::default(),
            scrapes: Scrapes::default(),
            threads: Arc::new(Semaphore::new(THREADS)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            bodies: Arc::new(Semaphore::new(limits.all_bodies_bytes / BODY_UNIT)),
            running: watch::Sender::new(0),
            closing: is_closing,
            limits,
        });
        let entered = runtime.handle().enter();
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|error| Error::internal(format!("cannot listen: {error}")))?;
        drop(entered);
        state.logging(|| {
            tracing::info!(address = %address, read_only = state.read_only, "listening");
        });
        runtime.handle().spawn(async move {
            let following = tokio::spawn(follow(Arc::clone(&state)));
            let recording = records.then(|| tokio::spawn(keep_recording(Arc::clone(&state))));
            serve(Arc::clone(&state), listener).await;
            following.abort();
            if let Some(recording) = recording {
                // Of two records the last one counts.
                let _ = recording.await;
                record(&state, true).await;
            }
            state.logging(|| tracing::info!("closed"));
            // Without a receiver nobody waits for the end.
            let _ = ending.send(true);
        });
        Ok(Self {
            address,
            token,
            closing,
            ended,
            runtime,
        })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Its URL. An address that stands for all of the machine's is shown as the local one.
    pub fn url(&self) -> String {
        let (ip, port) = (self.address.ip(), self.address.port());
        match self.address {
            _ if ip.is_unspecified() => format!("http://localhost:{port}/"),
            address => format!("http://{address}/"),
        }
    }

    /// Its URL with the token, which opens the page of the web UI.
    pub fn url_with_token(&self) -> String {
        format!("{}?token={}", self.url(), self.token.reveal())
    }

    /// Closes the server: it accepts no connection, ends its streams, and waits for the requests and
    /// operations that are under way. It must not be called on the runtime thread.
    pub fn close(&self) {
        let (done, closed) = mpsc::channel();
        self.ended(move || {
            // The receiver waits for it.
            let _ = done.send(());
        });
        self.close_soon();
        // Without an answer the runtime has ended.
        let _ = closed.recv();
    }

    /// Starts to close the server.
    pub fn close_soon(&self) {
        // Without a receiver the server has ended.
        let _ = self.closing.send(true);
    }

    /// Has `done` called on the runtime thread when the server is closed.
    pub fn ended(&self, done: impl FnOnce() + Send + 'static) {
        let mut ended = self.ended.clone();
        self.runtime.handle().spawn(async move {
            let _ = ended.wait_for(|has_ended| *has_ended).await;
            done();
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close_soon();
    }
}

fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

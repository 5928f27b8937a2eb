//! Notifications that something has changed. Writers send them behind their commits, at most one in a while, and a
//! handle whose feed is read listens for them on a connection of its own. They carry nothing: what has changed is
//! in the feed. Where they do not arrive (a pooler, another database) or are lost, the feed is read as if there
//! were none.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client};

use crate::backoff::Backoff;
use crate::database::Database;
use crate::failure::Failure;
use crate::request::{Batch, Frame, Request};
use crate::signal::Notify;

/// After how long without a reader a handle stops listening.
const UNREAD: Duration = Duration::from_secs(60);
/// How long the first notification may take, which shows that notifications arrive.
const PROBE: Duration = Duration::from_secs(5);

/// The payload of the first notification.
const PROBING: &str = "probe";

/// Why a handle has stopped listening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// Nobody reads the feed.
    Unread,
    /// Notifications do not arrive.
    Unsupported,
    /// The connection is lost.
    Lost,
}

impl Database {
    /// A notification to send behind a commit that changes the feed, if it is time for one. Otherwise one is sent
    /// soon.
    pub(crate) fn notification(&self) -> Option<Request<'static>> {
        match self.signal.turn() {
            Notify::Now => return Some(self.notify("")),
            Notify::No => {}
            Notify::At(time) => {
                let database = self.for_later();
                tokio::spawn(async move {
                    sleep_until(time).await;
                    database.signal.take_turn();
                    let request = [database.notify("")];
                    let batch = Batch::new("feed", Frame::Alone, &request);
                    // Without it, readers find the change a little later.
                    if let Err(Failure::Failed(_)) =
                        database.send(&batch, database.deadline()).await
                    {
                        database
                            .signal
                            .is_unsupported
                            .store(true, Ordering::Relaxed);
                    }
                });
            }
        }
        None
    }

    fn notify(&self, payload: &str) -> Request<'static> {
        let mut request = Request::default();
        let channel = request.bind(self.channel().to_owned());
        let payload = request.bind(payload.to_owned());
        request.push(format_args!("SELECT pg_notify({channel}, {payload})"));
        request
    }

    fn channel(&self) -> &str {
        self.schema.trim_matches('"')
    }

    /// Listens, unless this handle does, or the database has no notifications for it.
    pub(crate) fn listen(&self) {
        let signal = &self.signal;
        if self.pool.manager().is_pooled() || signal.is_unsupported.load(Ordering::Relaxed) {
            return;
        }
        signal.listen_with(|| {
            let database = self.for_later();
            tokio::spawn(async move {
                let mut backoff = Backoff::default();
                loop {
                    let stopped = database.hear().await;
                    database.signal.is_heard.store(false, Ordering::SeqCst);
                    match stopped {
                        Stopped::Unread => return,
                        Stopped::Unsupported => {
                            database
                                .signal
                                .is_unsupported
                                .store(true, Ordering::Relaxed);
                            return;
                        }
                        Stopped::Lost => backoff.pause(Instant::now() + UNREAD).await,
                    };
                }
            })
            .abort_handle()
        });
    }

    /// Listens until the connection is lost, or nobody reads the feed any more.
    async fn hear(&self) -> Stopped {
        let connecting = self.pool.manager().connect_alone();
        let connected = timeout(self.settings.connection_timeout, connecting).await;
        let Ok(Ok((client, mut connection))) = connected else {
            return Stopped::Lost;
        };
        let (sender, mut payloads) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(notification) = message
                    && sender.send(notification.payload().to_owned()).is_err()
                {
                    return;
                }
            }
        });
        if let Err(stopped) = self.begin(&client, &mut payloads).await {
            return stopped;
        }
        // What has changed before is found by the next reader.
        self.signal.note_change();
        self.signal.is_heard.store(true, Ordering::SeqCst);
        loop {
            match timeout(UNREAD, payloads.recv()).await {
                Ok(Some(_)) => self.signal.note_change(),
                Ok(None) => return Stopped::Lost,
                Err(_) => {}
            }
            if !self.signal.is_read(UNREAD) {
                return Stopped::Unread;
            }
        }
    }

    /// Begins to listen, and waits for a notification of its own.
    async fn begin(
        &self,
        client: &Client,
        payloads: &mut UnboundedReceiver<String>,
    ) -> Result<(), Stopped> {
        let listen = format!("LISTEN {}", self.schema);
        match timeout(PROBE, client.batch_execute(&listen)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let unknown = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::SYNTAX_ERROR];
                return Err(
                    match error.code().is_some_and(|code| unknown.contains(code)) {
                        true => Stopped::Unsupported,
                        false => Stopped::Lost,
                    },
                );
            }
            Err(_) => return Err(Stopped::Lost),
        }
        let (probe, until) = ([self.notify(PROBING)], Instant::now() + PROBE);
        let sent = self
            .send(&Batch::new("feed", Frame::Alone, &probe), until)
            .await;
        sent.map_err(|_| Stopped::Lost)?;
        while let Ok(payload) = timeout_at(until, payloads.recv()).await {
            match payload {
                Some(payload) if payload == PROBING => return Ok(()),
                Some(_) => {}
                None => return Err(Stopped::Lost),
            }
        }
        Err(Stopped::Unsupported)
    }
}

//! The options of a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tenure_archive::Archive;
use tenure_core::{Error, Result};
use tracing::Dispatch;

use crate::files::Files;
use crate::token::Token;

/// The options of a server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The address to listen on. Port 0 is any free one.
    pub address: SocketAddr,
    /// The token; by default a new one. An address that other machines reach demands one.
    pub token: Option<Token>,
    /// Whether operations that write are refused.
    pub read_only: bool,
    /// Whether the server records its metrics in the store, for scrapes of other processes. One that is read-only
    /// never does.
    pub records: bool,
    /// Further names by which the server may be addressed, with a port or for any port.
    pub allowed_hosts: Vec<String>,
    /// The origins whose pages may use the server with the token, such as `https://bot.example`.
    pub allowed_origins: Vec<String>,
    /// The limits.
    pub limits: ServerLimits,
    /// The files of the web UI.
    pub files: Files,
    /// The archive that clients may read.
    pub archive: Option<Archive>,
    /// The receiver of the logs; see [`log`](crate::log).
    pub log: Dispatch,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            token: None,
            read_only: false,
            records: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            limits: ServerLimits::default(),
            files: Files::default(),
            archive: None,
            log: Dispatch::none(),
        }
    }
}

impl ServerOptions {
    /// The token, which is made if none is given.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if other machines reach the address, and no token is given.
    pub(crate) fn chosen_token(&self) -> Result<Token> {
        match &self.token {
            Some(token) => Ok(token.clone()),
            None if self.address.ip().is_loopback() => Token::random(),
            None => {
                let problem = "other machines reach this address: give a token of your own";
                Err(Error::invalid("token", problem))
            }
        }
    }

    /// Checks the allowed origins.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub(crate) fn check_origins(&self) -> Result<()> {
        let is_origin = |origin: &str| {
            let rest = origin.strip_prefix("http://");
            let rest = rest.or_else(|| origin.strip_prefix("https://"));
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
            rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_part))
        };
        match self.allowed_origins.iter().all(|origin| is_origin(origin)) {
            true => Ok(()),
            false => {
                let problem = "expected an origin, such as https://bot.example";
                Err(Error::invalid("allowOrigin", problem))
            }
        }
    }
}

/// The limits of a server.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// The greatest size of a request's body, in bytes.
    pub body_bytes: usize,
    /// The greatest size of all bodies that are being received, in bytes.
    pub all_bodies_bytes: usize,
    /// The greatest number of connections.
    pub connections: usize,
    /// The greatest number of streams of changes.
    pub streams: usize,
    /// The time for the head of a request, also of the next one of a connection.
    pub head_time: Duration,
    /// The time for the body of a request, and then for its operation.
    pub request_time: Duration,
    /// The time that a client may take to receive a part of a response.
    pub stall_time: Duration,
    /// The time after which a stream says that it is alive.
    pub heartbeat: Duration,
    /// The time after which a stream ends, so that its client connects again.
    pub stream_time: Duration,
    /// The time for requests that are under way when the server is closed.
    pub closing_time: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 20,
            all_bodies_bytes: 256 << 20,
            connections: 256,
            streams: 64,
            head_time: Duration::from_secs(20),
            request_time: Duration::from_secs(60),
            stall_time: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            stream_time: Duration::from_secs(60 * 60),
            closing_time: Duration::from_secs(10),
        }
    }
}

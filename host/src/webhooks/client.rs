//! One post over HTTP/1.1. The name of the host is resolved once, its addresses are checked, and the
//! connection is made to an address that was checked: what a name leads to a moment later does not count.
//! Redirects are not followed, proxies are not used, and the body of the response is not read, except for the beginning of one that is no
//! delivery. No message shows the query of a URL or a header, which may be secrets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tenure_apps::webhooks::guard::{REFUSED, is_public};
use tenure_apps::webhooks::reason::has_arrived;
use tenure_core::work::job::{EndedPost, Post};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The greatest size of the head of a response, and the greatest number of its headers.
const HEAD_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;
/// The addresses of a host that are tried.
const MAX_ADDRESSES: usize = 4;
/// The greatest size of a header that is kept, in bytes.
const MAX_RETRY_AFTER: usize = 64;
/// The size of the beginning of a body that is read, in bytes, and how long it is read.
const BEGINNING: usize = 4 << 10;
const BEGINNING_TIME: Duration = Duration::from_secs(1);

/// Why a post has no response.
type Problem = String;

/// Posts over HTTP/1.1.
#[derive(Default)]
pub(super) struct Client {
    /// The certificates of the machine's authorities are read with the first connection that needs them.
    tls: OnceLock<Result<Arc<ClientConfig>, Problem>>,
}

impl Client {
    /// Posts a text. It ends within its timeout.
    pub(super) async fn post(&self, post: Post) -> EndedPost {
        let number = post.number;
        let time = Duration::from_millis(post.timeout_ms);
        match timeout(time, self.exchange(post)).await {
            Ok(Ok(answer)) => answer.ended(number).await,
            Ok(Err(problem)) => failed(number, problem),
            Err(_) => failed(number, format!("no answer within {} ms", time.as_millis())),
        }
    }

    async fn exchange(&self, post: Post) -> Result<Answer, Problem> {
        let target = Target::of(post.url.as_str())?;
        let addresses = target.addresses(post.allow_private).await?;
        let stream = connect(&addresses).await?;
        let request = request(&target, post)?;
        match target.is_encrypted {
            false => send(stream, request).await,
            true => {
                let connector = TlsConnector::from(self.tls()?);
                let name = ServerName::try_from(target.host.clone())
                    .map_err(|_| "the name of the host cannot be that of a certificate")?;
                let stream = connector.connect(name, stream).await;
                let stream = stream.map_err(|error| format!("no TLS connection: {error}"))?;
                send(stream, request).await
            }
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, Problem> {
        self.tls.get_or_init(config).clone()
    }
}

fn failed(number: u32, problem: Problem) -> EndedPost {
    EndedPost {
        number,
        problem: Some(problem.into()),
        ..EndedPost::default()
    }
}

/// Trusts the authorities that this machine trusts.
fn config() -> Result<Arc<ClientConfig>, Problem> {
    let roots = tenure_authorities::of_this_machine()?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Where a URL leads.
struct Target {
    is_encrypted: bool,
    /// The name or the address, without brackets.
    host: String,
    port: u16,
    /// The host and the port, as the header has them.
    authority: String,
    /// The path and the query.
    path: String,
}

impl Target {
    fn of(url: &str) -> Result<Self, Problem> {
        let invalid = || "the URL is invalid".to_owned();
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let authority = uri.authority().ok_or_else(invalid)?;
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let default = if is_encrypted { 443 } else { 80 };
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(invalid());
        }
        // Of a URL without a path, the query alone is no target of a request.
        let path = match uri.query() {
            Some(query) => format!("{}?{query}", uri.path()),
            None => uri.path().to_owned(),
        };
        Ok(Self {
            is_encrypted,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(default),
            authority: authority.as_str().to_owned(),
            path,
        })
    }

    /// The addresses to which may be posted.
    async fn addresses(&self, allow_private: bool) -> Result<Vec<SocketAddr>, Problem> {
        let is_allowed = |address: &SocketAddr| allow_private || is_public(address.ip());
        let found: Vec<SocketAddr> = match self.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, self.port)],
            Err(_) => {
                let found = lookup_host((self.host.as_str(), self.port)).await;
                found
                    .map_err(|error| format!("the host cannot be resolved: {}", error.kind()))?
                    .collect()
            }
        };
        let allowed: Vec<SocketAddr> = found.into_iter().filter(is_allowed).collect();
        match allowed.is_empty() {
            true => Err(REFUSED.to_owned()),
            false => Ok(allowed.into_iter().take(MAX_ADDRESSES).collect()),
        }
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Problem> {
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // What is small is sent without waiting for more.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    let kind = last.map_or(io::ErrorKind::NotFound, |error| error.kind());
    Err(format!("no connection: {kind}"))
}

fn request(target: &Target, post: Post) -> Result<Request<Full<Bytes>>, Problem> {
    let mut request = Request::post(target.path.as_str())
        .header(HOST, target.authority.as_str())
        // Connections are not reused. One that the receiver may close at any moment would make a delivery
        // fail that has not even begun.
        .header(CONNECTION, "close");
    for header in post.headers {
        let invalid = |_| "a header is invalid".to_owned();
        let name = HeaderName::try_from(header.name.as_str()).map_err(|_| invalid(()))?;
        let mut value = HeaderValue::try_from(header.value.as_str()).map_err(|_| invalid(()))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    let body = Full::from(post.body.into_string());
    request
        .body(body)
        .map_err(|_| "the request is invalid".to_owned())
}

/// Sends a request, and returns what the response begins with.
async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Problem>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| match error.is_incomplete_message() {
        true => "the receiver closed the connection without an answer".to_owned(),
        false => format!("the answer cannot be read: {error}"),
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let response = sender.send_request(request).await.map_err(failed)?;
    Ok(Answer {
        response,
        _connection: connections,
    })
}

/// A response whose head was received.
struct Answer {
    response: Response<Incoming>,
    /// Dropping it drops the connection, and with it the rest of the response.
    _connection: JoinSet<hyper::Result<()>>,
}

impl Answer {
    /// How the post has ended.
    async fn ended(self, number: u32) -> EndedPost {
        let status = Some(self.response.status().as_u16().into());
        let header = self.response.headers().get(RETRY_AFTER);
        let header = header.and_then(|value| value.to_str().ok());
        let header = header.filter(|value| value.len() <= MAX_RETRY_AFTER);
        EndedPost {
            number,
            status,
            retry_after: header.map(Into::into),
            answer: match has_arrived(status) {
                true => None,
                false => Some(beginning(self.response).await.into()),
            },
            problem: None,
        }
    }
}

/// The beginning of the body of a response, as far as it arrives soon.
async fn beginning(response: Response<Incoming>) -> String {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    // What has arrived until then is enough.
    let _ = timeout(BEGINNING_TIME, async {
        while let Some(Ok(frame)) = body.frame().await {
            let part = frame.into_data().unwrap_or_default();
            bytes.extend_from_slice(&part);
            if bytes.len() >= BEGINNING {
                break;
            }
        }
    })
    .await;
    bytes.truncate(BEGINNING);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_a_host_and_a_port() {
        for (url, host, port, path) in [
            ("http://h", "h", 80, "/"),
            ("https://h/a?b=c", "h", 443, "/a?b=c"),
            ("https://h:8443?b", "h", 8443, "/?b"),
            ("http://[::1]:81/a", "::1", 81, "/a"),
        ] {
            let target = Target::of(url).unwrap();
            assert_eq!(
                (&*target.host, target.port, &*target.path),
                (host, port, path),
                "{url}"
            );
        }
        for url in ["", "h", "/a", "ftp://h/", "http://u@h/", "http://"] {
            assert!(Target::of(url).is_err(), "{url}");
        }
    }
}

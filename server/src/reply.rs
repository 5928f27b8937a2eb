//! Responses. Each has the headers that keep a browser from running, framing or guessing what it gets.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::StatusCode;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use tenure_host::metrics::Format;
use tokio::sync::mpsc::Receiver;

use crate::files::File;
use crate::heads;

/// A response.
pub(crate) type Response = hyper::Response<Content>;

/// The content of a response.
#[derive(Debug)]
pub(crate) enum Content {
    /// All of it; `None` after it was taken.
    Full(Option<Bytes>),
    /// The parts of a stream.
    Stream(Receiver<Bytes>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = match &mut *self {
            Self::Full(content) => Poll::Ready(content.take()),
            Self::Stream(parts) => parts.poll_recv(context),
        };
        part.map(|part| part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(content) => {
                SizeHint::with_exact(content.as_ref().map_or(0, |content| content.len() as u64))
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// What a page of the server may load: its own files and its own API, and no code within HTML.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// The headers of every response.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BYTES: HeaderValue = HeaderValue::from_static(heads::MEDIA_TYPE);
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

fn response(
    status: u16,
    content: Content,
    media_type: HeaderValue,
    caching: HeaderValue,
) -> Response {
    let mut response = Response::new(content);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CACHE_CONTROL, caching);
    response
}

fn full(content: impl Into<Bytes>) -> Content {
    Content::Full(Some(content.into()))
}

/// A response of JSON.
pub(crate) fn json(status: u16, text: impl Into<Bytes>) -> Response {
    response(status, full(text), JSON, NO_STORE)
}

/// A response of metrics.
pub(crate) fn metrics(text: String, format: Format) -> Response {
    let media_type = HeaderValue::from_static(format.media_type());
    response(200, full(text), media_type, NO_STORE)
}

/// A response of bytes.
pub(crate) fn bytes(content: Vec<u8>) -> Response {
    response(200, full(content), BYTES, NO_STORE)
}

/// A response of plain text.
pub(crate) fn text(status: u16, text: &'static str) -> Response {
    response(status, full(text), TEXT, NO_STORE)
}

/// A response without content.
pub(crate) fn empty(status: u16) -> Response {
    response(status, Content::Full(None), TEXT, NO_STORE)
}

/// A file. A browser asks again before it uses its copy, unless another content would have another path.
pub(crate) fn file(file: &File, takes_gzip: bool) -> Response {
    let gzip = if takes_gzip { file.gzip() } else { None };
    let is_gzip = gzip.is_some();
    let content = full(gzip.unwrap_or_else(|| file.content()));
    let media_type = HeaderValue::from_static(file.media_type());
    let caching = match file.is_hashed() {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let mut response = response(200, content, media_type, HeaderValue::from_static(caching));
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// A stream of events. Proxies must not gather them.
pub(crate) fn events(parts: Receiver<Bytes>) -> Response {
    let mut response = response(200, Content::Stream(parts), EVENTS, NO_STORE);
    let headers = response.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Sends a browser to the page `/`, with a cookie.
pub(crate) fn with_cookie(name: &str, value: &str) -> Response {
    let mut response = empty(303);
    let cookie = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_static("/"));
    response
}

/// Allows the pages of an origin to read the response.
pub(crate) fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// Allows the pages of an origin to send the requests of clients.
pub(crate) fn preflight() -> Response {
    let mut response = empty(204);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, last-event-id, tenure-models, traceparent",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

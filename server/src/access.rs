//! Who may send a request: by which name the server was addressed, and with which token.

use hyper::Method;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;

use crate::hosts::{Hosts, is_own_origin};
use crate::refusal::Refusal;
use crate::token::Token;

/// What the browser says of the page that sends a request.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The `Host` of a request, which must be one of the server.
///
/// # Errors
/// [`Refusal::ForeignHost`].
pub(crate) fn host<'r>(request: &'r Parts, hosts: &Hosts) -> Result<&'r str, Refusal> {
    let host = only(&request.headers, &header::HOST).ok_or(Refusal::ForeignHost)?;
    // A request to a proxy names the server in its first line, too.
    let is_allowed = match request.uri.authority() {
        Some(authority) => authority.as_str() == host && hosts.allow(host),
        None => hosts.allow(host),
    };
    match is_allowed {
        true => Ok(host),
        false => Err(Refusal::ForeignHost),
    }
}

/// Checks the token of a request, in the header of a client or in the cookie of a page.
///
/// # Errors
/// [`Refusal::Unauthorized`], and [`Refusal::ForeignOrigin`] for a cookie that another page has sent.
pub(crate) fn authorize(
    request: &Parts,
    host: &str,
    cookie: &str,
    token: &Token,
) -> Result<(), Refusal> {
    let headers = &request.headers;
    if headers.contains_key(header::AUTHORIZATION) {
        let given = only(headers, &header::AUTHORIZATION).and_then(bearer);
        return match given {
            Some(given) if token.is(given) => Ok(()),
            _ => Err(Refusal::Unauthorized),
        };
    }
    if !cookies(headers, cookie).any(|given| token.is(given)) {
        return Err(Refusal::Unauthorized);
    }
    match is_own_page(request, host) {
        true => Ok(()),
        false => Err(Refusal::ForeignOrigin),
    }
}

/// The token of an `Authorization` header.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The values of the cookies of a name.
fn cookies<'r>(headers: &'r HeaderMap, name: &str) -> impl Iterator<Item = &'r str> {
    let values = headers.get_all(header::COOKIE).into_iter();
    let pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    pairs.filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Whether a page of the server, or a person in its address bar, has sent a request.
fn is_own_page(request: &Parts, host: &str) -> bool {
    let headers = &request.headers;
    if headers.contains_key(header::ORIGIN) {
        return only(headers, &header::ORIGIN).is_some_and(|origin| is_own_origin(origin, host));
    }
    match only(headers, &SEC_FETCH_SITE) {
        Some("same-origin") => true,
        // An address that was typed. Reading changes nothing.
        Some("none") => request.method == Method::GET,
        _ => false,
    }
}

/// The value of a header that a request has once.
fn only<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r str> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The origin of a request, if its pages may use the server with the token.
pub(crate) fn allowed_origin(headers: &HeaderMap, origins: &[String]) -> Option<HeaderValue> {
    let origin = only(headers, &header::ORIGIN)?;
    let is_allowed = origins.iter().any(|allowed| allowed == origin);
    is_allowed.then(|| HeaderValue::from_str(origin).ok())?
}

/// Whether a client takes responses that are compressed with gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    names(headers, &header::ACCEPT_ENCODING, "gzip")
}

/// Whether a client names a media type among those that it accepts. `*/*` names none.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    names(headers, &header::ACCEPT, media_type)
}

/// Whether a header that lists what a client accepts has a name, with another weight than 0.
fn names(headers: &HeaderMap, header: &HeaderName, name: &str) -> bool {
    let values = headers.get_all(header).into_iter();
    let mut listed = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    listed.any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|first| first.eq_ignore_ascii_case(name));
        is_named && !parts.any(|part| part.trim_end_matches(['0', '.']).eq_ignore_ascii_case("q="))
    })
}

/// Whether the content of a request is JSON. A page of another origin cannot send it without being asked.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let media_type = only(headers, &header::CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

//! An endpoint: the server that deliveries are posted to, with its secrets. Its record is read by deliverers
//! alone, and no list shows its secrets, the values of its headers, or more of its URL than the host and the
//! path.

use std::fmt;

use serde::Serialize;
use tenure_core::error::Cause;
use tenure_core::store::{Record, Scan};
use tenure_core::stored::route::Route;
use tenure_core::value::properties::{Properties, Stored};
use tenure_core::value::time::Timestamp;
use tenure_core::work::context::Context;
use tenure_core::work::transaction::{Attempt, Transaction};
use tenure_core::{Error, Json, Result};

use super::signature::checked_secret;

pub use tenure_core::stored::route::ENDPOINT_KIND as KIND;

/// The greatest number of endpoints of a store.
pub const MAX_ENDPOINTS: u32 = 64;
/// The greatest size of an id, in bytes.
const MAX_ID_BYTES: usize = 64;
/// The greatest size of a URL, in bytes.
const MAX_URL_BYTES: usize = 2048;
/// The greatest number of headers, and the greatest size of each, in bytes.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 4096;
/// The default timeout of an attempt, and the greatest, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: u64 = 10_000;
const MAX_TIMEOUT_MS: u64 = 60_000;

/// Headers that a deliverer or the connection sets.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// An endpoint.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Its URL.
    pub url: String,
    /// The names of its additional headers, in lower case, and their values.
    pub headers: Vec<(String, String)>,
    /// The secrets by which deliveries are signed, the newest first.
    pub secrets: Vec<Secret>,
    /// Which changes are delivered to it.
    pub route: Route,
    /// The timeout of an attempt, in milliseconds.
    pub timeout_ms: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was disabled; `None` if it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// Why it was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
}

/// Shows no secret.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A secret, and until when it is used.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// The secret as text, `whsec_` and its bytes in base64.
    pub text: String,
    /// When it ceases to be used; `None` for the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl Stored for Secret {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            text: properties.get("text")?,
            until: properties.take("until"),
        })
    }
}

tenure_core::stored_properties!(Secret);

impl Stored for Endpoint {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        let headers: Vec<Vec<String>> = properties.take("headers");
        let pairs = headers.into_iter().map(|pair| {
            let [name, value] = <[String; 2]>::try_from(pair)
                .map_err(|_| Error::invalid("headers", "expected names and values"))?;
            Ok((name, value))
        });
        Ok(Self {
            headers: pairs.collect::<Result<_>>()?,
            id: properties.get("id")?,
            url: properties.get("url")?,
            secrets: properties.take("secrets"),
            route: properties.get("route")?,
            timeout_ms: properties.take_or("timeout_ms", DEFAULT_TIMEOUT_MS),
            created_at: properties.take("created_at"),
            disabled_at: properties.take("disabled_at"),
            disabled_because: properties.take("disabled_because"),
        })
    }
}

impl Endpoint {
    /// The record that stores it.
    pub fn to_record(&self) -> Record {
        Record {
            kind: KIND.to_owned(),
            key: self.id.clone(),
            version: 1,
            expires_at: None,
            owner: None,
            body: Json::of(self).as_str().to_owned(),
        }
    }

    /// Reads the endpoint that a record stores.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` if the record is no endpoint.
    pub fn read_record(record: &Record) -> Result<Self> {
        let endpoint: Result<Self> = Stored::read("endpoint", &record.body);
        let endpoint = endpoint.ok().filter(|endpoint| {
            let is_secret = |secret: &Secret| checked_secret(&secret.text).is_ok();
            let ids = [&endpoint.id, &endpoint.route.endpoint];
            ids == [&record.key; 2] && endpoint.secrets.iter().all(is_secret)
        });
        endpoint.ok_or_else(|| {
            // What is wrong with it is not shown: it might have a secret.
            Cause::StoreMisbehaved {
                method: "record".to_owned(),
                problem: format!(
                    "the record of the endpoint {:?} is damaged; remove the endpoint and add it again",
                    record.key
                ),
            }
            .into()
        })
    }

    /// Whether deliveries are posted to it.
    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// The secrets that are used at a time, the newest first.
    pub fn secrets_at(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let is_used = move |secret: &&Secret| secret.until.is_none_or(|until| now < until);
        self.secrets
            .iter()
            .filter(is_used)
            .map(|secret| &*secret.text)
    }

    /// The route of changes to it.
    pub fn route(&self) -> Route {
        Route {
            disabled: !self.is_enabled(),
            ..self.route.clone()
        }
    }
}

/// The endpoint of an id, as the transaction sees it.
///
/// # Errors
/// Those of the store.
pub fn find(tx: &mut Transaction<'_>, id: &str) -> Attempt<Option<Endpoint>> {
    let record = tx.record(KIND, id)?;
    Ok(record
        .map(|record| Endpoint::read_record(&record))
        .transpose()?)
}

/// As [`find`], but `None` for one whose record is damaged.
///
/// # Errors
/// Those of the store.
pub fn find_sound(tx: &mut Transaction<'_>, id: &str) -> Attempt<Option<Endpoint>> {
    let record = tx.record(KIND, id)?;
    Ok(record.and_then(|record| Endpoint::read_record(&record).ok()))
}

/// The records of all endpoints, in the order of their ids.
///
/// # Errors
/// Those of the store.
pub async fn all(context: &Context) -> Result<Vec<Record>> {
    let scan = Scan {
        kind: KIND.to_owned(),
        after: None,
        limit: MAX_ENDPOINTS,
    };
    context.scan(&scan).await
}

/// Checks an id: letters, digits, `.`, `_` and `-`.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn checked_id(id: &str) -> Result<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let begins = id
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    match begins && id.len() <= MAX_ID_BYTES && id.bytes().all(is_plain) {
        true => Ok(id),
        false => Err(Error::invalid(
            "id",
            "expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit",
        )),
    }
}

/// Checks a URL. What a client makes of it is the client's matter: the [guard](super::guard) checks the
/// addresses to which it connects.
///
/// # Errors
/// `INVALID_ARGUMENT`, which does not show the URL.
pub fn checked_url(url: &str) -> Result<&str> {
    let invalid = |problem: &str| Error::invalid("url", problem);
    if url.len() > MAX_URL_BYTES {
        return Err(invalid("expected at most 2,048 bytes"));
    }
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err(invalid("expected a URL of `https:` or `http:`"));
    };
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('\\') {
        return Err(invalid(
            "expected a URL of ASCII characters without spaces and backslashes",
        ));
    }
    if url.contains('#') {
        return Err(invalid("expected a URL without a fragment"));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(invalid(
            "expected a URL without a user and a password; give them in `headers`",
        ));
    }
    let end = match authority.strip_prefix('[') {
        Some(v6) => v6.find(']').map(|end| end + 2),
        None => Some(authority.find(':').unwrap_or(authority.len())),
    };
    let Some((host, port)) = end.and_then(|end| authority.split_at_checked(end)) else {
        return Err(invalid("expected a URL with a host"));
    };
    if host.trim_matches(['[', ']']).is_empty() {
        return Err(invalid("expected a URL with a host"));
    }
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
    };
    match port.is_empty() || port.strip_prefix(':').is_some_and(is_port) {
        true => Ok(url),
        false => Err(invalid("expected a port from 0 to 65535")),
    }
}

/// Checks the timeout of an attempt.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn checked_timeout(timeout_ms: Option<u64>) -> Result<u64> {
    let timeout = timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS);
    match (1..=MAX_TIMEOUT_MS).contains(&timeout) {
        true => Ok(timeout),
        false => Err(Error::invalid(
            "timeoutMs",
            "expected 1 to 60,000 milliseconds",
        )),
    }
}

/// Checks additional headers: an object of names and values. The names are returned in lower case.
///
/// # Errors
/// `INVALID_ARGUMENT`, which does not show a value.
pub fn checked_headers(headers: Option<&Json>) -> Result<Vec<(String, String)>> {
    let Some(headers) = headers else {
        return Ok(Vec::new());
    };
    headers.require_object("headers")?;
    let properties = Properties::read("headers", headers.as_str())?;
    let mut checked: Vec<(String, String)> = Vec::new();
    for (name, value) in properties.others(&[]) {
        let what = format!("headers[{name:?}]");
        let invalid = |problem: &str| Error::invalid(what.clone(), problem);
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(invalid("expected the name of a header"));
        }
        if RESERVED.contains(&&*name) {
            return Err(invalid("a delivery or its connection sets it"));
        }
        if checked.iter().any(|(known, _)| *known == name) {
            return Err(invalid("expected each header once"));
        }
        let text = Json::parse(value)?.as_text();
        let is_plain = |text: &String| {
            let is_visible = |byte: u8| byte == b'\t' || (0x20..0x7f).contains(&byte);
            text.len() <= MAX_HEADER_BYTES && text.bytes().all(is_visible)
        };
        let Some(value) = text.filter(is_plain) else {
            return Err(invalid("expected text in one line, of ASCII characters"));
        };
        checked.push((name, value));
    }
    match checked.len() <= MAX_HEADERS {
        true => Ok(checked),
        false => Err(Error::invalid("headers", "expected at most 32")),
    }
}

/// Whether a byte may be in the name of a header.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_without_a_host_or_with_credentials_are_refused() {
        for url in [
            "",
            "hooks",
            "ftp://h/",
            "http://",
            "http:///a",
            "https://:80/",
            "https://u:p@h/",
            "https://u@h",
            "https://h/#a",
            "https://h/ a",
            "https://h\\@x/",
            "https://h/ü",
            "https://h:",
            "https://h:x/",
            "https://h:80x/",
            "https://h:+80/",
            "https://h:99999/",
            "https://[::1/",
            "https://[::1]x/",
        ] {
            assert!(checked_url(url).is_err(), "{url}");
        }
        for url in [
            "http://h",
            "https://h:8443/a?b=c@d",
            "http://[::1]:80/",
            "http://10.0.0.1/",
        ] {
            assert_eq!(checked_url(url).ok(), Some(url));
        }
    }

    #[test]
    fn headers_of_a_delivery_and_of_the_connection_are_refused() {
        let checked = |json: &str| checked_headers(Some(&Json::parse(json).unwrap()));
        for headers in [
            r#"{"Host":"x"}"#,
            r#"{"webhook-id":"x"}"#,
            r#"{"a b":"x"}"#,
            r#"{"a":"x","A":"y"}"#,
            r#"{"a":"x\r\nb: c"}"#,
            r#"{"a":1}"#,
            "[]",
        ] {
            assert!(checked(headers).is_err(), "{headers}");
        }
        assert_eq!(
            checked(r#"{"Authorization":"Bearer x"}"#).unwrap(),
            [("authorization".to_owned(), "Bearer x".to_owned())]
        );
    }
}

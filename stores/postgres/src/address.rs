//! The address of a store: a URL as PostgreSQL's own programs take it, with parameters of Tenure's. Nothing
//! of it but the host, the port, the database and the schema is ever shown.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::fmt;

use percent_encoding::percent_decode_str;
use tenure_core::Result;
use tenure_core::value::address::unsupported_store;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::options::{Choice, Choices};

/// The schemes of URLs.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
/// The schema of a URL that names none.
const SCHEMA: &str = "tenure";
/// The value of `sslrootcert` that means the authorities that the system knows.
const SYSTEM: &str = "system";
/// The longest name in PostgreSQL, in bytes.
const LONGEST_NAME: usize = 63;

/// The address of a store, with its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) schema: String,
    pub(crate) verification: Verification,
    pub(crate) choices: Choices,
    /// Whether tables are created if there are none.
    pub(crate) creates: bool,
    shown: String,
}

/// How the certificate of the server is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verification {
    /// Whether it has to be signed by a known authority.
    pub(crate) authority: bool,
    /// Whether it has to be the host's.
    pub(crate) host: bool,
    /// The file with the known authorities, instead of those of the system.
    pub(crate) authorities: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("url", &self.shown)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Address {
    /// Whether a URL is one of a PostgreSQL database.
    pub fn is_url(url: &str) -> bool {
        SCHEMES.iter().any(|scheme| url.starts_with(scheme))
    }

    /// Reads a URL: `postgres://user:password@host:port/database?schema=tenure`.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE`, without what may be secret.
    pub fn parse(url: &str) -> Result<Self> {
        read(url).map_err(|problem| unsupported_store(&shown(url), &problem))
    }

    /// The address of a store that must exist: opening it creates none.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.creates = false;
        self
    }

    /// What identifies the store: two addresses with the same identity are of one store.
    pub fn identity(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let database = self.config.get_dbname().or(self.config.get_user());
        format!(
            "postgres:{}:{:?}/{}/{}",
            hosts.collect::<Vec<_>>().join(","),
            self.config.get_ports(),
            database.unwrap_or_default(),
            self.schema
        )
    }
}

fn read(url: &str) -> Result<Address, String> {
    if !Address::is_url(url) {
        return Err("expected a URL such as postgres://user:password@host/database".to_owned());
    }
    let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
    // These characters end the password, or would be taken for parts of the address.
    let (_, named) = base.split_once("://").unwrap_or_default();
    let credentials = named.rsplit_once('@').map_or("", |(before, _)| before);
    let is_ambiguous = credentials.contains(['@', '/'])
        || base.contains('#')
        || !base.contains('@') && parameters.contains('@');
    if is_ambiguous {
        return Err(
            "percent-encode `@`, `/`, `?` and `#` in the user, the password and the \
                    parameters, as %40, %2F, %3F and %23"
                .to_owned(),
        );
    }
    let mut own = Own::default();
    let mut others = Vec::new();
    let mut names = BTreeSet::new();
    for parameter in parameters
        .split('&')
        .filter(|parameter| !parameter.is_empty())
    {
        let (name, value) = parameter
            .split_once('=')
            .ok_or_else(|| "each parameter needs a value, as in ?schema=tenure".to_owned())?;
        if !names.insert(name) {
            // Its name may be part of a password.
            return Err("a parameter is given twice".to_owned());
        }
        if !own.take(name, &decoded(name, value)?)? {
            others.push(parameter);
        }
    }
    let connection = match others.is_empty() {
        true => base.to_owned(),
        false => format!("{base}?{}", others.join("&")),
    };
    let mut config: Config = connection.parse().map_err(|error: tokio_postgres::Error| {
        // The source names the parameter, not its value.
        let source = error.source().map(ToString::to_string);
        source.unwrap_or_else(|| error.to_string())
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host("localhost");
    }
    if config.get_password().is_none()
        && let Ok(password) = std::env::var("PGPASSWORD")
    {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        config.application_name("tenure");
    }
    config.ssl_mode(own.ssl_mode);
    let is_of_system = own.authorities.as_deref() == Some(SYSTEM);
    let verification = Verification {
        // As for PostgreSQL's own programs: a file of authorities is there to be used.
        authority: own.verifies >= Verifies::Authority || own.authorities.is_some(),
        host: own.verifies == Verifies::Host || is_of_system,
        authorities: own.authorities.filter(|_| !is_of_system),
    };
    let schema = own.schema.unwrap_or_else(|| SCHEMA.to_owned());
    let shown = match schema == SCHEMA {
        true => shown(base),
        false => format!("{} (schema {schema})", shown(base)),
    };
    Ok(Address {
        config,
        schema,
        verification,
        choices: own.choices,
        creates: true,
        shown,
    })
}

/// A URL without what may be secret, however it is written: the host, the database and nothing else. If it is not
/// clear where these are, only the scheme.
fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let clear = || {
        let rest = rest.strip_prefix("//")?;
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let (base, others) = rest.split_at(end);
        let host = match base.rsplit_once('@') {
            Some((_, host)) => host,
            None if others.contains('@') => return None,
            None => base,
        };
        // What is no port may be a password.
        let authority = host.split('/').next()?;
        let is_clear = |one: &str| match one.rsplit_once(':') {
            Some((_, port)) => port.ends_with(']') || port.bytes().all(|c| c.is_ascii_digit()),
            None => true,
        };
        authority
            .split(',')
            .all(is_clear)
            .then(|| format!("{scheme}://{host}"))
    };
    clear().unwrap_or_else(|| format!("{scheme}:"))
}

fn decoded(name: &str, value: &str) -> Result<String, String> {
    let value = percent_decode_str(value).decode_utf8();
    let value = value.map_err(|_| format!("the parameter {name} is no text"))?;
    Ok(value.into_owned())
}

/// The parameters that are not passed on.
struct Own {
    schema: Option<String>,
    ssl_mode: SslMode,
    verifies: Verifies,
    authorities: Option<String>,
    choices: Choices,
}

/// What `sslmode` wants to be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verifies {
    Nothing,
    Authority,
    Host,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            schema: None,
            ssl_mode: SslMode::Prefer,
            verifies: Verifies::Nothing,
            authorities: None,
            choices: Choices::default(),
        }
    }
}

impl Own {
    /// Reads a parameter; `false` if it is to be passed on.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "schema" => self.schema = Some(name_of(value)?),
            "sslmode" => {
                (self.ssl_mode, self.verifies) = match value {
                    "disable" => (SslMode::Disable, Verifies::Nothing),
                    "prefer" => (SslMode::Prefer, Verifies::Nothing),
                    "require" => (SslMode::Require, Verifies::Nothing),
                    "verify-ca" => (SslMode::Require, Verifies::Authority),
                    "verify-full" => (SslMode::Require, Verifies::Host),
                    _ => {
                        let known = "disable, prefer, require, verify-ca or verify-full";
                        return Err(format!("expected sslmode={known}"));
                    }
                };
            }
            "sslrootcert" => self.authorities = Some(value.to_owned()),
            "prepared" => {
                self.choices.prepared = Some(match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err("expected prepared=true or prepared=false".to_owned()),
                });
            }
            _ => {
                let Some(choice) = Choice::named(name) else {
                    return Ok(false);
                };
                let number = value
                    .parse()
                    .ok()
                    .filter(|number| choice.allows(*number))
                    .ok_or_else(|| format!("expected {name} as {}", choice.expected()))?;
                self.choices.set(choice, number);
            }
        }
        Ok(true)
    }
}

/// A name that needs no quotes within quotes.
fn name_of(value: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let is_name = !value.is_empty()
        && value.len() <= LONGEST_NAME
        && value.chars().all(is_plain)
        // PostgreSQL keeps these names for itself.
        && !value.starts_with("pg_");
    match is_name {
        true => Ok(value.to_owned()),
        false => Err(format!(
            "expected a schema of up to {LONGEST_NAME} letters, digits, `_` and `-` that does not \
             begin with pg_"
        )),
    }
}

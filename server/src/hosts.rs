//! The names by which a server may be addressed. A page of another site can make a browser connect to any
//! address (DNS rebinding), but then the name in `Host` is that of the page.

use std::net::{IpAddr, SocketAddr};

use tenure_core::{Error, Result};

/// The names and ports that a `Host` may have.
#[derive(Debug)]
pub(crate) struct Hosts {
    allowed: Vec<Authority>,
    /// The port at which any address is allowed, where the server listens on all of its machine's.
    literal_port: Option<u16>,
}

/// A name or an address, and a port.
#[derive(Debug, PartialEq, Eq)]
struct Authority {
    name: String,
    port: Option<u16>,
}

impl Hosts {
    /// The names of a server at this address, and others: each a name, with a port or for any port.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what is no name.
    pub(crate) fn new(address: SocketAddr, others: &[String]) -> Result<Self> {
        let (ip, port) = (address.ip(), address.port());
        let mut allowed = vec![Authority::of(&bracketed(ip), port)];
        if ip.is_loopback() || ip.is_unspecified() {
            let local = ["localhost", "127.0.0.1", "[::1]"];
            allowed.extend(local.map(|name| Authority::of(name, port)));
        }
        for other in others {
            let authority = Authority::parse(other).ok_or_else(|| {
                let problem = "expected the name of a host, with or without a port";
                Error::invalid("allowHost", problem)
            })?;
            allowed.push(authority);
        }
        Ok(Self {
            allowed,
            literal_port: ip.is_unspecified().then_some(port),
        })
    }

    /// Whether the server may be addressed by this `Host`.
    pub(crate) fn allow(&self, host: &str) -> bool {
        let Some(given) = Authority::parse(host) else {
            return false;
        };
        let port = given.port.unwrap_or(HTTP);
        let is_listed = self.allowed.iter().any(|allowed| {
            allowed.name == given.name && allowed.port.is_none_or(|allowed| allowed == port)
        });
        is_listed || (given.is_address() && self.literal_port == Some(port))
    }
}

/// The port of a URL without one.
const HTTP: u16 = 80;

impl Authority {
    fn of(name: &str, port: u16) -> Self {
        Self {
            name: name.to_owned(),
            port: Some(port),
        }
    }

    /// Reads `name`, `name:port` or `[address]:port`.
    fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.rfind(':') {
            Some(at) if !text.ends_with(']') => {
                let (name, port) = text.split_at(at);
                let digits = port.get(1..)?;
                let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
                (name, Some(digits.parse().ok().filter(|_| is_number)?))
            }
            _ => (text, None),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_known = match name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !name.is_empty() && name.bytes().all(is_name),
        };
        is_known.then(|| Self {
            name: name.to_ascii_lowercase(),
            port,
        })
    }

    /// Whether the name is an address. No page has one for its name that is not at that address.
    fn is_address(&self) -> bool {
        let name = self.name.trim_start_matches('[').trim_end_matches(']');
        name.parse::<IpAddr>().is_ok()
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Whether an `Origin` is that of the pages of the server at this `Host`. A proxy may have added TLS.
pub(crate) fn is_own_origin(origin: &str, host: &str) -> bool {
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str, others: &[&str]) -> Hosts {
        let others: Vec<String> = others.iter().map(|&other| other.to_owned()).collect();
        Hosts::new(address.parse().unwrap(), &others).unwrap()
    }

    #[test]
    fn a_local_server_has_the_names_of_this_machine_at_its_port() {
        let hosts = hosts("127.0.0.1:4000", &[]);
        for host in [
            "127.0.0.1:4000",
            "localhost:4000",
            "LocalHost:4000",
            "[::1]:4000",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "",
            "localhost",
            "localhost:80",
            "localhost:4000.evil",
            "localhost:+4000",
            "localhost:04000000000",
            "localhost.:4000",
            "evil.example",
            "evil.example:4000",
            "10.0.0.1:4000",
            "127.0.0.1:4000@evil.example",
            "evil.example#localhost:4000",
            "[::1:4000",
            "a b:4000",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn other_names_are_allowed_with_their_port_or_at_any() {
        let hosts = hosts("127.0.0.1:80", &["ten.example", "two.example:8443"]);
        for host in [
            "ten.example",
            "TEN.example:9",
            "two.example:8443",
            "localhost",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in ["two.example", "x.ten.example", "ten.example.evil"] {
            assert!(!hosts.allow(host), "{host}");
        }
        let refused = ["http://a", "a/b", "", "*", "a:b"];
        for refused in refused {
            let address = "127.0.0.1:1".parse().unwrap();
            assert!(
                Hosts::new(address, &[refused.to_owned()]).is_err(),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_server_on_all_addresses_has_each_of_them_and_no_foreign_name() {
        let hosts = hosts("0.0.0.0:4000", &[]);
        for host in ["10.0.0.1:4000", "[fe80::1]:4000", "localhost:4000"] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "10.0.0.1",
            "evil.example:4000",
            "10.0.0.1.evil.example:4000",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_own_if_it_is_that_of_the_host() {
        assert!(is_own_origin("http://localhost:4000", "localhost:4000"));
        assert!(is_own_origin("https://ten.example", "ten.example"));
        for origin in [
            "null",
            "",
            "localhost:4000",
            "http://localhost",
            "http://localhost:4001",
            "http://localhost:4000.evil.example",
            "http://evil@localhost:4000",
            "ftp://localhost:4000",
        ] {
            assert!(!is_own_origin(origin, "localhost:4000"), "{origin}");
        }
    }
}

//! A place in a network as people write it: `db1.example:2379`, `10.0.0.1:2379`, `[::1]:2379`.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// A host, by name or address, and a port. Names are looked up when it is asked for, never before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<HostPort, String> {
        if text.contains("://") {
            return Err(format!("{text:?} is an address of the web: write host and port alone"));
        }
        let parse = || {
            let (host, port) = text.rsplit_once(':')?;
            let host = match host.strip_prefix('[') {
                Some(address) => address.strip_suffix(']')?,
                // Which colon parts them, if it is an address of version 6, nobody can know.
                None if host.contains(':') => return None,
                None => host,
            };
            let port = port.parse().ok()?;
            (!host.is_empty()).then(|| HostPort { host: host.to_owned(), port })
        };
        parse().ok_or_else(|| {
            format!(
                "{text:?}: write a host and a port, such as db1:2379, 10.0.0.1:2379 or [::1]:2379"
            )
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl HostPort {
    /// Its address. Of several, one of version 4 if there is any, as servers that listen at one
    /// version alone do so at that one.
    ///
    /// # Errors
    /// A sentence with the host, when it has no address.
    pub fn resolve(&self) -> Result<SocketAddr, String> {
        let no_address = |why: String| format!("no address of {}: {why}", self.host);
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let found = found.map_err(|error| no_address(error.to_string()))?;
        preferred(found).ok_or_else(|| no_address("there is none".to_owned()))
    }
}

fn preferred(addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    addresses.min_by_key(SocketAddr::is_ipv6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_and_written_alike() {
        for text in ["db1.example:2379", "10.0.0.1:80", "[fe80::1]:9"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        assert_eq!("[::1]:5".parse::<HostPort>().unwrap().host, "::1");
    }

    #[test]
    fn what_names_no_port_or_no_host_is_refused_with_what_does() {
        for text in ["", "db1", ":1", "db1:", "db1:http", "db1:65536", "::1:5", "[::1:5", "[]:5"] {
            let refused = text.parse::<HostPort>().unwrap_err();
            assert!(refused.contains("such as db1:2379"), "{text:?}: {refused}");
        }
        let web = "https://db1:2379".parse::<HostPort>().unwrap_err();
        assert!(web.contains("host and port alone"), "{web}");
    }

    #[test]
    fn a_name_is_looked_up() {
        let localhost = "localhost:5".parse::<HostPort>().unwrap().resolve().unwrap();
        assert!(localhost.ip().is_loopback() && localhost.port() == 5, "{localhost}");
        let nowhere = "no-such-host.invalid:5".parse::<HostPort>().unwrap().resolve();
        assert!(nowhere.unwrap_err().starts_with("no address of no-such-host.invalid: "));
    }

    #[test]
    fn of_several_addresses_version_four_goes_first() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (six, four, other) = (parse("[::1]:1"), parse("127.0.0.1:1"), parse("127.0.0.2:1"));
        assert_eq!(preferred([six, four, other].into_iter()), Some(four));
        assert_eq!(preferred([six].into_iter()), Some(six));
        assert_eq!(preferred(std::iter::empty()), None);
    }
}

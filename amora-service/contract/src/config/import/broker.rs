//! The broker's address, which the original took as a host or as a URL.

/// What an address of a broker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    /// Host name or address.
    pub(crate) host: String,
    /// Port, where it is given.
    pub(crate) port: Option<u16>,
    /// TLS or not, where a scheme says so.
    pub(crate) tls: Option<bool>,
}

/// Reads `host`, `host:port` or `scheme://host:port`.
pub(crate) fn broker_url(text: &str) -> Result<Broker, String> {
    let (tls, rest) = match text.trim().split_once("://") {
        None => (None, text.trim()),
        Some(("mqtt" | "tcp", rest)) => (Some(false), rest),
        Some(("mqtts" | "ssl" | "tls", rest)) => (Some(true), rest),
        Some((scheme, _)) => {
            return Err(format!(
                "the scheme must be `mqtt` or `mqtts`, not {:?}",
                super::super::settings::excerpt(scheme)
            ));
        }
    };
    let rest = rest.trim_end_matches('/');
    if rest.contains('@') {
        return Err("user name and password have settings of their own".to_owned());
    }
    // The colons of a bare IPv6 address are no ports.
    let bare_address = rest.parse::<std::net::Ipv6Addr>().is_ok();
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !bare_address && !rest.ends_with(']') => {
            let port = port.parse::<u16>().ok().filter(|port| *port != 0);
            (
                host,
                Some(port.ok_or("the port must be a number from 1 to 65535")?),
            )
        }
        _ => (rest, None),
    };
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if host.is_empty() || host.contains('/') {
        return Err(
            "must be a host name or an address, for example `broker.local` or `mqtts://broker.local:8883`"
                .to_owned(),
        );
    }
    Ok(Broker {
        host: host.to_owned(),
        port,
        tls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(host: &str, port: Option<u16>, tls: Option<bool>) -> Result<Broker, String> {
        Ok(Broker {
            host: host.to_owned(),
            port,
            tls,
        })
    }

    #[test]
    fn hosts_addresses_and_urls_are_read() {
        assert_eq!(broker_url("broker.local"), broker("broker.local", None, None));
        assert_eq!(broker_url("10.0.0.1:1884"), broker("10.0.0.1", Some(1884), None));
        assert_eq!(broker_url("mqtt://b:1883/"), broker("b", Some(1883), Some(false)));
        assert_eq!(broker_url("ssl://b"), broker("b", None, Some(true)));
        assert_eq!(broker_url("fe80::1"), broker("fe80::1", None, None));
        assert_eq!(
            broker_url("mqtts://[fe80::1]:8883"),
            broker("fe80::1", Some(8883), Some(true))
        );
        assert_eq!(broker_url("[fe80::1]"), broker("fe80::1", None, None));
    }

    #[test]
    fn what_is_no_broker_is_refused() {
        for text in [
            "",
            "http://b",
            "mqtt://",
            "b:port",
            "b:0",
            "b:70000",
            "mqtt://u:p@b",
            "b/c",
        ] {
            assert!(broker_url(text).is_err(), "{text}");
        }
    }
}

//! Which names the box answers to and which pages may talk to it. Cores only: headers in, verdict out.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Endings of names that exist only within a home or an office, so that nobody else can point them at the box.
const PRIVATE: [&str; 6] = [".local", ".lan", ".home.arpa", ".internal", ".localhost", ".test"];

/// Origins of pages other than the box's own, as configured.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllowedOrigins(Vec<String>);

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From a page of ours, or not from a browser.
    Own,
    /// From a page that the configuration names.
    Allowed,
    /// From any other page.
    Foreign,
}

impl AllowedOrigins {
    pub(crate) fn new(origins: &[String]) -> Self {
        Self(
            origins
                .iter()
                .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
                .collect(),
        )
    }

    /// Whether the box answers to this `Host`. A public name that an attacker's DNS points at the box (DNS rebinding)
    /// is none of ours; names without a dot, private endings, addresses, and what the configuration names are.
    pub(crate) fn knows_host(&self, host: &str) -> bool {
        let name = name_of(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if name.is_empty() {
            return false;
        }
        is_address(name)
            || !name.contains('.')
            || PRIVATE.iter().any(|ending| name.ends_with(ending))
            || self
                .0
                .iter()
                .any(|origin| authority(origin).is_some_and(|authority| name_of(authority) == name))
    }

    /// Judges an `Origin` header beside the request's `Host`.
    pub(crate) fn judge(&self, origin: Option<&str>, host: &str) -> Origin {
        let Some(origin) = origin.map(str::to_ascii_lowercase) else {
            return Origin::Own;
        };
        if authority(&origin).is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            return Origin::Own;
        }
        match self.0.contains(&origin) {
            true => Origin::Allowed,
            false => Origin::Foreign,
        }
    }
}

/// Host and port of a web origin.
fn authority(origin: &str) -> Option<&str> {
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
}

/// The name in `name:port`.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_address(name: &str) -> bool {
    let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    name.parse::<Ipv4Addr>().is_ok() || bracketed.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> AllowedOrigins {
        AllowedOrigins::new(&[
            "https://music.example.com/".to_owned(),
            "http://Panel.example:3000".to_owned(),
        ])
    }

    #[test]
    fn the_box_answers_to_private_names_and_addresses_and_what_is_configured() {
        for host in [
            "kitchen",
            "kitchen:8080",
            "Kitchen.local:8080",
            "kitchen.local.",
            "192.168.1.20:8080",
            "[fe80::1]:8080",
            "[::1]",
            "localhost:80",
            "box.lan",
            "music.example.com",
            "panel.example:3000",
            "panel.example",
        ] {
            assert!(origins().knows_host(host), "{host}");
        }
        for host in [
            "evil.com",
            "evil.com:8080",
            "kitchen.local.evil.com",
            "",
            ":8080",
            "1.2.3.4.evil.com",
            "[evil.com]",
        ] {
            assert!(!origins().knows_host(host), "{host}");
        }
    }

    #[test]
    fn own_pages_pass_and_strangers_do_not() {
        let judge = |origin| origins().judge(origin, "kitchen.local:8080");
        assert_eq!(judge(None), Origin::Own);
        assert_eq!(judge(Some("http://kitchen.local:8080")), Origin::Own);
        assert_eq!(judge(Some("https://KITCHEN.local:8080")), Origin::Own);
        assert_eq!(judge(Some("https://music.example.com")), Origin::Allowed);
        assert_eq!(judge(Some("http://panel.example:3000")), Origin::Allowed);
        for foreign in [
            "null",
            "",
            "http://kitchen.local",
            "http://kitchen.local:8081",
            "http://music.example.com",
            "https://music.example.com.evil.com",
            "file://",
            "http://evil.com#kitchen.local:8080",
        ] {
            assert_eq!(judge(Some(foreign)), Origin::Foreign, "{foreign}");
        }
    }
}

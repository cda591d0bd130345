//! `amoractl login`: where the box's page is, with the code that lets in.

use crate::client::Client;
use crate::config;
use crate::failure::Failure;
use amora_contract::Config;
use serde_json::json;
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Longest code file that is read; codes are of at most 64 characters.
const LIMIT: u64 = 256;

/// What the page's addresses depend on.
struct Place<'a> {
    /// What the service listens on.
    listens: IpAddr,
    port: u16,
    /// The machine's name in its network, without a domain.
    host: Option<&'a str>,
    /// The machine's addresses.
    addresses: &'a [IpAddr],
}

/// The page's addresses, each with the code, for people or programs.
pub(crate) async fn run(
    client: impl FnOnce() -> Result<Client, Failure>,
    json: bool,
) -> Result<String, Failure> {
    let config: Config = crate::render::read(config::shown(client).await?.config)?;
    let web = config.web.ok_or_else(|| {
        Failure::Failed(
            "this box has no page: there is no section [web] in its configuration\n`amoractl config reference` tells what can be set"
                .to_owned(),
        )
    })?;
    if web.port == 0 {
        return Err(Failure::Failed(
            "`web.port` is 0, which takes any free port: the service's log names it (`journalctl -u amora-service`)"
                .to_owned(),
        ));
    }
    let listens = web
        .address
        .parse()
        .map_err(|_| Failure::Failed(format!("`web.address` is no address: `{}`", web.address)))?;
    let code = read_code(&config.device.data)?;
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let addresses = own_addresses()?;
    let place = Place {
        listens,
        port: web.port,
        host: host(&name),
        addresses: &addresses,
    };
    let links: Vec<String> = hosts(&place)
        .iter()
        .map(|host| format!("http://{host}:{}/#code={code}", place.port))
        .collect();
    Ok(match json {
        true => format!("{}\n", json!({"code": code, "addresses": links})),
        false => format!("Open one of these in a browser:\n  {}\n", links.join("\n  ")),
    })
}

/// The code that the service keeps in its data folder.
fn read_code(data: &Path) -> Result<String, Failure> {
    let path = data.join("login-code");
    let name = path.display();
    let mut text = String::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
    if let Err(error) = read {
        let next = match error.kind() {
            ErrorKind::PermissionDenied => {
                "only the service's user and root may read it: `sudo amoractl login`"
            }
            ErrorKind::NotFound => {
                "the service makes it at its first start: see `systemctl status amora-service`, and `device.data`"
            }
            _ => "see whether the disk is well",
        };
        return Err(Failure::Failed(format!("{name}: {error}\n{next}")));
    }
    // The service, too, heeds only letters and digits.
    let code: String = text
        .trim()
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .collect();
    match code.is_empty() {
        true => Err(Failure::Failed(format!(
            "{name} holds no login code\nthe service makes a new one when it starts: `systemctl restart amora-service`"
        ))),
        false => Ok(code),
    }
}

/// The name by which other machines of the network may know this one.
fn host(name: &str) -> Option<&str> {
    let name = name.trim().split('.').next()?;
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && !name.is_empty() && name != "localhost").then_some(name)
}

/// Every host part under which the page can be opened, the ones for this machine alone first.
fn hosts(place: &Place<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    if place.listens.is_loopback() || place.listens.is_unspecified() {
        hosts.push("localhost".to_owned());
    }
    // A socket on `::` hears IPv4 too.
    let heard = |address: &&IpAddr| match place.listens {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.is_ipv4(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => true,
        one => **address == one,
    };
    let reached: Vec<&IpAddr> = place.addresses.iter().filter(heard).collect();
    if let (Some(host), false) = (place.host, reached.is_empty()) {
        hosts.push(format!("{host}.local"));
    }
    hosts.extend(reached.into_iter().map(|address| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }));
    if hosts.is_empty() {
        // An address that no interface has now; it is what the service was told all the same.
        hosts.push(match place.listens {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        });
    }
    hosts
}

/// The addresses of this machine's interfaces that others can reach: no loopback, and none that holds for one link only.
fn own_addresses() -> Result<Vec<IpAddr>, Failure> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the call fills `list` with a list of its own, which is freed below and used nowhere after.
    if unsafe { libc::getifaddrs(&mut list) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    let mut addresses = Vec::new();
    let mut next = list;
    // SAFETY: each entry of the list is valid until it is freed, and the last one's `ifa_next` is null.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: `ifa_addr` is null or points to an address of the family that it names, valid as the entry is.
        addresses.extend(unsafe { address(entry.ifa_addr) }.filter(reachable));
        next = entry.ifa_next;
    }
    // SAFETY: `list` comes from `getifaddrs` and is freed once.
    unsafe { libc::freeifaddrs(list) };
    Ok(addresses)
}

/// # Safety
/// `pointer` is null or points to a socket address whose size fits its family.
unsafe fn address(pointer: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: the caller promises it.
    let family = unsafe { pointer.as_ref() }?.sa_family;
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: an address of this family is a `sockaddr_in`.
            let address = unsafe { pointer.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: an address of this family is a `sockaddr_in6`.
            let address = unsafe { pointer.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

fn reachable(address: &IpAddr) -> bool {
    let link_only = match address {
        IpAddr::V4(address) => address.is_link_local(),
        // A browser cannot name the interface that such an address needs.
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !address.is_loopback() && !address.is_unspecified() && !link_only
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn opened(listens: &str, own: &[&str]) -> Vec<String> {
        hosts(&Place {
            listens: listens.parse().unwrap(),
            port: 8080,
            host: Some("kitchen"),
            addresses: &addresses(own),
        })
    }

    #[test]
    fn every_way_to_the_page_is_named_and_no_other() {
        let own = ["192.168.1.20", "fd00::20"];
        assert_eq!(
            opened("0.0.0.0", &own),
            ["localhost", "kitchen.local", "192.168.1.20"]
        );
        assert_eq!(
            opened("::", &own),
            ["localhost", "kitchen.local", "192.168.1.20", "[fd00::20]"]
        );
        assert_eq!(opened("192.168.1.20", &own), ["kitchen.local", "192.168.1.20"]);
        assert_eq!(opened("127.0.0.1", &own), ["localhost"]);
        assert_eq!(opened("0.0.0.0", &[]), ["localhost"]);
        assert_eq!(opened("10.9.9.9", &own), ["10.9.9.9"]);
    }

    #[test]
    fn only_addresses_that_a_browser_elsewhere_can_open_are_shown() {
        let all = addresses(&[
            "127.0.0.1",
            "::1",
            "169.254.1.1",
            "fe80::1",
            "10.0.0.2",
            "2001:db8::1",
        ]);
        let kept: Vec<IpAddr> = all.into_iter().filter(reachable).collect();
        assert_eq!(kept, addresses(&["10.0.0.2", "2001:db8::1"]));
        assert!(own_addresses().unwrap().iter().all(reachable));
    }

    #[test]
    fn a_name_is_only_used_where_others_may_know_it() {
        assert_eq!(host("music-box\n"), Some("music-box"));
        assert_eq!(host("kitchen.lan"), Some("kitchen"));
        assert_eq!(host("localhost"), None);
        assert_eq!(host("(none)"), None);
        assert_eq!(host(""), None);
    }

    #[test]
    fn a_code_that_cannot_be_had_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let told = || read_code(folder.path()).map_err(|failure| failure.to_string());
        assert!(told().unwrap_err().contains("first start"));
        let path = folder.path().join("login-code");
        std::fs::write(&path, "\n").unwrap();
        assert!(told().unwrap_err().contains("holds no login code"));
        std::fs::write(&path, "K7QM-3XPW-9RTD\n").unwrap();
        assert_eq!(told().unwrap(), "K7QM-3XPW-9RTD");
    }
}

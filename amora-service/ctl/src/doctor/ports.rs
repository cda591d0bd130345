//! The ports that the box listens on.

use super::Finding;
use amora_contract::Config;
use std::io::ErrorKind;
use std::net::IpAddr;
use tokio::net::TcpListener;

/// Whether the ports of the web door are ours, or free to be.
pub(super) async fn ports(config: &Config, service_runs: bool) -> Vec<Finding> {
    let Some(web) = &config.web else {
        return vec![Finding::skipped("web port", "there is no section [web]")];
    };
    let Ok(address) = web.address.parse::<IpAddr>() else {
        return Vec::new();
    };
    let wanted = [("web port", Some(web.port)), ("original's port", web.legacy_port)];
    let mut findings = Vec::new();
    for (subject, port) in wanted {
        if let Some(port @ 1..) = port {
            findings.push(self::port(subject, address, port, service_runs).await);
        }
    }
    findings
}

async fn port(subject: &str, address: IpAddr, port: u16, service_runs: bool) -> Finding {
    match TcpListener::bind((address, port)).await {
        Ok(_) if service_runs => Finding::warning(
            subject,
            format!("nobody listens on {port}, although the service runs"),
            "the service may have been started with other settings: `amoractl config show --origin`",
        ),
        Ok(_) => Finding::ok(subject, format!("{port} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && service_runs => {
            Finding::ok(subject, format!("{port} is in use while the service runs"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::failed(
            subject,
            format!("another program listens on {port}"),
            format!("`ss -ltnp sport = :{port}` names it; end it, or set another port"),
        ),
        Err(error) => Finding::failed(subject, format!("{port}: {error}"), "set another port or address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use amora_contract::config::WebConfig;

    #[tokio::test]
    async fn a_port_is_ours_anothers_or_free() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = WebConfig {
            address: "127.0.0.1".to_owned(),
            port,
            ..WebConfig::default()
        };
        let config = Config {
            web: Some(web),
            ..Config::default()
        };
        assert_eq!(ports(&config, false).await[0].verdict, Verdict::Failed);
        assert_eq!(ports(&config, true).await[0].verdict, Verdict::Ok);
        drop(listener);
        assert_eq!(ports(&config, false).await[0].verdict, Verdict::Ok);
        assert_eq!(ports(&config, true).await[0].verdict, Verdict::Warning);
    }
}

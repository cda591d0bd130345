//! What the box talks to, and the ports that it listens on.

use super::Finding;
use amora_contract::Config;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Whoever is there at all answers by then.
const PATIENCE: Duration = Duration::from_secs(3);

/// Longest greeting that is read.
const GREETING: u64 = 256;

/// Whether MPD greets us, and with which version.
pub(super) async fn mpd(config: &Config) -> Finding {
    let Some(player) = &config.player else {
        return Finding::skipped("MPD", "there is no section [player]");
    };
    let socket = Path::new(&player.host).is_absolute();
    let place = if socket {
        player.host.clone()
    } else {
        format!("{}:{}", player.host, player.port)
    };
    let greeting = tokio::time::timeout(PATIENCE, async {
        match socket {
            true => first_line(UnixStream::connect(&player.host).await?).await,
            false => first_line(TcpStream::connect((player.host.as_str(), player.port)).await?).await,
        }
    });
    let next = "see `systemctl status mpd`, and `player.host` and `player.port`";
    match greeting.await {
        Ok(Ok(line)) => match line.strip_prefix("OK MPD ") {
            Some(version) => Finding::ok("MPD", format!("protocol {} at {place}", version.trim())),
            None => Finding::failed("MPD", format!("something else answers at {place}"), next),
        },
        Ok(Err(error)) => Finding::failed("MPD", format!("{place}: {error}"), next),
        Err(_) => Finding::failed("MPD", format!("{place} does not answer"), next),
    }
}

async fn first_line(stream: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut line = Vec::new();
    BufReader::new(stream.take(GREETING))
        .read_until(b'\n', &mut line)
        .await?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Whether the broker's port is open.
pub(super) async fn broker(config: &Config) -> Finding {
    let Some(mqtt) = &config.mqtt else {
        return Finding::skipped("MQTT broker", "there is no section [mqtt]");
    };
    let port = mqtt.port.unwrap_or(if mqtt.tls.is_some() { 8883 } else { 1883 });
    let place = format!("{}:{port}", mqtt.host);
    let next = "see whether the broker runs, `mqtt.host` and `mqtt.port`, and firewalls between";
    match tokio::time::timeout(PATIENCE, TcpStream::connect((mqtt.host.as_str(), port))).await {
        Ok(Ok(_)) => Finding::ok("MQTT broker", format!("{place} is open")),
        Ok(Err(error)) => Finding::failed("MQTT broker", format!("{place}: {error}"), next),
        Err(_) => Finding::failed("MQTT broker", format!("{place} does not answer"), next),
    }
}

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
    use amora_contract::config::{MqttConfig, PlayerConfig, WebConfig};
    use tokio::io::AsyncWriteExt;

    async fn greeted_with(greeting: &'static [u8]) -> Finding {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(greeting).await.unwrap();
        });
        let player = PlayerConfig {
            host: "127.0.0.1".to_owned(),
            port,
            ..PlayerConfig::default()
        };
        mpd(&Config {
            player: Some(player),
            ..Config::default()
        })
        .await
    }

    #[tokio::test]
    async fn mpd_is_known_by_its_greeting() {
        let found = greeted_with(b"OK MPD 0.23.5\n").await;
        assert_eq!(
            (found.verdict, found.found.starts_with("protocol 0.23.5 at")),
            (Verdict::Ok, true)
        );
        assert_eq!(
            greeted_with(b"HTTP/1.1 400 Bad Request\n").await.verdict,
            Verdict::Failed
        );
        assert_eq!(greeted_with(b"").await.verdict, Verdict::Failed);
        assert_eq!(mpd(&Config::default()).await.verdict, Verdict::Skipped);
    }

    #[tokio::test]
    async fn a_closed_port_is_no_broker_and_free_for_the_page() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mqtt = MqttConfig {
            host: "127.0.0.1".to_owned(),
            port: Some(port),
            ..MqttConfig::default()
        };
        let web = WebConfig {
            address: "127.0.0.1".to_owned(),
            port,
            ..WebConfig::default()
        };
        let config = Config {
            mqtt: Some(mqtt),
            web: Some(web),
            ..Config::default()
        };
        assert_eq!(broker(&config).await.verdict, Verdict::Ok);
        assert_eq!(ports(&config, false).await[0].verdict, Verdict::Failed);
        assert_eq!(ports(&config, true).await[0].verdict, Verdict::Ok);
        drop(listener);
        assert_eq!(broker(&config).await.verdict, Verdict::Failed);
        assert_eq!(ports(&config, false).await[0].verdict, Verdict::Ok);
        assert_eq!(ports(&config, true).await[0].verdict, Verdict::Warning);
    }
}

//! `amoractl cloud`: how the connection to Azure IoT Hub is, and what went over it.

use crate::client::Client;
use crate::failure::Failure;
use crate::render::read;
use crate::text::{local_time, plain, span, table};
use amora_contract::State;
use amora_contract::state::{Condition, Health, IotHubLink, IotHubReceived, IotHubState};
use amora_contract::units::Timestamp;
use serde_json::Value;

/// Shows the connection once.
pub(crate) async fn show(client: &Client, json: bool) -> Result<String, Failure> {
    let mut document = client.state().await?;
    if json {
        let section = document.get_mut("iot_hub").map_or(Value::Null, Value::take);
        return Ok(format!("{section}\n"));
    }
    Ok(text(&read(document)?, Timestamp::now()))
}

fn text(state: &State, now: Timestamp) -> String {
    match &state.iot_hub {
        Some(hub) => describe(hub, state.system.health.get("iot_hub"), now),
        None => "not configured: a section [iot_hub] in the configuration connects this box\n".to_owned(),
    }
}

/// The connection in one line.
pub(crate) fn line(hub: &IotHubState, now: Timestamp) -> String {
    let link = match hub.link {
        IotHubLink::Starting => "starting",
        IotHubLink::WaitingForClock => "waiting for the clock",
        IotHubLink::Provisioning => "asking which hub is ours",
        IotHubLink::Connecting => "connecting",
        IotHubLink::Connected => "connected",
        IotHubLink::Waiting => "not connected, trying again",
    };
    let host = hub.hub.as_deref().map_or(String::new(), |host| match hub.link {
        IotHubLink::Connected | IotHubLink::Connecting => format!(" to {host}"),
        _ => format!(" ({host})"),
    });
    let since = span(now, hub.since);
    let since = match hub.link {
        IotHubLink::Connected => format!(" for {since}"),
        _ => format!(", no connection for {since}"),
    };
    plain(&format!("{link}{host}{since}"))
}

fn describe(hub: &IotHubState, health: Option<&Health>, now: Timestamp) -> String {
    let mut text = format!("{}\n", line(hub, now));
    // A connection that stands may lack something all the same.
    let (cause, next_step) = match (hub.link, health) {
        (IotHubLink::Connected, Some(health)) if health.condition != Condition::Ok => {
            (&health.cause, &health.next_step)
        }
        _ => (&hub.cause, &hub.next_step),
    };
    if !cause.is_empty() {
        text += &format!("✘ {}\n", plain(cause));
    }
    if !next_step.is_empty() {
        text += &format!("    → {}\n", plain(next_step));
    }
    let unknown = || "not known yet".to_owned();
    let twin = match hub.desired_version {
        0 => "not read yet".to_owned(),
        version => format!("version {version} obeyed"),
    };
    let rows = [
        ("hub", hub.hub.as_deref().map_or_else(unknown, plain)),
        ("device", hub.device_id.as_deref().map_or_else(unknown, plain)),
        ("twin", twin),
        (
            "messages",
            format!(
                "{} waiting, {} sent, {} dropped",
                hub.waiting, hub.sent, hub.dropped
            ),
        ),
        (
            "connected",
            match hub.connections {
                1 => "once since the start".to_owned(),
                count => format!("{count} times since the start"),
            },
        ),
    ];
    for (name, value) in rows {
        text += &format!("  {name:<9} {value}\n");
    }
    if !hub.received.is_empty() {
        text += &format!("\n{}", received(&hub.received));
    }
    text
}

fn received(list: &[IotHubReceived]) -> String {
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|received| {
            vec![
                plain(&received.name),
                answer(received.status),
                local_time(received.at),
            ]
        })
        .collect();
    table(&["Asked by the cloud", "Answer", ""], &rows)
}

fn answer(status: u16) -> String {
    let words = match status {
        202 => "under way",
        200..=299 => "done",
        400 => "not understood",
        403 => "not allowed",
        404 => "there is no such thing",
        409 => "not possible at the time",
        413 => "too large",
        429 => "too much at once",
        503 => "not available",
        504 => "no answer in time",
        _ => "failed",
    };
    format!("{status} {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn connected() -> IotHubState {
        IotHubState {
            link: IotHubLink::Connected,
            since: Timestamp(HOUR),
            hub: Some("west.azure-devices.net".to_owned()),
            device_id: Some("kitchen".to_owned()),
            connections: 3,
            desired_version: 12,
            sent: 88,
            ..IotHubState::default()
        }
    }

    #[test]
    fn a_connection_is_told_with_its_hub_its_age_and_its_messages() {
        let mut hub = connected();
        let text = describe(&hub, None, Timestamp(3 * HOUR + 120_000));
        assert_eq!(
            text,
            "connected to west.azure-devices.net for 2 hours 2 minutes\n  hub       west.azure-devices.net\n  \
             device    kitchen\n  twin      version 12 obeyed\n  messages  0 waiting, 88 sent, 0 dropped\n  \
             connected 3 times since the start\n"
        );
        hub.received = vec![
            IotHubReceived {
                at: Timestamp(0),
                name: "setVolume\u{1b}[2J".to_owned(),
                status: 200,
            },
            IotHubReceived {
                at: Timestamp(0),
                name: "reboot".to_owned(),
                status: 403,
            },
        ];
        let text = describe(&hub, None, Timestamp(0));
        assert!(
            text.contains("200 done") && text.contains("403 not allowed"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn why_there_is_none_comes_with_the_next_step_and_what_waits() {
        let mut hub = IotHubState {
            link: IotHubLink::Waiting,
            cause: "the hub does not accept this device's identity".to_owned(),
            next_step: "check its key".to_owned(),
            waiting: 4320,
            dropped: 17,
            ..connected()
        };
        let text = describe(&hub, None, Timestamp(74 * HOUR));
        let expected = "not connected, trying again (west.azure-devices.net), no connection for 3 days 1 hour\n\
                        ✘ the hub does not accept this device's identity\n    → check its key\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("4320 waiting, 88 sent, 17 dropped"), "{text}");
        hub = IotHubState {
            link: IotHubLink::WaitingForClock,
            hub: None,
            device_id: None,
            ..hub
        };
        let text = describe(&hub, None, Timestamp(HOUR));
        assert!(
            text.starts_with("waiting for the clock, no connection for less than a minute\n"),
            "{text}"
        );
        assert!(text.contains("hub       not known yet"), "{text}");
    }

    #[test]
    fn a_box_without_a_cloud_says_so() {
        assert!(text(&State::default(), Timestamp(0)).starts_with("not configured"));
    }

    #[test]
    fn a_connection_that_lacks_something_says_what() {
        let health = Health {
            condition: Condition::Degraded,
            cause: "the hub does not let this box subscribe to twins".to_owned(),
            next_step: "check the hub's tier".to_owned(),
            ..Health::default()
        };
        let text = describe(&connected(), Some(&health), Timestamp(HOUR));
        assert!(
            text.contains("✘ the hub does not let this box subscribe to twins\n    → check the hub's tier\n"),
            "{text}"
        );
        assert!(!describe(&connected(), Some(&Health::default()), Timestamp(HOUR)).contains('✘'));
    }
}

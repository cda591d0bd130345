//! Messages to the cloud.

use crate::dialect::player_status;
use amora_contract::units::Timestamp;
use amora_contract::{Event, State};
use amora_link::iot_hub::calendar;
use amora_link::iot_hub::topic::Properties;
use serde_json::{Map, Value, json};

/// The original's status message; the device's id is put in when it is sent.
pub fn status(state: &State, now: Timestamp) -> Value {
    json!({
        "messageType": "playerStatus",
        "timestamp": calendar::milliseconds(now),
        "status": player_status(state.player.as_ref(), state.audio.as_ref(), now),
    })
}

/// An event: `{"messageType": "event", "event": name, "data": {…}}`.
pub fn event(event: &Event) -> Value {
    let mut body = serde_json::to_value(event).expect("events serialise to JSON");
    if let Some(body) = body.as_object_mut() {
        body.remove("time");
        body.insert("messageType".to_owned(), "event".into());
        body.insert("timestamp".to_owned(), calendar::milliseconds(event.time).into());
    }
    body
}

/// How a method or a message from the cloud ended, for whoever did not wait for it.
pub fn result(
    kind: &str,
    name: &str,
    status: u16,
    body: &Value,
    correlation: Option<&str>,
    now: Timestamp,
) -> Value {
    json!({
        "messageType": kind,
        "timestamp": calendar::milliseconds(now),
        "name": name,
        "status": status,
        "payload": body,
        "correlationId": correlation,
    })
}

/// A message as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Its `messageType`.
    pub kind: String,
    /// JSON.
    pub body: String,
    /// What the hub can route it by.
    pub properties: Properties,
}

/// A kept message as it is sent. `sequence` only grows: whoever reads a number again, as delivery at least once
/// allows, drops it. `None` when what was kept is damaged.
pub fn envelope(kept: &[u8], device_id: &str, sequence: i64) -> Option<Envelope> {
    let mut body: Map<String, Value> = serde_json::from_slice(kept).ok()?;
    body.insert("deviceId".to_owned(), device_id.into());
    body.insert("sequence".to_owned(), sequence.into());
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let kind = text("messageType").unwrap_or_default().to_owned();
    let mut properties = Properties::json().with("$.mid", &format!("{kind}-{sequence}"));
    if let Some(correlation) = text("correlationId") {
        properties = properties.with("$.cid", correlation);
    }
    properties = properties.with("messageType", &kind);
    if let Some(event) = text("event") {
        properties = properties.with("event", event);
    }
    Some(Envelope {
        kind,
        body: Value::Object(body).to_string(),
        properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::EventKind;

    fn sent(body: &Value) -> (Value, Properties) {
        let kept = serde_json::to_vec(body).unwrap();
        let sent = envelope(&kept, "box", 7).unwrap();
        (serde_json::from_str(&sent.body).unwrap(), sent.properties)
    }

    #[test]
    fn the_status_is_the_original_s() {
        let (body, properties) = sent(&status(&State::default(), Timestamp(1_772_323_199_250)));
        assert_eq!(body["messageType"], "playerStatus");
        assert_eq!(body["deviceId"], "box");
        assert_eq!(body["timestamp"], "2026-02-28T23:59:59.250Z");
        assert_eq!(body["status"]["state"], "stop");
        assert_eq!(
            properties.to_string(),
            "$.ct=application%2Fjson&$.ce=utf-8&$.mid=playerStatus-7&messageType=playerStatus"
        );
    }

    #[test]
    fn an_event_can_be_routed_by_its_name() {
        let slept = Event {
            time: Timestamp(0),
            kind: EventKind::Slept {},
        };
        let (body, properties) = sent(&event(&slept));
        assert_eq!(body["event"], "player.slept");
        assert_eq!(body["sequence"], 7);
        assert_eq!(body["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(properties.get("event"), Some("player.slept"));
    }

    #[test]
    fn a_result_names_what_it_answers() {
        let (_, properties) = sent(&result(
            "commandResult",
            "player.play",
            200,
            &json!({}),
            Some("m1"),
            Timestamp(0),
        ));
        assert_eq!(properties.get("$.cid"), Some("m1"));
        assert_eq!(envelope(b"[]", "box", 1), None);
    }
}

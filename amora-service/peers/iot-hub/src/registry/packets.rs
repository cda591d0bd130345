//! What a hub does with the packets of a connected device.

use super::{DESIRED, METHODS, Registry, TWIN_ANSWERS, deliver, devicebound, error_body};
use crate::device::{Device, TelemetryRule};
use crate::message::{MESSAGE_BYTES, Message, size};
use crate::session::{CloseReason, Line};
use crate::topic::Request;
use crate::twin::Twin;
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{
    Packet, PubAck, Publish, SubAck, Subscribe, SubscribeReasonCode, UnsubAck, Unsubscribe,
};
use serde_json::Value;
use std::time::SystemTime;

/// A device can have so many subscriptions at a time.
const SUBSCRIPTIONS: usize = 5;

impl Registry {
    /// Takes a packet from a connected device. `Err` ends its connection.
    pub(crate) fn receive(
        &mut self,
        now: SystemTime,
        session: u64,
        id: &str,
        packet: Packet,
    ) -> Result<(), CloseReason> {
        let Some(device) = self.devices.get_mut(id) else {
            return Ok(());
        };
        let Some(connection) = device.connection.as_mut().filter(|one| one.session == session) else {
            return Ok(());
        };
        match packet {
            Packet::Publish(publish) => self.publish(now, id, publish),
            Packet::PubAck(ack) => {
                device.waiting.acknowledge(ack.pkid);
                Ok(())
            }
            Packet::Subscribe(subscribe) => {
                subscribe_to(device, subscribe);
                deliver(device, now);
                Ok(())
            }
            Packet::Unsubscribe(unsubscribe) => {
                unsubscribe_from(device, unsubscribe);
                Ok(())
            }
            Packet::PingReq => {
                connection.line.send(Packet::PingResp);
                Ok(())
            }
            Packet::Disconnect => {
                connection.will = None;
                Err(CloseReason::Client)
            }
            _ => Err(CloseReason::Protocol),
        }
    }

    fn publish(&mut self, now: SystemTime, id: &str, publish: Publish) -> Result<(), CloseReason> {
        if publish.qos == QoS::ExactlyOnce {
            return Err(CloseReason::QualityOfService);
        }
        let topic = std::str::from_utf8(&publish.topic).map_err(|_| CloseReason::Protocol)?;
        let request = Request::from_device(topic, id).ok_or(CloseReason::Topic)?;
        let Some(device) = self.devices.get_mut(id) else {
            return Ok(());
        };
        let Some(line) = device
            .connection
            .as_ref()
            .map(|connection| connection.line.clone())
        else {
            return Ok(());
        };
        match request {
            Request::Telemetry(properties) => {
                if size(&publish.payload, &properties) > MESSAGE_BYTES {
                    return Err(CloseReason::Size);
                }
                let mut message = Message::new(id, now, publish.payload.clone(), properties);
                if publish.retain {
                    message
                        .properties
                        .push(("mqtt-retain".into(), Some("true".into())));
                }
                match device.telemetry {
                    TelemetryRule::QuotaExceeded => return Err(CloseReason::Quota),
                    TelemetryRule::Lose => return Ok(()),
                    TelemetryRule::LoseAcknowledgement => {
                        self.take(message);
                        return Ok(());
                    }
                    TelemetryRule::Accept => self.take(message),
                }
            }
            Request::TwinGet(request) => {
                answer_twin(device, &line, &request, |twin| {
                    (200, None, Some(twin.for_device()))
                });
            }
            Request::TwinReported(request) => answer_twin(device, &line, &request, |twin| {
                let patch = serde_json::from_slice(&publish.payload).map_err(|error| error.to_string());
                match patch
                    .and_then(|patch: Value| twin.reported.patch(&patch).map_err(|error| error.to_string()))
                {
                    Ok(version) => (204, Some(version), None),
                    Err(message) => (400, None, Some(error_body(400, &message))),
                }
            }),
            Request::MethodReply { status, request } => {
                self.calls.answer(id, &request, status, &publish.payload)
            }
            Request::Register(_) | Request::RegistrationState { .. } => return Err(CloseReason::Topic),
        }
        if publish.qos == QoS::AtLeastOnce {
            line.send(Packet::PubAck(PubAck::new(publish.pkid)));
        }
        Ok(())
    }

    pub(super) fn take(&mut self, mut message: Message) {
        self.sequence += 1;
        message.sequence = self.sequence;
        self.messages.push(message);
    }
}

fn subscribe_to(device: &mut Device, subscribe: Subscribe) {
    let bound = devicebound(&device.id);
    let Some(connection) = device.connection.as_mut() else {
        return;
    };
    let mut codes = Vec::new();
    for filter in subscribe.filters {
        let known = filter.path == bound || [TWIN_ANSWERS, DESIRED, METHODS].contains(&filter.path.as_str());
        let room = connection.subscriptions.len() < SUBSCRIPTIONS
            || connection.subscriptions.contains_key(&filter.path);
        if !known || !room {
            codes.push(SubscribeReasonCode::Failure);
            continue;
        }
        let granted = if filter.qos == QoS::AtMostOnce {
            QoS::AtMostOnce
        } else {
            QoS::AtLeastOnce
        };
        codes.push(SubscribeReasonCode::Success(granted));
        connection.subscriptions.insert(filter.path, granted);
    }
    if !connection.clean_session {
        device.kept_subscriptions = connection.subscriptions.clone();
    }
    connection
        .line
        .send(Packet::SubAck(SubAck::new(subscribe.pkid, codes)));
}

fn unsubscribe_from(device: &mut Device, unsubscribe: Unsubscribe) {
    let Some(connection) = device.connection.as_mut() else {
        return;
    };
    for topic in &unsubscribe.topics {
        connection.subscriptions.remove(topic);
    }
    if !connection.clean_session {
        device.kept_subscriptions = connection.subscriptions.clone();
    }
    connection
        .line
        .send(Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid)));
}

/// Answers a twin request, unless it is to fail. The closure gives status, version and body.
fn answer_twin(
    device: &mut Device,
    line: &Line,
    request: &str,
    act: impl FnOnce(&mut Twin) -> (u16, Option<u64>, Option<Value>),
) {
    if !device.listens_to(TWIN_ANSWERS) {
        return;
    }
    if device.twin_silences > 0 {
        device.twin_silences -= 1;
        return;
    }
    let (status, version, body) = match device.twin_failures.pop_front() {
        Some(status) => (status, None, Some(error_body(status, "as the test asked for"))),
        None => act(&mut device.twin),
    };
    let version = version
        .map(|version| format!("&$version={version}"))
        .unwrap_or_default();
    let topic = format!(
        "$iothub/twin/res/{status}/?$rid={}{version}",
        crate::topic::encoded(request)
    );
    line.publish(
        topic,
        body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
    );
}

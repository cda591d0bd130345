//! Messages from devices to the cloud, and from the cloud to devices.

use crate::topic::{Properties, bag};
use bytes::Bytes;
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{Packet, Publish};
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::time::SystemTime;

/// The largest message of a device, with its properties.
pub const MESSAGE_BYTES: usize = 256 * 1024;
/// The largest message to a device, with its properties.
pub const CLOUD_MESSAGE_BYTES: usize = 64 * 1024;
/// How many messages may wait for a device.
pub const CLOUD_MESSAGES: usize = 50;
/// A message that was delivered so often without an acknowledgement is given up.
const DELIVERIES: u8 = 10;

/// A message that a hub took from a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One more for each message the hub took, of any device.
    pub sequence: u64,
    /// The device that sent it.
    pub device: String,
    /// When the hub took it.
    pub enqueued: SystemTime,
    /// What it says.
    pub body: Bytes,
    /// System properties by their names on the wire without `$.`: `ct`, `ce`, `mid`, `cid`, `sub` …
    pub system: Properties,
    /// The application's properties.
    pub properties: Properties,
}

impl Message {
    pub(crate) fn new(device: &str, enqueued: SystemTime, body: Bytes, bag: Properties) -> Self {
        let (system, properties): (Vec<_>, Vec<_>) =
            bag.into_iter().partition(|(name, _)| name.starts_with("$."));
        let system = system
            .into_iter()
            .map(|(name, value)| (name[2..].to_owned(), value))
            .collect();
        Self {
            sequence: 0,
            device: device.to_owned(),
            enqueued,
            body,
            system,
            properties,
        }
    }

    /// A system property's value.
    pub fn system(&self, name: &str) -> Option<&str> {
        find(&self.system, name)
    }

    /// An application property's value.
    pub fn property(&self, name: &str) -> Option<&str> {
        find(&self.properties, name)
    }
}

fn find<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.iter().find(|(key, _)| key == name)?.1.as_deref()
}

/// The bytes that count against a message's limit: the body, the properties, and of system properties the values.
pub(crate) fn size(body: &[u8], properties: &Properties) -> usize {
    let of = |(name, value): &(String, Option<String>)| {
        let name = if name.starts_with("$.") { 0 } else { name.len() };
        name + value.as_ref().map_or(0, String::len)
    };
    body.len() + properties.iter().map(of).sum::<usize>()
}

/// A message for a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloudMessage {
    /// What it says.
    pub body: Vec<u8>,
    /// `$.mid`, `$.cid`, `$.ct` … and the application's own.
    pub properties: Properties,
    /// After this it is not delivered any more.
    pub expiry: Option<SystemTime>,
}

/// Why a message was not taken for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum SendError {
    /// The hub does not know the device: 404001.
    #[error("the device is not registered")]
    NotFound,
    /// It has more than 64 KB: 413001.
    #[error("the message is larger than 64 KB")]
    Size,
    /// Fifty are waiting: 403004.
    #[error("fifty messages are waiting for the device")]
    Full,
}

/// The messages that wait for one device.
#[derive(Default)]
pub(crate) struct Waiting {
    queue: VecDeque<Queued>,
    /// Sent and not yet acknowledged, by packet id, in the order they were sent.
    in_flight: HashMap<u16, Queued>,
    next_number: u64,
}

struct Queued {
    number: u64,
    message: CloudMessage,
    deliveries: u8,
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.queue.len() + self.in_flight.len()
    }

    pub(crate) fn put(&mut self, message: CloudMessage) -> Result<(), SendError> {
        if size(&message.body, &message.properties) > CLOUD_MESSAGE_BYTES {
            return Err(SendError::Size);
        }
        if self.len() >= CLOUD_MESSAGES {
            return Err(SendError::Full);
        }
        self.next_number += 1;
        self.queue.push_back(Queued {
            number: self.next_number,
            message,
            deliveries: 0,
        });
        Ok(())
    }

    /// The packets that deliver what waits. With quality of service 0 that is the end of the messages.
    pub(crate) fn deliver(
        &mut self,
        device: &str,
        quality: QoS,
        now: SystemTime,
        mut packet_id: impl FnMut() -> u16,
    ) -> Vec<Packet> {
        let mut packets = Vec::new();
        for mut queued in std::mem::take(&mut self.queue) {
            if queued.message.expiry.is_some_and(|expiry| expiry <= now) {
                continue;
            }
            let base = format!("devices/{device}/messages/devicebound/");
            let mut properties = vec![(
                "$.to".into(),
                Some(format!("/devices/{device}/messages/devicebound")),
            )];
            properties.extend(queued.message.properties.iter().cloned());
            let topic = base + &bag(&properties);
            let mut publish = Publish::new(topic, quality, queued.message.body.clone());
            if quality == QoS::AtLeastOnce {
                publish.pkid = packet_id();
                queued.deliveries += 1;
                self.in_flight.insert(publish.pkid, queued);
            }
            packets.push(Packet::Publish(publish));
        }
        packets
    }

    pub(crate) fn acknowledge(&mut self, packet_id: u16) {
        self.in_flight.remove(&packet_id);
    }

    /// The connection is gone: what was not acknowledged waits again, in its old place.
    pub(crate) fn return_all(&mut self) {
        let mut returned: Vec<_> = self.in_flight.drain().map(|(_, queued)| queued).collect();
        returned.retain(|queued| queued.deliveries < DELIVERIES);
        returned.extend(std::mem::take(&mut self.queue));
        returned.sort_by_key(|queued| queued.number);
        self.queue = returned.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(packets: &[Packet]) -> Vec<Vec<u8>> {
        let body = |packet: &Packet| match packet {
            Packet::Publish(publish) => publish.payload.to_vec(),
            other => panic!("{other:?} is no message"),
        };
        packets.iter().map(body).collect()
    }

    fn message(body: &[u8]) -> CloudMessage {
        CloudMessage {
            body: body.into(),
            ..CloudMessage::default()
        }
    }

    #[test]
    fn names_of_system_properties_are_not_counted() {
        let of = |name: &str| vec![(name.to_owned(), Some("1234".to_owned()))];
        assert_eq!(size(b"body", &of("$.ct")), 8);
        assert_eq!(size(b"body", &of("name")), 12);
    }

    #[test]
    fn what_was_not_acknowledged_is_delivered_again_in_order_until_it_is_given_up() {
        let (mut waiting, mut next) = (Waiting::default(), 0);
        let mut id = move || {
            next += 1;
            next
        };
        for body in [b"1", b"2", b"3"] {
            waiting.put(message(body)).unwrap();
        }
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(
            bodies(&waiting.deliver("box", QoS::AtLeastOnce, now, &mut id)),
            [b"1", b"2", b"3"]
        );
        waiting.acknowledge(2);
        for _ in 1..DELIVERIES {
            waiting.return_all();
            assert_eq!(
                bodies(&waiting.deliver("box", QoS::AtLeastOnce, now, &mut id)),
                [b"1", b"3"]
            );
        }
        waiting.return_all();
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn fifty_wait_and_no_more_and_none_is_delivered_too_late() {
        let mut waiting = Waiting::default();
        for _ in 0..CLOUD_MESSAGES {
            waiting
                .put(CloudMessage {
                    expiry: Some(SystemTime::UNIX_EPOCH),
                    ..message(b"")
                })
                .unwrap();
        }
        assert_eq!(waiting.put(message(b"")), Err(SendError::Full));
        assert!(
            waiting
                .deliver("box", QoS::AtMostOnce, SystemTime::UNIX_EPOCH, || 1)
                .is_empty()
        );
        assert_eq!(
            waiting.put(message(&[0; CLOUD_MESSAGE_BYTES + 1])),
            Err(SendError::Size)
        );
        assert_eq!(waiting.put(message(&[0; CLOUD_MESSAGE_BYTES])), Ok(()));
    }
}

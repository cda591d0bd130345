//! The service side of a hub: what a fleet's operator, or a test, does with it.

use crate::device::{Authentication, Device, Happening, TelemetryRule, is_device_id};
use crate::message::{CloudMessage, Message, SendError};
use crate::method::{METHOD_BYTES, MethodError, MethodReply};
use crate::registry::{METHODS, Registry, deliver};
use crate::server::Shared;
use crate::session::CloseReason;
use crate::topic::encoded;
use crate::twin::{Twin, TwinError};
use crate::upload::Upload;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rumqttc_v4::mqttbytes::v4::ConnectReturnCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Why something cannot be done with a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The hub has no such device.
    #[error("{0:?} is not registered")]
    NotFound(String),
    /// The name is no device id.
    #[error("{0:?} cannot be a device id")]
    DeviceId(String),
    /// The twin does not take it.
    #[error(transparent)]
    Twin(#[from] TwinError),
}

/// The service side of one hub. Clones are the same hub. What waits, waits for ever: the test sets the time.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
    name: String,
}

impl Hub {
    pub(crate) fn new(shared: Arc<Shared>, name: &str) -> Self {
        Self {
            shared,
            name: name.to_owned(),
        }
    }

    /// The host name devices use in their user names.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn with<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        self.shared
            .with(|cloud| act(cloud.hubs.get_mut(&self.name).expect("a hub is never removed")))
    }

    fn with_device<T>(&self, id: &str, act: impl FnOnce(&mut Device) -> T) -> Result<T, ServiceError> {
        self.with(|hub| hub.devices.get_mut(id).map(act))
            .ok_or_else(|| ServiceError::NotFound(id.to_owned()))
    }

    async fn when<T>(&self, look: impl Fn(&Registry) -> Option<T>) -> T {
        self.shared.when(|cloud| look(&cloud.hubs[&self.name])).await
    }

    async fn when_device<T>(&self, id: &str, look: impl Fn(&Device) -> Option<T>) -> T {
        self.when(|hub| hub.devices.get(id).and_then(&look)).await
    }

    /// Registers a device, or changes how it proves who it is.
    pub fn register(&self, id: &str, authentication: Authentication) -> Result<(), ServiceError> {
        if !is_device_id(id) {
            return Err(ServiceError::DeviceId(id.to_owned()));
        }
        self.with(|hub| {
            let fresh = || Device::new(id, authentication.clone());
            hub.devices
                .entry(id.to_owned())
                .or_insert_with(fresh)
                .authentication = authentication.clone();
        });
        Ok(())
    }

    /// Registers a device with a fresh key and returns its connection string.
    pub fn register_with_key(&self, id: &str) -> Result<String, ServiceError> {
        let primary = fresh_key();
        let string = format!("HostName={};DeviceId={id};SharedAccessKey={primary}", self.name);
        self.register(
            id,
            Authentication::SymmetricKey {
                primary,
                secondary: fresh_key(),
            },
        )?;
        Ok(string)
    }

    /// Removes a device and ends its connection.
    pub fn remove(&self, id: &str) -> Result<(), ServiceError> {
        self.disconnect(id)?;
        self.with(|hub| hub.devices.remove(id));
        Ok(())
    }

    /// Lets a device in or keeps it out. A disabled one loses its connection.
    pub fn set_enabled(&self, id: &str, enabled: bool) -> Result<(), ServiceError> {
        self.with_device(id, |device| device.enabled = enabled)?;
        if enabled { Ok(()) } else { self.disconnect(id) }
    }

    /// Trusts a certificate authority (PEM) to vouch for devices registered for that.
    pub fn trust(&self, authority: &str) {
        self.with(|hub| hub.authorities.push(authority.to_owned()));
    }

    /// Answers everyone who wants to connect with this return code, until it is `None`.
    pub fn refuse(&self, code: Option<ConnectReturnCode>) {
        self.with(|hub| hub.refusal = code);
    }

    /// Ends a device's connection in order.
    pub fn disconnect(&self, id: &str) -> Result<(), ServiceError> {
        self.with_device(id, |_| ())?;
        let now = self.shared.now();
        self.with(|hub| hub.end(now, id, CloseReason::Service));
        Ok(())
    }

    /// Whether a device is connected.
    pub fn is_connected(&self, id: &str) -> bool {
        self.with_device(id, |device| device.connection.is_some()) == Ok(true)
    }

    /// Waits until a device is connected, or is not.
    pub async fn connected(&self, id: &str, connected: bool) {
        self.when_device(id, |device| {
            (device.connection.is_some() == connected).then_some(())
        })
        .await;
    }

    /// Waits until a connected device has all these subscriptions.
    pub async fn subscribed(&self, id: &str, filters: &[&str]) {
        let all = |device: &Device| {
            filters
                .iter()
                .all(|filter| device.listens_to(filter))
                .then_some(())
        };
        self.when_device(id, all).await;
    }

    /// What went on with a device's connections, in order.
    pub fn history(&self, id: &str) -> Vec<Happening> {
        self.with_device(id, |device| device.history.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Waits until something went on with a device's connections so many times.
    pub async fn happened(&self, id: &str, happening: Happening, times: usize) {
        let count = |device: &Device| device.history.iter().filter(|one| **one == happening).count();
        self.when_device(id, |device| (count(device) >= times).then_some(()))
            .await;
    }

    /// The model id that the device named when it last connected.
    pub fn model(&self, id: &str) -> Option<String> {
        self.with_device(id, |device| device.model.clone()).ok().flatten()
    }

    /// A device's twin.
    pub fn twin(&self, id: &str) -> Result<Twin, ServiceError> {
        self.with_device(id, |device| device.twin.clone())
    }

    /// The twin as the hub's REST interface has it.
    pub fn twin_document(&self, id: &str) -> Result<Value, ServiceError> {
        self.with_device(id, |device| {
            json!({
                "deviceId": device.id,
                "status": if device.enabled { "enabled" } else { "disabled" },
                "connectionState": if device.connection.is_some() { "Connected" } else { "Disconnected" },
                "cloudToDeviceMessageCount": device.waiting.len(),
                "modelId": device.model.clone().unwrap_or_default(),
                "tags": device.twin.tags,
                "properties": device.twin.for_device(),
            })
        })
    }

    /// Waits until the reported properties look as wanted, and returns them.
    pub async fn reported(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.when_device(id, |device| Some(device.twin.reported.document()).filter(&wanted))
            .await
    }

    /// Merges a patch into the desired properties and tells the device. Returns their version.
    pub fn update_desired(&self, id: &str, patch: &Value) -> Result<u64, ServiceError> {
        let version = self.with_device(id, |device| device.twin.desired.patch(patch))??;
        self.with(|hub| hub.announce_desired(id, patch, version));
        Ok(version)
    }

    /// Puts other desired properties in place of all. The device is told of the new ones only, as by the hub.
    pub fn replace_desired(&self, id: &str, properties: &Value) -> Result<u64, ServiceError> {
        let version = self.with_device(id, |device| device.twin.desired.replace(properties))??;
        self.with(|hub| hub.announce_desired(id, properties, version));
        Ok(version)
    }

    /// Sends a device any text as a change of its desired properties, also one that a hub never would. The twin stays.
    pub fn send_desired(&self, id: &str, version: u64, text: &str) {
        self.with(|hub| hub.send_desired(id, version, text));
    }

    /// Merges a patch into the tags.
    pub fn update_tags(&self, id: &str, patch: &Value) -> Result<(), ServiceError> {
        Ok(self.with_device(id, |device| device.twin.patch_tags(patch))??)
    }

    /// Answers the next twin requests of a device with these statuses, and does not do what they ask.
    pub fn fail_twin(&self, id: &str, statuses: &[u16]) -> Result<(), ServiceError> {
        self.with_device(id, |device| device.twin_failures.extend(statuses))
    }

    /// Leaves the next twin requests of a device without an answer, and does not do what they ask.
    pub fn ignore_twin(&self, id: &str, requests: u32) -> Result<(), ServiceError> {
        self.with_device(id, |device| device.twin_silences = requests)
    }

    /// Puts a message into a device's queue.
    pub fn send(&self, id: &str, message: CloudMessage) -> Result<(), SendError> {
        let now = self.shared.now();
        self.with(|hub| hub.send(now, id, message))
    }

    /// How many messages wait for a device or for its acknowledgement.
    pub fn waiting(&self, id: &str) -> usize {
        self.with_device(id, |device| device.waiting.len())
            .unwrap_or_default()
    }

    /// Waits until no message waits for a device or for its acknowledgement.
    pub async fn delivered(&self, id: &str) {
        self.when_device(id, |device| (device.waiting.len() == 0).then_some(()))
            .await;
    }

    /// Delivers what waits in the queue again: after an expired lock, for example.
    pub fn redeliver(&self, id: &str) -> Result<(), ServiceError> {
        let now = self.shared.now();
        self.with_device(id, |device| {
            device.waiting.return_all();
            deliver(device, now);
        })
    }

    /// Says what happens to a device's telemetry from now on.
    pub fn set_telemetry_rule(&self, id: &str, rule: TelemetryRule) -> Result<(), ServiceError> {
        self.with_device(id, |device| device.telemetry = rule)
    }

    /// The messages of a device that the hub took and still has, in order.
    pub fn messages(&self, id: &str) -> Vec<Message> {
        self.messages_after(id, 0)
    }

    /// Those of them with a higher sequence number than `after`.
    pub fn messages_after(&self, id: &str, after: u64) -> Vec<Message> {
        self.shared.look(|cloud| {
            newer(&cloud.hubs[&self.name].messages, id, after)
                .cloned()
                .collect()
        })
    }

    /// Waits until the hub has so many messages of a device, and returns all of them in order.
    pub async fn received(&self, id: &str, count: usize) -> Vec<Message> {
        self.received_after(id, 0, count).await
    }

    /// Waits until the hub has so many messages of a device with a higher sequence number than `after`, and returns
    /// all of these in order.
    pub async fn received_after(&self, id: &str, after: u64, count: usize) -> Vec<Message> {
        self.when(|hub| {
            let of_device = || newer(&hub.messages, id, after);
            (of_device().count() >= count).then(|| of_device().cloned().collect())
        })
        .await
    }

    /// Forgets the messages up to this sequence number.
    pub fn forget_messages(&self, up_to: u64) {
        self.with(|hub| hub.messages.retain(|message| message.sequence > up_to));
    }

    /// The finished file uploads.
    pub fn uploads(&self) -> Vec<Upload> {
        self.with(|hub| hub.uploads.done.clone())
    }

    /// Calls a direct method: waits `connect` for the device to be there, then `response` for its answer.
    pub async fn invoke(
        &self,
        id: &str,
        method: &str,
        payload: &Value,
        response: Duration,
        connect: Duration,
    ) -> Result<MethodReply, MethodError> {
        self.with_device(id, |_| ()).map_err(|_| MethodError::NotFound)?;
        let body = if payload.is_null() {
            Vec::new()
        } else {
            payload.to_string().into_bytes()
        };
        if body.len() > METHOD_BYTES {
            return Err(MethodError::Size);
        }
        let there = self.when_device(id, |device| device.listens_to(METHODS).then_some(()));
        timeout(connect, there)
            .await
            .map_err(|_| MethodError::NotOnline)?;
        let answer = self.with(|hub| {
            let device = hub.devices.get(id).filter(|device| device.listens_to(METHODS))?;
            let line = device.connection.as_ref()?.line.clone();
            let (request, answer) = hub.calls.start(id);
            line.publish(
                format!("$iothub/methods/POST/{}/?$rid={request}", encoded(method)),
                body,
            );
            Some(answer)
        });
        match timeout(response, answer.ok_or(MethodError::NotOnline)?).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(MethodError::Timeout),
        }
    }
}

fn newer<'a>(messages: &'a [Message], id: &'a str, after: u64) -> impl Iterator<Item = &'a Message> {
    let known = messages.partition_point(|message| message.sequence <= after);
    messages[known..]
        .iter()
        .filter(move |message| message.device == id)
}

/// A fresh key for a device or an enrolment group: 32 random bytes, Base64.
pub fn fresh_key() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has random numbers");
    STANDARD.encode(bytes)
}

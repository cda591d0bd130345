//! The service's topics, both ways.
//!
//! IoT Hub takes at most five subscriptions of a device and ends the connection of whoever publishes at QoS 2.

mod bag;
#[cfg(test)]
mod tests;

pub use bag::Properties;

use super::encoding::{decode, encode};
use std::time::Duration;

/// Answers to what was asked about the twin.
pub const TWIN_ANSWERS: &str = "$iothub/twin/res/#";
/// Changes of the desired properties.
pub const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
/// Direct methods.
pub const METHODS: &str = "$iothub/methods/POST/#";
/// Answers of the provisioning service.
pub const REGISTRATION_ANSWERS: &str = "$dps/registrations/res/#";

/// Longest wait that the provisioning service is believed to ask for.
const LONGEST_WAIT: u64 = 3600;

/// Something that arrived, by its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A message from the cloud.
    Message(Properties),
    /// The answer to what was asked about the twin.
    TwinAnswer {
        /// Status code.
        status: u32,
        /// The id of the request that it answers.
        request: String,
        /// The twin's version after a patch.
        version: Option<u64>,
    },
    /// A patch of the desired properties.
    Desired {
        /// The version that it leads to.
        version: u64,
    },
    /// A direct method.
    Method {
        /// Its name.
        name: String,
        /// The id to answer to.
        request: String,
    },
    /// The answer of the provisioning service.
    Registration {
        /// Status code.
        status: u32,
        /// The id of the request that it answers.
        request: String,
        /// How long to wait before asking again.
        retry_after: Option<Duration>,
    },
}

/// A topic that is not one of the service's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message came on a topic that means nothing here: {0}")]
pub struct UnknownTopic(String);

impl Incoming {
    /// Reads the topic of something that arrived for `device_id`.
    ///
    /// # Errors
    /// When it is none of the service's.
    pub fn parse(topic: &str, device_id: &str) -> Result<Self, UnknownTopic> {
        let known = if let Some(rest) = topic.strip_prefix("$iothub/twin/res/") {
            twin_answer(rest)
        } else if let Some(rest) = topic.strip_prefix("$iothub/twin/PATCH/properties/desired/") {
            desired(rest)
        } else if let Some(rest) = topic.strip_prefix("$iothub/methods/POST/") {
            method(rest)
        } else if let Some(rest) = topic.strip_prefix("$dps/registrations/res/") {
            registration(rest)
        } else {
            message(topic, device_id)
        };
        known.ok_or_else(|| UnknownTopic(topic.chars().take(128).collect()))
    }
}

fn twin_answer(rest: &str) -> Option<Incoming> {
    let (status, bag) = status_and_bag(rest)?;
    Some(Incoming::TwinAnswer {
        status,
        request: bag.get("$rid")?.to_owned(),
        version: bag.get("$version").and_then(|version| version.parse().ok()),
    })
}

fn desired(rest: &str) -> Option<Incoming> {
    let bag = Properties::parse(rest.strip_prefix('?')?)?;
    let version = bag.get("$version")?.parse().ok()?;
    Some(Incoming::Desired { version })
}

fn method(rest: &str) -> Option<Incoming> {
    let (name, bag) = rest.split_once("/?")?;
    let name = decode(name).filter(|name| !name.is_empty())?;
    let request = Properties::parse(bag)?.get("$rid")?.to_owned();
    Some(Incoming::Method { name, request })
}

fn registration(rest: &str) -> Option<Incoming> {
    let (status, bag) = status_and_bag(rest)?;
    let retry_after = bag.get("retry-after").and_then(|wait| wait.parse::<u64>().ok());
    Some(Incoming::Registration {
        status,
        request: bag.get("$rid")?.to_owned(),
        retry_after: retry_after.map(|wait| Duration::from_secs(wait.min(LONGEST_WAIT))),
    })
}

fn message(topic: &str, device_id: &str) -> Option<Incoming> {
    let (device, rest) = topic
        .strip_prefix("devices/")?
        .split_once("/messages/devicebound")?;
    if decode(device)? != device_id && device != device_id {
        return None;
    }
    let bag = match rest {
        "" => "",
        rest => rest.strip_prefix('/')?,
    };
    Properties::parse(bag.trim_end_matches('/')).map(Incoming::Message)
}

/// `{status}/?{bag}`.
fn status_and_bag(rest: &str) -> Option<(u32, Properties)> {
    let (status, bag) = rest.split_once("/?")?;
    Some((status.parse().ok()?, Properties::parse(bag)?))
}

/// Where messages from the cloud for this device arrive.
pub fn messages(device_id: &str) -> String {
    format!("devices/{}/messages/devicebound/#", encode(device_id))
}

/// Where this device sends telemetry. The properties travel in the topic.
pub fn telemetry(device_id: &str, properties: &Properties) -> String {
    format!("devices/{}/messages/events/{properties}", encode(device_id))
}

/// Where the whole twin is asked for.
pub fn get_twin(request: &str) -> String {
    format!("$iothub/twin/GET/?$rid={}", encode(request))
}

/// Where reported properties are patched.
pub fn patch_reported(request: &str) -> String {
    format!("$iothub/twin/PATCH/properties/reported/?$rid={}", encode(request))
}

/// Where a direct method is answered.
pub fn method_answer(status: u16, request: &str) -> String {
    format!("$iothub/methods/res/{status}/?$rid={}", encode(request))
}

/// Where a registration is begun.
pub fn register(request: &str) -> String {
    format!("$dps/registrations/PUT/iotdps-register/?$rid={}", encode(request))
}

/// Where a registration that is under way is asked about.
pub fn registration_status(request: &str, operation: &str) -> String {
    format!(
        "$dps/registrations/GET/iotdps-get-operationstatus/?$rid={}&operationId={}",
        encode(request),
        encode(operation)
    )
}

/// The user name for a hub. The model id is only heard at the connect.
pub fn user_name(host: &str, device_id: &str, model_id: Option<&str>) -> String {
    let model = model_id.map_or(String::new(), |model| format!("&model-id={}", encode(model)));
    format!("{host}/{device_id}/?api-version=2021-04-12{model}")
}

/// The user name for the provisioning service.
pub fn registration_user_name(id_scope: &str, registration_id: &str) -> String {
    format!("{id_scope}/registrations/{registration_id}/api-version=2019-03-31")
}

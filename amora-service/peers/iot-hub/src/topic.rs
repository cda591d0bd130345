//! The topics a device may publish to, and the property bags in them.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Properties in the order they were sent. A name without `=` has no value, which differs from an empty one.
pub type Properties = Vec<(String, Option<String>)>;

/// What a device asks for by the topic it publishes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// A message to the cloud, with its property bag.
    Telemetry(Properties),
    /// The whole twin; the request id.
    TwinGet(String),
    /// A patch of the reported properties; the request id.
    TwinReported(String),
    /// The answer to a direct method.
    MethodReply {
        /// As the device sent it.
        status: i64,
        /// The request id it answers.
        request: String,
    },
    /// A registration with the provisioning service; the request id.
    Register(String),
    /// The state of a registration.
    RegistrationState {
        /// The request id.
        request: String,
        /// From the answer to the registration.
        operation: String,
    },
}

impl Request {
    /// Reads a topic that a device published to its hub; `None` for any but the documented ones.
    pub(crate) fn from_device(topic: &str, device: &str) -> Option<Self> {
        if let Some(bag) = telemetry(topic, device) {
            return bag.map(Self::Telemetry);
        }
        if let Some(rest) = topic.strip_prefix("$iothub/twin/GET/") {
            return Some(Self::TwinGet(request_id(rest)?));
        }
        if let Some(rest) = topic.strip_prefix("$iothub/twin/PATCH/properties/reported/") {
            return Some(Self::TwinReported(request_id(rest)?));
        }
        let (status, rest) = topic.strip_prefix("$iothub/methods/res/")?.split_once('/')?;
        Some(Self::MethodReply {
            status: status.parse().ok()?,
            request: request_id(rest)?,
        })
    }

    /// Reads a topic that a device published to the provisioning service.
    pub(crate) fn from_registration(topic: &str) -> Option<Self> {
        let topic = topic.strip_prefix("$dps/registrations/")?;
        if let Some(rest) = topic.strip_prefix("PUT/iotdps-register/") {
            return Some(Self::Register(request_id(rest)?));
        }
        let query = query(topic.strip_prefix("GET/iotdps-get-operationstatus/")?)?;
        Some(Self::RegistrationState {
            request: value(&query, "$rid")?,
            operation: value(&query, "operationId")?,
        })
    }
}

/// `Some(None)` is a telemetry topic with a malformed bag.
fn telemetry(topic: &str, device: &str) -> Option<Option<Properties>> {
    let bag = topic
        .strip_prefix("devices/")?
        .strip_prefix(device)?
        .strip_prefix("/messages/events")?;
    match bag.strip_prefix('/') {
        Some(bag) => Some(properties(bag.trim_end_matches('/'))),
        None => bag.is_empty().then(|| Some(Properties::new())),
    }
}

fn query(text: &str) -> Option<Properties> {
    properties(text.strip_prefix('?')?)
}

fn request_id(text: &str) -> Option<String> {
    value(&query(text)?, "$rid")
}

fn value(properties: &Properties, name: &str) -> Option<String> {
    let found = properties.iter().find(|(key, _)| key == name)?;
    found.1.clone().filter(|value| !value.is_empty())
}

/// Reads `name=value&name=value`, percent-encoded. `None` if a name is empty or the text is no UTF-8 once decoded.
pub(crate) fn properties(text: &str) -> Option<Properties> {
    // The SDKs put a `?` before a bag that follows a slash; the documents leave it out.
    let text = text.strip_prefix('?').unwrap_or(text);
    if text.is_empty() {
        return Some(Properties::new());
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    text.split('&')
        .map(|field| {
            let (name, value) = match field.split_once('=') {
                Some((name, value)) => (name, Some(decoded(value)?)),
                None => (field, None),
            };
            Some((decoded(name).filter(|name| !name.is_empty())?, value))
        })
        .collect()
}

/// Writes a property bag.
pub(crate) fn bag(properties: &Properties) -> String {
    let fields = properties.iter().map(|(name, value)| match value {
        Some(value) => format!("{}={}", encoded(name), encoded(value)),
        None => encoded(name),
    });
    fields.collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but letters, digits and what names of system properties are made of.
pub(crate) fn encoded(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~')
        .remove(b'$');
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, Option<&str>)]) -> Properties {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn telemetry_carries_properties() {
        let topic = "devices/box/messages/events/%24.ct=application%2Fjson&a%20b=&flag";
        let wanted = owned(&[
            ("$.ct", Some("application/json")),
            ("a b", Some("")),
            ("flag", None),
        ]);
        assert_eq!(
            Request::from_device(topic, "box"),
            Some(Request::Telemetry(wanted))
        );
        for topic in ["devices/box/messages/events", "devices/box/messages/events/"] {
            assert_eq!(
                Request::from_device(topic, "box"),
                Some(Request::Telemetry(Vec::new())),
                "{topic}"
            );
        }
    }

    #[test]
    fn requests_are_told_apart() {
        let of = |topic| Request::from_device(topic, "box");
        assert_eq!(of("$iothub/twin/GET/?$rid=7"), Some(Request::TwinGet("7".into())));
        assert_eq!(
            of("$iothub/twin/PATCH/properties/reported/?$rid=a%2Fb"),
            Some(Request::TwinReported("a/b".into()))
        );
        let reply = Request::MethodReply {
            status: 200,
            request: "5".into(),
        };
        assert_eq!(of("$iothub/methods/res/200/?$rid=5"), Some(reply));
        let registered = Request::from_registration("$dps/registrations/PUT/iotdps-register/?$rid=1");
        assert_eq!(registered, Some(Request::Register("1".into())));
        let state = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=4.x";
        let wanted = Request::RegistrationState {
            request: "2".into(),
            operation: "4.x".into(),
        };
        assert_eq!(Request::from_registration(state), Some(wanted));
    }

    #[test]
    fn any_other_topic_is_none() {
        for topic in [
            "",
            "hello",
            "devices/other/messages/events/",
            "devices/boxer/messages/events/",
            "devices/box/messages/eventsX",
            "devices/box/messages/events/=1",
            "devices/box/messages/events/a=%ff",
            "devices/box/messages/devicebound/",
            "$iothub/twin/GET/",
            "$iothub/twin/GET/?$rid=",
            "$iothub/methods/res/ok/?$rid=1",
            "$iothub/methods/POST/x/?$rid=1",
            "$dps/registrations/PUT/iotdps-register/?$rid=1",
        ] {
            assert_eq!(Request::from_device(topic, "box"), None, "{topic}");
        }
    }

    #[test]
    fn a_bag_comes_back_as_it_was() {
        let bag_of = owned(&[("$.mid", Some("1&2=3")), ("ü", Some("")), ("flag", None)]);
        assert_eq!(properties(&bag(&bag_of)), Some(bag_of.clone()));
        assert!(bag(&bag_of).starts_with("$.mid=1%262%3D3&"));
    }
}

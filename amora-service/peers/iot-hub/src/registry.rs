//! A hub: its devices, what they sent, and the methods that wait for an answer. No input or output of its own.

mod packets;

use crate::certificate::ClientCertificate;
use crate::device::{Authentication, Connection, Device, Happening};
use crate::message::{CloudMessage, Message, SendError};
use crate::method::Calls;
use crate::sas::Token;
use crate::session::{CloseReason, Line, Session};
use crate::topic::Request;
use crate::upload::Uploads;
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{Connect, ConnectAuth, ConnectReturnCode, LastWill};
use rustls::pki_types::UnixTime;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const TWIN_ANSWERS: &str = "$iothub/twin/res/#";
pub(crate) const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
pub(crate) const METHODS: &str = "$iothub/methods/POST/#";

pub(crate) fn devicebound(device: &str) -> String {
    format!("devices/{device}/messages/devicebound/#")
}

pub(crate) struct Registry {
    pub(crate) name: String,
    pub(crate) devices: BTreeMap<String, Device>,
    /// Certificate authorities that may vouch for devices, PEM.
    pub(crate) authorities: Vec<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) calls: Calls,
    pub(crate) uploads: Uploads,
    /// The answer to everyone who wants to connect.
    pub(crate) refusal: Option<ConnectReturnCode>,
    sequence: u64,
}

impl Registry {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            devices: BTreeMap::new(),
            authorities: Vec::new(),
            messages: Vec::new(),
            calls: Calls::default(),
            uploads: Uploads::default(),
            refusal: None,
            sequence: 0,
        }
    }

    /// Lets a device in, or says why not. Whoever was connected as this device is sent away.
    pub(crate) fn connect(
        &mut self,
        now: SystemTime,
        connect: &Connect,
        certificate: Option<&ClientCertificate>,
        model: Option<String>,
        session: &mut Session,
        line: Line,
    ) -> Result<(), ConnectReturnCode> {
        let admitted = self.authenticate(now, connect, certificate);
        if admitted.is_ok() {
            self.end(now, &connect.client_id, CloseReason::Replaced);
        }
        let Some(device) = self.devices.get_mut(&connect.client_id) else {
            return Err(ConnectReturnCode::NotAuthorized);
        };
        session.expiry = admitted.inspect_err(|code| device.happened(Happening::Refused(*code as u8)))?;
        device.model = model;
        if connect.clean_session {
            device.kept_subscriptions.clear();
        }
        session.session_present = !device.kept_subscriptions.is_empty();
        device.connection = Some(Connection {
            session: session.id,
            line,
            subscriptions: device.kept_subscriptions.clone(),
            clean_session: connect.clean_session,
            will: connect.last_will.clone(),
            last_packet_id: 0,
            expiry: session.expiry,
        });
        device.happened(Happening::Connected);
        Ok(())
    }

    fn authenticate(
        &self,
        now: SystemTime,
        connect: &Connect,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Option<SystemTime>, ConnectReturnCode> {
        if let Some(code) = self.refusal {
            return Err(code);
        }
        let device = self
            .devices
            .get(&connect.client_id)
            .filter(|device| device.enabled);
        let device = device.ok_or(ConnectReturnCode::NotAuthorized)?;
        if let Some(will) = &connect.last_will {
            let topic = Request::from_device(&will.topic, &device.id);
            if !matches!(topic, Some(Request::Telemetry(_))) || will.qos == QoS::ExactlyOnce {
                return Err(ConnectReturnCode::NotAuthorized);
            }
        }
        let admitted = match &connect.auth {
            ConnectAuth::UsernamePassword { password, .. } if !password.is_empty() => {
                let text = std::str::from_utf8(password).map_err(|_| ConnectReturnCode::NotAuthorized)?;
                self.admits_token(device, text, now).map(Some)
            }
            _ => certificate
                .filter(|certificate| self.admits_certificate(device, certificate, now))
                .map(|_| None),
        };
        admitted.ok_or(ConnectReturnCode::NotAuthorized)
    }

    fn admits_token(&self, device: &Device, text: &str, now: SystemTime) -> Option<SystemTime> {
        let Authentication::SymmetricKey { primary, secondary } = &device.authentication else {
            return None;
        };
        let resource = format!("{}/devices/{}", self.name, device.id);
        let token = Token::parse(text);
        let checked =
            token.and_then(|token| token.check(&resource, &[primary.as_str(), secondary.as_str()], now));
        checked
            .inspect_err(|error| tracing::info!(device = device.id, %error, "token refused"))
            .ok()
    }

    fn admits_certificate(&self, device: &Device, certificate: &ClientCertificate, now: SystemTime) -> bool {
        match &device.authentication {
            Authentication::SymmetricKey { .. } => false,
            Authentication::Thumbprint { primary, secondary } => {
                certificate.has_thumbprint(primary) || certificate.has_thumbprint(secondary)
            }
            Authentication::CertificateAuthority => {
                let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
                certificate.common_name().as_deref() == Some(&device.id)
                    && self
                        .authorities
                        .iter()
                        .any(|authority| certificate.is_issued_by(authority, now))
            }
        }
    }

    /// Whether a request over HTTPS bears this device's token or certificate.
    pub(crate) fn admits_request(
        &self,
        device: &str,
        token: Option<&str>,
        certificate: Option<&ClientCertificate>,
        now: SystemTime,
    ) -> bool {
        self.devices
            .get(device)
            .filter(|device| device.enabled)
            .is_some_and(|device| match (token, certificate) {
                (Some(token), _) => self.admits_token(device, token, now).is_some(),
                (None, Some(certificate)) => self.admits_certificate(device, certificate, now),
                (None, None) => false,
            })
    }

    /// A device's connection ended. Unless it said so itself, its will is done.
    pub(crate) fn closed(&mut self, now: SystemTime, session: u64, device: &str, reason: CloseReason) {
        let Some(entry) = self.devices.get_mut(device) else {
            return;
        };
        if entry
            .connection
            .as_ref()
            .is_none_or(|connection| connection.session != session)
        {
            return;
        }
        let will = entry.connection.take().and_then(|connection| connection.will);
        entry.waiting.return_all();
        entry.happened(Happening::Closed(reason));
        self.calls.forget(device);
        if let Some(will) = will {
            self.publish_will(now, device, will);
        }
    }

    fn publish_will(&mut self, now: SystemTime, device: &str, will: LastWill) {
        let Some(Request::Telemetry(properties)) = Request::from_device(&will.topic, device) else {
            return;
        };
        let mut message = Message::new(device, now, will.message, properties);
        message
            .properties
            .push(("iothub-MessageType".into(), Some("Will".into())));
        self.take(message);
    }

    /// Puts a message into a device's queue, and delivers it if the device listens.
    pub(crate) fn send(
        &mut self,
        now: SystemTime,
        device: &str,
        message: CloudMessage,
    ) -> Result<(), SendError> {
        let device = self.devices.get_mut(device).ok_or(SendError::NotFound)?;
        device.waiting.put(message)?;
        deliver(device, now);
        Ok(())
    }

    /// Tells a connected device of a change to its desired properties.
    pub(crate) fn announce_desired(&mut self, device: &str, patch: &Value, version: u64) {
        let mut patch = patch.clone();
        if let Some(patch) = patch.as_object_mut() {
            patch.insert("$version".into(), version.into());
        }
        self.send_desired(device, version, &patch.to_string());
    }

    pub(crate) fn send_desired(&mut self, device: &str, version: u64, text: &str) {
        let Some(device) = self.devices.get(device) else {
            return;
        };
        let Some(connection) = device.connection.as_ref().filter(|_| device.listens_to(DESIRED)) else {
            return;
        };
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
        connection.line.publish(topic, text.as_bytes().to_vec());
    }

    /// Sends away the devices whose tokens' time is over.
    pub(crate) fn expire(&mut self, now: SystemTime) {
        let over = |device: &&Device| {
            device
                .connection
                .as_ref()
                .and_then(|one| one.expiry)
                .is_some_and(|expiry| expiry <= now)
        };
        let expired: Vec<_> = self
            .devices
            .values()
            .filter(over)
            .map(|device| device.id.clone())
            .collect();
        for id in expired {
            self.end(now, &id, CloseReason::TokenExpired);
        }
    }

    /// Ends a device's connection from the hub's side.
    pub(crate) fn end(&mut self, now: SystemTime, id: &str, reason: CloseReason) {
        let connection = self.devices.get(id).and_then(|device| device.connection.as_ref());
        if let Some((session, line)) = connection.map(|one| (one.session, one.line.clone())) {
            line.close(reason);
            self.closed(now, session, id, reason);
        }
    }
}

/// Delivers what waits for a device, if it listens.
pub(crate) fn deliver(device: &mut Device, now: SystemTime) {
    let Some(connection) = device.connection.as_mut() else {
        return;
    };
    let Some(quality) = connection.subscriptions.get(&devicebound(&device.id)).copied() else {
        return;
    };
    for packet in device
        .waiting
        .deliver(&device.id, quality, now, || connection.next_packet_id())
    {
        connection.line.send(packet);
    }
}

/// What a hub writes into an answer that says no.
pub(crate) fn error_body(status: u16, message: &str) -> Value {
    json!({ "errorCode": u32::from(status) * 1000 + 1, "trackingId": "stand-in", "message": message })
}

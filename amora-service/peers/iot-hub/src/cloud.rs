//! All of the stand-in that is not input and output: hubs, the provisioning service, and who is connected.

use crate::certificate::ClientCertificate;
use crate::device::Device;
use crate::provisioning::{Assignment, Proof, Provisioning};
use crate::registry::Registry;
use crate::session::{CloseReason, Line, Role, Session, UserName};
use crate::topic::Request;
use axum::body::Bytes;
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{
    Connect, ConnectAuth, ConnectReturnCode, Packet, PubAck, Publish, SubAck, SubscribeReasonCode, UnsubAck,
};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

const REGISTRATION_ANSWERS: &str = "$dps/registrations/res/#";

pub(crate) struct Cloud {
    pub(crate) hubs: BTreeMap<String, Registry>,
    pub(crate) provisioning: Provisioning,
    /// How far the service's clock is ahead of the machine's.
    pub(crate) clock_ahead: Duration,
    /// The blobs in [`LOG_CONTAINER`](crate::LOG_CONTAINER), by name.
    pub(crate) logs: Vec<(String, Bytes)>,
    registering: HashMap<u64, Registering>,
    last_session: u64,
}

/// A connection to the provisioning service.
struct Registering {
    line: Line,
    proof: Proof,
    subscribed: bool,
}

impl Cloud {
    pub(crate) fn new(hubs: &[String], scope: &str) -> Self {
        Self {
            hubs: hubs
                .iter()
                .map(|name| (name.clone(), Registry::new(name)))
                .collect(),
            provisioning: Provisioning::new(scope),
            clock_ahead: Duration::ZERO,
            logs: Vec::new(),
            registering: HashMap::new(),
            last_session: 0,
        }
    }

    /// The time as the service has it.
    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now() + self.clock_ahead
    }

    /// Lets a client in, or says with which return code it is refused: 4 for a user name that cannot be read, 2 for a
    /// client id that differs from it, 5 for whoever is unknown or cannot prove who it is.
    pub(crate) fn connect(
        &mut self,
        now: SystemTime,
        connect: &Connect,
        certificate: Option<&ClientCertificate>,
        line: Line,
    ) -> Result<Session, ConnectReturnCode> {
        let (user, password) = match &connect.auth {
            ConnectAuth::None => return Err(ConnectReturnCode::BadUserNamePassword),
            ConnectAuth::Username { username } => (username, None),
            ConnectAuth::UsernamePassword { username, password } => (username, Some(password)),
        };
        let name = UserName::parse(user).ok_or(ConnectReturnCode::BadUserNamePassword)?;
        self.last_session += 1;
        let mut session = Session {
            id: self.last_session,
            role: Role::Registration {
                id: connect.client_id.clone(),
            },
            expiry: None,
            session_present: false,
        };
        match name {
            UserName::Device { id, .. } | UserName::Registration { id, .. } if id != connect.client_id => {
                return Err(ConnectReturnCode::BadClientId);
            }
            UserName::Device { hub, id, model } => {
                let registry = self.hubs.get_mut(&hub).ok_or(ConnectReturnCode::NotAuthorized)?;
                session.role = Role::Device { hub, device: id };
                registry.connect(now, connect, certificate, model, &mut session, line)?;
            }
            UserName::Registration { scope, .. } if scope != self.provisioning.scope => {
                return Err(ConnectReturnCode::NotAuthorized);
            }
            UserName::Registration { .. } => {
                let password = password.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
                let proof = Proof {
                    password,
                    certificate: certificate.cloned(),
                };
                self.registering.insert(
                    session.id,
                    Registering {
                        line,
                        proof,
                        subscribed: false,
                    },
                );
            }
        }
        Ok(session)
    }

    /// What is to follow the acknowledgement of a connection: messages for a subscription that the hub kept.
    pub(crate) fn connected(&mut self, now: SystemTime, session: &Session) {
        if let Role::Device { hub, device } = &session.role
            && let Some(device) = self.device(hub, device)
        {
            crate::registry::deliver(device, now);
        }
    }

    pub(crate) fn device(&mut self, hub: &str, device: &str) -> Option<&mut Device> {
        self.hubs.get_mut(hub)?.devices.get_mut(device)
    }

    /// Takes a packet. `Err` ends the connection.
    pub(crate) fn receive(
        &mut self,
        now: SystemTime,
        session: &Session,
        packet: Packet,
    ) -> Result<(), CloseReason> {
        match &session.role {
            Role::Device { hub, device } => match self.hubs.get_mut(hub) {
                Some(registry) => registry.receive(now, session.id, device, packet),
                None => Ok(()),
            },
            Role::Registration { id } => self.receive_registration(now, session.id, id, packet),
        }
    }

    fn receive_registration(
        &mut self,
        now: SystemTime,
        session: u64,
        id: &str,
        packet: Packet,
    ) -> Result<(), CloseReason> {
        let Some(registering) = self.registering.get_mut(&session) else {
            return Ok(());
        };
        let line = registering.line.clone();
        match packet {
            Packet::Subscribe(subscribe) => {
                let grant = |filter: &rumqttc_v4::mqttbytes::v4::SubscribeFilter| {
                    if filter.path != REGISTRATION_ANSWERS {
                        return SubscribeReasonCode::Failure;
                    }
                    let least = filter.qos == QoS::AtMostOnce;
                    SubscribeReasonCode::Success(if least { QoS::AtMostOnce } else { QoS::AtLeastOnce })
                };
                let codes: Vec<_> = subscribe.filters.iter().map(grant).collect();
                registering.subscribed |= codes.iter().any(|code| *code != SubscribeReasonCode::Failure);
                line.send(Packet::SubAck(SubAck::new(subscribe.pkid, codes)));
            }
            Packet::Unsubscribe(unsubscribe) => {
                registering.subscribed &= !unsubscribe
                    .topics
                    .iter()
                    .any(|topic| topic == REGISTRATION_ANSWERS);
                line.send(Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid)));
            }
            Packet::Publish(publish) => return self.register(now, session, id, &publish),
            Packet::PingReq => line.send(Packet::PingResp),
            Packet::PubAck(_) => {}
            Packet::Disconnect => return Err(CloseReason::Client),
            _ => return Err(CloseReason::Protocol),
        }
        Ok(())
    }

    fn register(
        &mut self,
        now: SystemTime,
        session: u64,
        id: &str,
        publish: &Publish,
    ) -> Result<(), CloseReason> {
        if publish.qos == QoS::ExactlyOnce {
            return Err(CloseReason::QualityOfService);
        }
        let topic = std::str::from_utf8(&publish.topic).map_err(|_| CloseReason::Protocol)?;
        let request = Request::from_registration(topic).ok_or(CloseReason::Topic)?;
        let Some(registering) = self.registering.get(&session) else {
            return Ok(());
        };
        let (answer, assignment) =
            self.provisioning
                .receive(now, id, &registering.proof, &request, &publish.payload);
        if publish.qos == QoS::AtLeastOnce {
            registering.line.send(Packet::PubAck(PubAck::new(publish.pkid)));
        }
        if registering.subscribed {
            registering
                .line
                .publish(answer.topic, answer.body.to_string().into_bytes());
        }
        if let Some(assignment) = assignment {
            self.assign(assignment);
        }
        Ok(())
    }

    /// Registers a device with the hub it was assigned to, and removes it from every other.
    fn assign(&mut self, assignment: Assignment) {
        let now = self.now();
        for (name, hub) in &mut self.hubs {
            if *name != assignment.hub {
                hub.end(now, &assignment.device, CloseReason::Service);
                hub.devices.remove(&assignment.device);
            }
        }
        let Some(hub) = self.hubs.get_mut(&assignment.hub) else {
            return;
        };
        if let Some(authority) = assignment.authority
            && !hub.authorities.contains(&authority)
        {
            hub.authorities.push(authority);
        }
        let mut fresh = Device::new(&assignment.device, assignment.authentication.clone());
        if let Some(desired) = &assignment.desired
            && let Err(error) = fresh.twin.desired.patch(desired)
        {
            tracing::warn!(device = assignment.device, %error, "the enrolment's desired properties are refused");
        }
        hub.devices
            .entry(assignment.device)
            .or_insert(fresh)
            .authentication = assignment.authentication;
    }

    /// A connection ended.
    pub(crate) fn closed(&mut self, now: SystemTime, session: &Session, reason: CloseReason) {
        match &session.role {
            Role::Device { hub, device } => {
                if let Some(hub) = self.hubs.get_mut(hub) {
                    hub.closed(now, session.id, device, reason);
                }
            }
            Role::Registration { .. } => {
                self.registering.remove(&session.id);
            }
        }
    }

    /// Sends away everyone whose token's time is over.
    pub(crate) fn expire(&mut self, now: SystemTime) {
        self.hubs.values_mut().for_each(|hub| hub.expire(now));
    }

    /// Wakes every connection: the clock was set.
    pub(crate) fn look(&self) {
        let devices = self.hubs.values().flat_map(|hub| hub.devices.values());
        devices
            .filter_map(|device| device.connection.as_ref())
            .for_each(|connection| connection.line.look());
    }
}

//! The session over MQTT 5.

use super::driver::{Abilities, Engine, Happening, Interruption, target};
use super::failure::{Failure, FailureKind, Refusal, Target};
use super::{
    Message, Options, PACKET_LIMIT, Publication, PublishError, Quality, REQUESTS, Undelivered, socket,
};
use rumqttc_v5::mqttbytes::QoS;
use rumqttc_v5::{
    AckMode, AsyncClient, Broker, ClientError, ConnectReturnCode, ConnectionError, DisconnectReasonCode,
    Event, EventLoop, LastWill, ManualAck, MqttOptions, Packet, PublishNotice, PublishNoticeError,
    PublishOptions, SessionMode, StateError, SubscribeFilter, SubscribeReasonCode, TlsConfiguration,
    TlsError, Transport,
};
use rumqttc_v5::{PersistedAckMode, PersistedSession, SessionStore, SessionStoreError, SessionStoreKey};
use std::pin::Pin;
use std::time::Duration;

/// Room for a packet's header, topic and properties beside its payload.
const OVERHEAD: usize = 1024;

pub(super) type Client = AsyncClient;
pub(super) type Ack = ManualAck;
pub(super) type Receipt = PublishNotice;

pub(super) struct Loop {
    events: EventLoop,
    client: AsyncClient,
    target: Target,
}

pub(super) fn open(options: &Options) -> (Client, Loop) {
    let mut set = MqttOptions::new(&options.client_id, Broker::tcp(&options.host, options.port));
    set.set_keep_alive(u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX));
    set.set_max_packet_size(Some(PACKET_LIMIT));
    set.set_request_channel_capacity(REQUESTS);
    set.set_max_request_batch(64);
    set.set_ack_mode(AckMode::Manual);
    if !options.clean_session {
        set.set_session_mode(SessionMode::Persistent);
        set.set_session_store(NothingInFlight(options.client_id.clone()));
    }
    match &options.credentials {
        Some((name, Some(password))) => set.set_credentials(name, password.clone().into_bytes()),
        Some((name, None)) => set.set_username(name),
        None => &mut set,
    };
    if let Some(tls) = &options.tls {
        set.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
    }
    if let Some(will) = &options.last_will {
        set.set_last_will(LastWill::new(
            &will.topic,
            will.payload.to_vec(),
            qos(will.quality),
            will.retain,
            None,
        ));
    }
    let (host, port) = (options.host.clone(), options.port);
    set.set_socket_connector(move |_, _| {
        let host = host.clone();
        async move { socket::connect(&host, port).await }
    });
    set.set_connect_timeout(Duration::from_secs(socket::CONNECT_TIMEOUT));
    let (client, events) = AsyncClient::builder(set).capacity(REQUESTS).build();
    let engine = Loop {
        events,
        client: client.clone(),
        target: target(options),
    };
    (client, engine)
}

/// Lets a process that starts take up the session that the broker kept for an earlier one. What that had in flight
/// is not repeated here: whoever needs that has it in an outbox.
#[derive(Debug)]
struct NothingInFlight(String);

type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionStoreError>> + Send + 'a>>;

impl SessionStore for NothingInFlight {
    fn load<'a>(&'a self, _: &'a SessionStoreKey) -> Stored<'a, Option<PersistedSession>> {
        let session = PersistedSession {
            format_version: 1,
            client_id: self.0.clone(),
            clean_start: false,
            session_expiry_interval: Some(u32::MAX),
            outgoing_inflight_upper_limit: None,
            ack_mode: PersistedAckMode::Manual,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(Some(session))))
    }

    fn save<'a>(&'a self, _: &'a SessionStoreKey, _: &'a PersistedSession) -> Stored<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> Stored<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Engine for Loop {
    async fn turn(&mut self) -> Result<Happening, Interruption> {
        let event = self
            .events
            .poll()
            .await
            .map_err(|error| interruption(&self.target, error))?;
        Ok(match event {
            Event::Incoming(Packet::ConnAck(answer)) => {
                let properties = answer.properties.as_ref();
                Happening::Connected(Abilities {
                    limit: properties
                        .and_then(|properties| properties.max_packet_size)
                        .map(|packet| (packet as usize).saturating_sub(OVERHEAD)),
                    retain: properties.and_then(|properties| properties.retain_available) != Some(0),
                    quality: match properties.and_then(|properties| properties.max_qos) {
                        Some(0) => Quality::AtMostOnce,
                        Some(1) => Quality::AtLeastOnce,
                        _ => Quality::ExactlyOnce,
                    },
                })
            }
            Event::Incoming(Packet::SubAck(answer)) => Happening::Subscribed {
                accepted: answer
                    .return_codes
                    .iter()
                    .map(|code| matches!(code, SubscribeReasonCode::Success(_)))
                    .collect(),
            },
            Event::Incoming(Packet::Publish(publish)) => {
                let ack = self.client.prepare_ack(&publish).map(super::Ack::V5);
                let message = Message {
                    topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                    size: publish.payload.len(),
                    payload: publish.payload,
                    retained: publish.retain,
                    duplicate: publish.dup,
                };
                Happening::Message(message, ack)
            }
            _ => Happening::Nothing,
        })
    }

    fn subscribe(&mut self, options: &Options) {
        let filters = options
            .subscriptions
            .iter()
            .map(|(topic, quality)| SubscribeFilter::new(topic.clone(), qos(*quality)));
        if let Err(error) = self.client.try_subscribe_many(filters) {
            tracing::error!(%error, "cannot subscribe");
        }
    }

    fn gather(&mut self) {
        self.events.clean();
    }

    fn clean_session(&mut self, clean: bool) {
        let mode = if clean {
            SessionMode::Clean
        } else {
            SessionMode::Persistent
        };
        self.events.options.set_session_mode(mode);
    }
}

fn publish_options(publication: &Publication) -> PublishOptions {
    PublishOptions::new(qos(publication.quality)).retain(publication.retain)
}

pub(super) async fn publish(client: &Client, publication: &Publication) -> Result<Receipt, PublishError> {
    let topic = publication.topic.clone();
    client
        .publish_tracked(topic, publication.payload.clone(), publish_options(publication))
        .await
        .map_err(|error| publish_error(publication, &error))
}

fn publish_error(publication: &Publication, error: &ClientError) -> PublishError {
    match error {
        ClientError::InvalidRequest(_) => PublishError::Topic(publication.topic.clone()),
        _ => PublishError::Closed,
    }
}

pub(super) async fn arrived(receipt: Receipt) -> Result<(), Undelivered> {
    use PublishNoticeError as Notice;
    match receipt.wait_completion_async().await {
        Ok(()) => Ok(()),
        Err(
            Notice::SessionReset
            | Notice::Qos0NotFlushed
            | Notice::BrokerOnlySessionResume
            | Notice::TopicAliasReplayUnavailable(_),
        ) => Err(Undelivered::SessionLost),
        Err(Notice::Recv) => Err(Undelivered::Closed),
        Err(other) => Err(Undelivered::Refused(other.to_string())),
    }
}

fn qos(quality: Quality) -> QoS {
    match quality {
        Quality::AtMostOnce => QoS::AtMostOnce,
        Quality::AtLeastOnce => QoS::AtLeastOnce,
        Quality::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn interruption(target: &Target, error: ConnectionError) -> Interruption {
    let failure = match error {
        ConnectionError::RequestsDone | ConnectionError::DisconnectTimeout => return Interruption::Ended,
        ConnectionError::Io(error) | ConnectionError::Tls(TlsError::Io(error)) => target.io(&error),
        ConnectionError::Tls(TlsError::TLS(error)) => target.tls(&error),
        ConnectionError::Timeout(_) => target.timed_out(),
        ConnectionError::ConnectionRefused(code) => target.refused(&refusal(code)),
        ConnectionError::MqttState(error) => state(target, error),
        other => target.protocol(&other),
    };
    Interruption::Failed(failure)
}

fn state(target: &Target, error: StateError) -> Failure {
    match error {
        StateError::Io(error) | StateError::Deserialization(rumqttc_v5::mqttbytes::Error::Io(error)) => {
            target.io(&error)
        }
        StateError::ConnectionAborted => target.closed(),
        StateError::AwaitPingResp | StateError::CollisionTimeout => Failure {
            kind: FailureKind::Closed,
            ..target.timed_out()
        },
        StateError::IncomingPacketTooLarge { pkt_size, .. } => target.too_large(pkt_size),
        StateError::ConnFail { reason } => target.refused(&refusal(reason)),
        StateError::ServerDisconnect {
            reason_code,
            reason_string,
        } => match reason_code {
            DisconnectReasonCode::SessionTakenOver => target.taken_over(),
            DisconnectReasonCode::ServerShuttingDown => target.closed(),
            DisconnectReasonCode::NotAuthorized => target.refused(&Refusal::NotAuthorised),
            code => {
                let words = reason_string
                    .map(|words| format!(" ({words})"))
                    .unwrap_or_default();
                target.refused(&Refusal::Other(format!("{code:?}{words}")))
            }
        },
        other => target.protocol(&other),
    }
}

fn refusal(code: ConnectReturnCode) -> Refusal {
    match code {
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::BadAuthenticationMethod => {
            Refusal::Credentials
        }
        ConnectReturnCode::NotAuthorized | ConnectReturnCode::Banned => Refusal::NotAuthorised,
        ConnectReturnCode::BadClientId | ConnectReturnCode::ClientIdentifierNotValid => Refusal::ClientId,
        ConnectReturnCode::ServiceUnavailable
        | ConnectReturnCode::ServerUnavailable
        | ConnectReturnCode::ServerBusy => Refusal::Busy,
        ConnectReturnCode::RefusedProtocolVersion | ConnectReturnCode::UnsupportedProtocolVersion => {
            Refusal::Version
        }
        ConnectReturnCode::RetainNotSupported => Refusal::Retain,
        ConnectReturnCode::QoSNotSupported => Refusal::Quality,
        other => Refusal::Other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::FailureKind;
    use super::*;

    #[test]
    fn a_link_that_is_reset_while_it_is_read_is_no_fault_of_the_broker() {
        let target = Target {
            host: "broker".to_owned(),
            port: 8883,
            client_id: "box".to_owned(),
        };
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let error = StateError::Deserialization(rumqttc_v5::mqttbytes::Error::Io(reset));
        assert_eq!(state(&target, error).kind, FailureKind::Closed);
    }
}

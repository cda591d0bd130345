//! The session over MQTT 3.1.1.

use super::driver::{Abilities, Engine, Happening, Interruption, target};
use super::failure::{Failure, FailureKind, Refusal, Target};
use super::{
    Message, Options, PACKET_LIMIT, Publication, PublishError, Quality, REQUESTS, Undelivered, socket,
};
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::{
    AckMode, AsyncClient, Broker, ClientError, ConnectReturnCode, ConnectionError, Event, EventLoop,
    LastWill, ManualAck, MqttOptions, Packet, PublishNotice, PublishNoticeError, PublishOptions, SessionMode,
    StateError, SubscribeFilter, SubscribeReasonCode, TlsConfiguration, TlsError, Transport,
};

pub(super) type Client = AsyncClient;
pub(super) type Ack = ManualAck;
pub(super) type Receipt = PublishNotice;

pub(super) struct Loop {
    events: EventLoop,
    client: AsyncClient,
    target: Target,
}

pub(super) fn open(options: &Options) -> (Client, Loop) {
    let mut set = transport(options);
    set.set_keep_alive(u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX));
    set.set_max_packet_size(PACKET_LIMIT as usize, PACKET_LIMIT as usize);
    set.set_request_channel_capacity(REQUESTS);
    set.set_max_request_batch(64);
    set.set_ack_mode(AckMode::Manual);
    if !options.clean_session {
        set.set_session_mode(SessionMode::Persistent);
    }
    match &options.credentials {
        Some((name, Some(password))) => set.set_credentials(name, password.clone().into_bytes()),
        Some((name, None)) => set.set_username(name),
        None => &mut set,
    };
    if let Some(will) = &options.last_will {
        set.set_last_will(LastWill::new(
            &will.topic,
            will.payload.to_vec(),
            qos(will.quality),
            will.retain,
        ));
    }
    let (host, port) = (options.host.clone(), options.port);
    set.set_socket_connector(move |_, _| {
        let host = host.clone();
        async move { socket::connect(&host, port).await }
    });
    let (client, mut events) = AsyncClient::builder(set).capacity(REQUESTS).build();
    events
        .network_options
        .set_connection_timeout(socket::CONNECT_TIMEOUT);
    let engine = Loop {
        events,
        client: client.clone(),
        target: target(options),
    };
    (client, engine)
}

/// MQTT over TCP or TLS, or over a WebSocket on top of either.
fn transport(options: &Options) -> MqttOptions {
    let Options {
        client_id,
        host,
        port,
        ..
    } = options;
    let tls = options.tls.clone().map(TlsConfiguration::Rustls);
    let web = options.websocket.as_ref().map(|path| match &tls {
        None => Broker::websocket(format!("ws://{host}:{port}{path}"))
            .map(|broker| MqttOptions::new(client_id, broker)),
        Some(tls) => {
            let url = format!("wss://{host}:{port}{path}");
            MqttOptions::websocket_with_tls_config(client_id, url, tls.clone())
        }
    });
    match web {
        Some(Ok(set)) => return set,
        Some(Err(error)) => tracing::error!(%error, host, "no WebSocket can be addressed there"),
        None => {}
    }
    let mut set = MqttOptions::new(client_id, Broker::tcp(host, *port));
    if let Some(tls) = tls {
        set.set_transport(Transport::tls_with_config(tls));
    }
    set
}

impl Engine for Loop {
    async fn turn(&mut self) -> Result<Happening, Interruption> {
        let event = self
            .events
            .poll()
            .await
            .map_err(|error| interruption(&self.target, error))?;
        Ok(match event {
            Event::Incoming(Packet::ConnAck(_)) => Happening::Connected(Abilities::default()),
            Event::Incoming(Packet::SubAck(answer)) => Happening::Subscribed {
                accepted: answer
                    .return_codes
                    .iter()
                    .map(|code| matches!(code, SubscribeReasonCode::Success(_)))
                    .collect(),
            },
            Event::Incoming(Packet::Publish(publish)) => {
                let ack = self.client.prepare_ack(&publish).map(super::Ack::V3);
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
        self.events.mqtt_options.set_session_mode(mode);
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
    match receipt.wait_completion_async().await {
        Ok(()) => Ok(()),
        Err(PublishNoticeError::SessionReset | PublishNoticeError::Qos0NotFlushed) => {
            Err(Undelivered::SessionLost)
        }
        Err(PublishNoticeError::Recv) => Err(Undelivered::Closed),
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
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => target.timed_out(),
        ConnectionError::ConnectionRefused(code) => target.refused(&refusal(code)),
        ConnectionError::MqttState(error) => state(target, error),
        other => target.protocol(&other),
    };
    Interruption::Failed(failure)
}

fn state(target: &Target, error: StateError) -> Failure {
    match error {
        StateError::Io(error) | StateError::Deserialization(rumqttc_v4::mqttbytes::Error::Io(error)) => {
            target.io(&error)
        }
        StateError::ConnectionAborted => target.closed(),
        StateError::AwaitPingResp | StateError::CollisionTimeout => Failure {
            kind: FailureKind::Closed,
            ..target.timed_out()
        },
        StateError::Deserialization(rumqttc_v4::mqttbytes::Error::PayloadSizeLimitExceeded(pkt_size)) => {
            target.too_large(pkt_size)
        }
        other => target.protocol(&other),
    }
}

fn refusal(code: ConnectReturnCode) -> Refusal {
    match code {
        ConnectReturnCode::BadUserNamePassword => Refusal::Credentials,
        ConnectReturnCode::NotAuthorized => Refusal::NotAuthorised,
        ConnectReturnCode::BadClientId => Refusal::ClientId,
        ConnectReturnCode::ServiceUnavailable => Refusal::Busy,
        ConnectReturnCode::RefusedProtocolVersion => Refusal::Version,
        ConnectReturnCode::Success => Refusal::Other(format!("{code:?}")),
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
        let error = StateError::Deserialization(rumqttc_v4::mqttbytes::Error::Io(reset));
        assert_eq!(state(&target, error).kind, FailureKind::Closed);
    }
}

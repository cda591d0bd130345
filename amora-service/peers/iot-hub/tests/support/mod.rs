//! A client that does as it is told, right or wrong: the rules for connections are tested with what no SDK would send.

#![allow(dead_code, reason = "each test file uses a part")]

use amora_peer_iot_hub::{Hub, Options, StandIn, sas};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{
    Codec, ConnAck, Connect, ConnectReturnCode, Packet, Publish, SubAck, Subscribe, SubscribeFilter,
    SubscribeReasonCode,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::codec::Framed;

pub(crate) const DEVICE: &str = "box";

/// Fails a test that hangs.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// A stand-in with one registered device.
pub(crate) struct Fixture {
    pub(crate) stand_in: StandIn,
    pub(crate) hub: Hub,
    key: String,
}

pub(crate) async fn start() -> Fixture {
    let stand_in = StandIn::start(Options::default()).await.unwrap();
    let hub = stand_in.first_hub().unwrap();
    let string = hub.register_with_key(DEVICE).unwrap();
    let key = string.split_once("SharedAccessKey=").unwrap().1.to_owned();
    Fixture { stand_in, hub, key }
}

impl Fixture {
    pub(crate) fn token(&self, expiry: SystemTime) -> String {
        sas::token(
            &format!("{}/devices/{DEVICE}", self.hub.name()),
            &self.key,
            expiry,
            None,
        )
    }

    /// What a device says first, right in every way.
    pub(crate) fn hello(&self) -> Connect {
        let mut connect = Connect::new(DEVICE);
        connect.keep_alive = 60;
        let user = format!("{}/{DEVICE}/?api-version=2021-04-12", self.hub.name());
        connect.set_credentials(user, self.token(SystemTime::now() + Duration::from_secs(3600)));
        connect
    }

    /// Connects and asks to be let in.
    pub(crate) async fn knock(&self, connect: Connect) -> (Client, ConnAck) {
        let mut client = self.dial().await;
        client.send(Packet::Connect(connect)).await;
        match client.next().await {
            Some(Packet::ConnAck(ack)) => (client, ack),
            other => panic!("{other:?} instead of an answer"),
        }
    }

    /// Connects as the device.
    pub(crate) async fn client(&self) -> Client {
        let (client, ack) = self.knock(self.hello()).await;
        assert_eq!(ack.code, ConnectReturnCode::Success);
        client
    }

    pub(crate) async fn dial(&self) -> Client {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.stand_in.authority().pem().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.stand_in.mqtt()).await.unwrap();
        let name = ServerName::try_from(self.hub.name().to_owned()).unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        Client(Framed::new(
            stream,
            Codec {
                max_incoming_size: 1 << 20,
                max_outgoing_size: 1 << 20,
            },
        ))
    }
}

pub(crate) struct Client(pub(crate) Framed<TlsStream<TcpStream>, Codec>);

impl Client {
    pub(crate) async fn send(&mut self, packet: Packet) {
        self.0.send(packet).await.unwrap();
    }

    /// The next packet; `None` if the connection ended, in whatever way.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        within("a packet", self.0.next()).await?.ok()
    }

    pub(crate) async fn next_publish(&mut self) -> Publish {
        match self.next().await {
            Some(Packet::Publish(publish)) => publish,
            other => panic!("{other:?} is no message"),
        }
    }

    pub(crate) async fn publish(&mut self, topic: &str, quality: QoS, payload: impl Into<Vec<u8>>) {
        let mut publish = Publish::new(topic, quality, payload);
        publish.pkid = if quality == QoS::AtMostOnce { 0 } else { 7 };
        self.send(Packet::Publish(publish)).await;
    }

    pub(crate) async fn subscribe(&mut self, filters: &[&str], quality: QoS) -> Vec<SubscribeReasonCode> {
        let filters = filters.iter().map(|path| SubscribeFilter {
            path: (*path).into(),
            qos: quality,
        });
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = 1;
        self.send(Packet::Subscribe(subscribe)).await;
        match self.next().await {
            Some(Packet::SubAck(SubAck { return_codes, .. })) => return_codes,
            other => panic!("{other:?} instead of an acknowledgement"),
        }
    }

    /// Waits for the end of the connection; nothing may come before it.
    pub(crate) async fn ended(&mut self) {
        assert_eq!(self.next().await, None);
    }
}

pub(crate) fn text(publish: &Publish) -> (String, Bytes) {
    (
        String::from_utf8(publish.topic.to_vec()).unwrap(),
        publish.payload.clone(),
    )
}

//! The stand-in as a whole: starts and stops it, breaks its network, sets its clock.

use crate::authority::Authority;
use crate::cloud::Cloud;
use crate::https;
use crate::provisioning::{Enrolment, Registration};
use crate::server::{self, Shared, StartError};
use crate::service::Hub;
use axum::body::Bytes;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The provisioning service's name in the world.
const PROVISIONING_HOST: &str = "global.azure-devices-provisioning.net";

/// How the stand-in starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// The host names of the hubs.
    pub hubs: Vec<String>,
    /// The id scope of the provisioning service.
    pub scope: String,
    /// Where to listen.
    pub address: IpAddr,
    /// The port of MQTT over TLS; 0 for a free one.
    pub mqtt_port: u16,
    /// The port of HTTPS with the WebSocket; 0 for a free one.
    pub https_port: u16,
    /// Further names and addresses for the certificate, beside `localhost`, the hubs' and the provisioning service's.
    pub names: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hubs: vec!["stand-in.azure-devices.net".into()],
            scope: "0ne00000000".into(),
            address: Ipv4Addr::LOCALHOST.into(),
            mqtt_port: 0,
            https_port: 0,
            names: Vec::new(),
        }
    }
}

/// A running stand-in. It stops, and cuts all connections, when dropped.
pub struct StandIn {
    shared: Arc<Shared>,
    authority: Authority,
    mqtt: SocketAddr,
    https: SocketAddr,
    _listeners: JoinSet<()>,
}

impl StandIn {
    /// Starts it. Its certificate authority is made now and lives as long as it does.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let authority = Authority::new("Stand-in for IoT Hub: certificate authority")?;
        let mut names = vec![
            "localhost".into(),
            options.address.to_string(),
            PROVISIONING_HOST.into(),
        ];
        names.extend(options.hubs.iter().chain(&options.names).cloned());
        let tls = server::tls(&authority, names)?;
        let shared = Arc::new(Shared::new(Cloud::new(&options.hubs, &options.scope)));
        let listen = async |port| {
            let address = SocketAddr::new(options.address, port);
            let listener = TcpListener::bind(address)
                .await
                .map_err(|source| StartError::Listen { address, source })?;
            let address = listener
                .local_addr()
                .map_err(|source| StartError::Listen { address, source })?;
            Ok::<_, StartError>((listener, address))
        };
        let mut listeners = JoinSet::new();
        let (listener, mqtt) = listen(options.mqtt_port).await?;
        listeners.spawn(server::accept(
            shared.clone(),
            listener,
            tls.clone(),
            server::mqtt,
        ));
        let (listener, https) = listen(options.https_port).await?;
        listeners.spawn(server::accept(shared.clone(), listener, tls, https::serve));
        Ok(Self {
            shared,
            authority,
            mqtt,
            https,
            _listeners: listeners,
        })
    }

    /// Where MQTT over TLS is served.
    pub fn mqtt(&self) -> SocketAddr {
        self.mqtt
    }

    /// Where HTTPS is served, with MQTT over WebSocket at `/$iothub/websocket`.
    pub fn https(&self) -> SocketAddr {
        self.https
    }

    /// The certificate authority: its certificate is what clients trust.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The service side of a hub; `None` if it is not one of the options'.
    pub fn hub(&self, name: &str) -> Option<Hub> {
        let known = self.shared.look(|cloud| cloud.hubs.contains_key(name));
        known.then(|| Hub::new(self.shared.clone(), name))
    }

    /// The host names of the hubs.
    pub fn hubs(&self) -> Vec<String> {
        self.shared.look(|cloud| cloud.hubs.keys().cloned().collect())
    }

    /// The blobs that were put into the [`LOG_CONTAINER`](crate::LOG_CONTAINER), by name, in their order.
    pub fn logs(&self) -> Vec<(String, Bytes)> {
        self.shared.look(|cloud| cloud.logs.clone())
    }

    /// The id scope of the provisioning service.
    pub fn scope(&self) -> String {
        self.shared.look(|cloud| cloud.provisioning.scope.clone())
    }

    /// The service side of the first hub.
    pub fn first_hub(&self) -> Option<Hub> {
        let name = self.shared.look(|cloud| cloud.hubs.keys().next().cloned())?;
        Some(Hub::new(self.shared.clone(), &name))
    }

    /// Adds an enrolment of this name, or puts it in place of the one there.
    pub fn enrol(&self, name: &str, enrolment: Enrolment) {
        self.shared
            .with(|cloud| cloud.provisioning.enrolments.insert(name.to_owned(), enrolment));
    }

    /// Removes an enrolment. Devices that are registered stay with their hubs.
    pub fn unenrol(&self, name: &str) {
        self.shared
            .with(|cloud| cloud.provisioning.enrolments.remove(name));
    }

    /// The registrations that came to an end, in order.
    pub fn registrations(&self) -> Vec<Registration> {
        self.shared.look(|cloud| cloud.provisioning.registrations.clone())
    }

    /// Answers the next requests to the provisioning service with these statuses.
    pub fn fail_provisioning(&self, statuses: &[u16]) {
        self.shared
            .with(|cloud| cloud.provisioning.failures.extend(statuses));
    }

    /// How long a registration takes: so many questions, and the seconds a device is asked to wait before each.
    pub fn set_provisioning_pace(&self, polls: u32, retry_after: u32) {
        self.shared.with(|cloud| {
            cloud.provisioning.polls = polls;
            cloud.provisioning.retry_after = retry_after;
        });
    }

    /// Breaks every connection, as a network does; new ones are accepted.
    pub fn cut(&self) {
        self.shared.change_network(|network| network.cuts += 1);
    }

    /// False: breaks every connection and resets whoever connects, until it is true again.
    pub fn set_reachable(&self, reachable: bool) {
        self.shared.change_network(|network| {
            network.reachable = reachable;
            network.cuts += u64::from(!reachable);
        });
    }

    /// True: connections stay open, but nothing is read from them or written to them.
    pub fn set_silent(&self, silent: bool) {
        self.shared.change_network(|network| network.silent = silent);
    }

    /// How long each packet of a client takes.
    pub fn set_delay(&self, delay: Duration) {
        self.shared.change_network(|network| network.delay = delay);
    }

    /// Sets the service's clock ahead of the machine's: tokens whose time is over by it lose their connections.
    pub fn set_clock_ahead(&self, ahead: Duration) {
        self.shared.with(|cloud| {
            cloud.clock_ahead = ahead;
            cloud.expire(cloud.now());
            cloud.look();
        });
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.set_reachable(false);
    }
}

//! Listens: MQTT over TLS on one port, HTTPS with the WebSocket on another.

use crate::authority::Authority;
use crate::certificate::ClientCertificate;
use crate::cloud::Cloud;
use crate::connection;
use crate::network::{Network, State};
use crate::transport::Transport;
use rustls::DigitallySignedStruct;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DistinguishedName, ServerConfig, SignatureScheme};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const HANDSHAKE: Duration = Duration::from_secs(30);

/// Why the stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken or not allowed.
    #[error("cannot listen on {address}")]
    Listen {
        /// Address and port.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// No certificate could be made: usually for the name of a hub.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be served.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
}

/// What connections, the service side and the listeners share.
pub(crate) struct Shared {
    cloud: Mutex<Cloud>,
    changes: watch::Sender<u64>,
    network: watch::Sender<State>,
}

impl Shared {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self {
            cloud: Mutex::new(cloud),
            changes: watch::Sender::new(0),
            network: watch::Sender::default(),
        }
    }

    /// Does something with the core and tells whoever waits for a change.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Cloud) -> T) -> T {
        let result = act(&mut self.cloud.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_modify(|changes| *changes += 1);
        result
    }

    /// Looks at the core.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Cloud) -> T) -> T {
        look(&self.cloud.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a look at the core finds something.
    pub(crate) async fn when<T>(&self, look: impl Fn(&Cloud) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(found) = self.look(&look) {
                return found;
            }
            // The sender is in `self`: it cannot be gone.
            let _ = changes.changed().await;
        }
    }

    /// The time as the service has it.
    pub(crate) fn now(&self) -> SystemTime {
        self.look(Cloud::now)
    }

    pub(crate) fn network(&self) -> Network {
        Network::new(self.network.subscribe())
    }

    pub(crate) fn change_network(&self, change: impl FnOnce(&mut State)) {
        self.network.send_modify(change);
    }
}

/// Makes the TLS configuration: any client certificate is taken, for the hub to judge.
pub(crate) fn tls(authority: &Authority, names: Vec<String>) -> Result<TlsAcceptor, StartError> {
    let identity = authority.server(names)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(AnyClient(provider)))
        .with_single_cert(vec![identity.chain()], identity.private_key())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts connections and, after their handshake, gives them to `serve`.
pub(crate) async fn accept<F, Served>(shared: Arc<Shared>, listener: TcpListener, tls: TlsAcceptor, serve: F)
where
    F: Fn(Arc<Shared>, TlsStream<TcpStream>) -> Served + Clone + Send + 'static,
    Served: Future<Output = ()> + Send,
{
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let network = shared.network();
        if !network.is_reachable() {
            let _ = stream.set_zero_linger();
            continue;
        }
        let (shared, tls, serve) = (shared.clone(), tls.clone(), serve.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let handshake = async {
                network.loud().await;
                timeout(HANDSHAKE, tls.accept(stream)).await
            };
            let stream = tokio::select! {
                stream = handshake => stream,
                () = network.cut() => return,
            };
            match stream {
                Ok(Ok(stream)) => serve(shared, stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                Err(_) => tracing::debug!("a client did not finish the handshake"),
            }
        });
    }
}

/// Serves MQTT on a TLS stream.
pub(crate) async fn mqtt(shared: Arc<Shared>, stream: TlsStream<TcpStream>) {
    let certificate = certificate(&stream);
    connection::serve(shared, Transport::stream(stream), certificate).await;
}

/// The certificate that the client showed.
pub(crate) fn certificate(stream: &TlsStream<TcpStream>) -> Option<ClientCertificate> {
    ClientCertificate::new(stream.get_ref().1.peer_certificates()?)
}

/// Takes any certificate whose key the client has.
#[derive(Debug)]
struct AnyClient(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

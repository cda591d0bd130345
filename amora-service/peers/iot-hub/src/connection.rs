//! The task of one MQTT connection: carries packets between a transport and the core, and watches its times.

use crate::certificate::ClientCertificate;
use crate::server::Shared;
use crate::session::{CloseReason, Line, Output, Session, silence};
use crate::transport::Transport;
use rumqttc_v4::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A client that says nothing for so long has not come to talk MQTT.
const FIRST_PACKET: Duration = Duration::from_secs(30);
/// When there is nothing to wait for.
const LONG: Duration = Duration::from_secs(86_400);

/// How a connection came to its end.
enum End {
    /// With this reason, of which the core has yet to hear.
    Reason(CloseReason),
    /// The core ended it.
    Told,
    /// The network was cut.
    Cut,
}

pub(crate) async fn serve(
    shared: Arc<Shared>,
    mut transport: Transport,
    certificate: Option<ClientCertificate>,
) {
    let network = shared.network();
    let admitted = tokio::select! {
        admitted = admit(&shared, &mut transport, certificate) => admitted,
        () = network.cut() => {
            transport.cut();
            return;
        }
    };
    let Some((session, keep_alive, outputs)) = admitted else {
        transport.close().await;
        return;
    };
    tracing::debug!(?session, "connected");
    let end = talk(&shared, &mut transport, &session, keep_alive, outputs).await;
    match end {
        End::Cut => transport.cut(),
        End::Reason(_) | End::Told => {
            // A client that does not read must not hold the connection open.
            let _ = timeout(Duration::from_secs(5), transport.close()).await;
        }
    }
    let reason = match end {
        End::Reason(reason) => reason,
        End::Cut => CloseReason::Broken,
        End::Told => CloseReason::Service,
    };
    shared.with(|cloud| cloud.closed(cloud.now(), &session, reason));
}

async fn admit(
    shared: &Shared,
    transport: &mut Transport,
    certificate: Option<ClientCertificate>,
) -> Option<(Session, u16, UnboundedReceiver<Output>)> {
    let Ok(Some(Ok(Packet::Connect(connect)))) = timeout(FIRST_PACKET, transport.next()).await else {
        return None;
    };
    shared.network().delay().await;
    let (line, outputs) = Line::new();
    let admitted = shared.with(|cloud| {
        let session = cloud.connect(cloud.now(), &connect, certificate.as_ref(), line.clone())?;
        line.send(Packet::ConnAck(ConnAck::new(
            ConnectReturnCode::Success,
            session.session_present,
        )));
        cloud.connected(cloud.now(), &session);
        Ok(session)
    });
    match admitted {
        Ok(session) => Some((session, connect.keep_alive, outputs)),
        Err(code) => {
            tracing::info!(client = connect.client_id, ?code, "refused");
            let _ = transport.send(Packet::ConnAck(ConnAck::new(code, false))).await;
            None
        }
    }
}

async fn talk(
    shared: &Shared,
    transport: &mut Transport,
    session: &Session,
    keep_alive: u16,
    mut outputs: UnboundedReceiver<Output>,
) -> End {
    let network = shared.network();
    let patience = silence(keep_alive);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = network.cut() => return End::Cut,
            () = network.loud() => {}
        }
        tokio::select! {
            biased;
            () = network.cut() => return End::Cut,
            output = outputs.recv() => match output {
                Some(Output::Send(packet)) => tokio::select! {
                    sent = transport.send(packet) => if sent.is_err() {
                        return End::Reason(CloseReason::Broken);
                    },
                    () = network.cut() => return End::Cut,
                },
                Some(Output::Close(reason)) => {
                    tracing::info!(?session, ?reason, "the connection is ended");
                    return End::Told;
                }
                None => return End::Told,
                Some(Output::Look) => {}
            },
            packet = transport.next() => {
                heard = Instant::now();
                let packet = match packet {
                    Some(Ok(packet)) => packet,
                    Some(Err(error)) if error.kind() == ErrorKind::InvalidData => {
                        tracing::info!(%error, "not MQTT");
                        return End::Reason(CloseReason::Protocol);
                    }
                    Some(Err(_)) | None => return End::Reason(CloseReason::Broken),
                };
                network.delay().await;
                if let Err(reason) = shared.with(|cloud| cloud.receive(cloud.now(), session, packet)) {
                    return End::Reason(reason);
                }
            }
            () = network.silent() => {}
            () = sleep_until(heard + patience) => return End::Reason(CloseReason::KeepAlive),
            () = sleep(until(session.expiry, shared)) => shared.with(|cloud| cloud.expire(cloud.now())),
        }
    }
}

/// How long until a token's time is over, by the service's clock.
fn until(expiry: Option<SystemTime>, shared: &Shared) -> Duration {
    let Some(expiry) = expiry else { return LONG };
    expiry.duration_since(shared.now()).unwrap_or_default().min(LONG)
}

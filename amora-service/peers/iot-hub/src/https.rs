//! The HTTPS port: MQTT over WebSocket, and the file upload of devices.

use crate::certificate::ClientCertificate;
use crate::connection;
use crate::server::{Shared, certificate};
use crate::transport::Transport;
use crate::upload;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::response::Response;
use axum::routing::{any, post, put};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// One frame holds no more than one packet of the largest size and its frame.
const FRAME_BYTES: usize = 512 * 1024;

/// Serves one connection.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TlsStream<TcpStream>) {
    let network = shared.network();
    let certificate = certificate(&stream);
    let router = Router::new()
        .route("/$iothub/websocket", any(websocket))
        .route("/devices/{device}/files", post(upload::begin))
        .route("/devices/{device}/files/notifications", post(upload::end))
        .route("/{container}/{*blob}", put(upload::put))
        .layer(DefaultBodyLimit::max(upload::BLOB_BYTES))
        .layer(Extension(certificate))
        .with_state(shared);
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::select! {
        _ = connection => {}
        () = network.cut() => {}
    }
}

async fn websocket(
    State(shared): State<Arc<Shared>>,
    Extension(certificate): Extension<Option<ClientCertificate>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .protocols(["mqtt"])
        .max_message_size(FRAME_BYTES)
        .on_upgrade(move |socket| async move {
            connection::serve(shared, Transport::websocket(socket), certificate).await;
        })
}

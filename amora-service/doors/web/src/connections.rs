//! Takes connections and speaks HTTP/1.1 on them, each bounded in time and all together in number.

use crate::stall::Stall;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A request's head must arrive within this time, and an idle connection is closed after it.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// A peer that takes nothing of what it is sent for this long is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(15);

/// Most bytes of a request's head, and of what is buffered of a connection.
const BUFFER: usize = 32 * 1024;

/// After a failure to accept (usually: no more file descriptors) it is tried again this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One address may have this part of the connections, so that no single machine can take them all.
const SHARE: usize = 4;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Someone on the network.
    Network(IpAddr),
    /// A program on the box itself, through the Unix socket.
    Local,
}

/// Something that connections come from.
pub(crate) enum Listener {
    /// A network port.
    Network(TcpListener),
    /// The Unix socket.
    Local(UnixListener),
}

/// Where connections come from, what is served there, and how many at once.
pub(crate) struct Service {
    listener: Listener,
    routes: Router,
    most: usize,
}

impl Service {
    pub(crate) fn new(listener: Listener, routes: Router, most: usize) -> Self {
        Self {
            listener,
            routes,
            most,
        }
    }

    /// Serves until `shutdown`, and then until the last request was answered; dropped before that, it breaks the
    /// rest off. Connections beyond the most wait in the system's own, bounded, queue.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        let mut peers = HashMap::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = connections.join_next_with_id() => {
                    let id = ended.map_or_else(|crash| crash.id(), |(id, ())| id);
                    peers.remove(&id);
                }
                accepted = self.listener.accept(), if connections.len() < self.most => match accepted {
                    Ok((stream, peer)) => {
                        let same = peers.values().filter(|known| **known == peer).count();
                        if peer == Peer::Local || same < self.most.div_ceil(SHARE) {
                            let serving = serve(stream, peer, self.routes.clone(), shutdown.clone());
                            peers.insert(connections.spawn(serving).id(), peer);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Listener {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Network(listener) => {
                let (stream, address) = listener.accept().await?;
                // Small answers must not wait for more; without it they are merely slower.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Network(address.ip().to_canonical())))
            }
            Self::Local(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Peer::Local))
            }
        }
    }
}

/// One connection's life.
async fn serve(stream: Box<dyn Stream>, peer: Peer, routes: Router, shutdown: CancellationToken) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        routes.clone().oneshot(request)
    });
    let io = TokioIo::new(Stall::new(stream, WRITE_PATIENCE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(BUFFER)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, ?peer, "connection ended badly");
    }
}

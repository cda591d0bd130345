//! Takes connections and speaks HTTP/1.1 on them, each bounded in time and all together in number.

use crate::stall::Stall;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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

/// A listener, what is served there, and how many connections at once.
pub(crate) struct Service {
    listener: Listener,
    routes: Router,
    most: u32,
    permits: Arc<Semaphore>,
}

impl Service {
    pub(crate) fn new(listener: Listener, routes: Router, most: u32) -> Self {
        Self {
            listener,
            routes,
            most,
            permits: Arc::new(Semaphore::new(most as usize)),
        }
    }

    /// Serves until `shutdown`, and then until the last request was answered. What is beyond the most connections
    /// waits in the system's own, bounded, queue.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        while let Some(permit) = shutdown
            .run_until_cancelled(self.permits.clone().acquire_owned())
            .await
        {
            let permit = permit.expect("the semaphore is never closed");
            let accepted = match shutdown.run_until_cancelled(self.accept(permit, &shutdown)).await {
                Some(accepted) => accepted,
                None => break,
            };
            if let Err(error) = accepted {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        drop(self.listener);
        let _ = self.permits.acquire_many(self.most).await;
    }

    async fn accept(&self, permit: OwnedSemaphorePermit, shutdown: &CancellationToken) -> io::Result<()> {
        let (routes, shutdown) = (self.routes.clone(), shutdown.clone());
        match &self.listener {
            Listener::Network(listener) => {
                let (stream, address) = listener.accept().await?;
                // Small answers must not wait for more; without it they are merely slower.
                let _ = stream.set_nodelay(true);
                let peer = Peer::Network(address.ip().to_canonical());
                tokio::spawn(serve(stream, peer, routes, permit, shutdown));
            }
            Listener::Local(listener) => {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(serve(stream, Peer::Local, routes, permit, shutdown));
            }
        }
        Ok(())
    }
}

/// One connection's life.
async fn serve<S>(
    stream: S,
    peer: Peer,
    routes: Router,
    permit: OwnedSemaphorePermit,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
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
    drop(permit);
}

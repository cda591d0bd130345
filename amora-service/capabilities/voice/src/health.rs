//! The original's health page, for whoever watches it: `GET /health` on a port of its own.

use crate::dialect;
use crate::figures::Figures;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Connections answered at once; others wait.
const CONNECTIONS: usize = 16;

/// Longest time for a request and its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// First and longest wait before an address that cannot be had is tried again.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("the health page cannot be served at {address}: {cause}")]
pub struct HealthError {
    address: String,
    cause: std::io::Error,
}

/// The page, bound to its address.
pub struct HealthPage {
    listener: TcpListener,
    address: SocketAddr,
    figures: Arc<Figures>,
}

impl HealthPage {
    /// Binds it to an address and a port.
    ///
    /// # Errors
    /// [`HealthError`] when the address cannot be had.
    pub async fn bind(address: &str, figures: Arc<Figures>) -> Result<Self, HealthError> {
        let failed = |cause| HealthError {
            address: address.to_owned(),
            cause,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            figures,
        })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`.
    ///
    /// # Errors
    /// [`HealthError`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), HealthError> {
        let routes = Router::new()
            .route("/health", get(health))
            .with_state(self.figures);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                accepted = accept(&self.listener, &places) => accepted,
            };
            match accepted {
                Ok((stream, place)) => {
                    let routes = TowerToHyperService::new(routes.clone());
                    tokio::spawn(async move {
                        let connection = http1::Builder::new()
                            .keep_alive(false)
                            .serve_connection(TokioIo::new(stream), routes);
                        // Whoever is too slow, or breaks off, has no answer.
                        let _ = timeout(PATIENCE, connection).await;
                        drop(place);
                    });
                }
                Err(cause) if is_of_one_connection(&cause) => {}
                Err(cause) => {
                    let address = self.address.to_string();
                    return Err(HealthError { address, cause });
                }
            }
        }
    }
}

/// Serves the page until `shutdown`. An address that cannot be had, or is lost, is tried again; why there is no page is told
/// to `problem`, which is empty while there is one.
pub(crate) async fn keep(
    address: &str,
    figures: &Arc<Figures>,
    problem: &watch::Sender<String>,
    shutdown: &CancellationToken,
) {
    let (first, longest) = WAITS;
    let mut wait = first;
    loop {
        let ended = match HealthPage::bind(address, figures.clone()).await {
            Ok(page) => {
                wait = first;
                problem.send_if_modified(|told| !std::mem::take(told).is_empty());
                page.run(shutdown.clone()).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = ended else { return };
        let cause = error.to_string();
        let news = problem.send_if_modified(|told| {
            let news = *told != cause;
            told.clone_from(&cause);
            news
        });
        if news {
            tracing::warn!(cause, "the health page is closed");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(wait) => wait = (wait * 2).min(longest),
        }
    }
}

/// Waits for a place, then for a connection.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places
        .clone()
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// Whether only the connection that would have been accepted is broken.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset)
}

/// 200 while packets flow, otherwise 503; the same body either way.
async fn health(State(figures): State<Arc<Figures>>) -> (StatusCode, Json<Value>) {
    let figures = figures.snapshot();
    let status = match figures.connected {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(dialect::health(&figures)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_status_tells_whether_packets_flow() {
        let figures = Arc::new(Figures::new());
        let page = HealthPage::bind("127.0.0.1:0", figures.clone()).await.unwrap();
        let url = format!("http://{}/health", page.address());
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(page.run(shutdown.clone()));
        for (connected, status) in [(false, 503), (true, 200), (false, 503)] {
            figures.set_connected(connected);
            let response = reqwest::get(&url).await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["connected"], connected);
            assert_eq!(body.as_object().unwrap().len(), 11);
        }
        shutdown.cancel();
        served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_taken_port_is_named_and_tried_again() {
        let figures = Arc::new(Figures::new());
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = other.local_addr().unwrap().to_string();
        let problem = watch::Sender::new(String::new());
        let mut told = problem.subscribe();
        let shutdown = CancellationToken::new();
        let kept = tokio::spawn({
            let (address, shutdown) = (address.clone(), shutdown.clone());
            async move { keep(&address, &figures, &problem, &shutdown).await }
        });
        let mut told = async |empty: bool| {
            let wait = told.wait_for(|told| told.is_empty() == empty);
            timeout(Duration::from_secs(60), wait)
                .await
                .unwrap()
                .unwrap()
                .clone()
        };
        let cause = told(false).await;
        assert!(cause.contains(&address), "{cause}");
        drop(other);
        told(true).await;
        let response = reqwest::get(format!("http://{address}/health")).await.unwrap();
        assert_eq!(response.status().as_u16(), 503);
        shutdown.cancel();
        kept.await.unwrap();
    }
}

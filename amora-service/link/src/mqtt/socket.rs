//! The TCP connection below a session, with errors that tell a wrong name from a broker that is away.

use std::io;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};

/// Time for one address of the broker.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for all of connecting: name, TCP, TLS and MQTT.
pub(super) const CONNECT_TIMEOUT: u64 = 20;

/// The host's name could not be turned into an address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UnknownHost(pub(super) String);

pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let unknown = |reason: String| io::Error::new(io::ErrorKind::NotFound, UnknownHost(reason));
    let addresses = lookup_host((host, port))
        .await
        .map_err(|error| unknown(error.to_string()))?;
    let mut last = unknown("the name has no address".to_owned());
    for address in addresses {
        match tokio::time::timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Commands and replies are small and awaited: they must not wait for each other.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

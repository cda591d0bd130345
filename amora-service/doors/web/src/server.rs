//! Opens the door and keeps it open.

use crate::connections::{Listener, Service};
use crate::door::{Door, SOCKETS};
use crate::{WebError, legacy, routes};
use amora_contract::config::{DeviceConfig, WebConfig};
use amora_router::Router;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixStream, lookup_host};
use tokio_util::sync::CancellationToken;

/// Connections at once: on the main port, on the original's port, and on the Unix socket. The daemon's file
/// descriptors suffice for all of them and [`SOCKETS`].
const CONNECTIONS: usize = 384;
const LEGACY_CONNECTIONS: usize = 64;
const LOCAL_CONNECTIONS: usize = 64;

/// Connections that wait in the system's queue to be accepted.
const BACKLOG: u32 = 256;

/// What the system keeps for a browser that does not read, in bytes.
const SEND_BUFFER: u32 = 256 * 1024;

/// Everything must have ended this long after the request to stop.
const DRAIN: Duration = Duration::from_millis(1800);

/// The open door.
pub struct Server {
    pub(crate) door: Arc<Door>,
    address: SocketAddr,
    main: TcpListener,
    legacy: Option<TcpListener>,
    local: Option<LocalSocket>,
}

impl Server {
    /// Opens the door's ports and reads, or makes, what it keeps in `device.data`.
    ///
    /// # Errors
    /// See [`WebError`].
    pub async fn bind(router: Router, config: WebConfig, device: DeviceConfig) -> Result<Self, WebError> {
        let door = Door::open(router, &config, &device)?;
        let main = listen(&config.address, config.port, "web.port").await?;
        let legacy = match config.legacy_port {
            Some(port) => Some(listen(&config.address, port, "web.legacy_port").await?),
            None => None,
        };
        let address = main.local_addr().map_err(|cause| WebError::Listen {
            port: config.port,
            cause,
        })?;
        let path = config.socket.filter(|path| !path.as_os_str().is_empty());
        let local = match path {
            Some(path) => LocalSocket::open(path).await,
            None => None,
        };
        if door.access.has_new_code() {
            let file = device.data.join("login-code");
            tracing::info!(file = %file.display(), "a login code was made for this box; the file holds it");
        }
        Ok(Self {
            door,
            address,
            main,
            legacy,
            local,
        })
    }

    /// Where the door listens; tells the port when the configuration left it open.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the original's API listens, if it does.
    pub fn legacy_address(&self) -> Option<SocketAddr> {
        self.legacy
            .as_ref()
            .and_then(|listener| listener.local_addr().ok())
    }

    /// The code that people log in with.
    pub fn login_code(&self) -> &str {
        self.door.access.login_code()
    }

    /// Serves until `shutdown`, then lets running requests end and says farewell to the sockets.
    ///
    /// # Errors
    /// None at present: what fails while serving concerns one connection.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), WebError> {
        let Self {
            door,
            main,
            legacy,
            local,
            ..
        } = self;
        // Whatever ends this future, even without `shutdown`, closes the sockets too.
        let _closing = door.closing.clone().drop_guard();
        let health = door.router().health("web");
        let routes = routes::routes(&door);
        let mut services = tokio::task::JoinSet::new();
        let mut serve = |listener, routes, most| {
            let service = Service::new(listener, routes, most);
            services.spawn(service.run(door.closing.clone()));
        };
        serve(Listener::Network(main), routes.clone(), CONNECTIONS);
        if let Some(legacy) = legacy {
            serve(
                Listener::Network(legacy),
                legacy::routes(&door),
                LEGACY_CONNECTIONS,
            );
        }
        let local_path = local.map(|local| {
            serve(Listener::Local(local.listener), routes, LOCAL_CONNECTIONS);
            local.path
        });
        health.ok();

        shutdown.cancelled().await;
        door.closing.cancel();
        if let Some(path) = local_path {
            let _ = fs::remove_file(path);
        }
        let drained = async {
            while services.join_next().await.is_some() {}
            let _ = door.sockets.acquire_many(SOCKETS as u32).await;
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("some requests did not end in time and are broken off");
        }
        Ok(())
    }
}

async fn listen(address: &str, port: u16, setting: &'static str) -> Result<TcpListener, WebError> {
    let unusable = |cause| WebError::Address {
        address: address.to_owned(),
        cause,
    };
    let mut found = lookup_host((address.trim_matches(['[', ']']), port))
        .await
        .map_err(unusable)?;
    let target = found
        .next()
        .ok_or_else(|| unusable(io::ErrorKind::NotFound.into()))?;
    listen_at(target).map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => WebError::PortInUse { port, setting },
        io::ErrorKind::PermissionDenied => WebError::PortForbidden { port, setting },
        io::ErrorKind::AddrNotAvailable => unusable(cause),
        _ => WebError::Listen { port, cause },
    })
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // So that a restart needs not wait for the last connections to fade.
    socket.set_reuseaddr(true)?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The door for programs on the box itself. Who may open the file may command the box.
struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl LocalSocket {
    /// Opens it; where that fails the rest of the door works all the same.
    async fn open(path: PathBuf) -> Option<Self> {
        match Self::try_open(&path).await {
            Ok(listener) => Some(Self { listener, path }),
            Err(cause) => {
                let path = path.display();
                tracing::warn!(%path, %cause, "no control socket: `amoractl` needs `--url` and `--code`, or set `web.socket`");
                None
            }
        }
    }

    async fn try_open(path: &Path) -> io::Result<UnixListener> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        match fs::symlink_metadata(path) {
            Ok(file) if !file.file_type().is_socket() => {
                return Err(io::Error::other(
                    "there is a file at this path that is not a socket",
                ));
            }
            Ok(_) if UnixStream::connect(path).await.is_ok() => {
                return Err(io::Error::other("another program answers at this socket"));
            }
            // Left over from a service that ended without tidying up.
            Ok(_) => fs::remove_file(path)?,
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
        Ok(listener)
    }
}

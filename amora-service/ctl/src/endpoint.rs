//! Where the service is: its socket on the box itself, or its address from elsewhere.

use crate::failure::Failure;
use amora_contract::Config;
use std::path::{Path, PathBuf};

/// How to reach the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Through the Unix socket, without login.
    Socket(PathBuf),
    /// Over HTTP, with the login code.
    Address {
        /// Scheme, host and port, without a slash at the end.
        url: String,
        /// The login code, where there is one.
        code: Option<String>,
    },
}

/// What the command line and the environment say about the service's place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// `--url` or `AMORA_URL`.
    pub(crate) url: Option<String>,
    /// `--code` or `AMORA_CODE`.
    pub(crate) code: Option<String>,
    /// `--socket` or `AMORA_SOCKET`.
    pub(crate) socket: Option<PathBuf>,
}

impl Endpoint {
    /// Chooses the endpoint. Without anything said, the configuration's socket is used, or its port with the code that
    /// lies in the data folder when only that can be had.
    pub(crate) fn choose(wanted: &Wanted, config: &Config) -> Result<Self, Failure> {
        let code = || wanted.code.clone().or_else(|| stored_code(&config.device.data));
        if let Some(url) = &wanted.url {
            let url = url.trim_end_matches('/');
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(Failure::Usage(format!(
                    "--url must start with http:// or https://, not `{url}`"
                )));
            }
            return Ok(Self::Address {
                url: url.to_owned(),
                code: code(),
            });
        }
        if let Some(socket) = &wanted.socket {
            return Ok(Self::Socket(socket.clone()));
        }
        let web = config.web.clone().unwrap_or_default();
        match (web.socket, code()) {
            (Some(socket), None) => Ok(Self::Socket(socket)),
            (Some(socket), Some(_)) if usable(&socket) => Ok(Self::Socket(socket)),
            (_, code) => Ok(Self::Address {
                url: format!("http://127.0.0.1:{}", web.port),
                code,
            }),
        }
    }

    /// The place as a message names it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Socket(path) => path.display().to_string(),
            Self::Address { url, .. } => url.clone(),
        }
    }
}

fn stored_code(data: &Path) -> Option<String> {
    let code = std::fs::read_to_string(data.join("login-code")).ok()?;
    Some(code.trim().to_owned()).filter(|code| !code.is_empty())
}

fn usable(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(data: &Path, socket: Option<PathBuf>) -> Config {
        let mut config = Config::default();
        config.device.data = data.to_owned();
        config.web = Some(amora_contract::config::WebConfig {
            socket,
            ..Default::default()
        });
        config
    }

    #[test]
    fn what_is_said_wins_over_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), Some(PathBuf::from("/run/x")));
        let wanted = Wanted {
            url: Some("http://box:80/".to_owned()),
            code: Some("C".to_owned()),
            ..Wanted::default()
        };
        let expected = Endpoint::Address {
            url: "http://box:80".to_owned(),
            code: Some("C".to_owned()),
        };
        assert_eq!(Endpoint::choose(&wanted, &config).unwrap(), expected);
        let wanted = Wanted {
            socket: Some(PathBuf::from("/s")),
            ..Wanted::default()
        };
        assert_eq!(
            Endpoint::choose(&wanted, &config).unwrap(),
            Endpoint::Socket(PathBuf::from("/s"))
        );
        let wanted = Wanted {
            url: Some("box:80".to_owned()),
            ..Wanted::default()
        };
        assert!(matches!(
            Endpoint::choose(&wanted, &config),
            Err(Failure::Usage(_))
        ));
    }

    #[test]
    fn the_socket_is_used_unless_only_the_code_can_be_had() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.socket");
        let config = config(folder.path(), Some(socket.clone()));
        let choose = || Endpoint::choose(&Wanted::default(), &config).unwrap();
        assert_eq!(choose(), Endpoint::Socket(socket.clone()));
        std::fs::write(folder.path().join("login-code"), "K7QM-3XPW-9RTD\n").unwrap();
        let expected = Endpoint::Address {
            url: "http://127.0.0.1:8080".to_owned(),
            code: Some("K7QM-3XPW-9RTD".to_owned()),
        };
        assert_eq!(choose(), expected);
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(choose(), Endpoint::Socket(socket));
    }
}

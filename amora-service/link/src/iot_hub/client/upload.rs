//! File upload: the hub says where, the file goes to its storage, and the hub is told how that went.

mod request;
mod storage;

use super::super::connection_string::is_host;
use super::super::encoding::encode;
use super::super::identity::Identity;
use super::{Hub, Standing};
use crate::iot_hub::clock::Clock;
use crate::tls::TlsError;
use amora_contract::config::TlsConfig;
use bytes::Bytes;
use request::{client, insist, message};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

/// The API that the requests are of.
const VERSION: &str = "2021-04-12";

/// Life of the token of one upload.
const TOKEN_LIFE: u64 = 3600;

/// Why a file was not uploaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// There is no connection, so that it is not known which hub.
    #[error("there is no connection to a hub")]
    NotConnected,
    /// The TLS identity cannot be used.
    #[error("iot_hub.tls: {0}")]
    Tls(#[from] TlsError),
    /// The hub does not want it.
    #[error("the hub refuses the upload with {status}: check that a storage account is linked to it for file upload{}", said(.message))]
    Hub {
        /// The status.
        status: u16,
        /// What the hub says about it.
        message: String,
    },
    /// The storage does not want it.
    #[error("the hub's storage refuses the file with {status}{}", said(.message))]
    Storage {
        /// The status.
        status: u16,
        /// What the storage says about it.
        message: String,
    },
    /// What came back is not what the documents promise.
    #[error("the hub's answer cannot be used: {0}")]
    Answer(&'static str),
    /// The address that somebody else chose is none that a file can be put to.
    #[error("the address for the file cannot be used: {0}")]
    Address(&'static str),
    /// No way there.
    #[error("{host} cannot be reached: {cause}")]
    Network {
        /// Whom.
        host: String,
        /// Why.
        cause: String,
    },
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    }
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The blob's name in the container: the device's id, a slash, and the name that was given.
    pub blob: String,
    /// The hub's id of the upload; its notifications to the service name the blob too.
    pub correlation_id: String,
}

/// Where a file is to go, as the hub says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    correlation_id: String,
    host_name: String,
    container_name: String,
    blob_name: String,
    sas_token: String,
}

impl Place {
    fn parse(answer: &[u8]) -> Result<Self, UploadError> {
        let wrong = UploadError::Answer;
        let place: Self =
            serde_json::from_slice(answer).map_err(|_| wrong("it names no place for the file"))?;
        let (host, port) = match place.host_name.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place.host_name.as_str(), None),
        };
        if !is_host(host) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(wrong("the storage's name is no host name"));
        }
        if !place.sas_token.starts_with('?') || place.container_name.contains('/') {
            return Err(wrong("the storage's address is incomplete"));
        }
        Ok(place)
    }

    fn url(&self) -> String {
        let path: Vec<String> = self.blob_name.split('/').map(encode).collect();
        format!(
            "https://{}/{}/{}{}",
            self.host_name,
            encode(&self.container_name),
            path.join("/"),
            self.sas_token
        )
    }
}

/// What uploads need to know, beside the hub.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) identity: Identity,
    pub(super) tls: TlsConfig,
    pub(super) port: Option<u16>,
    pub(super) clock: Clock,
}

impl Hub {
    /// Uploads a file as a blob of this name. What fails for the moment is tried again for some minutes. The hub
    /// allows ten uploads of a device at a time.
    ///
    /// # Errors
    /// When it is not there in the end.
    pub async fn upload(&self, name: &str, content: Bytes) -> Result<Uploaded, UploadError> {
        let (host, device_id) = match &*self.standing.borrow() {
            Standing::Connected { host, device_id, .. } => (host.clone(), device_id.clone()),
            _ => return Err(UploadError::NotConnected),
        };
        let upload = Upload::new(&self.way, &host, &device_id).await?;
        let place = upload.begin(name).await?;
        let put = storage::put(&self.way, &place.host_name, &place.url(), content).await;
        // The hub learns of a failure too: it counts what is under way.
        upload.end(&place.correlation_id, &put).await?;
        put.map(|()| Uploaded {
            blob: place.blob_name,
            correlation_id: place.correlation_id,
        })
    }
}

struct Upload<'a> {
    way: &'a Way,
    /// Shows the certificate of a box that has one.
    client: Client,
    host: &'a str,
    device_id: &'a str,
}

impl<'a> Upload<'a> {
    async fn new(way: &'a Way, host: &'a str, device_id: &'a str) -> Result<Self, UploadError> {
        Ok(Self {
            way,
            client: client(way, host, true).await?,
            host,
            device_id,
        })
    }

    fn ask(&self, path: &str) -> RequestBuilder {
        let gateway = match &self.way.identity {
            Identity::Device(device) => device.gateway.as_deref(),
            Identity::Provisioned(_) => None,
        };
        let address = gateway.unwrap_or(self.host);
        let port = self.way.port.map_or(String::new(), |port| format!(":{port}"));
        let device = encode(self.device_id);
        let url = format!("https://{address}{port}/devices/{device}/{path}?api-version={VERSION}");
        let expiry = self.way.clock.read().seconds + TOKEN_LIFE;
        let login = self
            .way
            .identity
            .hub_login(self.host, self.device_id, None, expiry);
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json");
        match login.password {
            Some(token) => request.header(AUTHORIZATION, token),
            None => request,
        }
    }

    async fn begin(&self, name: &str) -> Result<Place, UploadError> {
        let body = json!({"blobName": name}).to_string();
        let (status, answer) = insist(self.host, || self.ask("files").body(body.clone())).await?;
        match status {
            200 => Place::parse(&answer),
            status => Err(UploadError::Hub {
                status,
                message: message(&answer),
            }),
        }
    }

    async fn end(&self, correlation_id: &str, put: &Result<(), UploadError>) -> Result<(), UploadError> {
        let (status, description) = match put {
            Ok(()) => (201, "uploaded".to_owned()),
            Err(UploadError::Storage { status, message }) => (*status, message.clone()),
            Err(error) => (0, error.to_string()),
        };
        let body = json!({
            "correlationId": correlation_id,
            "isSuccess": put.is_ok(),
            "statusCode": status,
            "statusDescription": description,
        })
        .to_string();
        let told = insist(self.host, || self.ask("files/notifications").body(body.clone())).await;
        match told {
            // Why the file did not get there is worth more than that the hub did not hear of it.
            _ if put.is_err() => Ok(()),
            Ok((200..300, _)) => Ok(()),
            Ok((status, answer)) => Err(UploadError::Hub {
                status,
                message: message(&answer),
            }),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(change: impl FnOnce(&mut serde_json::Value)) -> Result<Place, UploadError> {
        let mut answer = json!({
            "correlationId": "c", "hostName": "s.blob.core.windows.net", "containerName": "uploads",
            "blobName": "box/a b#1.gz", "sasToken": "?sv=1&sig=x%2B",
        });
        change(&mut answer);
        Place::parse(answer.to_string().as_bytes())
    }

    #[test]
    fn the_place_is_the_hub_s_and_its_token_stays_as_it_is() {
        assert_eq!(
            place(|_| {}).unwrap().url(),
            "https://s.blob.core.windows.net/uploads/box/a%20b%231.gz?sv=1&sig=x%2B"
        );
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        for (key, value) in [
            ("hostName", json!("s/../x")),
            ("hostName", json!("user@s")),
            ("hostName", json!("s:port")),
            ("sasToken", json!("sv=1")),
            ("containerName", json!("a/b")),
            ("blobName", json!(5)),
        ] {
            assert!(
                place(|answer| answer[key] = value.clone()).is_err(),
                "{key} {value}"
            );
        }
        assert!(Place::parse(b"<html>").is_err());
    }
}

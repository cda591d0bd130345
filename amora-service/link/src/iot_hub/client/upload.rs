//! File upload: the hub says where, the file goes to its storage, and the hub is told how that went.

use super::super::connection_string::is_host;
use super::super::encoding::encode;
use super::super::identity::Identity;
use super::super::status::Outcome;
use super::{Hub, Standing};
use crate::backoff::{Backoff, Policy, Reset, random};
use crate::tls::{self, TlsError};
use crate::{iot_hub::clock::Clock, root_cause};
use amora_contract::config::TlsConfig;
use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Url, redirect};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The API that the requests are of.
const VERSION: &str = "2021-04-12";

/// Longest answer that is read.
const ANSWER: usize = 16 * 1024;

/// Time to connect, and for the next byte of an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// Time for one request, the file's own included.
const LONGEST: Duration = Duration::from_secs(600);

/// Attempts at each request.
const ATTEMPTS: u32 = 5;

/// Life of the token of one upload.
const TOKEN_LIFE: u64 = 3600;

const AGAIN: Policy = Policy {
    base: Duration::from_secs(1),
    factor: 3.0,
    cap: Duration::from_secs(60),
    jitter: 0.2,
    reset: Reset::OnSuccess,
};

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
        let put = put(&upload.to_storage, &place.host_name, &place.url(), content).await;
        // The hub learns of a failure too: it counts what is under way.
        upload.end(&place.correlation_id, &put).await?;
        put.map(|()| Uploaded {
            blob: place.blob_name,
            correlation_id: place.correlation_id,
        })
    }

    /// Puts a file into a container of Azure's storage that somebody else chose: `container` is its address, with a token
    /// as the query. What fails for the moment is tried again for some minutes. The box's certificate is not shown.
    ///
    /// # Errors
    /// [`UploadError::Address`] where that is no such address; others when the file is not there in the end.
    pub async fn upload_into(&self, container: &str, blob: &str, content: Bytes) -> Result<(), UploadError> {
        let url = blob_url(container, blob)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let storage = client(&self.way, &host, false).await?;
        put(&storage, &host, url.as_str(), content).await
    }
}

/// The address of a blob in a container.
fn blob_url(container: &str, blob: &str) -> Result<Url, UploadError> {
    let wrong = UploadError::Address;
    let mut url = Url::parse(container).map_err(|_| wrong("it is no address"))?;
    if url.scheme() != "https" {
        return Err(wrong("it is not of https"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a user or a fragment"));
    }
    if url.path() == "/" || url.query().is_none_or(str::is_empty) {
        return Err(wrong("it names no container, or has no token"));
    }
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(blob.split('/')),
        Err(()) => return Err(wrong("it has no path")),
    };
    Ok(url)
}

/// A client for `host`. To whom it is `known`, it shows the certificate of a box that has one.
async fn client(way: &Way, host: &str, known: bool) -> Result<Client, UploadError> {
    let shown = match known {
        true => way.tls.clone(),
        false => TlsConfig {
            ca_file: way.tls.ca_file.clone(),
            ..TlsConfig::default()
        },
    };
    let clock = Arc::new(way.clock.clone());
    let read = tokio::task::spawn_blocking(move || tls::client_by(&shown, clock));
    let tls = read.await.unwrap_or(Err(TlsError::NoSystemRoots))?;
    Client::builder()
        .tls_backend_preconfigured(tls.as_ref().clone())
        .redirect(redirect::Policy::none())
        .connect_timeout(SILENCE)
        .read_timeout(SILENCE)
        .timeout(LONGEST)
        .https_only(true)
        .user_agent(concat!("amora/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| network(host, &error))
}

async fn put(storage: &Client, host: &str, url: &str, content: Bytes) -> Result<(), UploadError> {
    let request = || {
        storage
            .put(url)
            .header("x-ms-blob-type", "BlockBlob")
            .header("x-ms-version", "2020-10-02")
            .body(content.clone())
    };
    match insist(host, request).await? {
        (201, _) => Ok(()),
        (status, answer) => Err(UploadError::Storage {
            status,
            message: message(&answer),
        }),
    }
}

struct Upload<'a> {
    way: &'a Way,
    /// Shows the certificate of a box that has one.
    to_hub: Client,
    to_storage: Client,
    host: &'a str,
    device_id: &'a str,
}

impl<'a> Upload<'a> {
    async fn new(way: &'a Way, host: &'a str, device_id: &'a str) -> Result<Self, UploadError> {
        Ok(Self {
            way,
            to_hub: client(way, host, true).await?,
            to_storage: client(way, host, false).await?,
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
        let request = self.to_hub.post(url).header(CONTENT_TYPE, "application/json");
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

/// Asks, and again where that may help. Gives the status and the beginning of the answer.
async fn insist(host: &str, request: impl Fn() -> RequestBuilder) -> Result<(u16, Bytes), UploadError> {
    let mut backoff = Backoff::new(AGAIN);
    loop {
        let result = once(request()).await;
        let passing = match &result {
            Ok((status, _)) => Outcome::of((*status).into()).is_passing(),
            Err(_) => true,
        };
        if !passing || backoff.failures() + 1 >= ATTEMPTS {
            return result.map_err(|error| network(host, &error));
        }
        let wait = backoff.next_delay(random());
        tracing::info!(host, ?wait, "an upload is tried again");
        tokio::time::sleep(wait).await;
    }
}

async fn once(request: RequestBuilder) -> Result<(u16, Bytes), reqwest::Error> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let mut answer = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        let room = ANSWER - answer.len();
        answer.extend_from_slice(&piece[..piece.len().min(room)]);
        if answer.len() == ANSWER {
            break;
        }
    }
    Ok((status, answer.freeze()))
}

fn network(host: &str, error: &reqwest::Error) -> UploadError {
    UploadError::Network {
        host: host.to_owned(),
        // The error itself shows the address, and with it the storage's token.
        cause: root_cause(error).to_string(),
    }
}

/// What an answer says, as far as it is short text without a secret in it: a hub's `Message`, or a storage's first line.
fn message(answer: &[u8]) -> String {
    let text = serde_json::from_slice::<serde_json::Value>(answer)
        .ok()
        .and_then(|answer| {
            ["Message", "message"]
                .iter()
                .find_map(|key| answer.get(key)?.as_str().map(str::to_owned))
        })
        .unwrap_or_default();
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(200)
        .collect()
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

    #[test]
    fn a_blob_s_address_is_in_the_container_and_keeps_its_token() {
        let url = |container| blob_url(container, "box/a b#1/x.gz").map(|url| url.to_string());
        for container in [
            "https://s.blob.core.windows.net/logs?sv=1&sig=x%2B",
            "https://s.blob.core.windows.net/logs/?sv=1&sig=x%2B",
        ] {
            assert_eq!(
                url(container).unwrap(),
                "https://s.blob.core.windows.net/logs/box/a%20b%231/x.gz?sv=1&sig=x%2B"
            );
        }
        for wrong in [
            "",
            "logs?sig=1",
            "file:///etc/passwd?sig=1",
            "http://s/logs?sig=1",
            "https://user@s/logs?sig=1",
            "https://s/?sig=1",
            "https://s/logs",
            "https://s/logs?",
            "https://s/logs?sig=1#x",
        ] {
            assert!(matches!(url(wrong), Err(UploadError::Address(_))), "{wrong}");
        }
    }

    #[test]
    fn what_a_hub_says_is_passed_on_briefly() {
        assert_eq!(message(br#"{"Message": "no storage\n"}"#), "no storage");
        assert_eq!(
            message(json!({"message": "x".repeat(999)}).to_string().as_bytes()).len(),
            200
        );
        assert_eq!(message(b"<html>"), "");
    }
}

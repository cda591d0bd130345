//! Talking to the service: commands and state over HTTP, changes over a WebSocket.

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use amora_contract::reply::{CommandError, ErrorCode};
use futures_util::{SinkExt, Stream, StreamExt, stream};
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

/// Commands that take long (a sound test, a long search) still have an answer by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// An update over a slow network, and writing it to a slow card.
const UPLOAD: Duration = Duration::from_secs(6 * 3600);

/// The service pings its sockets every 20 seconds: after this long it is gone, even if nobody said so.
const SILENCE: Duration = Duration::from_secs(60);

/// The service, as a client sees it.
pub(crate) struct Client {
    endpoint: Endpoint,
    http: reqwest::Client,
}

/// Messages of the service's WebSocket.
pub(crate) type Messages = Pin<Box<dyn Stream<Item = Result<Value, Failure>> + Send>>;

impl Client {
    /// A client; it connects with its first request.
    pub(crate) fn new(endpoint: Endpoint) -> Result<Self, Failure> {
        let builder = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        let builder = match &endpoint {
            Endpoint::Socket(path) => builder.unix_socket(path.clone()),
            Endpoint::Address { .. } => builder,
        };
        let http = builder
            .build()
            .map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Self { endpoint, http })
    }

    /// Sends a command and gives the data of its reply.
    pub(crate) async fn command(&self, name: &str, params: &Value) -> Result<Value, Failure> {
        let request = self
            .http
            .post(self.url(&format!("/api/commands/{name}")))
            .json(params);
        let (_, mut body) = self.send(request).await?;
        Ok(body["data"].take())
    }

    /// Sends an update and gives the data of the reply, which comes when it is installed.
    pub(crate) async fn send_update(
        &self,
        query: &Value,
        size: u64,
        pieces: impl Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
    ) -> Result<Value, Failure> {
        let query: Vec<(&str, &str)> = ["restart", "reference"]
            .into_iter()
            .filter_map(|name| Some((name, query[name].as_str()?)))
            .collect();
        let url = reqwest::Url::parse_with_params(&self.url("/api/update"), query)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let request = self
            .http
            .post(url)
            .timeout(UPLOAD)
            .header("content-type", "application/octet-stream")
            .header("content-length", size)
            .body(reqwest::Body::wrap_stream(pieces));
        let (_, mut body) = self.send(request).await?;
        Ok(body["data"].take())
    }

    /// The whole state document.
    pub(crate) async fn state(&self) -> Result<Value, Failure> {
        Ok(self.send(self.http.get(self.url("/api/state"))).await?.1)
    }

    /// The health document, whether it is good or bad.
    pub(crate) async fn health(&self) -> Result<Value, Failure> {
        let response = self.authorise(self.http.get(self.url("/health"))).send().await;
        let response = response.map_err(|error| self.not_reachable(&error))?;
        response
            .json()
            .await
            .map_err(|error| Failure::Failed(format!("the service answers nonsense: {error}")))
    }

    fn url(&self, path: &str) -> String {
        match &self.endpoint {
            Endpoint::Socket(_) => format!("http://localhost{path}"),
            Endpoint::Address { url, .. } => format!("{url}{path}"),
        }
    }

    fn authorise(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.endpoint {
            Endpoint::Address { code: Some(code), .. } => request.bearer_auth(code),
            _ => request,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(u16, Value), Failure> {
        let response = self
            .authorise(request)
            .send()
            .await
            .map_err(|error| self.not_reachable(&error))?;
        let status = response.status().as_u16();
        let body: Value = match response.json().await {
            Ok(body) => body,
            Err(_) if status == 401 => Value::Null,
            Err(error) => {
                return Err(Failure::Failed(format!(
                    "{} answers {status}, but not as the Amora service does: {error}",
                    self.endpoint.name()
                )));
            }
        };
        match status {
            200..=299 => Ok((status, body)),
            401 => Err(Failure::Failed(format!(
                "{} asks for its login code: give it with --code or AMORA_CODE; `amoractl login` on the box shows it",
                self.endpoint.name()
            ))),
            _ => Err(serde_json::from_value(body["error"].clone())
                .unwrap_or_else(|_| {
                    CommandError::new(ErrorCode::Failed, format!("the service answers {status}"))
                })
                .into()),
        }
    }

    fn not_reachable(&self, error: &dyn std::error::Error) -> Failure {
        not_reachable(&self.endpoint, &amora_link::root_cause(error).to_string())
    }

    /// Opens the WebSocket, subscribed to the levels if they are wanted.
    pub(crate) async fn watch(&self, levels: bool) -> Result<Messages, Failure> {
        let url = self.url("/api/socket").replacen("http", "ws", 1);
        let mut request = url
            .into_client_request()
            .map_err(|error| Failure::Usage(error.to_string()))?;
        if let Endpoint::Address { code: Some(code), .. } = &self.endpoint {
            let value = format!("Bearer {code}")
                .parse()
                .map_err(|_| Failure::Usage("--code must be plain text".to_owned()))?;
            request.headers_mut().insert("authorization", value);
        }
        match &self.endpoint {
            Endpoint::Socket(path) => {
                let stream = UnixStream::connect(path)
                    .await
                    .map_err(|error| self.not_reachable(&error))?;
                let opened = tokio_tungstenite::client_async(request, stream).await;
                subscribe(opened.map_err(|error| self.refused_socket(&error))?.0, levels).await
            }
            Endpoint::Address { .. } => {
                let opened = tokio_tungstenite::connect_async(request).await;
                subscribe(opened.map_err(|error| self.refused_socket(&error))?.0, levels).await
            }
        }
    }

    fn refused_socket(&self, error: &SocketError) -> Failure {
        match error {
            SocketError::Http(response) if response.status() == 401 => Failure::Failed(format!(
                "{} asks for its login code: give it with --code or AMORA_CODE; `amoractl login` on the box shows it",
                self.endpoint.name()
            )),
            SocketError::Http(response) if response.status().is_server_error() => {
                not_reachable(&self.endpoint, &format!("it answers {}", response.status()))
            }
            SocketError::Http(response) => {
                Failure::Failed(format!("the service answers {}", response.status()))
            }
            other => self.not_reachable(other),
        }
    }
}

fn not_reachable(endpoint: &Endpoint, cause: &str) -> Failure {
    let next = match endpoint {
        Endpoint::Socket(_) => {
            "Is it running (`systemctl status amora-service`)? Are you in the group `amora`? For another box use --url and --code."
        }
        Endpoint::Address { .. } => "Is the address right, and is the box switched on?",
    };
    Failure::NotReachable(format!(
        "the service at {} cannot be reached: {cause}\n{next}",
        endpoint.name()
    ))
}

/// Subscribes, and turns what comes into JSON.
async fn subscribe<S>(
    mut socket: tokio_tungstenite::WebSocketStream<S>,
    levels: bool,
) -> Result<Messages, Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    if levels {
        let subscription = Message::text(r#"{"subscribe":["levels"]}"#);
        socket
            .send(subscription)
            .await
            .map_err(|error| Failure::Failed(error.to_string()))?;
    }
    let messages = stream::unfold(Some(socket), async |socket| {
        let mut socket = socket?;
        loop {
            let item = match tokio::time::timeout(SILENCE, socket.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str(&text)
                    .map_err(|error| Failure::Failed(format!("the service sends nonsense: {error}"))),
                Ok(Some(Ok(_))) => continue,
                Ok(Some(Err(error))) => {
                    let lost = Failure::NotReachable(format!("the connection is lost: {error}"));
                    return Some((Err(lost), None));
                }
                Ok(None) => return None,
                Err(_) => {
                    let silent = format!("nothing came from the service for {} s", SILENCE.as_secs());
                    return Some((Err(Failure::NotReachable(silent)), None));
                }
            };
            return Some((item, Some(socket)));
        }
    });
    Ok(Box::pin(messages))
}

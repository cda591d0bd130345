//! WHIP (RFC 9725), and WHEP, which is the same the other way round.

mod fragment;

use super::http::{address, body, client, excerpt, refusal, same_server, unreachable};
use super::link::ice_servers;
use super::sdp::check_answer;
use super::{IceServer, Signalling, SignallingError};
use crate::session::Direction;
use async_trait::async_trait;
use fragment::fragment;
pub use fragment::merge;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, LINK, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use std::time::Duration;

/// How long a session may take to be ended before another is made.
const FAREWELL: Duration = Duration::from_secs(3);

/// An endpoint of WHIP or WHEP.
#[derive(Debug)]
pub struct Whip {
    client: Client,
    url: Url,
    token: Option<String>,
    direction: Direction,
    servers: Vec<IceServer>,
    session: Option<Session>,
}

/// The session that the endpoint made.
#[derive(Debug)]
struct Session {
    url: Url,
    answer: String,
    /// Whether it can look for another path: only then it has a strong entity tag to begin with (RFC 9725, 4.3.1).
    can_restart: bool,
}

impl Whip {
    /// The endpoint at `url`: WHIP for [`Direction::Send`], WHEP for [`Direction::Receive`].
    ///
    /// # Errors
    /// [`SignallingError::Address`].
    pub fn new(url: &str, token: Option<String>, direction: Direction) -> Result<Self, SignallingError> {
        Ok(Self {
            client: client()?,
            url: address(url)?,
            token,
            direction,
            servers: Vec::new(),
            session: None,
        })
    }

    /// A request that carries the token, unless it goes to another server than the endpoint's.
    fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        let request = self.client.request(method, url.clone());
        match &self.token {
            Some(token) if same_server(url, &self.url) => {
                request.header(AUTHORIZATION, format!("Bearer {token}"))
            }
            _ => request,
        }
    }

    /// Ends a session; any answer means that it is not there any more.
    async fn delete(&self, session: &Session) -> Result<(), SignallingError> {
        let request = self.request(Method::DELETE, &session.url).timeout(FAREWELL);
        let response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            tracing::debug!(status = response.status().as_u16(), "the session was not ended");
        }
        Ok(())
    }

    fn learn_servers(&mut self, headers: &HeaderMap) {
        let values = headers.get_all(LINK).iter();
        let servers = ice_servers(values.filter_map(|value| value.to_str().ok()));
        if !servers.is_empty() {
            self.servers = servers;
        }
    }
}

#[async_trait]
impl Signalling for Whip {
    /// The endpoint's, asked for with `OPTIONS`; what an earlier session brought where it does not say.
    async fn ice_servers(&mut self) -> Vec<IceServer> {
        if let Ok(response) = self.request(Method::OPTIONS, &self.url.clone()).send().await
            && response.status().is_success()
        {
            self.learn_servers(response.headers());
        }
        self.servers.clone()
    }

    /// A session that there is ends first: most servers take one microphone at a time. It stays while nobody can be told,
    /// for whoever can't be told can't be called either.
    async fn connect(&mut self, offer: &str) -> Result<String, SignallingError> {
        if let Some(session) = &self.session {
            self.delete(session).await?;
            self.session = None;
        }
        let request = self
            .request(Method::POST, &self.url.clone())
            .header(CONTENT_TYPE, "application/sdp")
            .body(offer.to_owned());
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::CREATED {
            return Err(refusal(response).await);
        }
        self.learn_servers(response.headers());
        let can_restart = has_strong_tag(&response);
        let location = response.headers().get(LOCATION);
        let location = location
            .and_then(|location| location.to_str().ok())
            .and_then(|location| response.url().join(location).ok());
        let body = body(response).await?;
        let Some(url) = location else {
            return Err(SignallingError::NoAnswer {
                cause: "it does not say where the session is".to_owned(),
                beginning: excerpt(&body),
            });
        };
        // From here on there is a session to be ended, whatever its answer is.
        let answer = String::from_utf8_lossy(&body).into_owned();
        self.session = Some(Session {
            url,
            answer: answer.clone(),
            can_restart,
        });
        check_answer(&answer, self.direction)?;
        Ok(answer)
    }

    fn can_restart(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.can_restart)
    }

    /// RFC 9725, 4.3.3.
    async fn restart(&mut self, offer: &str) -> Result<String, SignallingError> {
        let Some(session) = &self.session else {
            return Err(SignallingError::Unreachable("there is no session".to_owned()));
        };
        let request = self
            .request(Method::PATCH, &session.url)
            .header(CONTENT_TYPE, "application/trickle-ice-sdpfrag")
            .header(IF_MATCH, "*")
            .body(fragment(offer));
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        let body = body(response).await?;
        let answer = merge(&session.answer, &String::from_utf8_lossy(&body));
        check_answer(&answer, self.direction)?;
        if let Some(session) = &mut self.session {
            session.answer.clone_from(&answer);
        }
        Ok(answer)
    }

    async fn end(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        if let Err(error) = self.delete(&session).await {
            tracing::debug!(%error, "the session was not ended");
        }
    }
}

fn has_strong_tag(response: &Response) -> bool {
    let tag = response.headers().get(ETAG);
    tag.is_some_and(|tag| tag.as_bytes().starts_with(b"\""))
}

#[cfg(test)]
mod tests;

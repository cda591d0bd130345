//! `POST /connect` at a hub: one exchange, no trickle.

use super::http::{address, body, client, excerpt, refusal, unreachable};
use super::sdp::check_answer;
use super::{IceServer, Signalling, SignallingError};
use crate::session::Direction;
use async_trait::async_trait;
use reqwest::{Client, StatusCode, Url};
use serde::{Deserialize, Serialize};

/// A hub.
#[derive(Debug, Clone)]
pub struct Hub {
    client: Client,
    url: Url,
    device_id: String,
}

#[derive(Serialize)]
struct Connect<'a> {
    device_id: &'a str,
    sdp: &'a str,
    preferred_output_sample_rate: u32,
    supported_output_codecs: [&'static str; 2],
}

#[derive(Deserialize)]
struct Answer {
    sdp: String,
}

impl Hub {
    /// The hub at `url`, where the box is called `device_id`.
    ///
    /// # Errors
    /// [`SignallingError::Address`].
    pub fn new(url: &str, device_id: &str) -> Result<Self, SignallingError> {
        let mut url = address(url)?;
        let path = format!("{}/connect", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_query(None);
        Ok(Self {
            client: client()?,
            url,
            device_id: device_id.to_owned(),
        })
    }

    #[cfg(test)]
    pub(crate) fn impatient(mut self, patience: std::time::Duration) -> Self {
        self.client = super::http::client_with(patience, patience).expect("a client");
        self
    }
}

#[async_trait]
impl Signalling for Hub {
    async fn ice_servers(&mut self) -> Vec<IceServer> {
        Vec::new()
    }

    async fn connect(&mut self, offer: &str) -> Result<String, SignallingError> {
        let connect = Connect {
            device_id: &self.device_id,
            sdp: offer,
            preferred_output_sample_rate: 48_000,
            supported_output_codecs: ["opus", "pcm_s16le"],
        };
        let request = self.client.post(self.url.clone()).json(&connect);
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        read_answer(&body(response).await?)
    }

    /// A hub knows one exchange per session: another `/connect` begins another session.
    fn can_restart(&self) -> bool {
        false
    }

    async fn restart(&mut self, _offer: &str) -> Result<String, SignallingError> {
        Err(SignallingError::Unreachable(
            "a hub knows no other path for a session".to_owned(),
        ))
    }

    /// A hub finds out by the media.
    async fn end(&mut self) {}
}

/// Reads the body of a hub's answer, `{"sdp": "…"}`, and checks the SDP.
///
/// # Errors
/// [`SignallingError::NoAnswer`] or [`SignallingError::Sdp`].
pub fn read_answer(body: &[u8]) -> Result<String, SignallingError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| SignallingError::NoAnswer {
        cause: error.to_string(),
        beginning: excerpt(body),
    })?;
    check_answer(&answer.sdp, Direction::Both)?;
    Ok(answer.sdp)
}

#[cfg(test)]
mod tests;

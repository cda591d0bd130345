//! One request of an upload, made until it is answered or hopeless.

use super::super::super::status::Outcome;
use super::{UploadError, Way};
use crate::backoff::{Backoff, Policy, Reset, random};
use crate::root_cause;
use crate::tls::{self, TlsError};
use amora_contract::config::TlsConfig;
use bytes::{Bytes, BytesMut};
use reqwest::{Client, RequestBuilder, redirect};
use std::sync::Arc;
use std::time::Duration;

/// Longest answer that is read.
const ANSWER: usize = 16 * 1024;

/// Time to connect, and for the next byte of an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// Time for one request, the file's own included.
const LONGEST: Duration = Duration::from_secs(600);

/// Attempts at each request.
const ATTEMPTS: u32 = 5;

const AGAIN: Policy = Policy {
    base: Duration::from_secs(1),
    factor: 3.0,
    cap: Duration::from_secs(60),
    jitter: 0.2,
    reset: Reset::OnSuccess,
};

/// A client for `host`. To whom it is `known`, it shows the certificate of a box that has one.
pub(super) async fn client(way: &Way, host: &str, known: bool) -> Result<Client, UploadError> {
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

/// Asks, and again where that may help. Gives the status and the beginning of the answer.
pub(super) async fn insist(
    host: &str,
    request: impl Fn() -> RequestBuilder,
) -> Result<(u16, Bytes), UploadError> {
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
pub(super) fn message(answer: &[u8]) -> String {
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
    use serde_json::json;

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

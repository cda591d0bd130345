//! HTTP as signalling needs it: impatient, and with little room.

use super::SignallingError;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode, Url};
use std::time::Duration;

/// Bytes of the longest answer that is read.
pub const BODY_LIMIT: usize = 64 * 1024;

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// Time for the whole exchange.
const WHOLE: Duration = Duration::from_secs(30);

/// Redirects followed.
const REDIRECTS: usize = 3;

/// Characters of a body that are shown.
const EXCERPT: usize = 200;

/// A client for signalling.
pub(super) fn client() -> Result<Client, SignallingError> {
    client_with(CONNECT, WHOLE)
}

pub(super) fn client_with(connect: Duration, whole: Duration) -> Result<Client, SignallingError> {
    Client::builder()
        .connect_timeout(connect)
        .timeout(whole)
        .redirect(Policy::custom(redirect))
        // A connection from before may be from an address that the box has no more: nobody would answer.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(unreachable)
}

/// Follows what keeps the method and stays at the same server; the offer, and a token, are for nobody else.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps_method =
        [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&attempt.status());
    let stays = attempt
        .previous()
        .last()
        .is_some_and(|from| same_server(from, attempt.url()));
    match keeps_method && stays {
        true if attempt.previous().len() > REDIRECTS => attempt.error("redirected too often"),
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

/// Whether both addresses are of one server.
pub(super) fn same_server(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

/// Reads a configured address.
pub(super) fn address(text: &str) -> Result<Url, SignallingError> {
    let refuse = |cause: &str| SignallingError::Address {
        address: text.to_owned(),
        cause: cause.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(refuse("it must begin with http:// or https://")),
    }
}

/// Reads a body to its end, or to the limit.
pub(super) async fn body(mut response: Response) -> Result<Vec<u8>, SignallingError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        if body.len() + piece.len() > BODY_LIMIT {
            return Err(SignallingError::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The refusal that a response is.
pub(super) async fn refusal(response: Response) -> SignallingError {
    let status = response.status().as_u16();
    let text = match body(response).await {
        Ok(body) => excerpt(&body),
        Err(error) => error.to_string(),
    };
    SignallingError::Refused { status, text }
}

/// The beginning of what may be long and anything.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
    let readable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    readable.take(EXCERPT).collect::<String>().trim().to_owned()
}

/// The innermost cause, which is the one that says something.
pub(super) fn unreachable(error: reqwest::Error) -> SignallingError {
    if error.is_timeout() {
        return SignallingError::Unreachable("it took too long".to_owned());
    }
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    SignallingError::Unreachable(cause.to_string())
}

//! Request bodies: bounded in size and time, and JSON whatever their declared type.

use crate::refusal::Refusal;
use amora_contract::ErrorCode;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use serde_json::Value;
use std::time::Duration;

/// Longest body taken.
pub(crate) const LONGEST: usize = 64 * 1024;

/// Of a longer body so much is read and thrown away, so that the sender sees the answer instead of a broken connection.
const DISCARDED: usize = 16 * 1024 * 1024;

/// Time for a body to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body's JSON; null when there is none.
pub(crate) struct JsonBody(pub(crate) Value);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        // Who waits for a "100 Continue" has not begun to send: the answer can come first.
        let waits = request.headers().contains_key(header::EXPECT);
        let announced = request.headers().get(header::CONTENT_LENGTH);
        let announced = announced
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok())
            .unwrap_or(0);
        if waits && announced > LONGEST as u64 {
            return Err(too_large());
        }
        let bytes = tokio::time::timeout(PATIENCE, read(request.into_body()))
            .await
            .map_err(|_| {
                Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    ErrorCode::TimedOut,
                    "the request's body did not arrive in time",
                )
            })??;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(Value::Null));
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Refusal::malformed(format!("the body is not JSON: {error}")))
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::malformed("the request's body broke off"))?;
        length += chunk.len();
        if length <= LONGEST {
            bytes.extend_from_slice(&chunk);
        } else if length > DISCARDED {
            break;
        }
    }
    match length {
        0..=LONGEST => Ok(bytes),
        _ => Err(too_large()),
    }
}

fn too_large() -> Refusal {
    amora_contract::CommandError::new(
        ErrorCode::TooLarge,
        format!("the body is longer than {} KiB", LONGEST / 1024),
    )
    .into()
}

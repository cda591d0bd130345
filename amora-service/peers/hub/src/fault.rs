//! Answers to `/connect` that a device must survive.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// Between the bytes of [`Fault::SlowDrip`].
const DRIP: Duration = Duration::from_secs(1);
/// Bytes of [`Fault::Large`].
const LARGE: usize = 1 << 20;

/// What the hub does instead of answering a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 500, with an error in JSON.
    Error,
    /// 200, with a page.
    Html,
    /// 200, with SDP that breaks off.
    BrokenSdp,
    /// 200, with SDP that has no media at all.
    NoAudio,
    /// 200, with SDP that has a video line instead.
    VideoOnly,
    /// 200, with 1 MB for SDP.
    Large,
    /// 200, and a byte a second.
    SlowDrip,
    /// 307 to the same place: while it is the answer to every request, that is a loop.
    Redirect,
}

impl Fault {
    /// The answer, where `sdp` is the true one.
    pub(crate) fn response(self, sdp: &str) -> Response {
        let head = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
        match self {
            Self::Error => {
                let body = json!({ "error": "negotiation failed: on request" });
                (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
            }
            Self::Html => Html("<!doctype html><title>Sign in</title>").into_response(),
            Self::BrokenSdp => Json(json!({ "sdp": format!("{head}m=audio") })).into_response(),
            Self::NoAudio => Json(json!({ "sdp": head })).into_response(),
            Self::VideoOnly => {
                let video = sdp
                    .replace("m=audio", "m=video")
                    .replace("opus/48000/2", "VP8/90000");
                Json(json!({ "sdp": video })).into_response()
            }
            Self::Large => Json(json!({ "sdp": "x".repeat(LARGE) })).into_response(),
            Self::SlowDrip => drip(),
            Self::Redirect => {
                (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/connect")]).into_response()
            }
        }
    }
}

fn drip() -> Response {
    let bytes = stream::unfold(0, |sent: usize| async move {
        if sent > 0 {
            tokio::time::sleep(DRIP).await;
        }
        let byte = *br#"{"sdp": ""#.get(sent).unwrap_or(&b' ');
        Some((
            Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(&[byte])),
            sent + 1,
        ))
    });
    (
        [(header::CONTENT_TYPE, "application/json")],
        Body::from_stream(bytes),
    )
        .into_response()
}

//! What devices and tests ask over HTTP.

use crate::fault::Fault;
use crate::hub::Answer;
use crate::raw::RtpFields;
use crate::session::Session;
use crate::state::{Role, State};
use crate::whip;
use crate::{BURST, read_wav, write_wav};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bytes of the largest request: some minutes of sound.
const LARGEST: usize = 64 << 20;

/// Serves until it is told to stop, then hangs up.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    let router = Router::new()
        .route("/connect", post(connect))
        .route("/health", get(health))
        .route("/faults", put(set_faults))
        .route("/devices/{device}", get(describe).delete(hang_up))
        .route("/devices/{device}/packets", get(packets).post(send_packets))
        .route("/devices/{device}/datagrams", post(send_datagram))
        .route("/devices/{device}/heard", get(heard))
        .route("/devices/{device}/say", post(say))
        .merge(whip::routes())
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(state.clone());
    tokio::select! {
        // Not gracefully: a slow answer would keep it.
        _ = axum::serve(listener, router) => {}
        () = stop.cancelled() => {}
    }
    state.end_all().await;
}

#[derive(Deserialize)]
struct Connect {
    device_id: String,
    sdp: String,
}

async fn connect(Shared(state): Shared<Arc<State>>, Json(asked): Json<Connect>) -> Response {
    let fault = state.faults().pop_front();
    if let Some(fault) = fault
        && fault != Fault::VideoOnly
    {
        return fault.response("");
    }
    match state.open(&asked.device_id, Role::Call, asked.sdp).await {
        Ok((_, answer)) if fault.is_some() => {
            state.end(&asked.device_id).await;
            Fault::VideoOnly.response(&answer)
        }
        Ok((_, sdp)) => Json(json!({ "sdp": sdp })).into_response(),
        Err(error) => {
            let body = json!({ "error": format!("negotiation failed: {error}") });
            (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
        }
    }
}

async fn health(Shared(state): Shared<Arc<State>>) -> Response {
    let counters = &state.counters;
    Json(json!({
        "status": "ok",
        "uptime_secs": state.started.elapsed().as_secs(),
        "active_devices": state.devices().len(),
        "grpc_connected": state.options.answer != Answer::Nothing,
        "grpc_reconnects": 0,
        "frames_forwarded": counters.frames_forwarded(),
        "vad_onsets": counters.vad_onsets(),
        "vad_ends": counters.vad_ends(),
        "tts_frames_routed": counters.tts_frames_routed(),
        "tts_frames_dropped": counters.tts_frames_dropped(),
    }))
    .into_response()
}

async fn set_faults(Shared(state): Shared<Arc<State>>, Json(faults): Json<Vec<Fault>>) -> StatusCode {
    *state.faults() = faults.into();
    StatusCode::NO_CONTENT
}

/// What is answered to a request that cannot be met.
type Refusal = (StatusCode, String);

fn refuse(error: impl std::fmt::Display) -> Refusal {
    (StatusCode::BAD_REQUEST, error.to_string())
}

fn session(state: &State, device: &str) -> Result<Arc<Session>, Refusal> {
    known(device, state.session(device))
}

fn speaker(state: &State, device: &str) -> Result<Arc<Session>, Refusal> {
    known(device, state.speaker(device))
}

fn known(device: &str, session: Option<Arc<Session>>) -> Result<Arc<Session>, Refusal> {
    session.ok_or_else(|| (StatusCode::NOT_FOUND, format!("{device} is not connected")))
}

async fn describe(Shared(state): Shared<Arc<State>>, Path(device): Path<String>) -> Response {
    let connects = state.connects(&device);
    let body = match session(&state, &device) {
        Err(_) => json!({ "connects": connects, "state": "absent" }),
        Ok(session) => json!({
            "connects": connects,
            "state": session.state(),
            "payload_type": session.payload_type(),
            "packets": session.packets().len(),
            "skipped": session.skipped(),
            "samples": session.heard_samples(),
            "viewers": state.viewers(&device),
        }),
    };
    Json(body).into_response()
}

async fn hang_up(Shared(state): Shared<Arc<State>>, Path(device): Path<String>) -> StatusCode {
    state.end(&device).await;
    StatusCode::NO_CONTENT
}

async fn packets(Shared(state): Shared<Arc<State>>, Path(device): Path<String>) -> Result<Response, Refusal> {
    Ok(Json(session(&state, &device)?.packets()).into_response())
}

#[derive(Deserialize)]
struct Sent {
    payload_type: Option<u8>,
    sequence: u16,
    timestamp: u32,
    #[serde(default)]
    marker: bool,
    stream: Option<u32>,
    payload: String,
}

async fn send_packets(
    Shared(state): Shared<Arc<State>>,
    Path(device): Path<String>,
    Json(packets): Json<Vec<Sent>>,
) -> Result<StatusCode, Refusal> {
    let session = speaker(&state, &device)?;
    for packet in packets {
        let fields = RtpFields {
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            stream: packet.stream,
            payload: STANDARD.decode(&packet.payload).map_err(refuse)?.into(),
        };
        session.send_raw(fields).await.map_err(refuse)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn send_datagram(
    Shared(state): Shared<Arc<State>>,
    Path(device): Path<String>,
    content: Bytes,
) -> Result<StatusCode, Refusal> {
    let session = speaker(&state, &device)?;
    session.send_datagram(&content).await.map_err(refuse)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Length {
    seconds: Option<f64>,
}

async fn heard(
    Shared(state): Shared<Arc<State>>,
    Path(device): Path<String>,
    Query(length): Query<Length>,
) -> Result<Response, Refusal> {
    let samples = session(&state, &device)?.heard(length.seconds.unwrap_or(f64::INFINITY));
    Ok(([(header::CONTENT_TYPE, "audio/wav")], write_wav(&samples)).into_response())
}

#[derive(Deserialize)]
struct Pace {
    pace: Option<f64>,
}

async fn say(
    Shared(state): Shared<Arc<State>>,
    Path(device): Path<String>,
    Query(pace): Query<Pace>,
    sound: Bytes,
) -> Result<Response, Refusal> {
    let session = speaker(&state, &device)?;
    let samples = read_wav(&sound).map_err(refuse)?;
    let pace = match pace.pace {
        None => BURST,
        Some(seconds) => Duration::try_from_secs_f64(seconds).map_err(refuse)?,
    };
    let frames = session.say(&samples, pace).await.map_err(refuse)?;
    Ok(Json(json!({ "frames": frames })).into_response())
}

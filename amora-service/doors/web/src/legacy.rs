//! The original's HTTP API, on a port of its own: no login and open to pages of every origin, as it was. Only the
//! door's allow-list stands before it, so it is for closed networks.

use crate::api::JsonBody;
use crate::door::Door;
use crate::refusal::Refusal;
use crate::sockets;
use amora_contract::state::{PlaybackState, PlayerState};
use amora_contract::units::Timestamp;
use amora_contract::{CommandError, Reply};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// The original's addresses.
pub(crate) fn routes(door: &Arc<Door>) -> Router {
    let action = |name: &'static str, done: &'static str| {
        post(move |State(door): State<Arc<Door>>| async move { act(&door, name, Value::Null, done).await })
    };
    Router::new()
        .route("/api/status", get(show_status))
        .route("/api/playlists", get(playlists))
        .route("/api/play", action("player.play", "Playback started"))
        .route("/api/pause", action("player.pause", "Playback paused"))
        .route("/api/stop", action("player.stop", "Playback stopped"))
        .route("/api/next", action("player.next", "Skipped to next track"))
        .route(
            "/api/previous",
            action("player.previous", "Skipped to previous track"),
        )
        .route("/api/volume", post(volume))
        .route("/ws", get(sockets::legacy))
        .fallback(async || Failure(Refusal::not_found("Not Found")))
        .method_not_allowed_fallback(async || {
            let code = amora_contract::ErrorCode::Malformed;
            Failure(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                code,
                "Method Not Allowed",
            ))
        })
        .layer(from_fn(open_to_all))
        .with_state(door.clone())
}

/// An error as the original's clients read it.
struct Failure(Refusal);

impl<E: Into<Refusal>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0.status, Json(json!({"detail": self.0.error.message}))).into_response()
    }
}

async fn act(door: &Door, name: &str, params: Value, done: &str) -> Result<Json<Value>, Failure> {
    door.execute(name, params).await?;
    Ok(Json(json!({"success": true, "message": done})))
}

async fn volume(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Json<Value>, Failure> {
    use axum::extract::FromRequest;
    let JsonBody(body) = JsonBody::from_request(request, &()).await?;
    let Some(volume) = body.get("volume").and_then(Value::as_f64) else {
        return Err(CommandError::invalid("volume", "must be a number from 0 to 100").into());
    };
    let reply = door
        .execute("player.set_volume", json!({"volume": volume}))
        .await?;
    let set = match reply {
        Reply::Volume(reply) => reply.volume.get(),
        _ => volume as u8,
    };
    Ok(Json(
        json!({"success": true, "message": format!("Volume set to {set}")}),
    ))
}

async fn show_status(State(door): State<Arc<Door>>) -> Json<Value> {
    Json(status(&door.router().state(), Timestamp::now()))
}

async fn playlists(State(door): State<Arc<Door>>) -> Result<Json<Value>, Failure> {
    match door.execute("player.get_playlists", Value::Null).await? {
        Reply::Playlists(reply) => {
            let names: Vec<String> = reply
                .playlists
                .into_iter()
                .map(|playlist| playlist.name)
                .collect();
            Ok(Json(json!({"playlists": names})))
        }
        _ => Err(CommandError::new(amora_contract::ErrorCode::Failed, "the player sent no playlists").into()),
    }
}

/// The status object of the original.
pub(crate) fn status(state: &amora_contract::State, now: Timestamp) -> Value {
    let volume = state.audio.as_ref().map_or(0, |audio| audio.volume.get());
    let disconnected = PlayerState {
        state: PlaybackState::Disconnected,
        ..PlayerState::default()
    };
    let player = state.player.as_ref().unwrap_or(&disconnected);
    let song = player
        .song
        .as_ref()
        .filter(|_| player.state != PlaybackState::Stop);
    let song = song.map(|song| {
        json!({
            "title": song.title,
            "artist": song.artist,
            "album": song.album,
            "file": song.file,
            "duration": song.duration.0,
            "position": player.position_now(now),
        })
    });
    let mut status = json!({
        "state": player.state,
        "volume": volume,
        "current_song": song,
        "playlist": player.playlist,
        "repeat": player.repeat,
        "random": player.random,
    });
    if let Some(error) = &player.error {
        status["error"] = json!(error);
    }
    status
}

/// The original let pages of every origin in.
async fn open_to_all(request: Request, next: Next) -> Response {
    let mut response = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    const OPEN: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "*"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
    ];
    response
        .headers_mut()
        .extend(OPEN.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

#[cfg(test)]
mod tests;

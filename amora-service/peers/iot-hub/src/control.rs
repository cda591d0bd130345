//! The service side over plain HTTP, for people and for tests in other languages. Twins and methods look as in the
//! REST interface of the real hub; the rest is the stand-in's own.

use crate::device::{Authentication, TelemetryRule};
use crate::message::{CloudMessage, Message, SendError};
use crate::method::MethodError;
use crate::provisioning::{Enrolment, Registration};
use crate::service::{Hub, ServiceError};
use crate::stand_in::StandIn;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::timeout;

type StandInState = State<Arc<StandIn>>;
type Device = Path<(String, String)>;

/// The routes. Whoever reaches them may do everything: listen on the machine's own address only.
pub fn router(stand_in: Arc<StandIn>) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/hubs/{hub}/authorities", post(trust))
        .route("/hubs/{hub}/uploads", get(uploads))
        .route("/hubs/{hub}/devices/{device}", put(register).delete(remove))
        .route("/hubs/{hub}/devices/{device}/history", get(history))
        .route("/hubs/{hub}/devices/{device}/messages", get(received).post(send))
        .route("/hubs/{hub}/devices/{device}/rules", put(set_rules))
        .route("/hubs/{hub}/devices/{device}/disconnect", post(disconnect))
        .route(
            "/hubs/{hub}/twins/{device}",
            get(twin).patch(update_twin).put(replace_twin),
        )
        .route("/hubs/{hub}/twins/{device}/methods", post(invoke))
        .route("/enrolments/{name}", put(enrol).delete(unenrol))
        .route("/registrations", get(registrations))
        .route("/provisioning", put(set_provisioning))
        .route("/certificates/{name}", post(certificate))
        .route("/network", put(set_network))
        .with_state(stand_in)
}

struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        let status = match error {
            ServiceError::NotFound(_) => StatusCode::NOT_FOUND,
            ServiceError::DeviceId(_) | ServiceError::Twin(_) => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        let status = match error {
            SendError::NotFound => StatusCode::NOT_FOUND,
            SendError::Size => StatusCode::PAYLOAD_TOO_LARGE,
            SendError::Full => StatusCode::FORBIDDEN,
        };
        Self(status, error.to_string())
    }
}

impl From<MethodError> for Refusal {
    fn from(error: MethodError) -> Self {
        let status = match error {
            MethodError::NotFound | MethodError::NotOnline => StatusCode::NOT_FOUND,
            MethodError::Timeout => StatusCode::GATEWAY_TIMEOUT,
            MethodError::Size => StatusCode::PAYLOAD_TOO_LARGE,
            MethodError::BadReply => StatusCode::BAD_GATEWAY,
        };
        Self(status, error.to_string())
    }
}

fn hub(stand_in: &StandIn, name: &str) -> Result<Hub, Refusal> {
    stand_in
        .hub(name)
        .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("no hub is called {name:?}")))
}

async fn about(State(stand_in): StandInState) -> Json<Value> {
    Json(json!({
        "hubs": stand_in.hubs(),
        "scope": stand_in.scope(),
        "mqtt": stand_in.mqtt(),
        "https": stand_in.https(),
        "authority": stand_in.authority().pem(),
    }))
}

async fn trust(
    State(stand_in): StandInState,
    Path(name): Path<String>,
    authority: String,
) -> Result<(), Refusal> {
    hub(&stand_in, &name)?.trust(&authority);
    Ok(())
}

async fn uploads(State(stand_in): StandInState, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let upload = |upload: crate::Upload| {
        json!({
            "device": upload.device,
            "blob": upload.blob,
            "success": upload.success,
            "description": upload.description,
            "content": upload.content.map(|content| STANDARD.encode(content)),
        })
    };
    Ok(Json(
        hub(&stand_in, &name)?.uploads().into_iter().map(upload).collect(),
    ))
}

/// Without a body the device gets a fresh key; the answer is its connection string.
async fn register(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    body: Option<Json<Authentication>>,
) -> Result<Json<Value>, Refusal> {
    let hub = hub(&stand_in, &name)?;
    let Some(Json(authentication)) = body else {
        return Ok(Json(
            json!({ "connectionString": hub.register_with_key(&device)? }),
        ));
    };
    hub.register(&device, authentication)?;
    Ok(Json(json!({})))
}

async fn remove(State(stand_in): StandInState, Path((name, device)): Device) -> Result<(), Refusal> {
    Ok(hub(&stand_in, &name)?.remove(&device)?)
}

async fn history(
    State(stand_in): StandInState,
    Path((name, device)): Device,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!(hub(&stand_in, &name)?.history(&device))))
}

#[derive(Deserialize)]
struct Waiting {
    /// Only messages with a higher sequence number count and are shown.
    #[serde(default)]
    after: u64,
    /// Wait until there are so many …
    #[serde(default)]
    count: usize,
    /// … but no longer than this.
    #[serde(default)]
    seconds: f64,
}

/// A message as the interface shows it. The body is text if it is UTF-8, and Base64 in any case.
#[derive(Serialize)]
struct Shown {
    sequence: u64,
    enqueued: f64,
    text: Option<String>,
    base64: String,
    system: BTreeMap<String, Option<String>>,
    properties: BTreeMap<String, Option<String>>,
}

impl From<Message> for Shown {
    fn from(message: Message) -> Self {
        Self {
            sequence: message.sequence,
            enqueued: message
                .enqueued
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64(),
            text: std::str::from_utf8(&message.body).ok().map(str::to_owned),
            base64: STANDARD.encode(&message.body),
            system: message.system.into_iter().collect(),
            properties: message.properties.into_iter().collect(),
        }
    }
}

async fn received(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    Query(waiting): Query<Waiting>,
) -> Result<Json<Vec<Shown>>, Refusal> {
    let hub = hub(&stand_in, &name)?;
    let patience = Duration::try_from_secs_f64(waiting.seconds).unwrap_or_default();
    let arrived = hub.received_after(&device, waiting.after, waiting.count);
    let _ = timeout(patience, arrived).await;
    let messages = hub.messages_after(&device, waiting.after);
    Ok(Json(messages.into_iter().map(Shown::from).collect()))
}

#[derive(Deserialize)]
struct ToSend {
    #[serde(default)]
    text: String,
    #[serde(default)]
    properties: BTreeMap<String, Option<String>>,
}

async fn send(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    Json(message): Json<ToSend>,
) -> Result<(), Refusal> {
    let properties = message.properties.into_iter().collect();
    let message = CloudMessage {
        body: message.text.into_bytes(),
        properties,
        expiry: None,
    };
    Ok(hub(&stand_in, &name)?.send(&device, message)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    telemetry: Option<TelemetryRule>,
    enabled: Option<bool>,
    #[serde(default)]
    fail_twin: Vec<u16>,
    ignore_twin: Option<u32>,
}

async fn set_rules(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    Json(rules): Json<Rules>,
) -> Result<(), Refusal> {
    let hub = hub(&stand_in, &name)?;
    if let Some(rule) = rules.telemetry {
        hub.set_telemetry_rule(&device, rule)?;
    }
    if let Some(enabled) = rules.enabled {
        hub.set_enabled(&device, enabled)?;
    }
    if let Some(requests) = rules.ignore_twin {
        hub.ignore_twin(&device, requests)?;
    }
    Ok(hub.fail_twin(&device, &rules.fail_twin)?)
}

async fn disconnect(State(stand_in): StandInState, Path((name, device)): Device) -> Result<(), Refusal> {
    Ok(hub(&stand_in, &name)?.disconnect(&device)?)
}

#[derive(Deserialize)]
struct Reported {
    /// Wait until the reported properties have this version or a later one …
    #[serde(default)]
    reported: u64,
    /// … but no longer than this.
    #[serde(default)]
    seconds: f64,
}

async fn twin(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    Query(waiting): Query<Reported>,
) -> Result<Json<Value>, Refusal> {
    let hub = hub(&stand_in, &name)?;
    let patience = Duration::try_from_secs_f64(waiting.seconds).unwrap_or_default();
    let new_enough = |reported: &Value| reported["$version"].as_u64() >= Some(waiting.reported);
    let _ = timeout(patience, hub.reported(&device, new_enough)).await;
    Ok(Json(hub.twin_document(&device)?))
}

#[derive(Deserialize)]
struct TwinChange {
    #[serde(default)]
    properties: Map<String, Value>,
    tags: Option<Value>,
}

async fn update_twin(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    Json(change): Json<TwinChange>,
) -> Result<Json<Value>, Refusal> {
    let hub = hub(&stand_in, &name)?;
    if let Some(tags) = &change.tags {
        hub.update_tags(&device, tags)?;
    }
    if let Some(desired) = change.properties.get("desired") {
        hub.update_desired(&device, desired)?;
    }
    Ok(Json(hub.twin_document(&device)?))
}

async fn replace_twin(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    Json(change): Json<TwinChange>,
) -> Result<Json<Value>, Refusal> {
    let hub = hub(&stand_in, &name)?;
    if let Some(desired) = change.properties.get("desired") {
        hub.replace_desired(&device, desired)?;
    }
    Ok(Json(hub.twin_document(&device)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    method_name: String,
    #[serde(default)]
    payload: Value,
    #[serde(default = "half_a_minute")]
    response_timeout_in_seconds: u64,
    #[serde(default)]
    connect_timeout_in_seconds: u64,
}

fn half_a_minute() -> u64 {
    30
}

async fn invoke(
    State(stand_in): StandInState,
    Path((name, device)): Device,
    Json(call): Json<Invocation>,
) -> Result<Json<Value>, Refusal> {
    let response = Duration::from_secs(call.response_timeout_in_seconds);
    let connect = Duration::from_secs(call.connect_timeout_in_seconds);
    let hub = hub(&stand_in, &name)?;
    let reply = hub
        .invoke(&device, &call.method_name, &call.payload, response, connect)
        .await?;
    Ok(Json(json!(reply)))
}

async fn enrol(State(stand_in): StandInState, Path(name): Path<String>, Json(enrolment): Json<Enrolment>) {
    stand_in.enrol(&name, enrolment);
}

async fn unenrol(State(stand_in): StandInState, Path(name): Path<String>) {
    stand_in.unenrol(&name);
}

async fn registrations(State(stand_in): StandInState) -> Json<Vec<Registration>> {
    Json(stand_in.registrations())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pace {
    polls: Option<u32>,
    retry_after: Option<u32>,
    #[serde(default)]
    fail: Vec<u16>,
}

async fn set_provisioning(State(stand_in): StandInState, Json(pace): Json<Pace>) {
    stand_in.fail_provisioning(&pace.fail);
    if let (Some(polls), Some(retry_after)) = (pace.polls, pace.retry_after) {
        stand_in.set_provisioning_pace(polls, retry_after);
    }
}

/// A certificate for a device, by the stand-in's own authority.
async fn certificate(
    State(stand_in): StandInState,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let refused = |error: rcgen::Error| Refusal(StatusCode::BAD_REQUEST, error.to_string());
    let identity = stand_in.authority().device(&name).map_err(refused)?;
    let thumbprint = identity.thumbprint();
    Ok(Json(
        json!({ "certificate": identity.certificate, "key": identity.key, "thumbprint": thumbprint }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkChange {
    reachable: Option<bool>,
    silent: Option<bool>,
    delay_ms: Option<u64>,
    clock_ahead_seconds: Option<u64>,
    #[serde(default)]
    cut: bool,
}

async fn set_network(State(stand_in): StandInState, Json(change): Json<NetworkChange>) {
    if change.cut {
        stand_in.cut();
    }
    if let Some(reachable) = change.reachable {
        stand_in.set_reachable(reachable);
    }
    if let Some(silent) = change.silent {
        stand_in.set_silent(silent);
    }
    if let Some(delay) = change.delay_ms {
        stand_in.set_delay(Duration::from_millis(delay));
    }
    if let Some(ahead) = change.clock_ahead_seconds {
        stand_in.set_clock_ahead(Duration::from_secs(ahead));
    }
}

//! The HTTP API.

mod body;
mod cover;
mod openapi;
mod session;
mod update;

pub(crate) use body::JsonBody;
pub(crate) use cover::cover;
pub(crate) use openapi::{asyncapi, openapi};
pub(crate) use session::{begin as begin_session, end as end_session, show as show_session};
pub(crate) use update::update;

use crate::access::{Commander, Reader};
use crate::door::Door;
use crate::metrics;
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::sync::Arc;

/// Carries out one command.
pub(crate) async fn command(
    State(door): State<Arc<Door>>,
    _: Commander,
    name: Result<Path<String>, PathRejection>,
    JsonBody(params): JsonBody,
) -> Result<Json<Value>, Refusal> {
    let Path(name) = name.map_err(|_| Refusal::malformed("the command's name is not text"))?;
    let reply = door.execute(&name, params).await?;
    Ok(Json(json!({"result": true, "data": reply.to_json()})))
}

/// The whole state.
pub(crate) async fn state(State(door): State<Arc<Door>>, _: Reader) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], door.snapshot().whole())
}

/// Everything measured, for Prometheus.
pub(crate) async fn metrics(State(door): State<Arc<Door>>, _: Reader) -> impl IntoResponse {
    let text = metrics::render(&door.router().state(), &door.counters);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

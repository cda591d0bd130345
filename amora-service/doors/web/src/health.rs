//! `/health`: for load balancers, monitors and people.

use crate::door::Door;
use amora_contract::state::Condition;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// 200 when every part works, otherwise 503; each part with what is wrong and what to do about it.
pub(crate) async fn health(State(door): State<Arc<Door>>) -> (StatusCode, Json<Value>) {
    let state = door.router().state();
    let condition = state.system.condition();
    let status = match condition {
        Condition::Ok => StatusCode::OK,
        Condition::Starting | Condition::Degraded | Condition::Failed => StatusCode::SERVICE_UNAVAILABLE,
    };
    (
        status,
        Json(json!({"status": condition, "parts": state.system.health})),
    )
}

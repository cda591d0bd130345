//! `/api/session`: logging in and out.

use super::JsonBody;
use crate::access::{COOKIE, Caller, Commander, LIFETIME_SECONDS, Token};
use crate::connections::Peer;
use crate::door::Door;
use crate::refusal::Refusal;
use amora_contract::{CommandError, ErrorCode};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Who asks, and what may be read without logging in. A browser's cookie is given its full lifetime again.
pub(crate) async fn show(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let token = match &caller {
        Caller::Session(token) => Some(token),
        _ => None,
    };
    let body = json!({
        "authenticated": caller.is_known(),
        "open_status": door.access.open_status(),
        "name": door.name(),
        "csrf": token.map(Token::csrf),
    });
    let renewed = token.map(|token| [(SET_COOKIE, cookie(&token.to_text(), LIFETIME_SECONDS, &headers))]);
    (renewed, Json(body)).into_response()
}

/// Logs in. A session that the browser had before is ended.
pub(crate) async fn begin(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Refusal> {
    let Some(code) = body.get("code").and_then(Value::as_str) else {
        return Err(CommandError::invalid("code", "must be the login code of the box, as text").into());
    };
    let address = match peer {
        Peer::Network(address) => address,
        Peer::Local => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    door.check_code(address, code)?;
    let token = door.access.log_in().await.ok_or_else(|| {
        CommandError::new(ErrorCode::Failed, "the system gave no random numbers; try again")
    })?;
    if let Caller::Session(former) = caller {
        door.access.log_out(&former).await;
    }
    let cookie = cookie(&token.to_text(), LIFETIME_SECONDS, &headers);
    Ok(([(SET_COOKIE, cookie)], Json(json!({"csrf": token.csrf()}))).into_response())
}

/// Logs out.
pub(crate) async fn end(
    State(door): State<Arc<Door>>,
    Commander(caller): Commander,
    headers: HeaderMap,
) -> impl IntoResponse {
    if let Caller::Session(token) = caller {
        door.access.log_out(&token).await;
    }
    (
        StatusCode::OK,
        [(SET_COOKIE, cookie("", 0, &headers))],
        Json(json!({"result": true, "data": {}})),
    )
}

/// Out of scripts' reach, never sent along by foreign pages, and only over TLS where a proxy in front speaks it.
fn cookie(value: &str, seconds: u64, headers: &HeaderMap) -> String {
    let secure = headers
        .get("x-forwarded-proto")
        .is_some_and(|scheme| scheme == "https");
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

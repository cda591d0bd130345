//! The contract for programs, as the types give it.

use amora_contract::publish;
use axum::http::HeaderMap;
use axum::response::Response;
use std::sync::LazyLock;

static OPENAPI: LazyLock<String> = LazyLock::new(|| publish::openapi().to_string());
static ASYNCAPI: LazyLock<String> = LazyLock::new(|| publish::asyncapi().to_string());

/// `/api/openapi.json`: the HTTP API.
pub(crate) async fn openapi(headers: HeaderMap) -> Response {
    crate::pages::document("application/json", OPENAPI.as_bytes(), &headers)
}

/// `/api/asyncapi.json`: the messages on the WebSocket and over MQTT.
pub(crate) async fn asyncapi(headers: HeaderMap) -> Response {
    crate::pages::document("application/json", ASYNCAPI.as_bytes(), &headers)
}

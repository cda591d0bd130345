//! Which address leads where.

use crate::access::guard;
use crate::door::Door;
use crate::refusal::Refusal;
use crate::{api, health, pages, sockets};
use amora_contract::ErrorCode;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use std::sync::Arc;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// Smaller answers do not gain from compression, and those that hold secrets are smaller.
const WORTH_COMPRESSING: u64 = 1024;

/// Everything that the door offers, on the network and on the Unix socket alike.
pub(crate) fn routes(door: &Arc<Door>) -> Router {
    let compression = CompressionLayer::new()
        .compress_when(SizeAbove::new(WORTH_COMPRESSING).and(NotForContentType::const_new("image/")));
    Router::new()
        .route("/api/commands/{name}", post(api::command))
        .route("/api/update", post(api::update))
        .route("/api/state", get(api::state))
        .route("/api/cover", get(api::cover))
        .route(
            "/api/session",
            get(api::show_session)
                .post(api::begin_session)
                .delete(api::end_session),
        )
        .route("/api/socket", get(sockets::control))
        .route("/api/listen", get(sockets::listen))
        .route("/api/hear", get(sockets::hear))
        .route("/api/talk", get(sockets::talk))
        .route("/api/openapi.json", get(api::openapi))
        .route("/api/asyncapi.json", get(api::asyncapi))
        .route("/api/docs", get(pages::documentation))
        .route("/api/docs/", get(pages::to_documentation))
        .route("/api/docs/{file}", get(pages::documentation))
        .route("/health", get(health::health))
        .route("/metrics", get(api::metrics))
        .fallback(pages::page)
        .method_not_allowed_fallback(wrong_method)
        .layer(compression)
        .layer(from_fn_with_state(door.clone(), guard))
        .with_state(door.clone())
}

async fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::Malformed,
        "this address knows other methods than the one used: commands are sent with POST",
    )
}

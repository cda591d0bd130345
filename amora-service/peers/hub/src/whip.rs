//! WHIP (RFC 9725) and WHEP: an offer is posted, the answer says where its session is, and `DELETE` ends that.
//!
//! No session is looked for another path: `PATCH` is refused with 405.

use crate::negotiation::NegotiationError;
use crate::state::{Role, State};
use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use std::sync::Arc;

const SDP: &str = "application/sdp";

/// So that pages of other places may call.
const CROSS_ORIGIN: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "POST, DELETE, OPTIONS"),
    ("access-control-allow-headers", "Authorization, Content-Type"),
    ("access-control-expose-headers", "Location, Link"),
];

/// Why a request is not met.
enum Refusal {
    Token,
    Kind,
    Session,
    Offer(NegotiationError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Token => {
                let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
                (
                    StatusCode::UNAUTHORIZED,
                    challenge,
                    "the token is missing or wrong",
                )
                    .into_response()
            }
            Self::Kind => (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("an offer is {SDP}")).into_response(),
            Self::Session => (StatusCode::NOT_FOUND, "there is no such session").into_response(),
            Self::Offer(error) => {
                let is_the_offers = matches!(
                    error,
                    NegotiationError::NoAudio | NegotiationError::NoOpus | NegotiationError::WebRtc(_)
                );
                let status = match is_the_offers {
                    true => StatusCode::BAD_REQUEST,
                    false => StatusCode::INTERNAL_SERVER_ERROR,
                };
                (status, error.to_string()).into_response()
            }
        }
    }
}

/// The endpoints, and the sessions that they make.
pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/whip/{device}", post(publish).options(about))
        .route("/whep/{device}", post(watch).options(about))
        .route("/whep/{device}/speech", post(play).options(about))
        .route("/sessions/{id}", delete(end).options(preflight))
        .layer(map_response(allow_pages))
}

async fn allow_pages(mut response: Response) -> Response {
    for (name, value) in CROSS_ORIGIN {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn publish(
    Shared(state): Shared<Arc<State>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    offer: String,
) -> Result<Response, Refusal> {
    open(&state, &device, Role::Microphone, &headers, offer).await
}

async fn watch(
    Shared(state): Shared<Arc<State>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    offer: String,
) -> Result<Response, Refusal> {
    open(&state, &device, Role::Viewer, &headers, offer).await
}

async fn play(
    Shared(state): Shared<Arc<State>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    offer: String,
) -> Result<Response, Refusal> {
    open(&state, &device, Role::Speech, &headers, offer).await
}

async fn open(
    state: &Arc<State>,
    device: &str,
    role: Role,
    headers: &HeaderMap,
    offer: String,
) -> Result<Response, Refusal> {
    admit(state, headers)?;
    let kind = headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind.as_bytes() != SDP.as_bytes()) {
        return Err(Refusal::Kind);
    }
    let opened = state.open(device, role, offer).await;
    let (id, answer) = opened.map_err(Refusal::Offer)?;
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::LOCATION, format!("/sessions/{id}")),
    ];
    Ok(linked(state, (StatusCode::CREATED, headers, answer)))
}

async fn end(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    admit(&state, &headers)?;
    match state.end_session(&id).await {
        true => Ok(StatusCode::OK),
        false => Err(Refusal::Session),
    }
}

/// What the endpoint takes, and the servers to find a way by. A preflight carries no token, so none is asked for.
async fn about(Shared(state): Shared<Arc<State>>) -> Response {
    linked(&state, (StatusCode::NO_CONTENT, [("accept-post", SDP)]))
}

async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn linked(state: &State, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    for link in &state.options.links {
        if let Ok(value) = link.parse() {
            response.headers_mut().append(header::LINK, value);
        }
    }
    response
}

fn admit(state: &State, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(token) = &state.options.token else {
        return Ok(());
    };
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '));
    match given {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case("bearer") && given == token => Ok(()),
        _ => Err(Refusal::Token),
    }
}

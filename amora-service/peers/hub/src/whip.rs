//! WHIP (RFC 9725) and WHEP: an offer is posted, the answer says where its session is, `PATCH` has that look for another
//! path, and `DELETE` ends it. An offer brings all its candidates: more of them later are refused.

use crate::fragment::{Fragment, FragmentError};
use crate::negotiation::NegotiationError;
use crate::session::Moved;
use crate::state::{Role, State};
use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use std::sync::Arc;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// So that pages of other places may call.
const CROSS_ORIGIN: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "POST, PATCH, DELETE, OPTIONS"),
    (
        "access-control-allow-headers",
        "Authorization, Content-Type, If-Match",
    ),
    ("access-control-expose-headers", "ETag, Location, Link"),
];

/// Why a request is not met.
enum Refusal {
    Token,
    /// The body is of another kind than this.
    Kind(&'static str),
    Session,
    Offer(NegotiationError),
    /// Nothing says which ICE session is meant.
    NoMatch,
    /// The ICE session that is meant is over.
    Match,
    Fragment(FragmentError),
    /// More candidates.
    Trickle,
    Path(NegotiationError),
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
            Self::Kind(kind) => {
                let text = format!("the body must be {kind}");
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response()
            }
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
            Self::NoMatch => (StatusCode::PRECONDITION_REQUIRED, "If-Match is missing").into_response(),
            Self::Match => (StatusCode::PRECONDITION_FAILED, "that ICE session is over").into_response(),
            Self::Fragment(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
            Self::Trickle => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "candidates come with the offer, or with another path",
            )
                .into_response(),
            Self::Path(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

/// The endpoints, and the sessions that they make.
pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/whip/{device}", post(publish).options(about))
        .route("/whep/{device}", post(watch).options(about))
        .route("/whep/{device}/speech", post(play).options(about))
        .route(
            "/sessions/{id}",
            patch(look_for_path).delete(end).options(preflight),
        )
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
    must_be(SDP, headers)?;
    let opened = state.open(device, role, offer).await;
    let (id, answer) = opened.map_err(Refusal::Offer)?;
    let session = state.by_identifier(&id).ok_or(Refusal::Session)?;
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::ETAG, tag(&session.ice_session().await)),
        (header::LOCATION, format!("/sessions/{id}")),
    ];
    Ok(linked(state, (StatusCode::CREATED, headers, answer)))
}

async fn look_for_path(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    fragment: String,
) -> Result<Response, Refusal> {
    admit(&state, &headers)?;
    let session = state.by_identifier(&id).ok_or(Refusal::Session)?;
    must_be(FRAGMENT, &headers)?;
    let wanted = headers.get(header::IF_MATCH).ok_or(Refusal::NoMatch)?;
    if !matches(wanted, &tag(&session.ice_session().await)) {
        return Err(Refusal::Match);
    }
    let path = Fragment::read(&fragment).map_err(Refusal::Fragment)?;
    match session.move_to(&path).await.map_err(Refusal::Path)? {
        Moved::To(path, ice_session) => {
            let headers = [
                (header::CONTENT_TYPE, FRAGMENT.to_owned()),
                (header::ETAG, tag(&ice_session)),
            ];
            Ok((StatusCode::OK, headers, path).into_response())
        }
        Moved::Same => Err(Refusal::Trickle),
    }
}

/// The entity tag of an ICE session.
fn tag(ice_session: &str) -> String {
    format!("\"{ice_session}\"")
}

/// Whether an `If-Match` names this tag. The standard's own example has the star in quotes.
fn matches(wanted: &HeaderValue, tag: &str) -> bool {
    let wanted = wanted.to_str().unwrap_or_default();
    let mut wanted = wanted.split(',').map(str::trim);
    wanted.any(|wanted| [tag, "*", "\"*\""].contains(&wanted))
}

fn must_be(kind: &'static str, headers: &HeaderMap) -> Result<(), Refusal> {
    let found = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    match found == Some(kind.as_bytes()) {
        true => Ok(()),
        false => Err(Refusal::Kind(kind)),
    }
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

async fn preflight() -> impl IntoResponse {
    (StatusCode::NO_CONTENT, [("accept-patch", FRAGMENT)])
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

//! Stands before every route: knows the caller, turns away foreign pages, and puts the security headers on.

use super::origin::Origin;
use super::{COOKIE, CSRF_HEADER, Token};
use crate::connections::Peer;
use crate::door::Door;
use crate::refusal::Refusal;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Only what comes from the box itself runs, shows or connects; covers and recorded sound may be blobs made by the page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; \
    manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Someone who has not logged in.
    Nobody,
    /// A program on the box itself, through the Unix socket.
    Local,
    /// A script that sends the login code along.
    Code,
    /// A browser that logged in.
    Session(Token),
}

impl Caller {
    /// Whether the caller may do everything that this door permits.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(self, Self::Nobody)
    }
}

/// The middleware.
pub(crate) async fn guard(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    let judged = match parts.extensions.get::<Peer>() {
        Some(Peer::Network(address)) => {
            let address = *address;
            admit(&door, &parts, address).await
        }
        Some(Peer::Local) => Ok((Caller::Local, Origin::Own)),
        // Without a peer there is nobody to trust.
        None => Err(Refusal::forbidden("where this request came from is unknown")),
    };
    let (mut response, verdict) = match judged {
        Ok((_, verdict)) if parts.method == Method::OPTIONS => (preflight(), verdict),
        Ok((caller, verdict)) => {
            parts.extensions.insert(caller);
            (next.run(Request::from_parts(parts, body)).await, verdict)
        }
        Err(refusal) => (refusal.into_response(), Origin::Foreign),
    };
    secure(
        response.headers_mut(),
        origin.filter(|_| verdict == Origin::Allowed),
    );
    door.counters.count_request(response.status());
    response
}

/// Finds out who asks, and whether from a page that may.
async fn admit(door: &Door, parts: &Parts, address: IpAddr) -> Result<(Caller, Origin), Refusal> {
    let headers = &parts.headers;
    let host = parts.uri.authority().map(|authority| authority.as_str());
    let host = host
        .or_else(|| headers.get(header::HOST)?.to_str().ok())
        .unwrap_or_default();
    if !door.access.origins.knows_host(host) {
        return Err(Refusal::forbidden(
            "this box does not answer to the host name asked for: use its address or its `.local` name, or add the \
             origin to `web.allowed_origins`",
        ));
    }
    // An origin that is not text is none that could be allowed.
    let origin = headers
        .get(header::ORIGIN)
        .map(|origin| origin.to_str().unwrap_or("null"));
    let verdict = door.access.origins.judge(origin, host);
    if verdict == Origin::Foreign {
        return Err(Refusal::forbidden(
            "pages of other origins may not talk to this box: add theirs to `web.allowed_origins`",
        ));
    }
    Ok((identify(door, headers, address).await?, verdict))
}

async fn identify(door: &Door, headers: &HeaderMap, address: IpAddr) -> Result<Caller, Refusal> {
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let code = authorization.to_str().ok().and_then(|text| text.split_once(' '));
        let Some((_, code)) = code.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(Refusal::login_required(
                "`Authorization` must be `Bearer` and the login code",
            ));
        };
        door.check_code(address, code)?;
        return Ok(Caller::Code);
    }
    let Some(token) = session_cookie(headers) else {
        return Ok(Caller::Nobody);
    };
    Ok(match door.access.touch(&token).await {
        true => Caller::Session(token),
        false => Caller::Nobody,
    })
}

/// The token in the request's cookies.
fn session_cookie(headers: &HeaderMap) -> Option<Token> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| Token::parse(value))
}

fn preflight() -> Response {
    const ALLOWED: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, x-amora-csrf",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, ALLOWED).into_response()
}

fn secure(headers: &mut HeaderMap, allowed_origin: Option<HeaderValue>) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(self)",
    );
    set(header::CACHE_CONTROL, "no-store");
    match allowed_origin {
        Some(origin) => {
            set(
                HeaderName::from_static("cross-origin-resource-policy"),
                "cross-origin",
            );
            set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
            set(header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after");
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        None => set(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    }
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// A caller who may read the state: everybody, if the configuration says so.
pub(crate) struct Reader(pub(crate) Caller);

impl FromRequestParts<Arc<Door>> for Reader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refusal> {
        let caller = caller(parts);
        match caller.is_known() || door.access.open_status() {
            true => Ok(Self(caller)),
            false => Err(not_logged_in()),
        }
    }
}

/// A caller who may do everything that this door permits.
pub(crate) struct Commander(pub(crate) Caller);

impl FromRequestParts<Arc<Door>> for Commander {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Door>) -> Result<Self, Refusal> {
        let caller = caller(parts);
        match &caller {
            Caller::Nobody => return Err(not_logged_in()),
            Caller::Session(token) if !parts.method.is_safe() => {
                let sent = parts
                    .headers
                    .get(CSRF_HEADER)
                    .map(HeaderValue::as_bytes)
                    .unwrap_or_default();
                if verify_slices_are_equal(sent, token.csrf().as_bytes()).is_err() {
                    return Err(Refusal::forbidden(
                        "the header `X-Amora-CSRF` must hold the `csrf` that `/api/session` gave",
                    ));
                }
            }
            _ => {}
        }
        Ok(Self(caller))
    }
}

fn caller(parts: &Parts) -> Caller {
    parts
        .extensions
        .get::<Caller>()
        .cloned()
        .unwrap_or(Caller::Nobody)
}

fn not_logged_in() -> Refusal {
    Refusal::login_required(
        "log in first: `POST /api/session` with the code from the box, or send it as `Authorization: Bearer`",
    )
}

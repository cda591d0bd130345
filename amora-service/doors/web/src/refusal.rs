//! How the door says no: a status, and a body that programs and people can read.

use amora_contract::{CommandError, ErrorCode};
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// A request that is not carried out.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: CommandError,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            error: CommandError::new(code, message),
            retry_after: None,
        }
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        CommandError::new(ErrorCode::Malformed, message).into()
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        CommandError::new(ErrorCode::NotAllowed, message).into()
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        CommandError::new(ErrorCode::NotFound, message).into()
    }

    pub(crate) fn login_required(message: impl Into<String>) -> Self {
        CommandError::new(ErrorCode::LoginRequired, message).into()
    }

    pub(crate) fn too_many(message: impl Into<String>, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..CommandError::new(ErrorCode::Busy, message).into()
        }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        let retry_after = (error.code == ErrorCode::Busy).then_some(Duration::from_secs(1));
        Self {
            status: status(error.code),
            error,
            retry_after,
        }
    }
}

/// The status that stands for an error.
pub(crate) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Malformed | ErrorCode::InvalidParameter => StatusCode::BAD_REQUEST,
        ErrorCode::LoginRequired => StatusCode::UNAUTHORIZED,
        ErrorCode::NotAllowed => StatusCode::FORBIDDEN,
        ErrorCode::UnknownCommand | ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::Busy => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::Unavailable | ErrorCode::NotConfigured => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::TimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({"result": false, "error": self.error}));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(wait.as_millis().div_ceil(1000) as u64),
            );
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

//! File upload: a device asks where to, puts a blob there, and says that it has.

use crate::certificate::ClientCertificate;
use crate::registry::{Registry, error_body};
use crate::server::Shared;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The largest blob that is kept.
pub(crate) const BLOB_BYTES: usize = 32 * 1024 * 1024;
/// A device may have so many uploads at a time.
const UPLOADS: usize = 10;
const CONTAINER: &str = "uploads";
/// Path and token of a container that takes blobs of any name, as Device Update's log collection uses one: behind the
/// address of the HTTPS port.
pub const LOG_CONTAINER: &str = "logs?sv=2018-03-28&sr=c&sp=cw&sig=logs";

/// A finished upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The device that uploaded.
    pub device: String,
    /// The blob's name in the container: the device id, a slash, and the name the device gave it.
    pub blob: String,
    /// What was put there; `None` if nothing was.
    pub content: Option<Bytes>,
    /// Whether the device says that it worked.
    pub success: bool,
    /// The device's own words about it.
    pub description: String,
}

#[derive(Default)]
pub(crate) struct Uploads {
    pub(crate) done: Vec<Upload>,
    under_way: HashMap<String, UnderWay>,
    next: u64,
}

struct UnderWay {
    device: String,
    blob: String,
    content: Option<Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Beginning {
    blob_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ending {
    correlation_id: String,
    is_success: bool,
    #[serde(default)]
    status_description: String,
}

/// Answers with where to put the blob.
pub(crate) async fn begin(
    State(shared): State<Arc<Shared>>,
    Extension(certificate): Extension<Option<ClientCertificate>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    with_device(&shared, &headers, &device, certificate.as_ref(), |hub| {
        let Ok(Beginning { blob_name }) = serde_json::from_slice(&body) else {
            return refusal(StatusCode::BAD_REQUEST, "the body has no blobName");
        };
        if blob_name.is_empty() || blob_name.len() > 1024 {
            return refusal(StatusCode::BAD_REQUEST, "a blob's name has 1 to 1024 characters");
        }
        if hub
            .uploads
            .under_way
            .values()
            .filter(|upload| upload.device == device)
            .count()
            >= UPLOADS
        {
            return refusal(StatusCode::TOO_MANY_REQUESTS, "ten uploads are under way");
        }
        hub.uploads.next += 1;
        let correlation = format!("{:032x}", hub.uploads.next);
        let blob = format!("{device}/{blob_name}");
        hub.uploads.under_way.insert(
            correlation.clone(),
            UnderWay {
                device: device.clone(),
                blob: blob.clone(),
                content: None,
            },
        );
        let answer = json!({
            "correlationId": correlation,
            "hostName": host(&headers),
            "containerName": CONTAINER,
            "blobName": blob,
            "sasToken": format!("?sv=2018-03-28&sr=b&sp=rw&sig={correlation}"),
        });
        Json(answer).into_response()
    })
}

/// Stores a blob. The token in the query says which upload it is of.
pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    Path((container, blob)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = crate::topic::properties(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let signature = query
        .into_iter()
        .find(|(name, _)| name == "sig")
        .and_then(|(_, value)| value);
    if headers
        .get("x-ms-blob-type")
        .is_none_or(|kind| kind != "BlockBlob")
    {
        return refusal(StatusCode::BAD_REQUEST, "x-ms-blob-type must be BlockBlob");
    }
    shared.with(|cloud| {
        if container == "logs" && signature.as_deref() == Some("logs") {
            cloud.logs.push((blob, body));
            return StatusCode::CREATED.into_response();
        }
        let mut hubs = cloud.hubs.values_mut();
        let found = hubs.find_map(|hub| hub.uploads.under_way.get_mut(signature.as_deref()?));
        match found.filter(|upload| container == CONTAINER && upload.blob == blob) {
            Some(upload) => {
                upload.content = Some(body);
                StatusCode::CREATED.into_response()
            }
            None => refusal(StatusCode::FORBIDDEN, "the token is not for this blob"),
        }
    })
}

/// Takes the device's word that the upload is over.
pub(crate) async fn end(
    State(shared): State<Arc<Shared>>,
    Extension(certificate): Extension<Option<ClientCertificate>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    with_device(&shared, &headers, &device, certificate.as_ref(), |hub| {
        let Ok(ending) = serde_json::from_slice::<Ending>(&body) else {
            return refusal(
                StatusCode::BAD_REQUEST,
                "the body has no correlationId or isSuccess",
            );
        };
        let owned = hub
            .uploads
            .under_way
            .get(&ending.correlation_id)
            .is_some_and(|upload| upload.device == device);
        let Some(upload) = hub
            .uploads
            .under_way
            .remove(&ending.correlation_id)
            .filter(|_| owned)
        else {
            return refusal(StatusCode::NOT_FOUND, "no upload has this correlationId");
        };
        hub.uploads.done.push(Upload {
            device: upload.device,
            blob: upload.blob,
            content: upload.content,
            success: ending.is_success,
            description: ending.status_description,
        });
        StatusCode::NO_CONTENT.into_response()
    })
}

/// Acts on the hub that the request is for, if the device may.
fn with_device(
    shared: &Shared,
    headers: &HeaderMap,
    device: &str,
    certificate: Option<&ClientCertificate>,
    act: impl FnOnce(&mut Registry) -> Response,
) -> Response {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let host = host(headers);
    let name = host.split(':').next().unwrap_or_default();
    shared.with(|cloud| {
        let now = cloud.now();
        let Some(hub) = cloud.hubs.get_mut(name) else {
            return refusal(StatusCode::NOT_FOUND, "no such hub");
        };
        if !hub.admits_request(device, token, certificate, now) {
            return refusal(StatusCode::UNAUTHORIZED, "the device is not authorized");
        }
        act(hub)
    })
}

fn host(headers: &HeaderMap) -> String {
    headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let body: Value = error_body(status.as_u16(), message);
    (status, Json(body)).into_response()
}

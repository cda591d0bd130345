//! What a browser loads: the page, the client it is built on, and the API's description. All of it is in the binary.

use crate::refusal::Refusal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use rust_embed::{Embed, EmbeddedFile};
use std::borrow::Cow;

#[derive(Embed)]
#[folder = "page/"]
struct Page;

#[derive(Embed)]
#[folder = "../../../amora-client/src/"]
struct Client;

#[derive(Embed)]
#[folder = "src/documentation/"]
struct Documentation;

/// The page at `/` and the client at `/client/`.
pub(crate) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Refusal> {
    if !method.is_safe() {
        return Err(Refusal::not_found("there is nothing at this address"));
    }
    let path = uri.path().trim_start_matches('/');
    let file = match path.strip_prefix("client/") {
        Some(path) => Client::get(path).map(|file| (path, file)),
        None if path.is_empty() => Page::get("index.html").map(|file| ("index.html", file)),
        None => Page::get(path).map(|file| (path, file)),
    };
    let (path, file) = file.ok_or_else(|| Refusal::not_found("there is nothing at this address"))?;
    Ok(serve(path, file, &headers))
}

/// `/api/docs`: the API's description for people.
pub(crate) async fn documentation(uri: Uri, headers: HeaderMap) -> Result<Response, Refusal> {
    let path = match uri.path().trim_start_matches("/api/docs").trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let file =
        Documentation::get(path).ok_or_else(|| Refusal::not_found("there is nothing at this address"))?;
    Ok(serve(path, file, &headers))
}

/// The address that people guess.
pub(crate) async fn to_documentation() -> Redirect {
    Redirect::permanent("/api/docs")
}

/// A document made when first asked for.
pub(crate) fn document(media_type: &'static str, content: &'static [u8], headers: &HeaderMap) -> Response {
    respond(media_type, &etag(content), content.into(), headers)
}

fn serve(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    respond(
        media_type(path),
        &tag_of(&file.metadata.sha256_hash()),
        file.data,
        headers,
    )
}

/// The content, or word that the browser has it already. Names do not change with content, so browsers ask each time.
fn respond(
    media_type: &'static str,
    tag: &str,
    content: Cow<'static, [u8]>,
    headers: &HeaderMap,
) -> Response {
    let common = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
    match is_known(headers, tag) {
        true => (StatusCode::NOT_MODIFIED, common).into_response(),
        false => (common, [(header::CONTENT_TYPE, media_type)], content).into_response(),
    }
}

/// The entity tag of some content. Weak, for the same content may go out compressed.
pub(crate) fn etag(content: &[u8]) -> String {
    tag_of(digest(&SHA256, content).as_ref())
}

fn tag_of(hash: &[u8]) -> String {
    let start: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{start}\"")
}

/// Whether the browser says that it has this content.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    known
        .flat_map(|list| list.split(','))
        .any(|known| known.trim() == "*" || plain(known) == plain(tag))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("mp3") => "audio/mpeg",
        Some("wasm") => "application/wasm",
        Some("ts" | "md" | "txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

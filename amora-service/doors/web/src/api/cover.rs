//! `/api/cover`: a song's picture, as an image and nothing else.

use crate::access::Reader;
use crate::door::Door;
use crate::pages::{etag, is_known};
use crate::refusal::Refusal;
use amora_contract::{ErrorCode, Reply};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Largest picture passed on.
const LARGEST: usize = 16 * 1024 * 1024;

/// Which song.
#[derive(Deserialize)]
pub(crate) struct CoverQuery {
    file: String,
}

/// A song's cover, through `player.get_cover`.
pub(crate) async fn cover(
    State(door): State<Arc<Door>>,
    _: Reader,
    query: Result<Query<CoverQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|_| amora_contract::CommandError::invalid("file", "is required"))?;
    let reply = door
        .execute("player.get_cover", json!({"file": query.file}))
        .await?;
    let Reply::Cover(cover) = reply else {
        return Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Failed,
            "the player sent no picture",
        ));
    };
    let bytes = STANDARD
        .decode(&cover.data)
        .ok()
        .filter(|bytes| bytes.len() <= LARGEST);
    // What the file itself says counts, not what somebody wrote into a tag: a browser must never take it for a page.
    let picture = bytes.and_then(|bytes| Some((image_type(&bytes)?, bytes)));
    let Some((media_type, bytes)) = picture else {
        return Err(Refusal::not_found(
            "the song's cover is not an image that browsers show",
        ));
    };
    let tag = etag(&bytes);
    let common = [
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, "private, max-age=3600"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox; frame-ancestors 'none'",
        ),
    ];
    Ok(match is_known(&headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, common).into_response(),
        false => (common, [(header::CONTENT_TYPE, media_type)], bytes).into_response(),
    })
}

/// The kind of image by its first bytes. SVG is left out: it can carry script.
fn image_type(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [
            _,
            _,
            _,
            _,
            b'f',
            b't',
            b'y',
            b'p',
            b'a',
            b'v',
            b'i',
            b'f' | b's',
            ..,
        ] => "image/avif",
        [b'B', b'M', ..] => "image/bmp",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_bytes_and_pages_are_not_images() {
        assert_eq!(image_type(b"\xff\xd8\xff\xe0rest"), Some("image/jpeg"));
        assert_eq!(image_type(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(image_type(b"GIF89a..."), Some("image/gif"));
        assert_eq!(image_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(image_type(b"\0\0\0\x1cftypavif"), Some("image/avif"));
        for other in [
            &b"<svg xmlns"[..],
            b"<!doctype html>",
            b"",
            b"\xff",
            b"RIFF\0\0\0\0WAVE",
        ] {
            assert_eq!(image_type(other), None);
        }
    }
}

//! Cover art: the picture in the file, else the one beside it.

use super::{Trouble, refusal};
use crate::cover::{CoverCache, MAX_COVER, reply};
use crate::link::Session;
use crate::protocol::{AckCode, Command};
use crate::translate::{Object, library_path, refused};
use amora_contract::{CommandError, ErrorCode, Reply};
use std::sync::Arc;

/// Reads a song's cover.
pub(crate) async fn fetch(
    session: &mut Session,
    cache: &mut CoverCache,
    file: &str,
) -> Result<Reply, Trouble> {
    let none = || CommandError::new(ErrorCode::NotFound, format!("the song `{file}` has no cover"));
    if file.contains("://") {
        return Err(none().into());
    }
    let file = library_path("file", file)?;
    if file.is_empty() {
        return Err(CommandError::invalid("file", "must not be empty").into());
    }
    let known = match cache.get(file) {
        Some(known) => known,
        None => {
            let picture = match read(session, "readpicture", file).await? {
                Some(picture) => Some(picture),
                None => read(session, "albumart", file).await?,
            };
            let cover = picture.map(|(bytes, kind)| Arc::new(reply(&bytes, kind.as_deref())));
            cache.put(file, cover.clone());
            cover
        }
    };
    known
        .map(|cover| Reply::Cover(Arc::unwrap_or_clone(cover)))
        .ok_or_else(|| none().into())
}

type Picture = (Vec<u8>, Option<String>);

async fn read(session: &mut Session, name: &'static str, file: &str) -> Result<Option<Picture>, Trouble> {
    let object = Object::song(file, "file");
    let mut bytes = Vec::new();
    let mut kind = None;
    loop {
        let frame = match session
            .execute_one(Command::new(name).text(file).word(bytes.len()))
            .await
        {
            Ok(frame) => frame,
            Err(failure) => {
                let ack = refusal(failure, &object)?;
                return match ack.code {
                    // `albumart` says so of a missing picture, `readpicture` of a missing song.
                    AckCode::NoExist if name == "albumart" => Ok(None),
                    // Files that MPD can not read pictures from may have one beside them.
                    AckCode::Unknown | AckCode::System => Ok(None),
                    _ => Err(refused(&ack, &object).into()),
                };
            }
        };
        let (Some(size), Some(piece)) = (frame.parse::<usize>("size"), frame.binary()) else {
            return Ok(None);
        };
        if size > MAX_COVER {
            let message = format!("the cover of `{file}` has {size} bytes; at most {MAX_COVER} are read");
            return Err(CommandError::new(ErrorCode::Failed, message).into());
        }
        kind = kind.or_else(|| frame.get("type").map(str::to_owned));
        bytes.extend_from_slice(piece);
        if bytes.len() >= size {
            bytes.truncate(size);
            return Ok(Some((bytes, kind)));
        }
        if piece.is_empty() {
            let message = format!("MPD stopped in the middle of the cover of `{file}`");
            return Err(CommandError::new(ErrorCode::Failed, message).into());
        }
    }
}

//! Favourites: the sticker `favourite` with the value `1`.

use super::{Trouble, is_missing, refusal};
use crate::connection::{Failure, LinkError};
use crate::link::Session;
use crate::model::read_favourites;
use crate::protocol::{AckCode, Command};
use crate::song::{self, Favourites};
use crate::translate::{MAX_SONGS, Object, library_path, refused};
use amora_contract::commands::SetFavourite;
use amora_contract::reply::SongsReply;
use amora_contract::{CommandError, ErrorCode, Reply};

const STICKER: &str = "favourite";

/// Songs asked for in one command list.
const SONGS_PER_LIST: usize = 128;

fn unavailable() -> Trouble {
    CommandError::new(
        ErrorCode::NotConfigured,
        "favourites need MPD's sticker database: set `sticker_file` in mpd.conf",
    )
    .into()
}

/// Reads which files are marked; `None` where MPD keeps no stickers.
pub(crate) async fn load(session: &mut Session) -> Result<Favourites, LinkError> {
    let find = Command::new("sticker")
        .word("find")
        .word("song")
        .text("")
        .word(STICKER);
    match session.execute_one(find).await {
        Ok(frame) => Ok(Some(read_favourites(&frame))),
        Err(Failure::Lost(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Marks a song, or removes the mark.
pub(crate) async fn set(session: &mut Session, request: &SetFavourite) -> Result<Reply, Trouble> {
    let file = library_path("file", &request.file)?;
    let object = Object::song(file, "file");
    let sticker = |verb: &str| {
        Command::new("sticker")
            .word(verb)
            .word("song")
            .text(file)
            .word(STICKER)
    };
    let command = match request.favourite {
        true => sticker("set").word(1),
        false => sticker("delete"),
    };
    let Err(failure) = session.execute_one(command).await else {
        return Ok(Reply::NOTHING);
    };
    let ack = refusal(failure, &object)?;
    match ack.code {
        AckCode::Unknown => Err(unavailable()),
        // A mark that is not there need not be removed; a song that is not there is a mistake.
        AckCode::NoExist if !request.favourite && ack.text.contains("sticker") => Ok(Reply::NOTHING),
        _ => Err(refused(&ack, &object).into()),
    }
}

/// The marked songs with their tags, by file name. Marks of songs that are gone are passed over.
pub(crate) async fn list(session: &mut Session, favourites: &Favourites) -> Result<Reply, Trouble> {
    let Some(files) = favourites else {
        return Err(unavailable());
    };
    let mut files: Vec<_> = files.iter().collect();
    files.sort();
    let more = files.len() > MAX_SONGS as usize;
    files.truncate(MAX_SONGS as usize);
    let mut songs = Vec::new();
    let mut rest = &files[..];
    while !rest.is_empty() {
        let commands: Vec<_> = rest
            .iter()
            .take(SONGS_PER_LIST)
            .map(|file| Command::new("lsinfo").text(file))
            .collect();
        let asked = commands.len();
        let (frames, done) = match session.execute(&commands).await {
            Ok(frames) => (frames, asked),
            Err(Failure::Refused(ack, frames)) if is_missing(&ack) => {
                let done = frames.len() + 1;
                (frames, done)
            }
            Err(failure) => {
                let ack = refusal(failure, &Object::new("the favourites"))?;
                return Err(refused(&ack, &Object::new("the favourites")).into());
            }
        };
        songs.extend(frames.iter().flat_map(|frame| song::read_all(frame, favourites)));
        rest = rest.get(done..).unwrap_or_default();
    }
    Ok(Reply::Songs(SongsReply { songs, more }))
}

//! Stored playlists. A command that fails leaves the queue and the playlists as they were.

use super::queue::{length, status, version};
use super::{Trouble, is_missing, refusal, run};
use crate::link::Session;
use crate::protocol::Command;
use crate::translate::{DRAFT, Object, Step, playlist_name, playlist_to_load, song_uri};
use amora_contract::{CommandError, ErrorCode};

/// MPD's `max_playlist_length` unless it is told otherwise.
const MAX_FILES: usize = 16_384;

/// Files in one command list, well below MPD's limit on its size.
const FILES_PER_LIST: usize = 128;

/// Something was played or queued from a stored playlist.
pub(crate) struct Loaded {
    /// The queue's version now.
    pub(crate) version: u32,
    /// Whether the queue holds nothing else.
    pub(crate) alone: bool,
}

/// Replaces the queue with a stored playlist and plays it, from the entry `index` if given.
pub(crate) async fn load_and_play(
    session: &mut Session,
    name: &str,
    index: Option<u32>,
) -> Result<Loaded, Trouble> {
    let name = playlist_to_load("playlist", name)?;
    let object = || Object::playlist(name, "playlist");
    // The queue is cleared only when it is sure that there is something to take its place.
    let frames = run(
        session,
        &[Step::new(Command::new("listplaylist").text(name), object())],
    )
    .await?;
    let count = frames.first().map_or(0, |frame| frame.values("file").count());
    if count == 0 {
        return Err(CommandError::new(ErrorCode::Conflict, format!("the playlist `{name}` is empty")).into());
    }
    if let Some(index) = index.filter(|index| *index as usize >= count) {
        let reason =
            format!("the playlist `{name}` has {count} entries, so there is none with index {index}");
        return Err(CommandError::invalid("track_index", &reason).into());
    }
    let play = match index {
        Some(index) => Command::new("play").word(index),
        None => Command::new("play"),
    };
    let steps = [
        Step::new(Command::new("clear"), object()),
        Step::new(Command::new("load").text(name), object()),
        Step::new(Command::new("clearerror"), object()),
        Step::new(play, object()),
        status(),
    ];
    let frames = run(session, &steps).await?;
    Ok(Loaded {
        version: frames.last().map_or(0, version),
        alone: true,
    })
}

/// Appends a stored playlist to the queue.
pub(crate) async fn queue_playlist(session: &mut Session, name: &str) -> Result<Loaded, Trouble> {
    let name = playlist_to_load("playlist", name)?;
    let load = Step::new(
        Command::new("load").text(name),
        Object::playlist(name, "playlist"),
    );
    let frames = run(session, &[status(), load, status()]).await?;
    Ok(Loaded {
        version: frames.last().map_or(0, version),
        alone: frames.first().is_some_and(|before| length(before) == 0),
    })
}

/// Makes a stored playlist without touching the queue. An existing one is replaced only when every file was found.
pub(crate) async fn create(session: &mut Session, name: &str, files: &[String]) -> Result<(), Trouble> {
    let name = playlist_name("name", name)?;
    if files.len() > MAX_FILES {
        let reason = format!("must not hold more than {MAX_FILES}");
        return Err(CommandError::invalid("files", &reason).into());
    }
    for (index, file) in files.iter().enumerate() {
        song_uri(&format!("files[{index}]"), file)?;
    }
    remove(session, DRAFT).await?;
    match fill_draft(session, files).await {
        Ok(()) => put_in_place(session, name).await,
        Err(trouble) => {
            if !matches!(trouble, Trouble::Lost(_)) {
                remove(session, DRAFT).await?;
            }
            Err(trouble)
        }
    }
}

async fn fill_draft(session: &mut Session, files: &[String]) -> Result<(), Trouble> {
    let draft = || Object::new("the new playlist");
    if files.is_empty() {
        // MPD makes a playlist only by adding to it; a stream's address is not looked up.
        let steps = [
            Step::new(
                Command::new("playlistadd").text(DRAFT).text("http://localhost/"),
                draft(),
            ),
            Step::new(Command::new("playlistclear").text(DRAFT), draft()),
        ];
        run(session, &steps).await?;
    }
    for (chunk, files) in files.chunks(FILES_PER_LIST).enumerate() {
        let commands: Vec<_> = files
            .iter()
            .map(|file| {
                Command::new("playlistadd")
                    .text(DRAFT)
                    .text(file.trim_matches('/'))
            })
            .collect();
        if let Err(failure) = session.execute(&commands).await {
            let ack = refusal(failure, &draft())?;
            let index = chunk * FILES_PER_LIST + ack.index;
            let file = files.get(ack.index).map(String::as_str).unwrap_or_default();
            let mut error = crate::translate::refused(&ack, &Object::song(file, "files"));
            error.field = Some(format!("files[{index}]"));
            return Err(error.into());
        }
    }
    Ok(())
}

/// Saves the queue under a name that may be taken.
pub(crate) async fn replace_with_queue(session: &mut Session, name: &str) -> Result<(), Trouble> {
    let name = playlist_name("name", name)?;
    remove(session, DRAFT).await?;
    let save = Step::new(Command::new("save").text(DRAFT), Object::playlist(name, "name"));
    run(session, &[save]).await?;
    put_in_place(session, name).await
}

async fn put_in_place(session: &mut Session, name: &str) -> Result<(), Trouble> {
    remove(session, name).await?;
    let rename = Command::new("rename").text(DRAFT).text(name);
    run(session, &[Step::new(rename, Object::playlist(name, "name"))]).await?;
    Ok(())
}

async fn remove(session: &mut Session, name: &str) -> Result<(), Trouble> {
    let object = Object::playlist(name, "name");
    match session.execute_one(Command::new("rm").text(name)).await {
        Ok(_) => Ok(()),
        Err(failure) => match refusal(failure, &object)? {
            ack if is_missing(&ack) => Ok(()),
            ack => Err(crate::translate::refused(&ack, &object).into()),
        },
    }
}

//! The queue.

use super::{Trouble, carry_out, run};
use crate::link::Session;
use crate::protocol::{Command, Frame};
use crate::song::{self, Favourites};
use crate::translate::{NOT_SEEKABLE, Object, Plan, Step, song_uri, tag_filter};
use amora_contract::commands::{QueueAdd, QueueFind, Window};
use amora_contract::reply::{QueueAddReply, QueueReply};
use amora_contract::{CommandError, ErrorCode, Reply};
use std::time::Duration;

const SEEK_ATTEMPTS: u32 = 5;
const SEEK_PAUSE: Duration = Duration::from_millis(100);

pub(super) fn status() -> Step {
    Step::new(Command::new("status"), Object::new("the player"))
}

pub(super) fn length(status: &Frame) -> u32 {
    status.parse("playlistlength").unwrap_or(0)
}

pub(super) fn version(status: &Frame) -> u32 {
    status.parse("playlist").unwrap_or(0)
}

fn status_of(frames: &[Frame], index: usize) -> Frame {
    frames.get(index).cloned().unwrap_or_default()
}

/// Pauses what plays, plays what does not.
pub(crate) async fn toggle(session: &mut Session) -> Result<Reply, Trouble> {
    let frames = run(session, &[status()]).await?;
    let status = status_of(&frames, 0);
    let player = || Object::new("the player");
    let steps = match status.get("state") {
        Some("play") => vec![Step::new(Command::new("pause").switch(true), player())],
        _ if length(&status) == 0 => {
            return Err(CommandError::new(
                ErrorCode::Conflict,
                "the queue is empty: add a song or play a playlist first",
            )
            .into());
        }
        _ => vec![
            Step::new(Command::new("clearerror"), player()),
            Step::new(Command::new("play"), player()),
        ],
    };
    run(session, &steps).await?;
    Ok(Reply::NOTHING)
}

/// Moves within the song. MPD calls a song that it has just begun not seekable until its decoder is ready: one that
/// has a length is tried again for a moment.
pub(crate) async fn seek(session: &mut Session, plan: &Plan, has_length: bool) -> Result<Reply, Trouble> {
    let mut attempts = if has_length { SEEK_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match carry_out(session, plan).await {
            Err(Trouble::Refused(error)) if attempts > 0 && error.message == NOT_SEEKABLE => {
                tokio::time::sleep(SEEK_PAUSE).await;
            }
            result => return result.map(|_| Reply::NOTHING),
        }
    }
}

/// The queue, or a part of it.
pub(crate) async fn window(
    session: &mut Session,
    window: &Window,
    favourites: &Favourites,
) -> Result<Reply, Trouble> {
    // MPD refuses a window that begins beyond the end, so the length has to be known first. Should the queue
    // shrink in between, the second try knows.
    for attempt in 0..2 {
        let frames = run(session, &[status()]).await?;
        let known = status_of(&frames, 0);
        let total = length(&known);
        let end = window
            .start
            .saturating_add(window.limit.unwrap_or(u32::MAX))
            .min(total);
        if window.start >= end {
            return Ok(Reply::Queue(QueueReply {
                total,
                start: window.start,
                version: version(&known),
                songs: Vec::new(),
            }));
        }
        let listing = Step::new(
            Command::new("playlistinfo").range(window.start, end),
            Object::queue_position(window.start, "start"),
        );
        match run(session, &[status(), listing]).await {
            Ok(frames) => {
                let known = status_of(&frames, 0);
                return Ok(Reply::Queue(QueueReply {
                    total: length(&known),
                    start: window.start,
                    version: version(&known),
                    songs: frames
                        .get(1)
                        .map(|frame| song::read_all(frame, favourites))
                        .unwrap_or_default(),
                }));
            }
            Err(Trouble::Refused(_)) if attempt == 0 => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Err(CommandError::new(
        ErrorCode::Conflict,
        "the queue changes faster than it can be read",
    )
    .into())
}

/// Adds a song, a folder or a stream.
pub(crate) async fn add(session: &mut Session, request: &QueueAdd) -> Result<Reply, Trouble> {
    let uri = song_uri("uri", &request.uri)?;
    let object = Object::new(format!("`{uri}`")).field("uri");
    let mut command = Command::new("add").text(uri);
    if let Some(position) = request.position {
        command = command.word(position);
    }
    fill(
        session,
        Step::new(command, object),
        request.position,
        request.play,
    )
    .await
}

/// Adds every song whose tags are as wanted.
pub(crate) async fn add_found(session: &mut Session, request: &QueueFind) -> Result<Reply, Trouble> {
    let mut command = Command::new("findadd").text(&tag_filter(&request.filters)?);
    if let Some(position) = request.position {
        command = command.word("position").word(position);
    }
    let object = Object::new("the library").field("filters");
    fill(
        session,
        Step::new(command, object),
        request.position,
        request.play,
    )
    .await
}

/// Carries out a step that adds to the queue, and tells what came of it.
async fn fill(
    session: &mut Session,
    mut step: Step,
    position: Option<u32>,
    play: bool,
) -> Result<Reply, Trouble> {
    if let Some(position) = position {
        step.object = step.object.index(position, "position");
    }
    let frames = run(session, &[status(), step, status()]).await?;
    let (before, after) = (length(&status_of(&frames, 0)), length(&status_of(&frames, 2)));
    let start = position.unwrap_or(before);
    let added = after.saturating_sub(before);
    if added == 0 {
        return Ok(Reply::QueueAdd(QueueAddReply { ids: Vec::new() }));
    }
    let place = Object::queue_position(start, "position");
    let listing = Step::new(
        Command::new("playlistinfo").range(start, start + added),
        place.clone(),
    );
    let frames = run(session, &[listing]).await?;
    let ids: Vec<u32> = frames
        .first()
        .map(|frame| frame.values("Id").filter_map(|id| id.parse().ok()).collect())
        .unwrap_or_default();
    if let Some(first) = ids.first().filter(|_| play) {
        let clear = Step::new(Command::new("clearerror"), place.clone());
        run(
            session,
            &[clear, Step::new(Command::new("playid").word(first), place)],
        )
        .await?;
    }
    Ok(Reply::QueueAdd(QueueAddReply { ids }))
}

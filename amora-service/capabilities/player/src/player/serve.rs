//! Answering commands.

use super::Player;
use crate::perform::{self, Trouble};
use crate::translate::{self, playlist_name};
use amora_contract::commands::{Command, PlayerCommand, SetSleepTimer};
use amora_contract::reply::VolumeReply;
use amora_contract::units::{Timestamp, Volume};
use amora_contract::{CommandError, ErrorCode, Reply};
use amora_router::Request;
use std::time::Duration;
use tokio::time::Instant;

const MAX_SLEEP_MINUTES: u32 = 1440;

impl Player {
    pub(super) async fn serve(&mut self, request: Request) {
        let Command::Player(command) = request.command.clone() else {
            let error = CommandError::unknown(request.command.name());
            return request.answer(Err(error));
        };
        match self.perform(&command).await {
            Ok(reply) => request.answer(Ok(reply)),
            Err(Trouble::Refused(error)) => request.answer(Err(error)),
            Err(Trouble::Lost(error)) => {
                let answer = translate::lost(&error);
                // First the state, then the answer: who is told that MPD is away finds it so.
                self.lost(error);
                request.answer(Err(answer));
            }
        }
    }

    async fn perform(&mut self, command: &PlayerCommand) -> Result<Reply, Trouble> {
        match command {
            PlayerCommand::GetVolume => return self.get_volume(),
            PlayerCommand::GetStatus => return Ok(self.get_status().await),
            PlayerCommand::SetSleepTimer(set) => return self.set_sleep_timer(set).await,
            _ => {}
        }
        // A wrong parameter is wrong whether MPD is there or not.
        let plan = translate::plan(command)?;
        let Some(session) = self.link.session() else {
            return Err(translate::lost(&self.away).into());
        };
        if let Some(plan) = plan {
            if matches!(command, PlayerCommand::Seek(_)) {
                let has_length = self
                    .model
                    .state
                    .song
                    .as_ref()
                    .is_none_or(|song| song.duration.0 > 0.0);
                return perform::seek(session, &plan, has_length).await;
            }
            let frame = perform::carry_out(session, &plan).await?;
            let reply = translate::read(&plan.reading, &frame, &self.model.favourites)?;
            self.follow_rename(command);
            return Ok(reply);
        }
        match command {
            PlayerCommand::Toggle => perform::toggle(session).await,
            PlayerCommand::GetQueue(window) => perform::window(session, window, &self.model.favourites).await,
            PlayerCommand::QueueAdd(add) => perform::add(session, add).await,
            PlayerCommand::QueueFind(find) => perform::add_found(session, find).await,
            PlayerCommand::QueueSave(save) => {
                perform::replace_with_queue(session, &save.name).await?;
                Ok(Reply::NOTHING)
            }
            PlayerCommand::PlayPlaylist(play) => self.play_playlist(&play.playlist, None).await,
            PlayerCommand::PlayTrack(track) => match &track.playlist {
                Some(playlist) => self.play_playlist(playlist, Some(track.track_index)).await,
                None => self.unknown(command),
            },
            PlayerCommand::QueuePlaylist(queue) => {
                let loaded = perform::queue_playlist(session, &queue.playlist).await?;
                if loaded.alone {
                    self.model.loaded(&queue.playlist, loaded.version);
                    self.publish();
                }
                Ok(Reply::NOTHING)
            }
            PlayerCommand::CreatePlaylist(create) => {
                perform::create(session, &create.name, &create.files).await?;
                Ok(Reply::NOTHING)
            }
            PlayerCommand::GetCover(get) => perform::fetch_cover(session, &mut self.covers, &get.file).await,
            PlayerCommand::SetFavourite(set) => perform::set_favourite(session, set).await,
            PlayerCommand::GetFavourites => {
                let favourites = perform::load_favourites(session).await?;
                self.model.set_favourites(favourites);
                perform::list_favourites(session, &self.model.favourites).await
            }
            PlayerCommand::SetVolume(set) => self.set_volume_of_mpd(set.volume).await,
            _ => self.unknown(command),
        }
    }

    fn unknown(&self, command: &PlayerCommand) -> Result<Reply, Trouble> {
        Err(CommandError::unknown(command.name()).into())
    }

    async fn play_playlist(&mut self, playlist: &str, index: Option<u32>) -> Result<Reply, Trouble> {
        let Some(session) = self.link.session() else {
            return Err(translate::lost(&self.away).into());
        };
        let loaded = perform::load_and_play(session, playlist, index).await?;
        self.model.loaded(playlist, loaded.version);
        self.publish();
        Ok(Reply::NOTHING)
    }

    /// The loaded playlist may have got another name, or may be gone.
    fn follow_rename(&mut self, command: &PlayerCommand) {
        let (from, to) = match command {
            PlayerCommand::RenamePlaylist(rename) => (&rename.playlist, Some(rename.name.as_str())),
            PlayerCommand::DeletePlaylist(delete) => (&delete.playlist, None),
            _ => return,
        };
        if playlist_name("playlist", from).is_ok() {
            self.model.playlist_renamed(from, to);
            self.publish();
        }
    }

    /// MPD's volume: the box's is answered in front.
    fn get_volume(&mut self) -> Result<Reply, Trouble> {
        match self.model.volume {
            Some(volume) => Ok(Reply::Volume(VolumeReply { volume, mute: false })),
            None if self.link.session().is_none() => Err(translate::lost(&self.away).into()),
            None => Err(no_volume().into()),
        }
    }

    async fn set_volume_of_mpd(&mut self, volume: Volume) -> Result<Reply, Trouble> {
        if self.model.volume.is_none() {
            return Err(no_volume().into());
        }
        self.set_mpd_volume(volume).await?;
        Ok(Reply::Volume(VolumeReply { volume, mute: false }))
    }

    /// The state as it is now, whatever changes have been announced so far.
    async fn get_status(&mut self) -> Reply {
        if self.link.session().is_some() {
            self.pending = self.pending.with(crate::model::Subsystems::PLAYER);
            self.refresh().await;
        }
        Reply::Player(Box::new(self.model.state.clone()))
    }

    async fn set_sleep_timer(&mut self, set: &SetSleepTimer) -> Result<Reply, Trouble> {
        let Some(minutes) = set.minutes else {
            self.end_sleep().await;
            return Ok(Reply::NOTHING);
        };
        if !(1..=MAX_SLEEP_MINUTES).contains(&minutes) {
            return Err(CommandError::invalid("minutes", "must be 1 to 1440, or null to cancel").into());
        }
        if self.link.session().is_none() {
            return Err(translate::lost(&self.away).into());
        }
        let delay = Duration::from_secs(u64::from(minutes) * 60);
        if let Some(action) = self.sleep.set(Instant::now() + delay) {
            self.sleep_action(action).await;
        }
        self.model.state.sleep_at = Some(Timestamp(Timestamp::now().0 + delay.as_millis() as u64));
        self.publish();
        Ok(Reply::NOTHING)
    }
}

fn no_volume() -> CommandError {
    CommandError::new(
        ErrorCode::Unavailable,
        "there is no volume: the box has no sound section, and none of MPD's outputs has a mixer",
    )
}

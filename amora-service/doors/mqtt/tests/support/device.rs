//! A box with stand-in capabilities.

use super::within;
use amora_contract::commands::{AudioCommand, PlayerCommand};
use amora_contract::config::{DeviceConfig, MqttConfig};
use amora_contract::reply::{PlaylistReply, PlaylistSummary, PlaylistsReply, VolumeReply};
use amora_contract::state::{AudioState, Health, PlaybackState, PlayerState, Song};
use amora_contract::units::{Seconds, Timestamp};
use amora_contract::{Command as BoxCommand, CommandError, ErrorCode, Reply, Section};
use amora_router::Router;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What the stand-in capabilities were asked, in order.
pub type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// The door on a router with stand-in capabilities.
pub struct Device {
    pub router: Router,
    pub asked: Asked,
    pub data: PathBuf,
    shutdown: CancellationToken,
    door: JoinHandle<Result<(), amora_mqtt::MqttError>>,
}

impl Device {
    pub fn open(config: MqttConfig, data: &Path) -> Self {
        let router = Router::new();
        router.update_state(|state| {
            state.system.id = "box".to_owned();
            state.system.name = "Box".to_owned();
            state.system.version = "1.2.3".to_owned();
            state.audio = Some(AudioState::default());
            state.player = Some(PlayerState {
                position_at: Timestamp::now(),
                ..PlayerState::default()
            });
        });
        let asked = Asked::default();
        for section in [Section::Player, Section::Audio] {
            let mut seat = router.take_seat(section);
            let (router, asked) = (router.clone(), asked.clone());
            tokio::spawn(async move {
                while let Some(request) = seat.next().await {
                    let command = request.command.clone();
                    asked
                        .lock()
                        .unwrap()
                        .push((command.name().to_owned(), command.params()));
                    let router = router.clone();
                    match command {
                        // Slow, as the real one.
                        BoxCommand::Audio(AudioCommand::Test(_)) => {
                            tokio::spawn(async move {
                                tokio::time::sleep(Duration::from_secs(3)).await;
                                request.answer(Ok(Reply::NOTHING));
                            });
                        }
                        command => request.answer(stand_in(&router, command)),
                    }
                }
            });
        }
        let device = DeviceConfig {
            id: "box".to_owned(),
            name: "Box".to_owned(),
            data: data.to_owned(),
        };
        let shutdown = CancellationToken::new();
        let door = tokio::spawn(amora_mqtt::run(router.clone(), config, device, shutdown.clone()));
        Self {
            router,
            asked,
            data: data.to_owned(),
            shutdown,
            door,
        }
    }

    pub fn times_asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(asked, _)| asked == name).count()
    }

    pub async fn health(&self, fits: impl Fn(&Health) -> bool) -> Health {
        let mut state = self.router.watch_state();
        within("the health is as expected", async {
            loop {
                if let Some(health) = state
                    .borrow_and_update()
                    .system
                    .health
                    .get("mqtt")
                    .filter(|health| fits(health))
                {
                    return health.clone();
                }
                state.changed().await.unwrap();
            }
        })
        .await
    }

    pub async fn ready(&self) {
        self.health(|health| health.condition == amora_contract::state::Condition::Ok)
            .await;
    }

    /// Leaves as the service does.
    pub async fn close(self) {
        self.shutdown.cancel();
        within("the door closes", self.door).await.unwrap().unwrap();
    }

    /// Vanishes without a word, as in a power cut.
    pub async fn vanish(self) {
        self.door.abort();
        let _ = self.door.await;
    }

    /// Ends by itself, with an error.
    pub async fn failed(self) -> amora_mqtt::MqttError {
        within("the door fails", self.door).await.unwrap().unwrap_err()
    }
}

fn song() -> Song {
    Song {
        file: "album/song.flac".to_owned(),
        title: "Song".to_owned(),
        artist: "Somebody".to_owned(),
        album: "Album".to_owned(),
        duration: Seconds(200.0),
        ..Song::default()
    }
}

fn stand_in(router: &Router, command: BoxCommand) -> Result<Reply, CommandError> {
    let mut reply = Ok(Reply::NOTHING);
    router.update_state(|state| {
        let (Some(player), Some(audio)) = (&mut state.player, &mut state.audio) else {
            return;
        };
        match command {
            BoxCommand::Player(PlayerCommand::Play(_)) => {
                player.state = PlaybackState::Play;
                player.song = Some(song());
                player.position_at = Timestamp::now();
            }
            BoxCommand::Player(PlayerCommand::Pause) => player.state = PlaybackState::Pause,
            BoxCommand::Player(PlayerCommand::Stop) => player.state = PlaybackState::Stop,
            BoxCommand::Player(PlayerCommand::SetRepeat(params)) => player.repeat = params.repeat,
            BoxCommand::Player(PlayerCommand::SetVolume(params)) => audio.volume = params.volume,
            BoxCommand::Audio(AudioCommand::SetVolume(params)) => audio.volume = params.volume,
            BoxCommand::Audio(AudioCommand::SetMute(params)) => audio.mute = params.mute,
            BoxCommand::Player(PlayerCommand::GetVolume) => {
                let (volume, mute) = (audio.volume, audio.mute);
                reply = Ok(Reply::Volume(VolumeReply { volume, mute }));
            }
            BoxCommand::Player(PlayerCommand::GetStatus) => {
                reply = Ok(Reply::Player(Box::new(player.clone())))
            }
            BoxCommand::Player(PlayerCommand::GetPlaylists) => {
                let playlist = PlaylistSummary {
                    name: "Evening".to_owned(),
                    modified: None,
                };
                reply = Ok(Reply::Playlists(PlaylistsReply {
                    playlists: vec![playlist],
                }));
            }
            BoxCommand::Player(PlayerCommand::GetPlaylist(params)) if params.playlist == "Huge" => {
                reply = Ok(Reply::Playlist(PlaylistReply {
                    name: params.playlist,
                    items: vec![song(); 5000],
                }));
            }
            BoxCommand::Player(PlayerCommand::GetPlaylist(params)) => {
                reply = Ok(Reply::Playlist(PlaylistReply {
                    name: params.playlist,
                    items: vec![song()],
                }));
            }
            BoxCommand::Player(PlayerCommand::Seek(_)) => {
                reply = Err(CommandError::new(ErrorCode::Conflict, "nothing is playing"));
            }
            _ => {}
        }
    });
    reply
}

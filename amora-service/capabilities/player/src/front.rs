//! Where the player's commands arrive. The box's volume is the sound capability's: its commands are answered here, in
//! their order, whatever MPD does meanwhile. All others go on to the player.

use amora_contract::commands::{AudioCommand, Command, PlayerCommand, SetBoxVolume};
use amora_contract::reply::VolumeReply;
use amora_contract::{CommandError, ErrorCode, Reply};
use amora_router::{Request, Router, Seat};
use std::collections::VecDeque;
use std::pin::Pin;
use tokio::sync::mpsc;

/// Commands that wait for MPD, and as many that wait for the sound capability.
const MAX_WAITING: usize = 1024;

type Setting = Pin<Box<dyn Future<Output = Result<Reply, CommandError>> + Send>>;

pub(crate) struct Front<'a> {
    seat: &'a mut Seat,
    player: mpsc::Sender<Request>,
    volume: VecDeque<Request>,
    running: Option<(Request, Setting)>,
}

impl<'a> Front<'a> {
    /// The front, and what it lets through.
    pub(crate) fn new(seat: &'a mut Seat) -> (Self, mpsc::Receiver<Request>) {
        let (player, requests) = mpsc::channel(MAX_WAITING);
        let front = Self {
            seat,
            player,
            volume: VecDeque::new(),
            running: None,
        };
        (front, requests)
    }

    /// Works until another takes the seat.
    pub(crate) async fn run(mut self) {
        loop {
            self.begin();
            tokio::select! {
                request = self.seat.requests.recv() => match request {
                    Some(request) => self.take(request),
                    None => return,
                },
                result = set(&mut self.running) => {
                    if let Some((request, _)) = self.running.take() {
                        request.answer(result);
                    }
                }
            }
        }
    }

    fn take(&mut self, request: Request) {
        let about_volume = matches!(
            request.command,
            Command::Player(PlayerCommand::SetVolume(_) | PlayerCommand::GetVolume)
        );
        if !about_volume || self.read_volume().is_none() {
            self.pass_on(request);
        } else if self.volume.len() < MAX_WAITING {
            self.volume.push_back(request);
        } else {
            request.answer(Err(busy("the sound engine")));
        }
    }

    fn pass_on(&self, request: Request) {
        match self.player.try_send(request) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(request)) => request.answer(Err(busy("MPD"))),
            // Unanswered, it tells that the player is starting again.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    /// Begins the next setting; readings before it are answered.
    fn begin(&mut self) {
        while self.running.is_none() {
            let Some(request) = self.volume.pop_front() else {
                return;
            };
            if let Command::Player(PlayerCommand::SetVolume(set)) = &request.command {
                let setting = set_volume(self.seat.router().clone(), SetBoxVolume { volume: set.volume });
                self.running = Some((request, Box::pin(setting)));
            } else if let Some(volume) = self.read_volume() {
                request.answer(Ok(Reply::Volume(volume)));
            } else {
                self.pass_on(request);
            }
        }
    }

    /// The box's volume; `None` when it has no sound section.
    fn read_volume(&self) -> Option<VolumeReply> {
        self.seat
            .router()
            .state()
            .audio
            .as_ref()
            .map(|audio| VolumeReply {
                volume: audio.volume,
                mute: audio.mute,
            })
    }
}

async fn set_volume(router: Router, set: SetBoxVolume) -> Result<Reply, CommandError> {
    router.execute(AudioCommand::SetVolume(set).into()).await
}

/// Waits for the setting under way; for ever when there is none. Dropping the future loses nothing.
async fn set(running: &mut Option<(Request, Setting)>) -> Result<Reply, CommandError> {
    match running {
        Some((_, setting)) => setting.as_mut().await,
        None => std::future::pending().await,
    }
}

fn busy(whom: &str) -> CommandError {
    CommandError::new(ErrorCode::Busy, format!("too many commands wait for {whom}"))
}

//! The desk's answers to commands.

use super::{Desk, Job, Tested, away, others};
use crate::listening;
use amora_audio::chime::render;
use amora_audio::engine::{CardPhase, EngineError, EngineStatus, SourceKind};
use amora_contract::commands::{AudioCommand, Chime, TestSound};
use amora_contract::reply::VolumeReply;
use amora_contract::state::CardOwner;
use amora_contract::units::{Decibels, Millis, Volume};
use amora_contract::{Command, CommandError, ErrorCode, Reply};
use amora_router::Request;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinError;

/// How long something may wait for the card to come back from the player.
const RETURN: Duration = Duration::from_secs(8);

/// What may wait for it at one time.
const JOBS: usize = 8;

/// Room for a chime; they last less than one and a half seconds.
const CHIME: Millis = Millis(2000);

impl Desk<'_> {
    pub(super) fn answer(&mut self, request: Request) {
        let Command::Audio(command) = request.command.clone() else {
            let error = CommandError::new(ErrorCode::Failed, "that is not a command for sound");
            return request.answer(Err(error));
        };
        let result = match command {
            AudioCommand::SetVolume(wish) => self.set(wish.volume, self.present.mute),
            AudioCommand::ChangeVolume(wish) => {
                let volume = f64::from(self.present.volume.get()) + f64::from(wish.by);
                self.set(Volume::clamped(volume), self.present.mute)
            }
            AudioCommand::SetMute(wish) => self.set(self.present.volume, wish.mute).map(|_| Reply::NOTHING),
            AudioCommand::SetExclusive(wish) => {
                self.exclusive.want(wish.exclusive);
                Ok(Reply::NOTHING)
            }
            AudioCommand::GetStatus => Ok(Reply::Audio(Box::new(self.state(self.engine.status())))),
            AudioCommand::Chime(wish) => return self.start(request, Job::Chime(wish.chime)),
            AudioCommand::Test(wish) => return self.start(request, Job::Test(wish)),
        };
        // Whoever looks at the state after the answer is to see what was changed.
        self.look();
        request.answer(result);
    }

    fn set(&mut self, volume: Volume, mute: bool) -> Result<Reply, CommandError> {
        self.present.volume = volume;
        self.present.mute = mute;
        self.memory.note(Instant::now(), self.present);
        self.apply();
        Ok(Reply::Volume(VolumeReply { volume, mute }))
    }

    /// Tells the engine, unless the sound test has set its own volume for the moment.
    fn apply(&self) {
        self.engine.set_mute(self.present.mute);
        if self.test.is_none() {
            self.engine.set_volume(self.present.volume.gain());
            self.engine.set_music_gain(Decibels(0.0));
        }
    }

    /// Does what needs the card at once, or when the player has given it back.
    fn start(&mut self, request: Request, job: Job) {
        let status = self.engine.status();
        let lent = self.exclusive.owner() != CardOwner::Engine || status.phase == CardPhase::Released;
        if !lent {
            return self.perform(request, job, &status);
        }
        if self.jobs.len() >= JOBS {
            let error = CommandError::new(ErrorCode::Busy, "too much waits for the sound card already");
            return request.answer(Err(error));
        }
        self.jobs.push_back((request, job, Instant::now()));
        self.look();
    }

    /// Takes up what waited for the card.
    pub(super) fn start_jobs(&mut self, now: Instant, status: &EngineStatus) {
        if self.exclusive.owner() == CardOwner::Engine && status.card.running {
            while let Some((request, job, _)) = self.jobs.pop_front() {
                self.perform(request, job, status);
            }
        }
        while let Some((request, ..)) = self
            .jobs
            .pop_front_if(|(.., since)| now.saturating_duration_since(*since) >= RETURN)
        {
            let error = CommandError::new(
                ErrorCode::Unavailable,
                "the player does not give the sound card back",
            );
            request.answer(Err(error));
        }
    }

    fn perform(&mut self, request: Request, job: Job, status: &EngineStatus) {
        if !status.card.running {
            return request.answer(Err(away(status)));
        }
        match job {
            Job::Chime(chime) => {
                let result = self.chime(chime).map(|()| Reply::NOTHING);
                request.answer(result);
            }
            Job::Test(test) => self.begin_test(request, test, status),
        }
    }

    /// Plays a chime over whatever is playing.
    pub(super) fn chime(&self, chime: Chime) -> Result<(), CommandError> {
        let wrong = |error: EngineError| match error {
            EngineError::TooMany(_) => CommandError::new(ErrorCode::Busy, error.to_string()),
            error => CommandError::new(ErrorCode::Failed, error.to_string()),
        };
        let mut source = self
            .engine
            .source_with(SourceKind::Chime, CHIME, Millis(10))
            .map_err(wrong)?;
        source.push(&render(chime, self.engine.rate()));
        source.end();
        Ok(())
    }

    fn begin_test(&mut self, request: Request, test: TestSound, status: &EngineStatus) {
        let refuse = |code, why: &str| Err(CommandError::new(code, why));
        let refusal = if self.test.is_some() {
            refuse(ErrorCode::Busy, "a sound test is running already")
        } else if self.present.mute {
            refuse(
                ErrorCode::Conflict,
                "the box is muted: let it be heard first (`audio.set_mute`)",
            )
        } else if others(status) {
            refuse(
                ErrorCode::Conflict,
                "something other than music sounds: try again when it is over",
            )
        } else {
            listening::check(&test, self.engine.rate())
        };
        if let Err(error) = refusal {
            return request.answer(Err(error));
        }
        let (engine, cancel) = (Arc::clone(&self.engine), self.cancel.clone());
        self.test = Some(tokio::task::spawn_blocking(move || {
            let result = listening::perform(&engine, &test, &cancel);
            (request, result)
        }));
    }

    pub(super) fn end_test(&mut self, tested: Result<Tested, JoinError>) {
        self.test = None;
        self.apply();
        match tested {
            Ok((request, result)) => request.answer(result.map(Reply::SoundTest)),
            Err(error) => tracing::error!(%error, "the sound test ended badly"),
        }
    }
}

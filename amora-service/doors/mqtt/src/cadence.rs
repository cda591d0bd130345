//! When the state is published: at once on a change, in full every few seconds, each second while playing.
//! Pure: time comes in from outside.

use amora_contract::State;
use amora_contract::state::{Condition, PlaybackState, UpdatePhase};
use amora_contract::units::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// The gap to the next state is this many times what the broker needed for the last: under a storm of changes
/// the state takes a part of the link, never all of it, and what is published is always the latest.
const GAP: u32 = 2;

/// The longest gap.
const LONGEST_GAP: Duration = Duration::from_secs(1);

/// Seconds that the position may stray from where playing on would have brought it.
const SEEK: f64 = 1.5;

/// Whether to publish now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Publish,
    /// Not before then, unless something changes.
    Wait(Instant),
}

/// A gap shorter than this is none: the clock does not tick finer.
const SHORTEST_GAP: Duration = Duration::from_millis(1);

/// What subscribers learn at once when it changes.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    playback: PlaybackState,
    song: Option<(String, String, Option<u32>)>,
    volume: Option<(u8, bool)>,
    repeat: bool,
    random: bool,
    playlist: Option<String>,
    error: Option<String>,
    condition: Condition,
    software: Option<(UpdatePhase, Option<String>)>,
}

impl Shown {
    fn of(state: &State) -> Self {
        let player = state.player.as_ref();
        Self {
            playback: player.map(|player| player.state).unwrap_or_default(),
            song: player
                .and_then(|player| player.song.as_ref())
                .map(|song| (song.file.clone(), song.title.clone(), song.id)),
            volume: state.audio.as_ref().map(|audio| (audio.volume.get(), audio.mute)),
            repeat: player.is_some_and(|player| player.repeat),
            random: player.is_some_and(|player| player.random),
            playlist: player.and_then(|player| player.playlist.clone()),
            error: player.and_then(|player| player.error.clone()),
            condition: state.system.condition(),
            software: state.update.as_ref().map(|update| {
                let version = update
                    .install
                    .as_ref()
                    .and_then(|install| install.version.clone());
                (update.phase, version)
            }),
        }
    }
}

struct Last {
    began: Instant,
    shown: Shown,
    position: f64,
}

pub(crate) struct Cadence {
    full: Duration,
    playing: Duration,
    last: Option<Last>,
    not_before: Option<Instant>,
}

impl Cadence {
    pub(crate) fn new(full: Duration, playing: Duration) -> Self {
        Self {
            full,
            playing,
            last: None,
            not_before: None,
        }
    }

    /// A new connection: nobody has seen anything.
    pub(crate) fn forget(&mut self) {
        self.last = None;
        self.not_before = None;
    }

    /// Whether to publish `state` now. `asked` when a command was carried out since.
    pub(crate) fn decide(&self, state: &State, asked: bool, now: Instant, clock: Timestamp) -> Decision {
        let Some(last) = &self.last else {
            return Decision::Publish;
        };
        let shown = Shown::of(state);
        let playing = shown.playback == PlaybackState::Play;
        let changed = asked || shown != last.shown || {
            let elapsed = now.duration_since(last.began).as_secs_f64();
            let expected = last.position + if playing { elapsed } else { 0.0 };
            (position(state, clock) - expected).abs() > SEEK
        };
        let interval = if playing {
            self.playing.min(self.full)
        } else {
            self.full
        };
        let due = if changed { now } else { last.began + interval };
        let due = due.max(self.not_before.unwrap_or(now));
        match due <= now {
            true => Decision::Publish,
            false => Decision::Wait(due),
        }
    }

    /// `state` was published: begun then, and at the broker now.
    pub(crate) fn published(&mut self, state: &State, began: Instant, now: Instant, clock: Timestamp) {
        let gap = (now.duration_since(began) * GAP).min(LONGEST_GAP);
        self.not_before = Some(began + gap).filter(|_| gap > SHORTEST_GAP);
        self.last = Some(Last {
            began,
            shown: Shown::of(state),
            position: position(state, clock),
        });
    }
}

fn position(state: &State, clock: Timestamp) -> f64 {
    state
        .player
        .as_ref()
        .map_or(0.0, |player| crate::dialect::position(player, clock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::state::{AudioState, PlayerState, Song};
    use amora_contract::units::{Seconds, Volume};

    const RTT: Duration = Duration::from_millis(2);

    struct Bench {
        cadence: Cadence,
        start: Instant,
        state: State,
    }

    impl Bench {
        fn new(playback: PlaybackState) -> Self {
            let state = State {
                player: Some(PlayerState {
                    state: playback,
                    song: Some(Song::default()),
                    position_at: Timestamp(1_000_000),
                    ..PlayerState::default()
                }),
                audio: Some(AudioState::default()),
                ..State::default()
            };
            let mut bench = Self {
                cadence: Cadence::new(Duration::from_secs(5), Duration::from_secs(1)),
                start: Instant::now(),
                state,
            };
            bench.publish(0);
            bench
        }

        fn clock(milliseconds: u64) -> Timestamp {
            Timestamp(1_000_000 + milliseconds)
        }

        fn publish(&mut self, at: u64) {
            let began = self.start + Duration::from_millis(at);
            self.cadence
                .published(&self.state, began, began + RTT, Self::clock(at));
        }

        fn decide(&self, at: u64, asked: bool) -> Option<u64> {
            let now = self.start + Duration::from_millis(at);
            match self.cadence.decide(&self.state, asked, now, Self::clock(at)) {
                Decision::Publish => None,
                Decision::Wait(until) => Some((until - self.start).as_millis() as u64),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_state_of_a_connection_goes_at_once() {
        let mut bench = Bench::new(PlaybackState::Stop);
        assert_eq!(bench.decide(1, false), Some(5000));
        bench.cadence.forget();
        assert_eq!(bench.decide(1, false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn five_seconds_at_rest_and_one_while_playing() {
        let rest = Bench::new(PlaybackState::Pause);
        assert_eq!(rest.decide(4999, false), Some(5000));
        assert_eq!(rest.decide(5000, false), None);
        let playing = Bench::new(PlaybackState::Play);
        assert_eq!(playing.decide(900, false), Some(1000));
        assert_eq!(playing.decide(1000, false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_or_a_command_goes_at_once_but_not_in_a_storm() {
        let mut bench = Bench::new(PlaybackState::Stop);
        bench.state.audio.as_mut().unwrap().volume = Volume::clamped(3.0);
        // The broker took 2 ms: the next may go after 4.
        assert_eq!(bench.decide(3, false), Some(4));
        assert_eq!(bench.decide(4, false), None);
        bench.publish(4);
        assert_eq!(bench.decide(100, false), Some(5004));
        assert_eq!(bench.decide(100, true), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_broker_gets_each_change_at_once() {
        let mut bench = Bench::new(PlaybackState::Stop);
        let quick = Duration::from_micros(400);
        bench
            .cadence
            .published(&bench.state, bench.start, bench.start + quick, Bench::clock(0));
        assert_eq!(bench.decide(0, true), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_broker_slows_states_down_to_one_a_second_at_most() {
        let mut bench = Bench::new(PlaybackState::Stop);
        bench.cadence.published(
            &bench.state,
            bench.start,
            bench.start + Duration::from_secs(9),
            Bench::clock(0),
        );
        assert_eq!(bench.decide(10, true), Some(1000));
    }

    #[tokio::test(start_paused = true)]
    async fn seeking_is_a_change_and_playing_on_is_none() {
        let mut bench = Bench::new(PlaybackState::Play);
        assert_eq!(bench.decide(500, false), Some(1000));
        let player = bench.state.player.as_mut().unwrap();
        player.position = Seconds(60.0);
        player.position_at = Bench::clock(400);
        assert_eq!(bench.decide(500, false), None);
    }
}

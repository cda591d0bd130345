//! What the player remembers across restarts, and what it makes of it.

use crate::protocol::{Command, Frame};
use amora_contract::state::{PlaybackState, Song};
use amora_contract::units::{Seconds, Volume};
use serde::{Deserialize, Serialize};

/// What played and where, as kept in `player.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Whether music was playing. Music that was paused never starts by itself.
    pub(crate) playing: bool,
    /// The song's file.
    pub(crate) file: String,
    /// Its position in the queue.
    pub(crate) queue_position: u32,
    /// The position in the song.
    pub(crate) elapsed: Seconds,
    /// When all this was so.
    pub(crate) clock: BootClock,
    /// The stored playlist that the queue was loaded from.
    pub(crate) playlist: Option<String>,
    /// The queue's version right after that.
    pub(crate) playlist_version: u32,
    /// The box's volume from before a fade that has not ended.
    pub(crate) fading_from: Option<Volume>,
    /// The same for MPD's own volume, on a box without a sound section.
    pub(crate) mpd_fading_from: Option<Volume>,
}

/// A clock that nobody sets: seconds since the box was switched on, and which time that was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BootClock {
    pub(crate) boot: String,
    pub(crate) seconds: f64,
}

impl BootClock {
    /// The present reading; zero where the kernel does not tell.
    pub(crate) fn now() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            boot: read("/proc/sys/kernel/random/boot_id").trim().to_owned(),
            seconds: read("/proc/uptime")
                .split(' ')
                .next()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0.0),
        }
    }
}

impl Memory {
    /// Takes note of what is playing. Whether it is news that should be kept soon: a mere change of the position
    /// is not.
    pub(crate) fn note(
        &mut self,
        state: PlaybackState,
        song: Option<&Song>,
        elapsed: Seconds,
        clock: BootClock,
    ) -> bool {
        let before = (self.playing, std::mem::take(&mut self.file), self.queue_position);
        self.playing = state == PlaybackState::Play;
        self.file = song.map(|song| song.file.clone()).unwrap_or_default();
        self.queue_position = song.and_then(|song| song.position).unwrap_or(0);
        self.elapsed = elapsed;
        self.clock = clock;
        (self.playing, &self.file, self.queue_position) != (before.0, &before.1, before.2)
    }

    /// Whether MPD, up for `uptime` whole seconds now, was started after this was noted. In the second of doubt,
    /// it was if the connection to it was `lost`.
    pub(crate) fn precedes_start(&self, uptime: u64, now: &BootClock, lost: bool) -> bool {
        let doubt = if lost { 0.0 } else { 1.0 };
        let started = now.seconds - uptime as f64 - doubt;
        match self.clock.boot == now.boot {
            true => started > self.clock.seconds,
            // MPD on this box cannot be older than the box is up; one elsewhere may have gone on all the time.
            false => started > -2.0,
        }
    }

    /// Whether the music should be set going again after MPD's restart, if it does not play by itself.
    pub(crate) fn wants_resume(&self, state: PlaybackState) -> bool {
        self.playing && !self.file.is_empty() && state != PlaybackState::Play
    }

    /// The search for the song in MPD's queue.
    pub(crate) fn search(&self) -> Command {
        Command::new("playlistfind").text(&crate::translate::file_filter(&self.file))
    }

    /// From the answer to [`Self::search`]: how to go on with the song where it stopped, and how to play it from its
    /// start should that fail. The song may be in the queue more than once, or have moved: the entry nearest to the
    /// old place is taken.
    pub(crate) fn resume(&self, found: &Frame) -> Option<(Vec<Command>, Vec<Command>)> {
        let place = found
            .values("Pos")
            .filter_map(|position| position.parse::<u32>().ok())
            .min_by_key(|position| position.abs_diff(self.queue_position))?;
        let from_start = vec![Command::new("clearerror"), Command::new("play").word(place)];
        // A stream has no position to return to.
        if self.file.contains("://") {
            return Some((from_start.clone(), from_start));
        }
        let from_there = vec![
            Command::new("clearerror"),
            Command::new("seek")
                .word(place)
                .word(format_args!("{:.3}", self.elapsed.0)),
            Command::new("play"),
        ];
        Some((from_there, from_start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(boot: &str, seconds: f64) -> BootClock {
        BootClock {
            boot: boot.to_owned(),
            seconds,
        }
    }

    fn playing() -> Memory {
        let mut memory = Memory::default();
        let song = Song {
            file: "a.flac".to_owned(),
            position: Some(3),
            ..Song::default()
        };
        assert!(memory.note(
            PlaybackState::Play,
            Some(&song),
            Seconds(12.5),
            clock("one", 100.0)
        ));
        assert!(!memory.note(
            PlaybackState::Play,
            Some(&song),
            Seconds(13.5),
            clock("one", 101.0)
        ));
        memory
    }

    #[test]
    fn a_restart_of_mpd_is_told_from_a_lost_connection() {
        let memory = playing();
        let (same, other) = (|seconds| clock("one", seconds), |seconds| clock("two", seconds));
        assert!(
            !memory.precedes_start(90, &same(120.0), true),
            "MPD went on all the time"
        );
        assert!(memory.precedes_start(5, &same(120.0), false), "MPD started again");
        assert!(
            memory.precedes_start(0, &same(101.5), true),
            "MPD started again at once"
        );
        assert!(
            !memory.precedes_start(0, &same(101.5), false),
            "MPD had just been started"
        );
        assert!(
            memory.precedes_start(5, &other(20.0), false),
            "the box started again"
        );
        assert!(memory.precedes_start(20, &other(20.0), false), "and MPD with it");
        assert!(
            !memory.precedes_start(5000, &other(20.0), false),
            "an MPD elsewhere went on"
        );
    }

    #[test]
    fn only_music_that_played_goes_on() {
        let mut memory = playing();
        assert!(memory.wants_resume(PlaybackState::Pause));
        assert!(memory.wants_resume(PlaybackState::Stop));
        assert!(!memory.wants_resume(PlaybackState::Play));
        memory.note(
            PlaybackState::Pause,
            Some(&Song::default()),
            Seconds(1.0),
            clock("one", 102.0),
        );
        assert!(!memory.wants_resume(PlaybackState::Pause));
    }

    #[test]
    fn the_nearest_entry_goes_on_where_it_stopped() {
        let mut decoder = crate::protocol::Decoder::default();
        decoder.push(b"OK MPD 0.24.0\nfile: a.flac\nPos: 0\nId: 1\nfile: a.flac\nPos: 4\nId: 5\nOK\nOK\n");
        let mut answers =
            std::iter::from_fn(|| decoder.next_message().unwrap()).filter_map(|message| match message {
                crate::protocol::Message::Answer(mut frames) => frames.pop(),
                _ => None,
            });
        let lines = |commands: &[Command]| -> Vec<String> {
            commands.iter().map(|command| command.line().to_owned()).collect()
        };
        let found = answers.next().unwrap();
        let (there, start) = playing().resume(&found).unwrap();
        assert_eq!(lines(&there), ["clearerror", "seek 4 13.500", "play"]);
        assert_eq!(lines(&start), ["clearerror", "play 4"]);
        let mut stream = playing();
        stream.file = "http://radio/live".to_owned();
        assert_eq!(lines(&stream.resume(&found).unwrap().0), ["clearerror", "play 4"]);
        assert_eq!(playing().resume(&answers.next().unwrap()), None);
    }

    #[test]
    fn an_older_or_newer_file_is_read_as_far_as_it_goes() {
        let memory: Memory = serde_json::from_str(r#"{"playing":true,"file":"x","later":1}"#).unwrap();
        assert!(memory.playing && memory.elapsed == Seconds(0.0));
        let whole = serde_json::to_string(&playing()).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&whole).unwrap(), playing());
    }
}

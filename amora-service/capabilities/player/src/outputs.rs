//! Which of MPD's outputs plays: the one into the mixer, or in exclusive mode the one straight to the card.

use crate::protocol::Command;
use amora_contract::config::PlayerConfig;
use amora_contract::reply::Output;
use amora_contract::state::CardOwner;
use std::time::Duration;
use tokio::time::Instant;

/// The commands that make the outputs fit the card's owner; none when they do already.
pub(crate) fn switch(owner: CardOwner, outputs: &[Output], config: &PlayerConfig) -> Vec<Command> {
    let (wanted, unwanted) = match owner {
        CardOwner::Player => (&config.exclusive_output, &config.mixer_output),
        CardOwner::Engine | CardOwner::Returning => (&config.mixer_output, &config.exclusive_output),
    };
    let find = |name: &str| outputs.iter().find(|output| output.name == name);
    // Without the wanted output the other is better than silence.
    let Some(wanted) = find(wanted) else {
        return Vec::new();
    };
    let mut commands = Vec::new();
    // First on, then off: MPD pauses when no output is left.
    if !wanted.enabled {
        commands.push(Command::new("enableoutput").word(wanted.id));
    }
    if let Some(unwanted) = find(unwanted).filter(|output| output.enabled) {
        commands.push(Command::new("disableoutput").word(unwanted.id));
    }
    commands
}

/// An output that is missing in MPD's configuration: the cause, and the next step.
pub(crate) fn problem(
    owner: CardOwner,
    outputs: &[Output],
    config: &PlayerConfig,
) -> Option<(String, String)> {
    let (name, setting, effect) = match owner {
        CardOwner::Player => (
            &config.exclusive_output,
            "exclusive_output",
            "exclusive mode has no way to the card",
        ),
        _ => (
            &config.mixer_output,
            "mixer_output",
            "music cannot reach the mixer",
        ),
    };
    if outputs.iter().any(|output| output.name == *name) {
        return None;
    }
    Some((
        format!("MPD has no output named `{name}`: {effect}"),
        format!("add an audio_output named `{name}` to mpd.conf, or set `{setting}` in [player]"),
    ))
}

/// Music that MPD plays and that does not arrive: the cause, and the next step.
pub(crate) fn silence(config: &PlayerConfig) -> (String, String) {
    let output = &config.mixer_output;
    (
        "MPD plays, but its music does not arrive".to_owned(),
        format!(
            "check that the output `{output}` in mpd.conf writes format \"48000:f:2\" to the FIFO that \
             `audio.music.fifo` names; restart MPD if it was changed"
        ),
    )
}

/// Notices that music does not arrive although it should. Time comes in from outside.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    since: Option<Instant>,
}

impl Silence {
    /// Longer than MPD takes to begin a song, or to reach a radio station.
    const PATIENCE: Duration = Duration::from_secs(15);

    /// Takes note of how things are.
    pub(crate) fn observe(&mut self, should_sound: bool, flowing: bool, now: Instant) {
        match should_sound && !flowing {
            true => self.since = self.since.or(Some(now)),
            false => self.since = None,
        }
    }

    /// Whether it has lasted too long.
    pub(crate) fn lasts(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When it will have lasted too long.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + Self::PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(mixer: bool, exclusive: bool) -> Vec<Output> {
        [("Amora", mixer), ("Exclusive", exclusive), ("Stream", true)]
            .iter()
            .enumerate()
            .map(|(id, (name, enabled))| Output {
                id: id as u32,
                name: (*name).to_owned(),
                plugin: "null".to_owned(),
                enabled: *enabled,
            })
            .collect()
    }

    fn lines(owner: CardOwner, outputs: &[Output]) -> Vec<String> {
        switch(owner, outputs, &PlayerConfig::default())
            .iter()
            .map(|command| command.line().to_owned())
            .collect()
    }

    #[test]
    fn the_card_goes_to_the_player_and_back() {
        assert_eq!(
            lines(CardOwner::Player, &outputs(true, false)),
            ["enableoutput 1", "disableoutput 0"]
        );
        for owner in [CardOwner::Returning, CardOwner::Engine] {
            assert_eq!(
                lines(owner, &outputs(false, true)),
                ["enableoutput 0", "disableoutput 1"]
            );
        }
    }

    #[test]
    fn what_fits_already_is_left_alone() {
        assert!(lines(CardOwner::Engine, &outputs(true, false)).is_empty());
        assert!(lines(CardOwner::Player, &outputs(false, true)).is_empty());
        assert!(lines(CardOwner::Player, &outputs(true, false)[..1]).is_empty());
    }

    #[test]
    fn a_missing_output_is_named() {
        let config = PlayerConfig::default();
        assert_eq!(problem(CardOwner::Engine, &outputs(true, false), &config), None);
        let (cause, next_step) = problem(CardOwner::Player, &outputs(true, false)[..1], &config).unwrap();
        assert!(cause.contains("`Exclusive`") && next_step.contains("mpd.conf"));
    }

    #[test]
    fn silence_is_noticed_when_it_lasts_and_forgotten_when_it_ends() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::default();
        silence.observe(true, false, start);
        silence.observe(true, false, after(5));
        assert!(!silence.lasts(after(14)));
        assert_eq!(silence.deadline(), Some(after(15)));
        assert!(silence.lasts(after(15)));
        silence.observe(true, true, after(16));
        assert!(!silence.lasts(after(60)));
        silence.observe(false, false, after(60));
        assert_eq!(silence.deadline(), None);
    }
}

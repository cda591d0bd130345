//! `amoractl status` and `amoractl watch`.

use crate::client::{Client, Messages};
use crate::failure::Failure;
use crate::render::read;
use crate::text::{condition, now_playing, plain, table};
use amora_contract::State;
use amora_contract::state::{Levels, SystemState};
use amora_contract::units::{Decibels, Seconds, Timestamp};
use amora_link::backoff::{Backoff, Policy, Reset, random};
use futures_util::StreamExt;
use serde_json::Value;
use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the live line is drawn again, so that the position moves.
const REDRAW: Duration = Duration::from_millis(500);

/// When a service that went away is looked for again. One that goes again at once is not asked at full pace.
const RETRY: Policy = Policy {
    base: Duration::from_millis(500),
    factor: 2.0,
    cap: Duration::from_secs(15),
    jitter: 0.2,
    reset: Reset::AfterHolding(Duration::from_secs(5)),
};

/// Shows the state once.
pub(crate) async fn status(client: &Client, json: bool) -> Result<String, Failure> {
    let state = client.state().await?;
    match json {
        true => Ok(format!("{state}\n")),
        false => Ok(describe(&read(state)?, Timestamp::now())),
    }
}

/// What the box plays, how its parts are, and where its cloud and its updates stand.
pub(crate) fn describe(state: &State, now: Timestamp) -> String {
    let cloud = state
        .iot_hub
        .as_ref()
        .map(|hub| format!("cloud: {}\n", crate::cloud::line(hub, now)));
    let update = state
        .update
        .as_ref()
        .and_then(crate::update::line)
        .map(|line| format!("update: {line}\n"));
    let more: String = cloud.into_iter().chain(update).collect();
    let gap = if more.is_empty() { "" } else { "\n" };
    format!(
        "{}\n\n{}{gap}{more}",
        now_playing(state, now),
        health(&state.system)
    )
}

/// How the parts of the box are.
pub(crate) fn health(system: &SystemState) -> String {
    let rows: Vec<Vec<String>> = system
        .health
        .iter()
        .map(|(part, health)| {
            let advice = match (health.cause.as_str(), health.next_step.as_str()) {
                (cause, "") => plain(cause),
                (cause, next) => plain(&format!("{cause}; {next}")),
            };
            vec![plain(part), condition(health.condition).to_owned(), advice]
        })
        .collect();
    let title = format!(
        "{} ({}), version {}\n",
        plain(&system.name),
        plain(&system.id),
        plain(&system.version)
    );
    format!("{title}{}", table(&["Part", "Condition", ""], &rows))
}

/// Shows what changes, for ever. A service that goes away is waited for; one that was never there is a failure.
pub(crate) async fn watch(client: &Client, json: bool, levels: bool) -> Result<Infallible, Failure> {
    let mut messages = client.watch(levels).await?;
    let mut screen = Screen::new(json);
    let mut backoff = Backoff::new(RETRY);
    loop {
        let began = Instant::now();
        let cause = show(&mut messages, &mut screen).await?;
        backoff.ended(began.elapsed());
        screen.note(&format!("{cause}; waiting for it to come back"))?;
        messages = loop {
            let wait = backoff.next_delay(random());
            tokio::time::sleep(wait).await;
            match client.watch(levels).await {
                Ok(messages) => break messages,
                Err(Failure::NotReachable(_)) => {}
                Err(other) => return Err(other),
            }
        };
        screen.note("connected again")?;
        screen.view.document = Value::Null;
    }
}

/// Shows messages until the connection ends; tells why it did.
async fn show(messages: &mut Messages, screen: &mut Screen) -> Result<String, Failure> {
    let mut redraw = tokio::time::interval(REDRAW);
    loop {
        let message = tokio::select! {
            message = messages.next() => Some(message),
            _ = redraw.tick(), if screen.live => None,
        };
        match message {
            None => screen.draw()?,
            Some(Some(Ok(message))) => screen.show(message)?,
            Some(Some(Err(Failure::NotReachable(cause)))) => return Ok(cause),
            Some(Some(Err(other))) => return Err(other),
            Some(None) => return Ok("the service closed the connection".to_owned()),
        }
    }
}

/// Where it is shown.
struct Screen {
    out: std::io::Stdout,
    json: bool,
    /// Whether the last line is drawn again and again.
    live: bool,
    view: View,
}

impl Screen {
    fn new(json: bool) -> Self {
        let out = std::io::stdout();
        Self {
            live: out.is_terminal() && !json,
            out,
            json,
            view: View::default(),
        }
    }

    fn show(&mut self, message: Value) -> Result<(), Failure> {
        if self.json {
            writeln!(self.out, "{message}")?;
            return Ok(self.out.flush()?);
        }
        match (self.live, self.view.take(message)?) {
            (true, Said::Event(line)) => {
                write!(self.out, "\r\x1b[K{line}\n")?;
                self.draw()?;
            }
            (true, _) => self.draw()?,
            (false, Said::Event(line) | Said::Changed(line)) => writeln!(self.out, "{line}")?,
            (false, Said::Nothing) => {}
        }
        Ok(self.out.flush()?)
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let line = self.view.line(Timestamp::now());
        write!(self.out, "\r\x1b[K{line}")?;
        self.out.flush()
    }

    /// Says something about the connection, beside what is shown.
    fn note(&mut self, text: &str) -> std::io::Result<()> {
        if self.live {
            write!(self.out, "\r\x1b[K")?;
            self.out.flush()?;
        }
        eprintln!("amoractl: {text}");
        Ok(())
    }
}

/// What is known from the messages so far.
#[derive(Default)]
struct View {
    document: Value,
    state: State,
    levels: Option<Levels>,
    /// The line with the song's position left out.
    still: String,
}

/// What one message is worth telling.
enum Said {
    Nothing,
    /// The line is another one, its position aside.
    Changed(String),
    /// Something happened.
    Event(String),
}

impl View {
    fn take(&mut self, message: Value) -> Result<Said, Failure> {
        if let Some(change) = message.get("state") {
            merge(&mut self.document, change);
            self.state = read(self.document.clone())?;
            // A position that went on is no news.
            let mut still = self.state.clone();
            if let Some(player) = &mut still.player {
                player.position = Seconds(0.0);
                player.position_at = Timestamp(u64::MAX);
            }
            let still = now_playing(&still, Timestamp(0));
            let is_news = std::mem::replace(&mut self.still, still.clone()) != still;
            let line = || Said::Changed(now_playing(&self.state, Timestamp::now()));
            return Ok(is_news.then(line).unwrap_or(Said::Nothing));
        }
        if let Some(event) = message.get("event") {
            let name = event["event"].as_str().unwrap_or_default();
            let data = match &event["data"] {
                Value::Object(data) if data.is_empty() => String::new(),
                Value::Null => String::new(),
                data => format!(" {data}"),
            };
            return Ok(Said::Event(plain(&format!("{name}{data}"))));
        }
        if let Some(levels) = message.get("levels") {
            self.levels = serde_json::from_value(levels.clone()).ok();
        }
        if let Some(missed) = message.get("lagged") {
            return Ok(Said::Event(format!("{missed} events were missed")));
        }
        Ok(Said::Nothing)
    }

    fn line(&self, now: Timestamp) -> String {
        let playing = now_playing(&self.state, now);
        match &self.levels {
            Some(levels) => format!("{playing}  {} {}", bar(levels.peak[0]), bar(levels.peak[1])),
            None => playing,
        }
    }
}

/// Takes the sections that changed; null takes a section away.
fn merge(document: &mut Value, change: &Value) {
    let Value::Object(change) = change else { return };
    if !document.is_object() {
        *document = Value::Object(serde_json::Map::new());
    }
    for (section, value) in change {
        document[section] = value.clone();
    }
}

/// A level as a bar of ten steps, 6 dB each.
fn bar(level: Decibels) -> String {
    let steps = ((level.0 + 60.0) / 6.0).clamp(0.0, 10.0) as usize;
    format!("{}{}", "█".repeat(steps), "·".repeat(10 - steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state() -> Value {
        let mut state = State::default();
        state.system.name = "Kitchen".to_owned();
        state.player = Some(amora_contract::state::PlayerState {
            state: amora_contract::state::PlaybackState::Play,
            song: Some(amora_contract::state::Song {
                title: "Blue".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        });
        serde_json::to_value(state).unwrap()
    }

    #[test]
    fn only_what_is_news_is_told() {
        let mut view = View::default();
        assert!(
            matches!(view.take(json!({"state": state()})).unwrap(), Said::Changed(line) if line.contains("Blue"))
        );
        let mut player = state()["player"].clone();
        player["position"] = json!(7.0);
        let moved = json!({"state": {"revision": 2, "player": player}});
        assert!(matches!(view.take(moved).unwrap(), Said::Nothing));
        player["state"] = json!("pause");
        let paused = json!({"state": {"revision": 3, "player": player}});
        assert!(matches!(view.take(paused).unwrap(), Said::Changed(line) if line.starts_with('⏸')));
        let gone = json!({"state": {"revision": 4, "player": null}});
        assert!(matches!(view.take(gone).unwrap(), Said::Changed(line) if line == "no player"));
        let event = json!({"event": {"time": 1, "event": "audio.xrun", "data": {"count": 3}}});
        assert!(matches!(view.take(event).unwrap(), Said::Event(line) if line == "audio.xrun {\"count\":3}"));
        assert!(
            matches!(view.take(json!({"lagged": 2})).unwrap(), Said::Event(line) if line.starts_with("2 events"))
        );
    }

    #[test]
    fn levels_are_drawn_beside_the_line() {
        let mut view = View::default();
        view.take(json!({"state": state()})).unwrap();
        let levels = json!({"peak": [-6.0, -60.0], "rms": [-9.0, -70.0], "limiting": 0.0, "ducking": 0.0});
        view.take(json!({"levels": levels})).unwrap();
        assert!(view.line(Timestamp(0)).ends_with("█████████· ··········"));
    }
}

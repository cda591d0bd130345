//! Obeys what the twin desires, and reports.

use crate::desired::{self, Refusal, Wish};
use crate::dialect;
use crate::reported::Reported;
use amora_contract::units::{Seconds, Timestamp};
use amora_link::iot_hub::client::Hub;
use amora_link::iot_hub::twin::{Desired, limits};
use amora_router::Doorway;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The state is looked at for what is worth reporting this often at most.
const LOOK: Duration = Duration::from_secs(1);

/// Desired properties beyond these are not answered: the twin must have room for the answers.
const MOST: usize = 64;

/// Bytes of the answers: half of the twin. The other half is the state's.
const ANSWERS: usize = limits::LARGEST / 2;

pub(crate) struct Desk {
    pub(crate) doorway: Doorway,
    pub(crate) hub: Hub,
    /// Time between status messages, as it is in force.
    pub(crate) interval: watch::Sender<Seconds>,
    /// Whether the door obeys and reports; components do in any case.
    pub(crate) obeys: bool,
}

impl Desk {
    /// Runs until the client or the door is over.
    pub(crate) async fn run(self, mut desires: mpsc::Receiver<Desired>) {
        let router = self.doorway.router().clone();
        let mut states = router.watch_state();
        let mut components = router.cloud_twin().watch_reported();
        // Components may have reported before the door was opened.
        components.mark_changed();
        let mut carried: Map<String, Value> = Map::new();
        let mut answers: BTreeMap<String, Value> = BTreeMap::new();
        let mut reported = Reported::default();
        let configured = *self.interval.borrow();
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        if self.obeys {
            self.hub.report("telemetry_interval", json!(configured)).await;
        }
        loop {
            tokio::select! {
                news = desires.recv() => match news {
                    Some(news) if self.obeys => self.obey(news, configured, &mut answers).await,
                    Some(_) => {}
                    None => return,
                },
                changed = components.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = components.borrow_and_update().clone();
                    self.carry(&now, &carried).await;
                    carried = now;
                }
                _ = ticks.tick(), if self.obeys => {
                    let others = limits::size_of_object(&carried) + size_of(&answers);
                    let state = states.borrow_and_update().clone();
                    if let Some(document) = reported.update(&state, others, Timestamp::now()) {
                        for property in ["status", "state", "last_updated"] {
                            let value = document.get(property).cloned().unwrap_or(Value::Null);
                            self.hub.report(property, value).await;
                        }
                    }
                }
            }
        }
    }

    /// Reports what components want reported.
    async fn carry(&self, now: &Map<String, Value>, before: &Map<String, Value>) {
        for (name, value) in now {
            if before.get(name) != Some(value) {
                self.hub.report(name, value.clone()).await;
            }
        }
        for name in before.keys().filter(|name| !now.contains_key(*name)) {
            self.hub.report(name, Value::Null).await;
        }
    }

    async fn obey(&self, news: Desired, configured: Seconds, answers: &mut BTreeMap<String, Value>) {
        // Answers to what is desired no more, also those of an earlier start.
        let held = news
            .reported
            .iter()
            .filter(|(_, held)| desired::is_acknowledgement(held))
            .map(|(name, _)| name);
        let gone: Vec<String> = held
            .chain(answers.keys())
            .filter(|name| !news.all.contains_key(*name))
            .cloned()
            .collect();
        for name in gone {
            if name == "config"
                && let Err(refusal) = self.carry_out(vec![desired::configure(Map::new())]).await
            {
                // The answer stays, so that it is tried again when the twin is next read or changed.
                tracing::warn!(
                    reason = refusal.reason,
                    "settings of the cloud could not be taken back"
                );
                continue;
            }
            answers.remove(&name);
            if name == "telemetry_interval" {
                self.interval.send_replace(configured);
                self.hub.report(&name, json!(configured)).await;
            } else {
                self.hub.report(&name, Value::Null).await;
            }
        }
        for name in news.changed.keys() {
            let Some(value) = news.all.get(name) else { continue };
            let wish = desired::read(name, value);
            if wish == Ok(Wish::Component) {
                continue;
            }
            if answers.len() >= MOST && !answers.contains_key(name) {
                tracing::warn!(name, "too many desired properties: this one is not answered");
                continue;
            }
            let own = answers.get(name).map_or(0, |answer| size_of_one(name, answer));
            let others = size_of(answers) - own;
            let answer = if others + size_of_one(name, value) > ANSWERS {
                let reason = format!("more than {} KB of properties are desired", ANSWERS / 1024);
                let mut answer =
                    desired::acknowledgement(value, news.version, Err(&Refusal::new(400, reason)));
                // The value itself would not fit.
                if let Value::Object(answer) = &mut answer {
                    answer.remove("value");
                }
                answer
            } else {
                let known = answers.get(name).or_else(|| news.reported.get(name));
                self.answer(wish, value, news.version, known).await
            };
            self.hub.report(name, answer.clone()).await;
            answers.insert(name.clone(), answer);
        }
    }

    /// Carries out what is desired, if it was not done before, and gives the answer.
    async fn answer(
        &self,
        wish: Result<Wish, Refusal>,
        value: &Value,
        version: u64,
        known: Option<&Value>,
    ) -> Value {
        let outcome = match wish {
            Ok(Wish::Interval(interval)) => {
                self.interval.send_replace(interval);
                Ok(String::new())
            }
            Ok(Wish::Settings(settings)) => self.carry_out(vec![desired::configure(settings)]).await,
            wish => match (wish, known.filter(|known| desired::was_done(known, value))) {
                (_, Some(done)) => return done.clone(),
                (Ok(Wish::Commands(commands)), None) => self.carry_out(commands).await,
                (Ok(_), None) => Ok(String::new()),
                (Err(refusal), None) => Err(refusal),
            },
        };
        desired::acknowledgement(value, version, outcome.as_ref().map(String::as_str))
    }

    /// Carries commands out in order; gives what the last one has to tell.
    async fn carry_out(&self, commands: Vec<amora_contract::Command>) -> Result<String, Refusal> {
        let mut words = String::new();
        for command in commands {
            let result = self.doorway.execute(command).await;
            let reply = result.map_err(|error| Refusal::from(dialect::refusal(&error)))?;
            words = desired::remark(&reply);
        }
        Ok(words)
    }
}

fn size_of(answers: &BTreeMap<String, Value>) -> usize {
    answers
        .iter()
        .map(|(name, answer)| size_of_one(name, answer))
        .sum()
}

fn size_of_one(name: &str, value: &Value) -> usize {
    name.len() + limits::size(value)
}

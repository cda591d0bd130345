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
                    let others = limits::size_of_object(&carried)
                        + answers.iter().map(|(name, answer)| name.len() + limits::size(answer)).sum::<usize>();
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
            if answers.len() >= MOST && !answers.contains_key(name) {
                tracing::warn!(name, "too many desired properties: this one is not answered");
                continue;
            }
            let known = answers.get(name).or_else(|| news.reported.get(name));
            let done = known.filter(|known| desired::was_done(known, value)).cloned();
            let answer = match (desired::read(name, value), done) {
                (Ok(Wish::Component), _) => continue,
                (Ok(Wish::Interval(interval)), _) => {
                    self.interval.send_replace(interval);
                    desired::acknowledgement(value, news.version, Ok(()))
                }
                (_, Some(done)) => done,
                (Ok(Wish::Commands(commands)), None) => {
                    let outcome = self.carry_out(commands).await;
                    desired::acknowledgement(value, news.version, outcome.as_ref().copied())
                }
                (Err(refusal), None) => desired::acknowledgement(value, news.version, Err(&refusal)),
            };
            self.hub.report(name, answer.clone()).await;
            answers.insert(name.clone(), answer);
        }
    }

    async fn carry_out(&self, commands: Vec<amora_contract::Command>) -> Result<(), Refusal> {
        for command in commands {
            let result = self.doorway.execute(command).await;
            result.map_err(|error| Refusal::from(dialect::refusal(&error)))?;
        }
        Ok(())
    }
}

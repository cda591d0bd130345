//! Shows the box to the broker: `online`, the state, and its description for Home Assistant.

use crate::cadence::{Cadence, Decision};
use crate::commands::Signals;
use crate::dialect::StateMessage;
use crate::home_assistant;
use crate::topics::Topics;
use amora_contract::Reply;
use amora_contract::State;
use amora_contract::commands::PlayerCommand;
use amora_contract::units::Timestamp;
use amora_link::mqtt::{Publication, PublishError, Publisher, Quality, Status, Undelivered};
use amora_router::Doorway;
use bytes::Bytes;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// The body of the `connection` topic.
pub(crate) fn connection(topics: &Topics, status: &str, quality: Quality, retain: bool) -> Publication {
    let body = json!({"status": status, "timestamp": Timestamp::now().seconds()});
    Publication {
        topic: topics.connection.clone(),
        payload: body.to_string().into(),
        quality,
        retain,
    }
}

pub(crate) struct Presence {
    pub(crate) doorway: Doorway,
    pub(crate) publisher: Publisher,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) topics: Topics,
    pub(crate) quality: Quality,
    pub(crate) retain: bool,
    pub(crate) cadence: Cadence,
    pub(crate) signals: Arc<Signals>,
    /// Where to describe the box for Home Assistant, if it is to be described.
    pub(crate) discovery: Option<String>,
    /// Remembers where it was described, so that it can be taken back when that is switched off.
    pub(crate) described: PathBuf,
}

/// The connection was lost, or the session is over.
struct Gone;

impl Presence {
    /// Runs until the session is over.
    pub(crate) async fn show(mut self) {
        let mut shown = 0;
        loop {
            let status = self.status.borrow_and_update().clone();
            match status {
                Status::Connected { connection, .. } if connection != shown => {
                    shown = connection;
                    // Lost again before it was done: the next connection begins anew.
                    let _ = self.stay(connection).await;
                }
                _ => {
                    if self.status.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Runs as long as this connection lasts.
    async fn stay(&mut self, number: u64) -> Result<(), Gone> {
        let online = connection(&self.topics, "online", self.quality, self.retain);
        self.publish(online, number).await?;
        self.cadence.forget();
        let mut watched = self.doorway.router().watch_state();
        let mut playlists_version = None;
        let mut asked = false;
        self.take_back_description(number).await?;
        loop {
            let state = watched.borrow_and_update().clone();
            let (now, clock) = (Instant::now(), Timestamp::now());
            let wait = match self.cadence.decide(&state, asked, now, clock) {
                Decision::Publish => {
                    asked = false;
                    self.publish(self.state(&state, clock), number).await?;
                    self.cadence.published(&state, now, Instant::now(), clock);
                    continue;
                }
                Decision::Wait(until) => until,
            };
            let version = state.player.as_ref().map(|player| player.playlists_version);
            if self.discovery.is_some() && playlists_version != Some(version) {
                playlists_version = Some(version);
                self.describe(&state, number).await?;
                continue;
            }
            let signals = self.signals.clone();
            tokio::select! {
                () = tokio::time::sleep_until(wait) => {}
                changed = watched.changed() => changed.map_err(|_| Gone)?,
                () = signals.acted.notified() => asked = true,
                () = signals.born.notified() => {
                    playlists_version = None;
                    asked = true;
                }
                gone = ended(&mut self.status, number) => return Err(gone),
            }
        }
    }

    fn state(&self, state: &State, clock: Timestamp) -> Publication {
        Publication {
            topic: self.topics.state.clone(),
            payload: StateMessage::encode(state, clock).into(),
            quality: self.quality,
            retain: self.retain,
        }
    }

    async fn describe(&mut self, state: &State, number: u64) -> Result<(), Gone> {
        let Some(topic) = self.discovery.clone() else {
            return Ok(());
        };
        let playlists = match self.doorway.execute(PlayerCommand::GetPlaylists.into()).await {
            Ok(Reply::Playlists(reply)) => reply
                .playlists
                .into_iter()
                .map(|playlist| playlist.name)
                .collect(),
            _ => Vec::new(),
        };
        let body = home_assistant::discovery(&state.system, &self.topics, &playlists);
        if let Err(error) = std::fs::write(&self.described, &topic) {
            tracing::warn!(%error, "cannot remember what was told to Home Assistant");
        }
        let description = Publication {
            topic,
            payload: body.to_string().into(),
            quality: Quality::AtLeastOnce,
            retain: self.retain,
        };
        self.publish(description, number).await
    }

    /// Removes a description that was published elsewhere, or that is not wanted any more.
    async fn take_back_description(&mut self, number: u64) -> Result<(), Gone> {
        let Ok(topic) = std::fs::read_to_string(&self.described) else {
            return Ok(());
        };
        if self.discovery.as_ref() == Some(&topic) {
            return Ok(());
        }
        let nothing = Publication {
            topic,
            payload: Bytes::new(),
            quality: Quality::AtLeastOnce,
            retain: true,
        };
        self.publish(nothing, number).await?;
        if let Err(error) = std::fs::remove_file(&self.described) {
            tracing::warn!(%error, "cannot forget what was told to Home Assistant");
        }
        Ok(())
    }

    /// Publishes and waits until it has arrived. What cannot be sent is logged and does not end the connection.
    async fn publish(&mut self, publication: Publication, number: u64) -> Result<(), Gone> {
        let publisher = self.publisher.clone();
        let arrival = async {
            match publisher.publish(&publication).await {
                Ok(delivery) => delivery.arrived().await,
                Err(PublishError::Closed) => Err(Undelivered::Closed),
                Err(error) => Err(Undelivered::Refused(error.to_string())),
            }
        };
        tokio::select! {
            result = arrival => match result {
                Ok(()) => Ok(()),
                Err(Undelivered::Refused(reason)) => {
                    tracing::warn!(topic = publication.topic, reason, "could not be published");
                    Ok(())
                }
                Err(_) => Err(Gone),
            },
            gone = ended(&mut self.status, number) => Err(gone),
        }
    }
}

/// Returns when the connection is another one, or none.
async fn ended(status: &mut watch::Receiver<Status>, number: u64) -> Gone {
    let other =
        |status: &Status| !matches!(status, Status::Connected { connection, .. } if *connection == number);
    // An error means that the session is over.
    let _ = status.wait_for(other).await;
    Gone
}

//! How the door is, for people: its health, and its section of the state.

use crate::telemetry::Counters;
use amora_contract::state::{IotHubLink, IotHubReceived, IotHubState};
use amora_contract::units::Timestamp;
use amora_link::iot_hub::client::{Hub, Standing};
use amora_link::outbox::Fill;
use amora_router::Router;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Received messages shown.
const RECEIVED: usize = 5;

/// How long dropped messages are spoken of. The words stay the same: new ones would be an event, and where an outbox
/// is full that drops one more.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Counters are shown anew this often.
const LOOK: Duration = Duration::from_secs(5);

pub(crate) struct Shown {
    pub(crate) router: Router,
    pub(crate) hub: Hub,
    pub(crate) outboxes: [watch::Receiver<Fill>; 2],
    pub(crate) counters: Counters,
    /// Why messages are not kept through a power cut.
    pub(crate) unkept: Option<String>,
}

impl Shown {
    /// Shows until the client is over.
    pub(crate) async fn run(self, mut receipts: mpsc::Receiver<IotHubReceived>) {
        let mut standings = self.hub.standing();
        let mut state = IotHubState::default();
        let mut dropped_before = self.dropped();
        let mut lost_at: Option<Instant> = None;
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            let standing = standings.borrow_and_update().clone();
            take(&mut state, &standing, Timestamp::now());
            let dropped = self.dropped();
            state.waiting = self.outboxes.iter().map(|fill| fill.borrow().entries).sum();
            state.dropped = dropped;
            state.sent = self.counters.sent();
            if let Some(connection) = self.hub.line().borrow().as_ref().map(|line| line.connection()) {
                state.connections = connection;
            }
            if dropped > dropped_before {
                lost_at = Some(Instant::now());
                dropped_before = dropped;
            }
            lost_at = lost_at.filter(|at| at.elapsed() < REMEMBERED);
            self.report(&standing, lost_at.is_some());
            let twin = self.router.cloud_twin().watch_desired();
            state.desired_version = twin.borrow().as_ref().map_or(0, |desired| desired.version);
            self.router.update_state(|shared| {
                if shared.iot_hub.as_ref() != Some(&state) {
                    shared.iot_hub = Some(state.clone());
                }
            });
            tokio::select! {
                changed = standings.changed() => if changed.is_err() { return },
                received = receipts.recv() => match received {
                    Some(received) => {
                        state.received.insert(0, received);
                        state.received.truncate(RECEIVED);
                    }
                    None => return,
                },
                _ = ticks.tick() => {}
            }
        }
    }

    fn dropped(&self) -> u64 {
        self.outboxes.iter().map(|fill| fill.borrow().dropped).sum()
    }

    fn report(&self, standing: &Standing, lost: bool) {
        let health = self.router.health("iot_hub");
        match standing {
            Standing::Starting | Standing::Provisioning | Standing::Connecting { .. } => {
                let known = self.router.state();
                let known = known.system.health.get("iot_hub");
                // A box that tries again is not as good as new.
                if known.is_none_or(|known| known.cause.is_empty()) {
                    health.starting();
                }
            }
            Standing::WaitingForClock => {
                let (cause, next_step) = clock();
                health.degraded(&cause, &next_step);
            }
            Standing::Waiting { trouble, .. } => health.degraded(&trouble.cause, &trouble.next_step),
            Standing::Connected { refused, .. } if !refused.is_empty() => health.degraded(
                &format!(
                    "the hub does not let this box subscribe to {}",
                    refused.join(", ")
                ),
                "check what the hub's tier allows: twins and methods need the standard tier",
            ),
            Standing::Connected { .. } => match &self.unkept {
                Some(cause) => health.degraded(
                    &format!("messages are not kept through a power cut: {cause}"),
                    "check that the data folder can be written and is not full",
                ),
                None if lost => health.degraded(
                    "messages to the cloud were dropped because too many waited",
                    "see what kept the hub away; a gap in `sequence` tells which are missing",
                ),
                None => health.ok(),
            },
        }
    }
}

fn clock() -> (String, String) {
    (
        "this box's clock is wrong, so that it cannot sign in".to_owned(),
        "it goes on by itself once the time service has set the clock: check the network and NTP".to_owned(),
    )
}

fn take(state: &mut IotHubState, standing: &Standing, now: Timestamp) {
    let (link, cause, next_step) = match standing {
        Standing::Starting => (IotHubLink::Starting, String::new(), String::new()),
        Standing::WaitingForClock => {
            let (cause, next_step) = clock();
            (IotHubLink::WaitingForClock, cause, next_step)
        }
        // Why it was not connected before stays to be seen until it is.
        Standing::Provisioning => (
            IotHubLink::Provisioning,
            state.cause.clone(),
            state.next_step.clone(),
        ),
        Standing::Connecting { .. } => (
            IotHubLink::Connecting,
            state.cause.clone(),
            state.next_step.clone(),
        ),
        Standing::Connected { .. } => (IotHubLink::Connected, String::new(), String::new()),
        Standing::Waiting { trouble, .. } => (
            IotHubLink::Waiting,
            trouble.cause.clone(),
            trouble.next_step.clone(),
        ),
    };
    let connected = |link| link == IotHubLink::Connected;
    if connected(state.link) != connected(link) || state.since == Timestamp::default() {
        state.since = now;
    }
    state.link = link;
    state.cause = cause;
    state.next_step = next_step;
    match standing {
        Standing::Connecting { host } => state.hub = Some(host.clone()),
        Standing::Connected { host, device_id, .. } => {
            state.hub = Some(host.clone());
            state.device_id = Some(device_id.clone());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_link::iot_hub::client::Trouble;

    #[test]
    fn why_there_is_no_connection_stays_until_there_is_one() {
        let mut state = IotHubState::default();
        let host = || "h".to_owned();
        take(
            &mut state,
            &Standing::Waiting {
                trouble: Trouble {
                    cause: "the cable is out".to_owned(),
                    next_step: "put it in".to_owned(),
                },
                retry_in: Duration::from_secs(10),
            },
            Timestamp(1),
        );
        take(&mut state, &Standing::Connecting { host: host() }, Timestamp(2));
        assert_eq!(
            (state.link, state.since, state.cause.as_str()),
            (IotHubLink::Connecting, Timestamp(1), "the cable is out")
        );
        let connected = Standing::Connected {
            host: host(),
            device_id: "d".to_owned(),
            refused: Vec::new(),
        };
        take(&mut state, &connected, Timestamp(3));
        take(&mut state, &connected, Timestamp(4));
        assert_eq!(
            (state.link, state.since, state.cause.as_str()),
            (IotHubLink::Connected, Timestamp(3), "")
        );
        assert_eq!(state.device_id.as_deref(), Some("d"));
    }
}

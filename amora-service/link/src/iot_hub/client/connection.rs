//! One connection to a hub, from the attempt to its end.

use super::super::identity::Identity;
use super::super::session::{Action, BACKOFF, Ending};
use super::super::status::Outcome;
use super::super::topic::{self, Incoming};
use super::super::twin::Ask;
use super::line::LARGEST_MESSAGE;
use super::trouble::Trouble;
use super::worker::Worker;
use super::{CloudMessage, EVENTS, Event, Line, MethodCall, Standing};
use crate::backoff::random;
use crate::mqtt::{self, Message, MqttLink, Quality, Status};
use amora_contract::config::MqttVersion;
use bytes::Bytes;
use serde_json::Value;
use std::time::Duration;

/// Time for what is on its way, and for the goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

impl Worker {
    pub(super) async fn connect(&mut self, host: &str, device_id: &str, expiry: u64) {
        if !matches!(*self.standing.borrow(), Standing::Connected { .. }) {
            self.show(Standing::Connecting {
                host: host.to_owned(),
            });
        }
        let tls = match self.tls().await {
            Ok(tls) => tls,
            Err(error) => return self.ended(Trouble::tls(&error), Ending::Failed),
        };
        let model_id = self.options.model_id.as_deref();
        let login = self.options.identity.hub_login(host, device_id, model_id, expiry);
        let gateway = match &self.options.identity {
            Identity::Device(device) => device.gateway.clone(),
            Identity::Provisioned(_) => None,
        };
        let address = gateway.unwrap_or_else(|| host.to_owned());
        let port = self.options.port.unwrap_or(self.options.transport.port());
        let subscriptions = [
            topic::messages(device_id),
            topic::TWIN_ANSWERS.to_owned(),
            topic::DESIRED.to_owned(),
            topic::METHODS.to_owned(),
        ];
        let (link, mut incoming) = MqttLink::open(mqtt::Options {
            host: address.clone(),
            port,
            version: MqttVersion::V3,
            client_id: login.client_id,
            credentials: Some((login.user_name, login.password)),
            tls: Some(tls),
            websocket: self.options.transport.path(),
            keep_alive: self.options.keep_alive,
            // A kept session keeps the messages that came while the box was away.
            clean_session: false,
            last_will: None,
            subscriptions: subscriptions.map(|topic| (topic, Quality::AtLeastOnce)).to_vec(),
            max_message_size: LARGEST_MESSAGE,
            backoff: BACKOFF,
        });
        let mut status = link.status();
        let mut line: Option<Line> = None;
        loop {
            let due = match &line {
                Some(line) => self.turn(host, line).await,
                None => (!self.stop.is_cancelled()).then_some(Duration::MAX),
            };
            let Some(due) = due else {
                self.hang_up();
                return link.close(GOODBYE).await;
            };
            let twin = self.twin.deadline().filter(|_| line.is_some());
            let wake = self.instant(Some(twin.map_or(due, |twin| twin.min(due))));
            // What comes before the connection is whole stays where it is, and unacknowledged.
            let room = line.is_some() && self.pending.len() < EVENTS;
            tokio::select! {
                biased;
                changed = status.changed() => {
                    let now = status.borrow_and_update().clone();
                    match now {
                        _ if changed.is_err() => return self.over(host, device_id, &address, port, None),
                        Status::Connecting => {}
                        Status::Connected { refused, .. } => {
                            self.connections += 1;
                            let open = Line::new(link.publisher(), device_id.to_owned(), self.connections);
                            self.up(host, device_id, refused, &open);
                            line = Some(open);
                        }
                        Status::Waiting { failure, .. } => {
                            return self.over(host, device_id, &address, port, Some(&failure));
                        }
                    }
                }
                message = incoming.next(), if room => {
                    let (Some(message), Some(line)) = (message, &line) else { continue };
                    if let Err((trouble, ending)) = self.take(message, host, line) {
                        self.hang_up();
                        return self.ended(trouble, ending);
                    }
                }
                () = self.attend(wake) => {}
            }
        }
    }

    fn up(&mut self, host: &str, device_id: &str, refused: Vec<String>, line: &Line) {
        let now = self.now();
        let here = (host.to_owned(), device_id.to_owned());
        if self.twin_of.as_ref().is_some_and(|of| *of != here) {
            self.twin.forget();
        }
        self.session.connected(now);
        self.twin.connected(now);
        self.told.clear();
        tracing::info!(host, device_id, "connected to IoT Hub");
        self.line.send_replace(Some(line.clone()));
        let (host, device_id) = here.clone();
        self.twin_of = Some(here);
        self.show(Standing::Connected {
            host,
            device_id,
            refused,
        });
    }

    /// Does what is due on an open connection, and tells when more will be; `None` when it is to be closed, and opened
    /// again with a fresh identity or not at all.
    async fn turn(&mut self, host: &str, line: &Line) -> Option<Duration> {
        if self.stop.is_cancelled() {
            return None;
        }
        if self.look() != self.stamp {
            tracing::info!("the certificate was replaced: it is shown at a new connection");
            self.session.identity_changed();
        }
        let now = self.now();
        let due = match self.session.next(now, self.clock(), random()) {
            Action::Renew => return None,
            Action::Wait(until) | Action::WaitForClock(until) => until,
            Action::Provision | Action::Connect { .. } => Duration::MAX,
        };
        while let Some(ask) = self.twin.ask(now, random()) {
            let (topic, body) = match ask {
                Ask::Get { request } => (topic::get_twin(&request), Bytes::new()),
                Ask::Patch { request, body } => (
                    topic::patch_reported(&request),
                    Value::Object(body).to_string().into(),
                ),
            };
            if let Err(error) = line.publish(topic, body).await {
                tracing::debug!(%error, host, "the twin was not asked");
                break;
            }
        }
        if let Some(desired) = self.twin.desired() {
            self.pending.push_back(Event::Desired(desired));
        }
        Some(due)
    }

    fn take(&mut self, message: Message, host: &str, line: &Line) -> Result<(), (Trouble, Ending)> {
        let read = match Incoming::parse(&message.topic, line.device_id()) {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, "ignored");
                return Ok(());
            }
        };
        match read {
            Incoming::TwinAnswer { status, request, .. } => {
                let outcome = self
                    .twin
                    .answer(&request, status, &message.payload, self.now(), random());
                match outcome {
                    Outcome::Done | Outcome::Accepted => {}
                    Outcome::Identity if self.session.disowned() => {
                        return Err((Trouble::disowned(host), Ending::Identity));
                    }
                    outcome => tracing::warn!(status, ?outcome, "the hub did not do what the twin asked"),
                }
            }
            Incoming::Desired { version } => self.twin.desired_patch(version, &message.payload),
            Incoming::Method { name, request } => self.pending.push_back(Event::Method(MethodCall {
                name,
                payload: message.payload,
                request,
                line: line.clone(),
            })),
            Incoming::Message(properties) => self.pending.push_back(Event::Message(CloudMessage {
                body: message.payload,
                properties,
            })),
            Incoming::Registration { .. } => {}
        }
        Ok(())
    }

    /// The attempt failed, or the connection is gone.
    fn over(
        &mut self,
        host: &str,
        device_id: &str,
        address: &str,
        port: u16,
        failure: Option<&mqtt::Failure>,
    ) {
        self.hang_up();
        let (trouble, ending) = match failure {
            Some(failure) => self.trouble(failure, address, port),
            None => (Trouble::lost(host), Ending::Lost),
        };
        self.ended(trouble, ending);
        if self.session.is_contested() {
            let trouble = Trouble::contested(device_id);
            self.standing.send_if_modified(|standing| match standing {
                Standing::Waiting { trouble: shown, .. } if *shown != trouble => {
                    *shown = trouble;
                    true
                }
                _ => false,
            });
        }
    }

    fn hang_up(&mut self) {
        self.line.send_replace(None);
        self.twin.disconnected();
    }
}

//! One registration at the provisioning service.

use super::super::identity::Identity;
use super::super::registration::{Registration, RegistrationError};
use super::super::session::{BACKOFF, Ending};
use super::super::topic::{self, Incoming};
use super::line::{LARGEST_MESSAGE, Line};
use super::trouble::Trouble;
use super::worker::Worker;
use super::{Event, Standing};
use crate::mqtt::{self, MqttLink, Quality, Status};
use amora_contract::config::MqttVersion;
use std::time::Duration;

/// Time for the goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) async fn provision(&mut self) {
        let Identity::Provisioned(enrolment) = self.options.identity.clone() else {
            return;
        };
        self.show(Standing::Provisioning);
        let tls = match self.tls().await {
            Ok(tls) => tls,
            Err(error) => return self.ended(Trouble::tls(&error), Ending::Failed),
        };
        let login = enrolment.login(self.expiry());
        let host = enrolment.host.clone();
        let transport = self.options.transport;
        let port = self.options.provisioning_port.unwrap_or(transport.port());
        let (link, mut incoming) = MqttLink::open(mqtt::Options {
            host: host.clone(),
            port,
            version: MqttVersion::V3,
            client_id: login.client_id,
            credentials: Some((login.user_name, login.password)),
            tls: Some(tls),
            websocket: transport.path(),
            keep_alive: self.options.keep_alive,
            clean_session: true,
            last_will: None,
            subscriptions: vec![(topic::REGISTRATION_ANSWERS.to_owned(), Quality::AtLeastOnce)],
            max_message_size: LARGEST_MESSAGE,
            backoff: BACKOFF,
        });
        let mut status = link.status();
        let line = Line::new(link.publisher(), enrolment.registration_id.clone(), 0);
        let mut registration: Option<Registration> = None;
        let verdict = loop {
            let now = self.now();
            match registration.as_mut().map(|registration| registration.ask(now)) {
                Some(Ok(Some(ask))) => {
                    if let Err(error) = line.publish(ask.topic, ask.body.into()).await {
                        tracing::debug!(%error, "the provisioning service was not asked");
                    }
                }
                Some(Err(error)) => break Err(error),
                Some(Ok(None)) | None => {}
            }
            let deadline = registration.as_ref().and_then(Registration::deadline);
            let wake = self.instant(deadline);
            tokio::select! {
                biased;
                changed = status.changed() => {
                    let now = status.borrow_and_update().clone();
                    match now {
                        _ if changed.is_err() => return self.ended(Trouble::lost(&host), Ending::Lost),
                        Status::Connecting => {}
                        Status::Connected { .. } => {
                            registration = Some(Registration::new(
                                &enrolment.id_scope,
                                &enrolment.registration_id,
                                enrolment.payload.clone(),
                                self.now(),
                            ));
                        }
                        Status::Waiting { failure, .. } => {
                            let (trouble, ending) = self.trouble(&failure, &host, port);
                            return self.ended(trouble, ending);
                        }
                    }
                }
                message = incoming.next() => {
                    let (Some(message), Some(registration)) = (message, registration.as_mut()) else { continue };
                    let Ok(Incoming::Registration { status, request, retry_after }) =
                        Incoming::parse(&message.topic, "") else { continue };
                    let now = self.now();
                    match registration.answer(&request, status, retry_after, &message.payload, now) {
                        Ok(Some(assignment)) => break Ok(assignment),
                        Ok(None) => {}
                        Err(error) => break Err(error),
                    }
                }
                () = self.attend(wake) => {
                    if self.stop.is_cancelled() {
                        return link.close(GOODBYE).await;
                    }
                }
            }
        };
        link.close(GOODBYE).await;
        self.decided(verdict, &host);
    }

    fn decided(
        &mut self,
        verdict: Result<super::super::assignment::Assignment, RegistrationError>,
        host: &str,
    ) {
        match verdict {
            Ok(assignment) => {
                tracing::info!(
                    hub = assignment.host,
                    device_id = assignment.device_id,
                    "assigned to a hub"
                );
                self.session.assigned(assignment.clone(), self.now());
                self.pending.push_back(Event::Assigned(assignment));
            }
            Err(error) => {
                let signs = self.options.identity.signs();
                let trouble = Trouble::registration(&error, host, signs, self.options.clock.read());
                self.ended(trouble, error.ending());
            }
        }
    }
}

//! Being assigned to a hub: one registration at the provisioning service, from the connect to the verdict.

#[cfg(test)]
mod tests;

use super::assignment::Assignment;
use super::connection_string::{is_device_id, is_host};
use super::status::Outcome;
use super::topic;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the whole may take, from the connect.
const LONGEST: Duration = Duration::from_secs(600);

/// The wait before asking again, where the service names none.
const USUAL_WAIT: Duration = Duration::from_secs(3);

/// Something to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Where to.
    pub topic: String,
    /// What.
    pub body: Vec<u8>,
}

/// Why a device was not assigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The service does not know the device, or does not accept its key or certificate.
    #[error("the provisioning service does not accept this device: {0}")]
    Identity(String),
    /// The enrolment is switched off.
    #[error("the enrolment of this device is disabled")]
    Disabled,
    /// The service tried and could not assign a hub.
    #[error("the provisioning service could not assign a hub: {0}")]
    Failed(String),
    /// The service refuses the request itself.
    #[error("the provisioning service refuses the registration: {0}")]
    Refused(String),
    /// The service answers what cannot be understood.
    #[error("the provisioning service answers in a way that cannot be understood: {0}")]
    Unreadable(&'static str),
    /// There was no verdict in time.
    #[error("the provisioning service gave no verdict in time")]
    TimedOut,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// To be asked, not before then: about `operation`, or for the first time.
    Next {
        at: Duration,
        operation: Option<String>,
    },
    /// An answer is awaited.
    Asked {
        request: String,
        since: Duration,
        operation: Option<String>,
    },
    Ended,
}

/// One registration. Times are counted from any one moment.
pub struct Registration {
    id_scope: String,
    registration_id: String,
    payload: Option<Value>,
    begun: Duration,
    step: Step,
    requests: u64,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "operationId")]
    operation: Option<String>,
    status: Option<String>,
    #[serde(rename = "registrationState")]
    state: Option<StateBody>,
    message: Option<String>,
    #[serde(rename = "errorCode")]
    error_code: Option<u64>,
}

#[derive(Deserialize)]
struct StateBody {
    #[serde(rename = "assignedHub")]
    hub: Option<String>,
    #[serde(rename = "deviceId")]
    device: Option<String>,
    #[serde(rename = "errorMessage")]
    message: Option<String>,
    #[serde(rename = "errorCode")]
    code: Option<u64>,
}

impl Registration {
    /// A registration over a connection that is up and subscribed. `payload` is what an allocation of the owner's
    /// own may want to know, for example the model id.
    pub fn new(id_scope: &str, registration_id: &str, payload: Option<Value>, now: Duration) -> Self {
        Self {
            id_scope: id_scope.to_owned(),
            registration_id: registration_id.to_owned(),
            payload,
            begun: now,
            step: Step::Next {
                at: now,
                operation: None,
            },
            requests: 0,
        }
    }

    /// What is to be published now.
    ///
    /// # Errors
    /// When time is up.
    pub fn ask(&mut self, now: Duration) -> Result<Option<Ask>, RegistrationError> {
        if now >= self.begun + LONGEST {
            self.step = Step::Ended;
            return Err(RegistrationError::TimedOut);
        }
        if let Step::Asked { since, operation, .. } = &mut self.step
            && now >= *since + PATIENCE
        {
            let operation = operation.take();
            self.step = Step::Next { at: now, operation };
        }
        let Step::Next { at, operation } = &mut self.step else {
            return Ok(None);
        };
        if now < *at {
            return Ok(None);
        }
        self.requests += 1;
        let request = self.requests.to_string();
        let operation = operation.take();
        let ask = match &operation {
            Some(operation) => Ask {
                topic: topic::registration_status(&request, operation),
                body: Vec::new(),
            },
            None => {
                let mut body = json!({"registrationId": self.registration_id});
                if let Some(payload) = &self.payload {
                    body["payload"] = payload.clone();
                }
                Ask {
                    topic: topic::register(&request),
                    body: body.to_string().into_bytes(),
                }
            }
        };
        self.step = Step::Asked {
            request,
            since: now,
            operation,
        };
        Ok(Some(ask))
    }

    /// When to ask [`Registration::ask`] again, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        let next = match &self.step {
            Step::Next { at, .. } => *at,
            Step::Asked { since, .. } => *since + PATIENCE,
            Step::Ended => return None,
        };
        Some(next.min(self.begun + LONGEST))
    }

    /// The answer to one of the requests; one to no open request is ignored.
    ///
    /// # Errors
    /// The verdict, where it is against the device.
    pub fn answer(
        &mut self,
        request: &str,
        status: u32,
        retry_after: Option<Duration>,
        body: &[u8],
        now: Duration,
    ) -> Result<Option<Assignment>, RegistrationError> {
        let Step::Asked {
            request: open,
            operation,
            ..
        } = &mut self.step
        else {
            return Ok(None);
        };
        if open != request {
            return Ok(None);
        }
        let operation = operation.take();
        let at = now + retry_after.unwrap_or(USUAL_WAIT);
        let body = serde_json::from_slice::<Body>(body).ok();
        let verdict = match Outcome::of(status) {
            Outcome::Accepted => {
                let operation = body.and_then(|body| body.operation).or(operation);
                self.step = Step::Next { at, operation };
                return Ok(None);
            }
            Outcome::Throttled | Outcome::Unavailable => {
                self.step = Step::Next { at, operation };
                return Ok(None);
            }
            Outcome::Done => match body {
                None => Err(RegistrationError::Unreadable("no JSON object")),
                Some(body) if body.status.as_deref() == Some("assigning") => {
                    let operation = body.operation.or(operation);
                    self.step = Step::Next { at, operation };
                    return Ok(None);
                }
                Some(body) => self.verdict(body),
            },
            Outcome::Identity => Err(RegistrationError::Identity(words(body.as_ref(), status))),
            Outcome::Refused => Err(RegistrationError::Refused(words(body.as_ref(), status))),
        };
        self.step = Step::Ended;
        verdict.map(Some)
    }

    fn verdict(&self, body: Body) -> Result<Assignment, RegistrationError> {
        match body.status.as_deref() {
            Some("assigned") => {}
            Some("disabled") => return Err(RegistrationError::Disabled),
            Some("failed" | "unassigned") => return Err(RegistrationError::Failed(words(Some(&body), 200))),
            _ => return Err(RegistrationError::Unreadable("an unknown status")),
        }
        let state = body
            .state
            .ok_or(RegistrationError::Unreadable("no `registrationState`"))?;
        let host = state.hub.filter(|host| is_host(host));
        let device_id = state.device.filter(|device| is_device_id(device));
        Ok(Assignment {
            id_scope: self.id_scope.clone(),
            registration_id: self.registration_id.clone(),
            host: host.ok_or(RegistrationError::Unreadable("no usable `assignedHub`"))?,
            device_id: device_id.ok_or(RegistrationError::Unreadable("no usable `deviceId`"))?,
        })
    }
}

/// What the service says, as far as it says anything, cut where it is longer than a sentence.
fn words(body: Option<&Body>, status: u32) -> String {
    let state = body.and_then(|body| body.state.as_ref());
    let message = state
        .and_then(|state| state.message.as_deref())
        .or(body.and_then(|body| body.message.as_deref()));
    let code = state
        .and_then(|state| state.code)
        .or(body.and_then(|body| body.error_code));
    let code = code.unwrap_or(status.into());
    match message {
        Some(message) => format!("{} ({code})", message.chars().take(200).collect::<String>()),
        None => format!("status {code}"),
    }
}

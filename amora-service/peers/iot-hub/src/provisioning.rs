//! The Device Provisioning Service: enrolments, and registrations on their way to a hub. No input or output of its own.

use crate::certificate::ClientCertificate;
use crate::device::Authentication;
use crate::sas::{Token, device_key};
use crate::topic::Request;
use rustls::pki_types::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

/// How devices of an enrolment prove who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Attestation {
    /// One device with its own key (Base64).
    Key {
        /// The registration id.
        registration_id: String,
        /// The key, Base64.
        key: String,
    },
    /// One device with a certificate known by its thumbprint, whose common name is the registration id.
    Certificate {
        /// The registration id.
        registration_id: String,
        /// SHA-1 or SHA-256, hexadecimal.
        thumbprint: String,
    },
    /// Any device whose key was derived from the group's.
    GroupKey {
        /// The group's key, Base64.
        key: String,
    },
    /// Any device with a certificate of this authority.
    GroupAuthority {
        /// The authority's certificate, PEM.
        authority: String,
    },
}

/// Who may register, and where they are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrolment {
    /// How devices prove who they are.
    pub attestation: Attestation,
    /// The host name of the hub they are assigned to. Change it to move them.
    pub hub: String,
    /// False: registrations are answered with `disabled`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The device id, where it is not to be the registration id.
    #[serde(default)]
    pub device_id: Option<String>,
    /// Desired properties of a device that is new to its hub.
    #[serde(default)]
    pub desired: Option<Value>,
    /// What the device gets with its assignment.
    #[serde(default)]
    pub payload: Option<Value>,
    /// True: the allocation fails, and so does the registration.
    #[serde(default)]
    pub fails: bool,
}

fn yes() -> bool {
    true
}

impl Enrolment {
    /// An enrolment that sends devices to this hub.
    pub fn new(attestation: Attestation, hub: &str) -> Self {
        Self {
            attestation,
            hub: hub.to_owned(),
            enabled: true,
            device_id: None,
            desired: None,
            payload: None,
            fails: false,
        }
    }
}

/// What a device proved when it connected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proof {
    pub(crate) password: Option<String>,
    pub(crate) certificate: Option<ClientCertificate>,
}

/// An answer to a registering device.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) topic: String,
    pub(crate) body: Value,
}

/// A device for the registry of a hub, made by a registration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) hub: String,
    pub(crate) device: String,
    pub(crate) authentication: Authentication,
    pub(crate) authority: Option<String>,
    pub(crate) desired: Option<Value>,
}

/// A registration as the service side sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Registration {
    /// Who registered.
    pub registration_id: String,
    /// What it sent along.
    pub payload: Value,
    /// `assigning`, `assigned`, `failed` or `disabled`.
    pub status: String,
    /// The hub it was sent to.
    pub hub: Option<String>,
}

struct Operation {
    registration: String,
    payload: Value,
    polls_left: u32,
}

/// The whole service.
pub(crate) struct Provisioning {
    pub(crate) scope: String,
    pub(crate) enrolments: BTreeMap<String, Enrolment>,
    pub(crate) registrations: Vec<Registration>,
    /// Statuses to answer the next requests with.
    pub(crate) failures: VecDeque<u16>,
    /// Seconds a device is asked to wait between questions.
    pub(crate) retry_after: u32,
    /// How many questions are answered with `assigning`.
    pub(crate) polls: u32,
    operations: HashMap<String, Operation>,
    next_operation: u64,
}

impl Provisioning {
    pub(crate) fn new(scope: &str) -> Self {
        Self {
            scope: scope.to_owned(),
            enrolments: BTreeMap::new(),
            registrations: Vec::new(),
            failures: VecDeque::new(),
            retry_after: 1,
            polls: 1,
            operations: HashMap::new(),
            next_operation: 0,
        }
    }

    /// Answers a request, and perhaps assigns the device to a hub.
    pub(crate) fn receive(
        &mut self,
        now: SystemTime,
        id: &str,
        proof: &Proof,
        request: &Request,
        payload: &[u8],
    ) -> (Answer, Option<Assignment>) {
        let request_id = match request {
            Request::Register(request) | Request::RegistrationState { request, .. } => request.as_str(),
            _ => "",
        };
        match self.answer(now, id, proof, request, payload) {
            Ok((status, body, assignment)) => (self.to_answer(status, request_id, body), assignment),
            Err((status, message)) => {
                let body = crate::registry::error_body(status, message);
                (self.to_answer(status, request_id, body), None)
            }
        }
    }

    fn to_answer(&self, status: u16, request: &str, body: Value) -> Answer {
        let wait = match status {
            202 | 429 | 500.. => format!("&retry-after={}", self.retry_after),
            _ => String::new(),
        };
        let request = crate::topic::encoded(request);
        Answer {
            topic: format!("$dps/registrations/res/{status}/?$rid={request}{wait}"),
            body,
        }
    }

    fn answer(
        &mut self,
        now: SystemTime,
        id: &str,
        proof: &Proof,
        request: &Request,
        payload: &[u8],
    ) -> Result<(u16, Value, Option<Assignment>), (u16, &'static str)> {
        if let Some(status) = self.failures.pop_front() {
            return Err((status, "as the test asked for"));
        }
        let (enrolment, authentication, authority) = self.authenticate(now, id, proof)?;
        match request {
            Request::Register(_) => {
                let payload = registration_payload(id, payload)?;
                self.next_operation += 1;
                let operation = format!("4.{:016x}", self.next_operation);
                self.operations.retain(|_, other| other.registration != id);
                let polls_left = self.polls;
                self.operations.insert(
                    operation.clone(),
                    Operation {
                        registration: id.into(),
                        payload,
                        polls_left,
                    },
                );
                Ok((
                    202,
                    json!({ "operationId": operation, "status": "assigning" }),
                    None,
                ))
            }
            Request::RegistrationState { operation, .. } => {
                let state = self
                    .operations
                    .get_mut(operation)
                    .filter(|state| state.registration == id);
                let state = state.ok_or((404, "no such operation"))?;
                if state.polls_left > 0 {
                    state.polls_left -= 1;
                    return Ok((
                        202,
                        json!({ "operationId": operation, "status": "assigning" }),
                        None,
                    ));
                }
                let (body, assignment) = outcome(id, operation, &enrolment, authentication, authority);
                self.registrations.push(Registration {
                    registration_id: id.into(),
                    payload: state.payload.clone(),
                    status: body["status"].as_str().unwrap_or_default().into(),
                    hub: assignment.as_ref().map(|assignment| assignment.hub.clone()),
                });
                Ok((200, body, assignment))
            }
            _ => Err((400, "no such request")),
        }
    }

    /// Finds the enrolment that a device belongs to and proves to. Its own comes before a group's.
    fn authenticate(
        &self,
        now: SystemTime,
        id: &str,
        proof: &Proof,
    ) -> Result<(Enrolment, Authentication, Option<String>), (u16, &'static str)> {
        let signed_with = |key: &str| {
            let token = proof.password.as_deref().map(Token::parse)?.ok()?;
            // The documents want the name; the SDK for Python leaves it out.
            if token.policy.as_deref().is_some_and(|name| name != "registration") {
                return None;
            }
            token
                .check(&format!("{}/registrations/{id}", self.scope), &[key], now)
                .ok()
        };
        let shown = proof
            .certificate
            .as_ref()
            .filter(|one| one.common_name().as_deref() == Some(id));
        let unix = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
        let symmetric = |key: String| Authentication::SymmetricKey {
            primary: key,
            secondary: String::new(),
        };
        let (mut individual, mut groups) = (false, false);
        for enrolment in self.enrolments.values() {
            let admitted = match &enrolment.attestation {
                Attestation::Key { registration_id, key } if registration_id == id => {
                    individual = true;
                    signed_with(key).map(|_| (symmetric(key.clone()), None))
                }
                Attestation::Certificate {
                    registration_id,
                    thumbprint,
                } if registration_id == id => {
                    individual = true;
                    shown.filter(|one| one.has_thumbprint(thumbprint)).map(|one| {
                        let primary = one.thumbprint();
                        (
                            Authentication::Thumbprint {
                                primary,
                                secondary: String::new(),
                            },
                            None,
                        )
                    })
                }
                _ => None,
            };
            if let Some((authentication, authority)) = admitted {
                return Ok((enrolment.clone(), authentication, authority));
            }
        }
        if individual {
            return Err((401, "the proof of identity does not fit the enrolment"));
        }
        for enrolment in self.enrolments.values() {
            let admitted = match &enrolment.attestation {
                Attestation::GroupKey { key } => {
                    groups = true;
                    let derived = device_key(key, id);
                    signed_with(&derived).map(|_| (symmetric(derived), None))
                }
                Attestation::GroupAuthority { authority } => {
                    groups = true;
                    shown
                        .filter(|one| one.is_issued_by(authority, unix))
                        .map(|_| (Authentication::CertificateAuthority, Some(authority.clone())))
                }
                _ => None,
            };
            if let Some((authentication, authority)) = admitted {
                return Ok((enrolment.clone(), authentication, authority));
            }
        }
        Err(if groups {
            (401, "no enrolment group admits the device")
        } else {
            (404, "no enrolment has this id")
        })
    }
}

/// The `payload` of a registration; its `registrationId` must be the client's own.
fn registration_payload(id: &str, body: &[u8]) -> Result<Value, (u16, &'static str)> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| (400, "the body is not JSON"))?;
    match body.get("registrationId").and_then(Value::as_str) {
        Some(named) if named != id => Err((400, "the body names another registration")),
        _ if !body.is_object() => Err((400, "the body is not an object")),
        _ => Ok(body.get("payload").cloned().unwrap_or_default()),
    }
}

fn outcome(
    id: &str,
    operation: &str,
    enrolment: &Enrolment,
    authentication: Authentication,
    authority: Option<String>,
) -> (Value, Option<Assignment>) {
    let state = |status: &str, more: Value| {
        let mut state = json!({ "registrationId": id, "status": status, "etag": "stand-in" });
        if let (Some(state), Value::Object(more)) = (state.as_object_mut(), more) {
            state.extend(more);
        }
        json!({ "operationId": operation, "status": status, "registrationState": state })
    };
    if !enrolment.enabled {
        return (state("disabled", json!({})), None);
    }
    if enrolment.fails {
        let why = json!({ "errorCode": 400_209, "errorMessage": "the custom allocation failed" });
        return (state("failed", why), None);
    }
    let device = enrolment.device_id.clone().unwrap_or_else(|| id.to_owned());
    let mut more = json!({
        "assignedHub": enrolment.hub,
        "deviceId": device,
        "substatus": "initialAssignment",
    });
    if let Some(payload) = &enrolment.payload {
        more["payload"] = payload.clone();
    }
    let assignment = Assignment {
        hub: enrolment.hub.clone(),
        device,
        authentication,
        authority,
        desired: enrolment.desired.clone(),
    };
    (state("assigned", more), Some(assignment))
}

//! Log collection of Device Update: its service says in the twin where a box's logs are to go, and the diagnostic bundle
//! goes there.
//!
//! The component is `diagnosticInformation`, of the model `dtmi:azure:iot:diagnosticInformation;1`: `service` with
//! `operationId` and `storageSasUrl` is desired, `agent` with `operationId` and `resultCode` is reported. An operation
//! is carried out once. The place, which holds a secret, is not reported back.

use crate::uploads::{CollectError, Uploads};
use amora_contract::commands::SystemCommand;
use amora_contract::reply::DiagnosisReply;
use amora_contract::{Command, CommandError, ErrorCode, Reply};
use amora_link::iot_hub::client::UploadError;
use amora_router::{Desired, Doorway};
use serde_json::{Value, json};

const COMPONENT: &str = "diagnosticInformation";

/// Longest id of an operation; the service's are 36 characters.
const LONGEST_ID: usize = 128;

/// What came of an operation: the codes of Microsoft's agent (`diagnostics_result.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResultCode {
    NoPlace = -7,
    NoOperation = -6,
    BadPlace = -4,
    NotUploaded = -2,
    Failed = 0,
    Uploaded = 200,
}

pub(crate) struct LogCollection {
    pub(crate) doorway: Doorway,
    pub(crate) uploads: Uploads,
}

/// What the service wants.
#[derive(Debug, PartialEq)]
struct Order {
    operation: String,
    place: String,
}

impl LogCollection {
    /// Runs until the door is over.
    pub(crate) async fn run(self) {
        let router = self.doorway.router().clone();
        let report = |part: &str, value: Value| {
            let component = json!({COMPONENT: {"__t": "c", part: value}});
            if let Value::Object(patch) = component {
                router.cloud_twin().report(&patch);
            }
        };
        // What the twin held before this door was opened is read again after the connect, with what was reported since.
        let mut twin = router.cloud_twin().watch_desired();
        let mut known = Value::Null;
        let mut done = String::new();
        while twin.changed().await.is_ok() {
            let Some(desired) = twin.borrow_and_update().clone() else {
                continue;
            };
            let service = wanted(&desired);
            if service.is_null() || *service == known || is_done(&desired, service, &done) {
                continue;
            }
            known = service.clone();
            let (operation, accepted) = match Order::read(service) {
                Ok(order) => {
                    let made = self.make().await.map_err(|error| (ResultCode::Failed, error));
                    (order.operation.clone(), made.map(|bundle| (order, bundle)))
                }
                Err((operation, code, error)) => (operation, Err((code, error))),
            };
            let refusal = accepted.as_ref().err().map(|(_, error)| error);
            report("service", answer(&operation, desired.version, refusal));
            let code = match accepted {
                Ok((order, bundle)) => self.collect(&bundle, &order).await,
                Err((code, _)) => code,
            };
            done.clone_from(&operation);
            report(
                "agent",
                json!({"operationId": operation, "resultCode": code as i32}),
            );
        }
    }

    async fn make(&self) -> Result<DiagnosisReply, CommandError> {
        match self
            .doorway
            .execute(Command::System(SystemCommand::Diagnose))
            .await?
        {
            Reply::Diagnosis(bundle) => Ok(bundle),
            _ => Err(CommandError::new(ErrorCode::Failed, "what was made is no bundle")),
        }
    }

    async fn collect(&self, bundle: &DiagnosisReply, order: &Order) -> ResultCode {
        match self.uploads.collect(bundle, &order.place, &order.operation).await {
            Ok(()) => {
                tracing::info!(operation = order.operation, "the diagnostic bundle was collected");
                ResultCode::Uploaded
            }
            Err(error) => {
                tracing::warn!(operation = order.operation, %error, "the diagnostic bundle was not collected");
                match error {
                    CollectError::Upload(UploadError::Address(_)) => ResultCode::BadPlace,
                    CollectError::Upload(_) => ResultCode::NotUploaded,
                    CollectError::File(_) => ResultCode::Failed,
                }
            }
        }
    }
}

fn wanted(desired: &Desired) -> &Value {
    let component = desired.properties.get(COMPONENT);
    component.map_or(&Value::Null, |component| &component["service"])
}

/// Whether the operation was carried out before: since the twin was read, or before that.
fn is_done(desired: &Desired, service: &Value, done: &str) -> bool {
    let Some(operation) = service["operationId"].as_str() else {
        return false;
    };
    let reported = desired.reported.get(COMPONENT);
    operation == done || reported.is_some_and(|reported| reported["agent"]["operationId"] == operation)
}

impl Order {
    fn read(service: &Value) -> Result<Self, (String, ResultCode, CommandError)> {
        let operation = service["operationId"].as_str().unwrap_or_default();
        let of_ids = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if operation.is_empty() || operation.len() > LONGEST_ID || !operation.bytes().all(of_ids) {
            let error = CommandError::invalid("operationId", "must be 1 to 128 letters, digits, `-` or `_`");
            return Err((String::new(), ResultCode::NoOperation, error));
        }
        match service["storageSasUrl"].as_str() {
            Some(place) if !place.is_empty() => Ok(Self {
                operation: operation.to_owned(),
                place: place.to_owned(),
            }),
            _ => {
                let error = CommandError::invalid("storageSasUrl", "is missing");
                Err((operation.to_owned(), ResultCode::NoPlace, error))
            }
        }
    }
}

/// The answer to the desired property, as Plug and Play has it.
fn answer(operation: &str, version: u64, error: Option<&CommandError>) -> Value {
    let (status, words) = match error {
        None => (200, ""),
        Some(error) => (crate::dialect::status(error.code), error.message.as_str()),
    };
    json!({"value": {"operationId": operation}, "ac": status, "ad": words, "av": version})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_an_operation_and_a_place() {
        let read = |service: Value| Order::read(&service).map_err(|(operation, code, _)| (operation, code));
        assert_eq!(
            read(json!({"operationId": "a-1", "storageSasUrl": "https://s/c?x"})),
            Ok(Order {
                operation: "a-1".to_owned(),
                place: "https://s/c?x".to_owned()
            })
        );
        let none = || Err((String::new(), ResultCode::NoOperation));
        for wrong in [
            json!({"storageSasUrl": "https://s/c?x"}),
            json!({"operationId": "", "storageSasUrl": "https://s/c?x"}),
            json!({"operationId": 5, "storageSasUrl": "https://s/c?x"}),
            json!({"operationId": "../x", "storageSasUrl": "https://s/c?x"}),
            json!({"operationId": "x".repeat(129), "storageSasUrl": "https://s/c?x"}),
            json!("a-1"),
            json!([]),
        ] {
            assert_eq!(read(wrong.clone()), none(), "{wrong}");
        }
        for wrong in [
            json!({"operationId": "a"}),
            json!({"operationId": "a", "storageSasUrl": 5}),
        ] {
            assert_eq!(read(wrong), Err(("a".to_owned(), ResultCode::NoPlace)));
        }
    }

    #[test]
    fn what_was_reported_is_not_done_again() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let desired = |agent: Value| Desired {
            reported: object(json!({COMPONENT: {"__t": "c", "agent": agent}})),
            ..Desired::default()
        };
        let service = json!({"operationId": "a"});
        assert!(is_done(&desired(json!({"operationId": "a"})), &service, ""));
        assert!(is_done(&desired(json!({"operationId": "b"})), &service, "a"));
        assert!(!is_done(&desired(json!({"operationId": "b"})), &service, "b"));
        assert!(!is_done(&Desired::default(), &json!({}), ""));
        assert!(!is_done(&Desired::default(), &Value::Null, ""));
    }
}

//! What the service orders: the desired property `service` of the twin's component.

use super::codes::ExtendedResultCode;
use super::manifest::is_address;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Longest name of a deployment (a UUID has 36) and longest mark of a retry: both are part of an installation's
/// reference, which has at most 128 bytes.
const LONGEST_ID: usize = 64;
const LONGEST_RETRY: usize = 40;

/// Most addresses of files: ten files, each with four that are related.
const ADDRESSES: usize = 64;

/// Longest address.
const LONGEST_ADDRESS: usize = 4096;

/// What an installation that was ordered by Device Update is called at the updater.
const REFERENCE: &str = "device-update:";

/// Why an order is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It does not say which deployment it is of, so nothing can be reported.
    #[error("the order has no usable `workflow.id`")]
    NoWorkflow,
    /// It asks for something else than a deployment or the end of one.
    #[error("the order has an action that this box does not know")]
    Action,
    /// It has no manifest.
    #[error("the order has no `updateManifest`")]
    NoManifest,
    /// It has no signature.
    #[error("the order has no `updateManifestSignature`")]
    NoSignature,
    /// It has no address of the package of root keys.
    #[error("the order has no usable `rootKeyPackageUrl`")]
    NoRootKeys,
    /// It has too many addresses of files, or one that is none.
    #[error("the order has `fileUrls` that cannot be used")]
    Addresses,
}

impl OrderError {
    /// As the protocol reports it.
    pub fn code(&self) -> ExtendedResultCode {
        ExtendedResultCode(match self {
            Self::NoWorkflow => 0x8030_0002,
            Self::Action => 0x8030_0010,
            Self::NoManifest => 0x8030_0008,
            Self::NoSignature => 0x8030_0001,
            Self::NoRootKeys => 0x8030_0011,
            Self::Addresses => 0x8030_0007,
        })
    }
}

/// One deployment to this box, or one retry of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The deployment.
    pub id: String,
    /// The mark of the retry.
    pub retry: Option<String>,
}

impl Workflow {
    /// The workflow of an order or of a report; nothing where it has no usable name.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let word = |value: &Value, longest| {
            let text = value.as_str()?;
            let usable =
                (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
            usable.then(|| text.to_owned())
        };
        let retry = match &value["retryTimestamp"] {
            Value::Null => None,
            Value::String(empty) if empty.is_empty() => None,
            retry => Some(word(retry, LONGEST_RETRY)?),
        };
        Some(Self {
            id: word(&value["id"], LONGEST_ID)?,
            retry,
        })
    }

    /// What its installation is called at the updater.
    pub fn reference(&self) -> String {
        let retry = self.retry.as_deref().unwrap_or_default();
        format!("{REFERENCE}{}@{retry}", self.id)
    }
}

/// A deployment to carry out, not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The manifest, to the letter.
    pub manifest: String,
    /// Its signature.
    pub signature: String,
    /// Addresses by the files' names in the manifest.
    pub urls: BTreeMap<String, String>,
    /// The address of the package of root keys.
    pub root_keys: String,
}

/// What the service orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Carry a deployment out.
    Deploy(Workflow, Deployment),
    /// End one.
    Cancel(Workflow),
    /// It cannot be taken, but answered.
    Unusable(Workflow, OrderError),
}

impl Order {
    /// Reads the desired property.
    ///
    /// # Errors
    /// Where it does not even say what it is an order of.
    pub fn read(service: &Value) -> Result<Self, OrderError> {
        let workflow = Workflow::read(&service["workflow"]).ok_or(OrderError::NoWorkflow)?;
        match service["workflow"]["action"].as_u64() {
            Some(3) => Ok(match Deployment::read(service) {
                Ok(deployment) => Self::Deploy(workflow, deployment),
                Err(error) => Self::Unusable(workflow, error),
            }),
            Some(255) => Ok(Self::Cancel(workflow)),
            _ => Ok(Self::Unusable(workflow, OrderError::Action)),
        }
    }
}

impl Deployment {
    fn read(service: &Value) -> Result<Self, OrderError> {
        let text = |name: &str| service[name].as_str().filter(|text| !text.is_empty());
        let none = Map::new();
        let urls = match &service["fileUrls"] {
            Value::Null => &none,
            Value::Object(urls) if urls.len() <= ADDRESSES => urls,
            _ => return Err(OrderError::Addresses),
        };
        let urls = urls
            .iter()
            .map(|(id, url)| match url.as_str() {
                Some(url) if url.len() <= LONGEST_ADDRESS => Ok((id.clone(), url.to_owned())),
                _ => Err(OrderError::Addresses),
            })
            .collect::<Result<_, _>>()?;
        let root_keys =
            text("rootKeyPackageUrl").filter(|url| url.len() <= LONGEST_ADDRESS && is_address(url));
        Ok(Self {
            manifest: text("updateManifest").ok_or(OrderError::NoManifest)?.to_owned(),
            signature: text("updateManifestSignature")
                .ok_or(OrderError::NoSignature)?
                .to_owned(),
            urls,
            root_keys: root_keys.ok_or(OrderError::NoRootKeys)?.to_owned(),
        })
    }
}

/// The answer to the desired property, as Plug and Play wants it. What is large is left out, as Microsoft's agent does.
pub(crate) fn acknowledgement(service: &Value, version: u64, result: &Result<Order, OrderError>) -> Value {
    let mut value = service.clone();
    if let Value::Object(fields) = &mut value {
        fields.insert("updateManifestSignature".to_owned(), Value::Null);
        fields.insert("fileUrls".to_owned(), Value::Null);
    }
    let (status, text) = match result {
        Ok(_) => (200, String::new()),
        Err(error) => (400, error.to_string()),
    };
    json!({"value": value, "ac": status, "ad": text, "av": version})
}

#[cfg(test)]
mod tests {
    use super::super::testing::vectors;
    use super::*;
    use proptest::prelude::*;

    fn order(change: Value) -> Value {
        let mut service = vectors::service();
        service["rootKeyPackageUrl"] = json!("https://example.org/root-keys.json");
        let fields = service.as_object_mut().unwrap();
        for (name, value) in change.as_object().unwrap() {
            fields.insert(name.clone(), value.clone());
        }
        service
    }

    #[test]
    fn a_deployment_and_its_end_are_read() {
        let Ok(Order::Deploy(workflow, deployment)) = Order::read(&order(json!({}))) else {
            panic!("it is a deployment")
        };
        assert_eq!(workflow.id, "test-workflow-id");
        assert_eq!(workflow.reference(), "device-update:test-workflow-id@");
        assert_eq!(deployment.urls.len(), 4);
        assert_eq!(deployment.root_keys, "https://example.org/root-keys.json");
        let end = json!({"workflow": {"action": 255, "id": "w"}});
        let workflow = Workflow {
            id: "w".to_owned(),
            retry: None,
        };
        assert_eq!(Order::read(&end), Ok(Order::Cancel(workflow)));
    }

    #[test]
    fn a_reference_fits_the_updater() {
        let workflow = json!({"id": "i".repeat(LONGEST_ID), "retryTimestamp": "r".repeat(LONGEST_RETRY)});
        assert!(Workflow::read(&workflow).unwrap().reference().len() <= 128);
    }

    #[test]
    fn an_order_that_names_no_deployment_cannot_be_reported() {
        for workflow in [
            json!(null),
            json!({"action": 3}),
            json!({"action": 3, "id": ""}),
            json!({"action": 3, "id": 7}),
            json!({"action": 3, "id": "a b"}),
            json!({"action": 3, "id": "i".repeat(LONGEST_ID + 1)}),
            json!({"action": 3, "id": "w", "retryTimestamp": 3}),
        ] {
            let error = Order::read(&order(json!({"workflow": workflow})));
            assert_eq!(error, Err(OrderError::NoWorkflow), "{workflow}");
        }
        assert_eq!(Order::read(&json!([])), Err(OrderError::NoWorkflow));
    }

    #[test]
    fn what_is_missing_is_named_with_the_agents_code() {
        let many: Map<_, _> = (0..=ADDRESSES)
            .map(|index| (index.to_string(), json!("http://a")))
            .collect();
        for (change, code) in [
            (json!({"workflow": {"action": 0, "id": "w"}}), 0x8030_0010),
            (json!({"workflow": {"action": "3", "id": "w"}}), 0x8030_0010),
            (json!({"updateManifest": null}), 0x8030_0008),
            (json!({"updateManifest": {"a": 1}}), 0x8030_0008),
            (json!({"updateManifestSignature": ""}), 0x8030_0001),
            (json!({"rootKeyPackageUrl": null}), 0x8030_0011),
            (json!({"rootKeyPackageUrl": "file:///etc/passwd"}), 0x8030_0011),
            (json!({"fileUrls": {"f": 1}}), 0x8030_0007),
            (json!({"fileUrls": many}), 0x8030_0007),
        ] {
            let Ok(Order::Unusable(_, error)) = Order::read(&order(change.clone())) else {
                panic!("{change}")
            };
            assert_eq!(error.code().0, code, "{change}");
        }
    }

    #[test]
    fn the_answer_leaves_out_what_is_large() {
        let service = order(json!({}));
        let answer = acknowledgement(&service, 7, &Order::read(&service));
        assert_eq!(
            (&answer["ac"], &answer["av"], &answer["ad"]),
            (&json!(200), &json!(7), &json!(""))
        );
        let value = &answer["value"];
        assert_eq!(value["workflow"], service["workflow"]);
        assert_eq!(value["updateManifest"], service["updateManifest"]);
        for name in ["updateManifestSignature", "fileUrls"] {
            assert_eq!(value.get(name), Some(&Value::Null), "{name}");
        }
        let answer = acknowledgement(&json!({}), 8, &Err(OrderError::NoWorkflow));
        assert_eq!(answer["ac"], 400);
        assert!(answer["ad"].as_str().unwrap().contains("workflow.id"));
    }

    proptest! {
        #[test]
        fn any_text_is_an_order_or_none(text in "\\PC{0,200}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let result = Order::read(&value);
                let _ = acknowledgement(&value, 1, &result);
            }
        }
    }
}

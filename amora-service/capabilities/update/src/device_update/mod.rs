//! Device Update for IoT Hub: the agent's side of the protocol, without Microsoft's agent.
//!
//! All of it is pure. [`Agent`] is the state machine: the twin's component `deviceUpdate`, the state of updates and the
//! time come in, reports and orders go out as [`Effect`]s. Before anything is fetched that would be installed, an order
//! must be signed: root keys that are built in ([`Roots`]) sign the package of root keys ([`RootKeyPackage`]), a root key
//! signs the signing key, the signing key signs the hash of the manifest ([`signature`]), and the manifest
//! ([`Manifest`]) holds size and hash of the one file. SWUpdate checks that file's own signature after that.
//!
//! Shapes, names and codes are those of Microsoft's agent (`Azure/iot-hub-device-update`).

mod agent;
mod codes;
mod encoding;
pub(crate) mod information;
mod key;
mod manifest;
mod order;
mod report;
mod root_keys;
mod roots;
pub mod signature;

pub use agent::{Agent, Document, Effect, FetchFailure, Identity, Kept, TwinComponent, Updater};
pub use codes::{ExtendedResultCode, ResultCode};
pub use key::PublicKey;
pub use manifest::{Manifest, ManifestError, Payload, UpdateId};
pub use order::{Deployment, Order, OrderError, Workflow};
pub use root_keys::{RootKeyError, RootKeyPackage};
pub use roots::Roots;
pub use signature::SignatureError;

/// Who makes the boxes, as updates for them name it. `ci/adu-manifest` writes the same.
pub(crate) const MANUFACTURER: &str = "AmoraOS";

#[cfg(test)]
mod testing;

//! Azure IoT Hub and its Device Provisioning Service over MQTT 3.1.1, as plain state machines, and a thin client on
//! top of them.
//!
//! | Module | What it decides |
//! |---|---|
//! | [`connection_string`] | which hub, which device, which kind of identity |
//! | [`sas`] | shared access signatures: how they are made, and when the next one is due |
//! | [`topic`] | topics and property bags, both ways |
//! | [`twin`] | desired properties in the order of their versions; reported ones merged, paced and never lost |
//! | [`status`] | what a status code of the service means for whoever asked |
//! | [`registration`] | being assigned to a hub |
//! | [`clock`], [`calendar`] | what time it is, whether to believe it, and how to write it |
//! | [`assignment`] | the hub that was assigned, kept through restarts |
//! | [`session`] | connect, wait, renew, provision again |
//! | [`client`] | the only module with sockets, clocks and tasks |

pub mod assignment;
pub mod calendar;
pub mod client;
pub mod clock;
pub mod connection_string;
pub mod encoding;
pub mod identity;
pub mod registration;
pub mod sas;
pub mod session;
pub mod status;
pub mod topic;
pub mod twin;

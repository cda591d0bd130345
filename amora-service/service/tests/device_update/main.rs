//! Device Update from the service's order to its answer in the twin: the real door to a stand-in for IoT Hub, the real
//! capability with its agent, and the real SWUpdate. A restart of the box is what it is in the capability's own tests:
//! everything begins anew with what lies on `/data`, and the helper tells of the slots.

mod bad;
#[allow(dead_code, reason = "the capability's own tests need the rest")]
#[path = "../../../capabilities/update/tests/swupdate/bench.rs"]
mod bench;
mod orders;
mod scene;
mod story;
#[allow(dead_code, reason = "the capability's own tests need the rest")]
#[path = "../../../capabilities/update/tests/swupdate/updates.rs"]
mod updates;

//! The capability with the real SWUpdate, a public key infrastructure made for the test, files as slots, servers that
//! cut connections, and a helper that only keeps a state.

mod bench;
mod chunks;
mod delta;
mod download;
mod hawkbit;
mod installer;
mod restart;
mod server;
mod trial;
mod updates;
mod upload;

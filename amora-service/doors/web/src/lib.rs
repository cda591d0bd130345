//! The web door: HTTP API, WebSocket, login, health, metrics and the page.
//!
//! [`Server::bind`] opens the ports, [`Server::run`] serves until told to stop. The same routes answer on the network,
//! where callers log in, and on a Unix socket for programs on the box itself, where the file's mode is the login.

mod access;
mod api;
mod connections;
mod door;
mod error;
mod health;
mod legacy;
mod metrics;
mod pages;
mod refusal;
mod routes;
mod server;
mod snapshot;
mod sockets;
mod stall;

pub use error::WebError;
pub use server::Server;

#[cfg(test)]
mod tests;

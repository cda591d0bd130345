//! The web door: HTTP API, WebSocket, login, health, metrics and the page.

mod error;
mod server;

pub use error::WebError;
pub use server::Server;

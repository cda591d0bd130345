//! The web door: HTTP API, WebSocket, login, health, metrics and the page

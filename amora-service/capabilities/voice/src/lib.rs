//! The voice capability: one call to a hub, over WebRTC.

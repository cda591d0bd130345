//! The MQTT door: both Amora dialects and Home Assistant discovery

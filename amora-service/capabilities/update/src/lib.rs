//! The update capability.

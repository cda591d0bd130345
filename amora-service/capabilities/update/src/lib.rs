//! The update capability.
mod error;
pub mod swu;

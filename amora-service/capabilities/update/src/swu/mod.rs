//! Reading an update on its way to SWUpdate: enough to refuse early what SWUpdate would refuse late.
//!
//! SWUpdate alone decides what is let in: it checks the signature, and every hash. But it says no in its log, and for a
//! file that ends too early only at its end; this says so at once and in plain words.

mod cpio;
mod description;
mod libconfig;
mod reader;
pub mod version;

pub use description::{Board, Description};
pub(crate) use reader::too_big;
pub use reader::{Reader, fuzz};

/// Most of a `sw-description` that is read.
pub const LONGEST_DESCRIPTION: u32 = 256 * 1024;

/// Most of its signature that is read. A CMS signature with its certificates has a few KiB.
pub const LONGEST_SIGNATURE: u32 = 64 * 1024;

//! Any text is a configuration, or its mistakes are said.
#![no_main]

use amora_contract::config::layers::{Sources, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match load(&Sources::default().recipe("fuzz", text)) {
        Ok(loaded) => {
            assert!(loaded.redacted().config.is_object());
            assert!(loaded.config.differences(&loaded.config).is_empty());
        }
        Err(error) => assert!(!error.problems.is_empty()),
    }
});

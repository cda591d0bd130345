//! Whatever the import makes of the original's configuration can be loaded.
#![no_main]

use amora_contract::config::import::original;
use amora_contract::config::layers::{Sources, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match original(text) {
        Ok(toml) => {
            if let Err(error) = load(&Sources::default().recipe("imported", &toml)) {
                panic!("{error}\n{toml}");
            }
        }
        Err(error) => assert!(!error.problems.is_empty()),
    }
});

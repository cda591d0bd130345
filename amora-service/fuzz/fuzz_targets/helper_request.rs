//! Any line that reaches the helper is a request or none.
#![no_main]

use amora_helper::{Power, Reset, Slot, parse, read_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(line) = read_line(&mut &*bytes) {
        let kinds = [
            parse::<Slot>(&line).is_ok(),
            parse::<Power>(&line).is_ok(),
            parse::<Reset>(&line).is_ok(),
        ];
        // No request is one of two sockets.
        assert!(kinds.iter().filter(|known| **known).count() <= 1);
    }
});

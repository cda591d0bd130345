//! Any bytes from MPD are messages or an error, the same in whatever pieces they arrive.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    amora_player::protocol::fuzz(bytes);
    // Nothing is answered before the greeting.
    amora_player::protocol::fuzz(&[b"OK MPD 0.23.5\n", bytes].concat());
});

//! Any bytes are an update or no update, the same in whatever pieces they arrive, and what goes on is what came.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    amora_update::swu::fuzz(bytes);
    // Most bytes are no archive: as a description they come further.
    let _ = amora_update::swu::Description::parse(bytes);
});

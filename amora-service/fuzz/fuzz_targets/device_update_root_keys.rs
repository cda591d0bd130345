//! Any text is a package of root keys or none; what is taken, the root keys signed.
#![no_main]

use amora_update::device_update::{RootKeyPackage, Roots};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let read = RootKeyPackage::read(text, &Roots::production());
    // Nobody has the other half of the keys here: what is taken is Microsoft's own, however it is laid out.
    if let Ok(package) = read {
        let known = include_str!("../../capabilities/update/src/device_update/vectors/root-keys.json");
        let known = RootKeyPackage::read(known, &Roots::production()).expect("Microsoft signed it");
        assert_eq!(package, known);
    }
});

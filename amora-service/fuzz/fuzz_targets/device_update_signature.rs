//! No text is a manifest's signature whose keys nobody has here.
#![no_main]

use amora_update::device_update::{RootKeyPackage, Roots, signature};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

static TRUST: OnceLock<(RootKeyPackage, Roots)> = OnceLock::new();

fuzz_target!(|text: &str| {
    let (package, roots) = TRUST.get_or_init(|| {
        let text = include_str!("../../capabilities/update/src/device_update/vectors/root-keys.json");
        let roots = Roots::production();
        (
            RootKeyPackage::read(text, &roots).expect("Microsoft signed it"),
            roots,
        )
    });
    assert!(signature::verify("{}", text, package, roots).is_err());
    signature::fuzz(text, package, roots);
});

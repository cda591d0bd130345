//! Any JSON is a change of settings, or is refused; what it makes is judged alike when it is read again.
#![no_main]

use amora_contract::commands::Configure;
use amora_contract::config::layers::{Sources, configure};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|change: &str| {
    let Ok(change) = serde_json::from_str::<Configure>(change) else {
        return;
    };
    let sources = Sources::default().recipe("fuzz", "device.data = \"/nowhere\"\n[player]\n[mqtt]\n");
    match configure(&sources, &change) {
        Ok(configured) => {
            let again = Configure {
                settings: configured.document.clone(),
                replace: true,
            };
            let again = configure(&sources, &again).expect("what was accepted is acceptable");
            assert_eq!(again.document, configured.document);
            assert_eq!(again.loaded.config, configured.loaded.config);
        }
        Err(refused) => assert!(refused.message.len() < 16 * 1024),
    }
});

//! Any text is a manifest or none; what is to be fetched has an http address, a size and a hash. Any JSON is an order or
//! none, and never more than one report comes of it.
#![no_main]

use amora_contract::state::UpdateState;
use amora_update::device_update::{Agent, Effect, Identity, Kept, Manifest, Roots, TwinComponent, Updater};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::time::Duration;

fn identity() -> Identity {
    Identity {
        manufacturer: "AmoraOS".to_owned(),
        model: "raspberrypi4-64".to_owned(),
        version: "1.0.0".to_owned(),
    }
}

fuzz_target!(|text: &str| {
    let urls = BTreeMap::from([("f1".to_owned(), text.to_owned()), ("f2".to_owned(), "http://a/b".to_owned())]);
    for read in [
        Manifest::read(text, &urls, &identity()),
        Manifest::read_detached(text, &urls, &identity()),
    ] {
        if let Ok(Manifest::Image { file, .. } | Manifest::Detached(file)) = read {
            let address = file.url.to_ascii_lowercase();
            assert!(address.trim_start().starts_with("http"));
            assert!(file.size > 0 && file.sha256.len() == 64);
        }
    }
    if let Ok(service) = serde_json::from_str(text) {
        let mut agent = Agent::new(Roots::production(), identity(), &Kept::default());
        agent.updater(Duration::ZERO, Updater::new(&UpdateState::default(), None));
        let component = TwinComponent {
            version: 1,
            service: Some(service),
            reported: None,
        };
        let effects = agent.twin(Duration::ZERO, &component);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Install(_))));
        // The answer, where the deployment stands, and nothing more.
        let reports = effects.iter().filter(|effect| matches!(effect, Effect::Report(_)));
        assert!((1..=2).contains(&reports.count()));
    }
});

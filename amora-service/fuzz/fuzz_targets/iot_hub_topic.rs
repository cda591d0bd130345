//! Any topic from IoT Hub is one of the service's or none; what is read of a property bag is written the same again.
#![no_main]

use amora_link::iot_hub::topic::{Incoming, Properties};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|topic: &str| {
    match Incoming::parse(topic, "box") {
        Ok(Incoming::Message(properties)) => {
            let again = Properties::parse(&properties.to_string());
            assert_eq!(again.as_ref(), Some(&properties));
        }
        Ok(Incoming::Method { name, .. }) => assert!(!name.is_empty()),
        Ok(_) => {}
        Err(error) => assert!(error.to_string().len() < 1024),
    }
});

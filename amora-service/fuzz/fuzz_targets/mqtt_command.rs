//! Any bytes on the command topic are a command, or are answered with what is wrong.
#![no_main]

use amora_contract::units::Timestamp;
use amora_contract::{Reply, State};
use amora_mqtt::dialect;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    let request = dialect::parse(payload);
    let result = request.command.map(|_| Reply::NOTHING);
    let answer = dialect::encode(&request.asked, &result, &State::default(), Timestamp(0));
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("answers are JSON");
    assert_eq!(answer["result"], result.is_ok());
    let id = answer
        .get("command_id")
        .or_else(|| answer.get("commandId"))
        .cloned()
        .unwrap_or_default();
    assert_eq!(id, request.asked.id.unwrap_or_default());
});

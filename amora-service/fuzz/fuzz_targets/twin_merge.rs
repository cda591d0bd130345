//! Whatever a hub answers and patches: the twin settles, and a document that is made to conform fits and stays so.
#![no_main]

use amora_contract::merge_patch;
use amora_link::iot_hub::twin::{Ask, Twin, limits};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use std::time::Duration;

fuzz_target!(|input: (Vec<u8>, Vec<(u8, Vec<u8>)>, Vec<u8>)| {
    let (whole, patches, wanted) = input;
    let mut now = Duration::ZERO;
    let mut twin = Twin::new(Duration::from_secs(1));
    let mut wanted = serde_json::from_slice::<Value>(&wanted).unwrap_or(Value::Bool(true));
    limits::conform(&mut wanted);
    let mut again = wanted.clone();
    limits::conform(&mut again);
    assert_eq!(again, wanted);
    twin.report("wanted", wanted);
    twin.connected(now);
    let mut patches = patches.into_iter().take(32);
    let mut held = Map::new();
    for round in 0..64 {
        while let Some(ask) = twin.ask(now, 0.5) {
            match ask {
                Ask::Get { request } if round < 8 => {
                    twin.answer(&request, 200, &whole, now, 0.5);
                }
                Ask::Get { request } => {
                    let whole = serde_json::json!({"desired": {"$version": 1}, "reported": held});
                    twin.answer(&request, 200, whole.to_string().as_bytes(), now, 0.5);
                }
                Ask::Patch { request, body } => {
                    merge_patch(&mut held, &body);
                    twin.answer(&request, 204, b"", now, 0.5);
                }
            }
        }
        if let Some((version, patch)) = patches.next() {
            twin.desired_patch(version.into(), &patch);
        }
        if let Some(news) = twin.desired() {
            assert!(news.all.keys().all(|key| !key.starts_with('$')));
        }
        now += Duration::from_secs(600);
    }
    if patches.next().is_none() {
        assert!(twin.is_settled());
    }
    let mut document = held;
    limits::fit(&mut document, 100, &["/wanted/a", "/b"]);
    assert!(limits::size_of_object(&document) <= 100);
});

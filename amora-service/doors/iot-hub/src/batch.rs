//! Messages that wait, put together: a hub counts each 4 KB begun, so that ten events in one message cost what one
//! alone does.
//!
//! A batch is a JSON array of messages of one kind, each as it would have gone alone, with its own `sequence`. Answers
//! to methods and messages always go alone: whoever waits for one looks for its correlation id.

use crate::message::{Envelope, envelope};
use amora_contract::config::IotHubBatch;
use amora_link::iot_hub::topic::Properties;
use amora_link::outbox::Entry;
use std::collections::VecDeque;

/// The unit by which a hub counts a message, its properties included.
#[cfg(test)]
const UNIT: usize = 4096;

/// Largest body of a batch: what a unit holds beside the properties, which have fewer than 256 bytes.
const LARGEST: usize = 4096 - 256;

/// What goes out as one message.
#[derive(Debug, PartialEq)]
pub(crate) struct Parcel {
    /// The numbers of the messages in it, growing.
    pub(crate) sequences: Vec<i64>,
    /// Whether a message that is yet to come could join it.
    pub(crate) grows: bool,
    /// JSON.
    pub(crate) body: String,
    /// What the hub can route it by.
    pub(crate) properties: Properties,
}

/// The parcel that the oldest of `waiting` is to go in. `Err` is the number of an entry that is no message.
pub(crate) fn pack(
    waiting: &VecDeque<Entry>,
    device_id: &str,
    batch: IotHubBatch,
) -> Option<Result<Parcel, i64>> {
    let mut envelopes = waiting
        .iter()
        .map(|entry| (entry.sequence, envelope(&entry.body, device_id, entry.sequence)));
    let (first, oldest) = envelopes.next()?;
    let Some(oldest) = oldest else {
        return Some(Err(first));
    };
    let alone = |grows, oldest: Envelope| Parcel {
        sequences: vec![first],
        grows,
        body: oldest.body,
        properties: oldest.properties,
    };
    let room = |length: usize| LARGEST.checked_sub(length);
    // Brackets, and a comma for each but the first.
    let mut length = oldest.body.len() + 2;
    if !joins(&oldest.kind, batch) || room(length).is_none() {
        return Some(Ok(alone(false, oldest)));
    }
    let mut sequences = vec![first];
    let mut more = Vec::new();
    let mut grows = true;
    for (sequence, next) in envelopes {
        let fits =
            next.filter(|next| next.kind == oldest.kind && room(length + 1 + next.body.len()).is_some());
        let Some(next) = fits else {
            grows = false;
            break;
        };
        length += 1 + next.body.len();
        sequences.push(sequence);
        more.push(next.body);
    }
    if more.is_empty() {
        return Some(Ok(alone(grows, oldest)));
    }
    let last = sequences.last().copied().unwrap_or(first);
    let properties = Properties::json()
        .with("$.mid", &format!("batch-{first}-{last}"))
        .with("messageType", "batch")
        .with("batchOf", &oldest.kind);
    more.insert(0, oldest.body);
    Some(Ok(Parcel {
        sequences,
        grows,
        body: format!("[{}]", more.join(",")),
        properties,
    }))
}

fn joins(kind: &str, batch: IotHubBatch) -> bool {
    match batch {
        IotHubBatch::Off => false,
        IotHubBatch::Events => kind == "event",
        IotHubBatch::All => kind == "event" || kind == "playerStatus",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn waiting(kinds: &[(&str, usize)]) -> VecDeque<Entry> {
        let entry = |(number, (kind, size)): (usize, &(&str, usize))| Entry {
            sequence: 1_772_323_200_000_000 + i64::try_from(number).unwrap(),
            body: serde_json::to_vec(&json!({"messageType": kind, "data": "x".repeat(*size)})).unwrap(),
        };
        kinds.iter().enumerate().map(entry).collect()
    }

    fn packed(kinds: &[(&str, usize)], batch: IotHubBatch) -> Parcel {
        pack(&waiting(kinds), "box", batch).unwrap().unwrap()
    }

    #[test]
    fn events_that_wait_share_a_message_and_keep_their_numbers() {
        let parcel = packed(&[("event", 10); 3], IotHubBatch::Events);
        let body: Value = serde_json::from_str(&parcel.body).unwrap();
        let numbers: Vec<i64> = body
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["sequence"].as_i64().unwrap())
            .collect();
        assert_eq!(numbers, parcel.sequences);
        assert_eq!(
            (body[1]["messageType"].as_str(), body[1]["deviceId"].as_str()),
            (Some("event"), Some("box"))
        );
        assert_eq!(parcel.properties.get("messageType"), Some("batch"));
        assert_eq!(parcel.properties.get("batchOf"), Some("event"));
        assert!(parcel.grows);
    }

    #[test]
    fn one_alone_is_as_ever() {
        let parcel = packed(&[("event", 10)], IotHubBatch::All);
        assert!(parcel.body.starts_with('{'), "{parcel:?}");
        assert_eq!(parcel.properties.get("messageType"), Some("event"));
    }

    #[test]
    fn what_others_wait_for_and_what_the_setting_leaves_out_goes_alone() {
        let cases = [
            ("methodResult", IotHubBatch::All),
            ("playerStatus", IotHubBatch::Events),
            ("event", IotHubBatch::Off),
        ];
        for (kind, batch) in cases {
            let parcel = packed(&[(kind, 10); 3], batch);
            assert_eq!(
                (parcel.sequences.len(), parcel.grows),
                (1, false),
                "{kind} {batch:?}"
            );
        }
        assert_eq!(
            packed(&[("playerStatus", 10); 3], IotHubBatch::All)
                .sequences
                .len(),
            3
        );
        let mixed = packed(
            &[("event", 10), ("event", 10), ("methodResult", 10), ("event", 10)],
            IotHubBatch::All,
        );
        assert_eq!((mixed.sequences.len(), mixed.grows), (2, false), "order is kept");
    }

    #[test]
    fn what_is_no_message_is_named_when_its_turn_comes() {
        let mut waiting = waiting(&[("event", 10); 3]);
        waiting[1].body = b"[]".to_vec();
        assert_eq!(
            pack(&waiting, "box", IotHubBatch::Events)
                .unwrap()
                .unwrap()
                .sequences
                .len(),
            1
        );
        waiting.pop_front();
        assert_eq!(
            pack(&waiting, "box", IotHubBatch::Events),
            Some(Err(waiting[0].sequence))
        );
        assert_eq!(pack(&VecDeque::new(), "box", IotHubBatch::Events), None);
    }

    proptest! {
        #[test]
        fn a_batch_costs_one_unit_and_nothing_is_left_out_or_twice(
            sizes in proptest::collection::vec(0usize..5000, 1..60),
            all in any::<bool>(),
        ) {
            let batch = if all { IotHubBatch::All } else { IotHubBatch::Events };
            let kinds: Vec<(&str, usize)> = sizes
                .iter()
                .map(|size| (["event", "playerStatus", "methodResult"][size % 3], size / (1 + size % 7)))
                .collect();
            let mut left = waiting(&kinds);
            let mut sent = Vec::new();
            while let Some(parcel) = pack(&left, "box", batch) {
                let parcel = parcel.unwrap();
                if parcel.sequences.len() > 1 {
                    let size = parcel.body.len() + parcel.properties.to_string().len();
                    prop_assert!(size <= UNIT, "{size}");
                }
                left.drain(..parcel.sequences.len());
                sent.extend(parcel.sequences);
            }
            let wanted: Vec<i64> = waiting(&kinds).iter().map(|entry| entry.sequence).collect();
            prop_assert_eq!(sent, wanted);
        }
    }
}

//! The layout of SWUpdate's messages, and what is read from them.

use super::*;

/// Where the C compiler puts the fields of `struct progress_msg`, on the 64-bit machines that boxes are.
#[derive(Debug, Clone, Copy)]
struct Fields {
    size: usize,
    apiversion: u32,
    nsteps: usize,
    cur_step: usize,
    cur_percent: usize,
    cur_image: usize,
    source: usize,
    infolen: usize,
    info: usize,
}

/// SWUpdate 2022.12 to 2025.05; before 2023.12 the field of the version is there, and empty.
const GAPS: Fields = Fields {
    size: 2416,
    apiversion: 0x0002_0000,
    nsteps: 24,
    cur_step: 28,
    cur_percent: 32,
    cur_image: 36,
    source: 356,
    infolen: 360,
    info: 364,
};
const UNVERSIONED: Fields = Fields {
    apiversion: 0,
    ..GAPS
};

/// SWUpdate since 2025.12.
const PACKED: Fields = Fields {
    size: 2408,
    apiversion: 0x0002_0000,
    nsteps: 20,
    cur_step: 24,
    cur_percent: 28,
    cur_image: 32,
    source: 352,
    infolen: 356,
    info: 360,
};

const ALL: [Fields; 3] = [GAPS, UNVERSIONED, PACKED];

fn progress(fields: Fields, status: u32, image: &str, info: &str) -> Vec<u8> {
    let mut bytes = vec![0; fields.size];
    let mut put =
        |offset: usize, number: u32| bytes[offset..offset + 4].copy_from_slice(&number.to_ne_bytes());
    put(0, fields.apiversion);
    put(4, status);
    put(8, 17);
    put(fields.nsteps, 3);
    put(fields.cur_step, 2);
    put(fields.cur_percent, 42);
    put(fields.source, 2);
    put(fields.infolen, info.len() as u32);
    bytes[fields.cur_image..fields.cur_image + image.len()].copy_from_slice(image.as_bytes());
    bytes[fields.info..fields.info + info.len()].copy_from_slice(info.as_bytes());
    bytes
}

#[test]
fn both_layouts_are_told_apart_with_and_without_greeting() {
    let greeting = [&0x0002_0000u32.to_ne_bytes()[..], b"ACK\0"].concat();
    for layout in ALL {
        for greeting in [&greeting[..], &[]] {
            let mut reader = ProgressReader::default();
            let first = progress(layout, 2, "rootfs", r#"{"0": {"VERSION" : "1.2.3"}}"#);
            let second = progress(layout, 3, "rootfs", "");
            assert!(reader.push(greeting).is_empty());
            let messages = reader.push(&first);
            assert_eq!(messages.len(), 1, "{layout:?}");
            let message = &messages[0];
            assert_eq!(message.version.as_deref(), Some("1.2.3"));
            assert_eq!((message.steps, message.step, message.percent), (3, 2, 42));
            assert_eq!(message.download, 17);
            assert_eq!((message.image.as_str(), message.ordered), ("rootfs", true));
            assert_eq!(reader.push(&second)[0].status, Status::Success);
        }
    }
}

#[test]
fn several_messages_at_once_are_told_apart_too() {
    for layout in ALL {
        let mut reader = ProgressReader::default();
        let all: Vec<u8> = (0..3).flat_map(|_| progress(layout, 2, "x", "")).collect();
        let messages = reader.push(&all);
        assert_eq!(messages.len(), 3, "{layout:?}");
        assert!(messages.iter().all(|message| message.percent == 42));
    }
}

#[test]
fn what_hawkbit_ordered_is_told_by_its_number_once() {
    let info = r#"{"update": "forced", "part": "os", "version": "1.1.0", "name": "image", "id" : "7"}"#;
    for fields in ALL {
        let mut reader = ProgressReader::default();
        assert_eq!(
            reader.push(&progress(fields, 1, "", info))[0].action,
            Some(7),
            "{fields:?}"
        );
        let mut old = progress(fields, 2, "rootfs", info);
        old[fields.infolen..fields.infolen + 4].fill(0);
        assert_eq!(
            reader.push(&old)[0].action,
            None,
            "SWUpdate leaves the text there"
        );
        let foreign = progress(fields, 1, "", "amora");
        assert_eq!(reader.push(&foreign)[0].action, None);
    }
}

#[test]
fn what_goes_to_the_hawkbit_client_is_laid_out_as_swupdate_reads_it() {
    let verdict = Message::verdict(7, false, &["it panicked".to_owned()]);
    let bytes = verdict.bytes();
    // type SWUPDATE_SUBPROCESS, source SOURCE_SURICATTA, cmd CMD_ACTIVATION, timeout
    assert_eq!([4, 8, 12, 16].map(|at| number(bytes, at)), [5, 2, 0, 15]);
    let length = number(bytes, 20) as usize;
    let told: Value = serde_json::from_slice(&bytes[24..24 + length]).unwrap();
    let expected = json!({
        "id": 7, "status": "3", "finished": "failure", "execution": "closed", "details": ["it panicked"],
    });
    assert_eq!(told, expected);
    let enable = Message::enable(true);
    assert_eq!(number(enable.bytes(), 12), 2, "CMD_ENABLE");
    assert_eq!(&enable.bytes()[24..40], b"{\"enable\":true}\0");
}

#[test]
fn a_request_is_laid_out_as_swupdate_reads_it() {
    let message = Message::install("amora");
    assert_eq!(message.bytes().len(), MESSAGE);
    assert_eq!(number(message.bytes(), 0), MAGIC);
    assert_eq!(number(message.bytes(), 8), 1);
    assert_eq!(number(message.bytes(), 12), SOURCE_LOCAL);
    assert_eq!(&message.bytes()[32..38], b"amora\0");
    let long = "x".repeat(1000);
    assert_eq!(text(&Message::set_floor(&long).bytes()[8..264]).len(), 255);
}

#[test]
fn anything_from_the_socket_is_read_without_panic() {
    let mut bytes = [0xFF; MESSAGE];
    assert_eq!(Answer::read(&bytes), Answer::Other);
    bytes[..4].copy_from_slice(&MAGIC.to_ne_bytes());
    assert_eq!(Answer::read(&bytes), Answer::Other);
    bytes[4..8].copy_from_slice(&NOTIFY_STREAM.to_ne_bytes());
    assert!(matches!(Answer::read(&bytes), Answer::Line { .. }));
    let mut reader = ProgressReader::default();
    for _ in 0..5 {
        reader.push(&[0xFF; 1000]);
    }
    assert!(reader.buffer.len() < Layout::Gaps.size());
}

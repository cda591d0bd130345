//! The whole way through the real libasound, into files instead of a card.
//!
//! libasound reads its configuration path from the environment once, so each test runs in a process of its own.

use super::*;
use amora_contract::config::Access;
use std::path::Path;
use std::process::Command;

const INSIDE: &str = "AMORA_ALSA_TEST_FOLDER";

/// Runs the test of this name again, alone, with a private ALSA configuration in an empty folder. Answers the folder
/// inside that process, and nothing outside, where the test is over.
fn alone(test: &str, configuration: &str) -> Option<std::path::PathBuf> {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return Some(folder.into());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let file = folder.path().join("alsa.conf");
    std::fs::write(&file, configuration.replace("FOLDER", &path)).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("card::alsa::tests::{test}"), "--nocapture"])
        .env("ALSA_CONFIG_PATH", &file)
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    None
}

const CONFIGURATION: &str = r#"
pcm.wire { type file slave.pcm { type null } file "FOLDER/out.raw" infile "FOLDER/in.raw" format "raw" }
pcm.sixteen { type linear slave { pcm { type file slave.pcm { type null } file "FOLDER/out.raw" format "raw" } format S16_LE } }
pcm.busy { type hw card 0 }
"#;

fn config(device: &str, capture: &str, access: Access) -> AudioConfig {
    AudioConfig {
        device: device.to_owned(),
        capture_device: capture.to_owned(),
        access,
        ..AudioConfig::default()
    }
}

fn words(file: &Path) -> Vec<i32> {
    let bytes = std::fs::read(file).unwrap();
    bytes
        .chunks_exact(4)
        .map(|word| i32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// Plays a ramp of distinct values and finds exactly it in the file.
fn play_and_compare(folder: &Path, access: Access) {
    let mut card = AlsaSlot::new(&config("wire", "none", access)).open().unwrap();
    assert_eq!(card.format().sample_format, "S32_LE");
    assert_eq!(card.format().rate.0, 48_000.0);
    let period = card.format().period.0 as usize;
    let mut ramp = 0;
    for _ in 0..40 {
        let output: Vec<f32> = (0..2 * period)
            .map(|_| {
                ramp += 1;
                ramp as f32 / 65_536.0
            })
            .collect();
        card.turn(&output, &mut vec![0.0; period]).unwrap();
    }
    drop(card);
    let words = words(&folder.join("out.raw"));
    let start = words.iter().position(|&word| word != 0).unwrap();
    assert!(
        start >= 2 * 4_800,
        "silence first, for the codec to settle: {start}"
    );
    let expected: Vec<i32> = (1..=ramp).map(|step| step << 15).collect();
    assert_eq!(words[start..start + ramp as usize], expected);
    assert!(words[start + ramp as usize..].iter().all(|&word| word == 0));
}

#[test]
fn every_frame_is_in_the_file_bit_for_bit_by_read_write() {
    let name = "every_frame_is_in_the_file_bit_for_bit_by_read_write";
    let Some(folder) = alone(name, CONFIGURATION) else {
        return;
    };
    std::fs::write(folder.join("in.raw"), []).unwrap();
    play_and_compare(&folder, Access::ReadWrite);
}

#[test]
fn every_frame_is_in_the_file_bit_for_bit_by_mmap() {
    let name = "every_frame_is_in_the_file_bit_for_bit_by_mmap";
    let Some(folder) = alone(name, CONFIGURATION) else {
        return;
    };
    std::fs::write(folder.join("in.raw"), []).unwrap();
    play_and_compare(&folder, Access::Mmap);
}

#[test]
fn sixteen_bits_where_the_card_has_no_more() {
    let Some(folder) = alone("sixteen_bits_where_the_card_has_no_more", CONFIGURATION) else {
        return;
    };
    let mut slot = AlsaSlot::new(&config("sixteen", "none", Access::ReadWrite));
    let mut card = slot.open().unwrap();
    let period = card.format().period.0 as usize;
    for _ in 0..10 {
        card.turn(&vec![0.5; 2 * period], &mut vec![0.0; period]).unwrap();
    }
    drop(card);
    let bytes = std::fs::read(folder.join("out.raw")).unwrap();
    let loud = bytes
        .chunks_exact(2)
        .filter(|word| i16::from_le_bytes([word[0], word[1]]) > 16_000)
        .count();
    assert_eq!(loud, 10 * 2 * period);
}

#[test]
fn what_the_microphone_hears_comes_as_it_is() {
    let Some(folder) = alone("what_the_microphone_hears_comes_as_it_is", CONFIGURATION) else {
        return;
    };
    // Left a quarter, right a half: the mean is three eighths.
    let frame = [(1i32 << 29).to_le_bytes(), (1i32 << 30).to_le_bytes()].concat();
    std::fs::write(folder.join("in.raw"), frame.repeat(480_000)).unwrap();
    let mut card = AlsaSlot::new(&config("wire", "wire", Access::ReadWrite))
        .open()
        .unwrap();
    assert!(card.format().capture);
    let period = card.format().period.0 as usize;
    let mut heard = 0;
    for _ in 0..50 {
        let mut input = vec![0.0; period];
        let turn = card.turn(&vec![0.0; 2 * period], &mut input).unwrap();
        let captured = turn.captured.0 as usize;
        assert!(
            input[..captured].iter().all(|&sample| sample == 0.375),
            "{:?}",
            &input[..4]
        );
        heard += captured;
    }
    assert!(heard > 0);
}

#[test]
fn a_device_that_is_not_there_is_gone() {
    let Some(_) = alone("a_device_that_is_not_there_is_gone", CONFIGURATION) else {
        return;
    };
    for device in ["nobody", "hw:CARD=IQaudIODAC", "hw:9", "with\0nul"] {
        let error = AlsaSlot::new(&config(device, "none", Access::Auto))
            .open()
            .err()
            .unwrap();
        assert!(
            matches!(error, CardError::Gone(_) | CardError::Unsupported(_)),
            "{device}: {error}"
        );
    }
}

#[test]
fn a_missing_microphone_is_no_reason_for_silence() {
    let Some(folder) = alone("a_missing_microphone_is_no_reason_for_silence", CONFIGURATION) else {
        return;
    };
    std::fs::write(folder.join("in.raw"), []).unwrap();
    let card = AlsaSlot::new(&config("wire", "nobody", Access::Auto))
        .open()
        .unwrap();
    assert!(!card.format().capture);
}

#[test]
fn impossible_wishes_are_refused_with_words() {
    let Some(folder) = alone("impossible_wishes_are_refused_with_words", CONFIGURATION) else {
        return;
    };
    std::fs::write(folder.join("in.raw"), []).unwrap();
    let odd = AudioConfig {
        profile: "theremin".to_owned(),
        ..config("wire", "none", Access::Auto)
    };
    let error = AlsaSlot::new(&odd).open().err().unwrap();
    assert!(
        matches!(&error, CardError::Unsupported(why) if why.contains("theremin")),
        "{error}"
    );
}

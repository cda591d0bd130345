use super::*;
use proptest::prelude::*;

const DESCRIPTION: &str = r#"
/* An update. */
software =
{
    version = "1.2." "3";
    description = "AmoraOS"; # a comment
    bootloader_transaction_marker = false;
    raspberrypi4-64 = {
        hardware-compatibility: [ "1.0", "1.1" ];
        stable = { a: { images: ( { filename = "root"; offset = "0x10"; installed-directly = true; } ); };  };
    };
}
"#;

fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = b"070702".to_vec();
    for index in 0..13 {
        let field = match index {
            6 => content.len(),
            11 => name.len() + 1,
            _ => 0,
        };
        bytes.extend(format!("{field:08X}").into_bytes());
    }
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn update(description: &str) -> Vec<u8> {
    let mut bytes = entry("sw-description", description.as_bytes());
    bytes.extend(entry("sw-description.sig", b"signature"));
    bytes.extend(entry("root", &[7; 1001]));
    bytes.extend(entry("TRAILER!!!", b""));
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn refusal(bytes: &[u8]) -> Refusal {
    let mut reader = Reader::new(1 << 20);
    match reader.push(Bytes::copy_from_slice(bytes)) {
        Err(refusal) => refusal,
        Ok(_) => reader.finish().expect_err("it is refused"),
    }
}

#[test]
fn the_description_is_known_before_anything_goes_on_and_the_end_is_held_back() {
    let bytes = update(DESCRIPTION);
    let mut reader = Reader::new(1 << 20);
    let mut passed = 0;
    let trailer = bytes
        .windows(10)
        .position(|window| window == b"TRAILER!!!")
        .unwrap()
        - 110;
    for piece in bytes.chunks(50) {
        for on in reader.push(Bytes::copy_from_slice(piece)).unwrap() {
            assert_eq!(reader.description().unwrap().version, "1.2.3");
            assert_eq!(on, &bytes[passed..passed + on.len()]);
            passed += on.len();
        }
    }
    assert_eq!(passed, trailer);
    assert_eq!(reader.finish().unwrap(), &bytes[trailer..]);
}

#[test]
fn a_file_that_ends_early_is_truncated_wherever_it_is_cut() {
    let bytes = update(DESCRIPTION);
    let trailer = bytes
        .windows(10)
        .position(|window| window == b"TRAILER!!!")
        .unwrap();
    for length in (1..trailer).step_by(13) {
        assert_eq!(
            refusal(&bytes[..length]).cause,
            UpdateCause::Truncated,
            "{length}"
        );
    }
}

#[test]
fn what_is_no_update_is_refused_at_once() {
    for (bytes, words) in [
        (b"<!DOCTYPE html>".repeat(20), "not a cpio archive"),
        (entry("root", b"x"), "does not begin with `sw-description`"),
        (entry("sw-description", b"software = { }"), "no `version`"),
        (
            entry("sw-description", b"software = { version = \"1\""),
            "not closed",
        ),
        (entry("sw-description", &b"(".repeat(5000)), "cannot be read"),
        (entry("sw-description", b""), "no `software`"),
        (Vec::new(), "empty"),
    ] {
        let refusal = refusal(&bytes);
        assert_eq!(refusal.cause, UpdateCause::Malformed, "{}", refusal.reason);
        assert!(refusal.reason.contains(words), "{}", refusal.reason);
    }
}

#[test]
fn an_update_without_signature_is_refused_before_its_image_is_read() {
    let mut bytes = entry("sw-description", DESCRIPTION.as_bytes());
    bytes.extend(&entry("root", &[0; 1 << 16])[..130]);
    assert_eq!(refusal(&bytes).cause, UpdateCause::NotSigned);
}

#[test]
fn an_image_that_is_too_big_is_refused_by_its_header() {
    let mut bytes = entry("sw-description", DESCRIPTION.as_bytes());
    bytes.extend(entry("sw-description.sig", b"signature"));
    let mut header = entry("root", b"");
    header[6 + 8 * 6..14 + 8 * 6].copy_from_slice(b"00200000");
    bytes.extend(header);
    let refusal = refusal(&bytes);
    assert_eq!(refusal.cause, UpdateCause::TooBig);
    assert!(refusal.reason.contains("2 MiB or more"), "{}", refusal.reason);
}

#[test]
fn another_board_and_an_older_version_are_named() {
    let description = Description::parse(DESCRIPTION.as_bytes()).unwrap();
    description.check_board("raspberrypi4-64", "1.1").unwrap();
    let refusal = description.check_board("raspberrypi5", "1.0").unwrap_err();
    assert_eq!(refusal.cause, UpdateCause::WrongBoard);
    assert_eq!(
        refusal.reason,
        "the update is made for raspberrypi4-64, and this board is raspberrypi5"
    );
    assert!(description.check_board("raspberrypi4-64", "2.0").is_err());
    description.check_floor("1.2.3").unwrap();
    let refusal = description.check_floor("1.10.0").unwrap_err();
    assert_eq!(refusal.cause, UpdateCause::Downgrade);

    let any =
        Description::parse(b"software = { version = \"1\"; hardware-compatibility = [ \"#RE:^1\" ]; };")
            .unwrap();
    any.check_board("anything", "1.0").unwrap();
    let none = Description::parse(b"software = { version = \"1\"; };").unwrap();
    assert!(none.check_board("anything", "1.0").is_err());
}

#[test]
fn a_delta_is_known_and_nothing_but_the_same_whole_stands_in_for_it() {
    let delta = DESCRIPTION.replace("installed-directly = true", "type = \"delta\"");
    let delta = delta.replace(
        "raspberrypi4-64 =",
        "amora = { full = \"https://x/y.swu\"; };\n raspberrypi4-64 =",
    );
    let delta = Description::parse(delta.as_bytes()).unwrap();
    assert!(delta.delta);
    assert_eq!(delta.full.as_deref(), Some("https://x/y.swu"));
    delta.check_board("raspberrypi4-64", "1.1").unwrap();
    let whole = Description::parse(DESCRIPTION.as_bytes()).unwrap();
    assert_eq!((whole.delta, &whole.full), (false, &None));
    whole.check_fallback("1.2.3").unwrap();
    for (wrong, version, words) in [
        (&delta, "1.2.3", "a delta too"),
        (&whole, "1.2.4", "version 1.2.3"),
    ] {
        let refusal = wrong.check_fallback(version).unwrap_err();
        assert_eq!(refusal.cause, UpdateCause::Malformed);
        assert!(refusal.reason.contains(words), "{}", refusal.reason);
    }
}

#[test]
fn the_end_may_be_padded_but_not_endless() {
    let mut bytes = update(DESCRIPTION);
    bytes.resize(bytes.len() + 4096, 0);
    fuzz(&bytes);
    bytes.resize(bytes.len() + LONGEST_END, 0);
    assert_eq!(refusal(&bytes).cause, UpdateCause::Malformed);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        fuzz(&bytes);
    }

    #[test]
    fn any_damage_is_read_without_panic(index in 0usize..2000, byte: u8, cut in 0usize..2500) {
        let mut bytes = update(DESCRIPTION);
        let length = bytes.len();
        bytes[index % length] = byte;
        bytes.truncate(cut);
        fuzz(&bytes);
    }

    #[test]
    fn any_description_is_read_without_panic(text in "[ -~\n]{0,300}", nesting in prop::collection::vec("[{}()\\[\\]\";=:,a/*#\\\\ ]{0,40}", 0..10)) {
        let _ = Description::parse(text.as_bytes());
        let _ = Description::parse(nesting.concat().as_bytes());
    }
}

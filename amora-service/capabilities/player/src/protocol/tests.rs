use super::*;
use proptest::prelude::*;

fn decoder_after_greeting() -> Decoder {
    let mut decoder = Decoder::default();
    decoder.push(b"OK MPD 0.23.5\n");
    assert_eq!(
        decoder.next_message(),
        Ok(Some(Message::Greeting("0.23.5".to_owned())))
    );
    decoder
}

fn answer(bytes: &[u8]) -> Vec<Frame> {
    let mut decoder = decoder_after_greeting();
    decoder.push(bytes);
    match decoder.next_message() {
        Ok(Some(Message::Answer(frames))) => frames,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_single_command_has_one_frame_even_when_it_says_nothing() {
    assert_eq!(answer(b"OK\n").len(), 1);
    let frames = answer(b"volume: 40\nTitle:  two: colons \nempty:\nOK\n");
    assert_eq!(frames[0].get("volume"), Some("40"));
    assert_eq!(frames[0].get("Title"), Some(" two: colons "));
    assert_eq!(frames[0].get("empty"), Some(""));
}

#[test]
fn a_list_has_a_frame_for_each_command() {
    let frames = answer(b"a: 1\nlist_OK\nlist_OK\nb: 2\nlist_OK\nOK\n");
    assert_eq!(frames.len(), 3);
    assert_eq!(frames[2].get("b"), Some("2"));
}

#[test]
fn a_refusal_keeps_the_frames_before_it() {
    let mut decoder = decoder_after_greeting();
    decoder.push(b"a: 1\nlist_OK\nhalf: done\nACK [50@1] {load} No such playlist\na: 2\nOK\n");
    let Ok(Some(Message::Refusal(ack, frames))) = decoder.next_message() else {
        panic!("no refusal");
    };
    assert_eq!((ack.code, ack.index), (AckCode::NoExist, 1));
    assert_eq!(
        (ack.command.as_str(), ack.text.as_str()),
        ("load", "No such playlist")
    );
    assert_eq!(frames.len(), 1);
    let Ok(Some(Message::Answer(frames))) = decoder.next_message() else {
        panic!("the next answer is lost");
    };
    assert_eq!(frames[0].get("a"), Some("2"));
    assert_eq!(frames[0].get("half"), None);
}

#[test]
fn binary_parts_may_hold_anything() {
    let frames = answer(b"size: 5\ntype: image/png\nbinary: 5\nOK\n\0\xff\nOK\n");
    assert_eq!(frames[0].binary(), Some(&b"OK\n\0\xff"[..]));
    assert_eq!(frames[0].get("type"), Some("image/png"));
}

#[test]
fn a_server_that_is_not_mpd_is_recognised() {
    let mut decoder = Decoder::default();
    decoder.push(b"HTTP/1.1 400 Bad Request\r\n");
    assert!(matches!(
        decoder.next_message(),
        Err(ProtocolError::Unexpected(_))
    ));
    decoder.push(b"OK MPD 0.23.5\n");
    assert!(decoder.next_message().is_err(), "a failed decoder stays failed");
}

#[test]
fn huge_lines_and_endless_responses_end() {
    let mut decoder = decoder_after_greeting();
    decoder.push(&vec![b'x'; 1 << 20]);
    assert_eq!(decoder.next_message(), Err(ProtocolError::LineTooLong));

    let mut decoder = decoder_after_greeting();
    let lines = b"Title: the song that never ends\n".repeat(1000);
    let error = (0..10_000).find_map(|_| {
        decoder.push(&lines);
        decoder.next_message().err()
    });
    assert_eq!(error, Some(ProtocolError::ResponseTooLarge));

    let mut decoder = decoder_after_greeting();
    decoder.push(b"binary: 4000000000\n");
    assert_eq!(decoder.next_message(), Err(ProtocolError::ResponseTooLarge));
}

#[test]
fn arguments_are_quoted_and_line_breaks_refused() {
    let command = Command::new("add").text(r#"Bob's "best\worst".flac"#).word(3);
    let bytes = encode(std::slice::from_ref(&command)).unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "add \"Bob\\'s \\\"best\\\\worst\\\".flac\" 3\n"
    );
    assert_eq!(
        encode(&[Command::new("add").text("a\nclear")]),
        Err(Unsendable::ControlCharacter)
    );
    assert_eq!(
        encode(&[Command::new("add").text(&"x".repeat(9000))]),
        Err(Unsendable::TooLong)
    );
    let list = vec![Command::new("add").text(&"x".repeat(7000)); 200];
    assert_eq!(encode(&list), Err(Unsendable::TooLong));
}

fn wire_frame() -> impl Strategy<Value = (Vec<(String, String)>, Option<Vec<u8>>)> {
    (
        proptest::collection::vec(("[A-Za-z]{1,12}", "[^\n]{0,40}"), 0..6),
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..64)),
    )
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_pieces_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz(&bytes);
        let mut greeted = b"OK MPD 0.24.0\n".to_vec();
        greeted.extend_from_slice(&bytes);
        fuzz(&greeted);
    }

    #[test]
    fn protocol_like_bytes_never_panic_and_pieces_do_not_matter(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("OK\n"), Just("list_OK\n"), Just("ACK [50@0] {x} y\n"), Just("ACK [\n"), Just("a: b\n"),
                Just("binary: 3\n"), Just("abc\n"), Just("ab"), Just("\n"), Just("binary: -1\n"), Just("binary: 0\n"),
            ],
            0..30,
        )
    ) {
        fuzz(format!("OK MPD 0.23.5\n{}", lines.concat()).as_bytes());
    }

    #[test]
    fn what_a_server_writes_is_read_back(frames in proptest::collection::vec(wire_frame(), 1..5), cut in any::<prop::sample::Index>()) {
        let mut wire = b"OK MPD 0.24.9\n".to_vec();
        for (fields, binary) in &frames {
            for (key, value) in fields {
                prop_assume!(key != "binary");
                wire.extend_from_slice(format!("{key}: {value}\n").as_bytes());
            }
            if let Some(binary) = binary {
                wire.extend_from_slice(format!("binary: {}\n", binary.len()).as_bytes());
                wire.extend_from_slice(binary);
                wire.push(b'\n');
            }
            wire.extend_from_slice(b"list_OK\n");
        }
        wire.extend_from_slice(b"OK\n");
        let (head, tail) = wire.split_at(cut.index(wire.len()));
        let (messages, error) = decode([head, tail].into_iter());
        prop_assert_eq!(error, None);
        let Message::Answer(read) = &messages[1] else { panic!("{messages:?}") };
        prop_assert_eq!(read.len(), frames.len());
        for (read, (fields, binary)) in read.iter().zip(&frames) {
            let wanted: Vec<_> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let got: Vec<_> = read.fields().filter(|(key, _)| *key != "binary").collect();
            prop_assert_eq!(got, wanted);
            prop_assert_eq!(read.binary(), binary.as_deref());
        }
    }

    #[test]
    fn a_quoted_argument_survives_mpds_unquoting(text in "[^\n\r\0]{0,60}") {
        let line = Command::new("add").text(&text);
        let quoted = line.line().strip_prefix("add \"").unwrap().strip_suffix('"').unwrap();
        let mut unquoted = String::new();
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            unquoted.push(if character == '\\' { characters.next().unwrap() } else { character });
        }
        prop_assert_eq!(unquoted, text);
    }
}

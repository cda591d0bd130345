use super::*;

fn card(index: i32, id: &str, name: &str, driver: &str, capture: bool) -> SoundCard {
    SoundCard {
        index,
        id: id.to_owned(),
        name: name.to_owned(),
        driver: driver.to_owned(),
        playback: vec![0],
        capture: if capture { vec![0] } else { Vec::new() },
    }
}

fn pi() -> Vec<SoundCard> {
    vec![
        card(0, "vc4hdmi", "vc4-hdmi", "vc4-hdmi", false),
        card(1, "Headphones", "bcm2835 Headphones", "bcm2835_headpho", false),
        card(2, "Zero", "RPi Codec Zero", "RPi_Codec_Zero", true),
        card(3, "Device", "USB Audio Device", "USB-Audio", true),
    ]
}

fn chosen(cards: &[SoundCard], device: &str) -> Choice {
    choose(cards, "", device, "auto", "auto").unwrap()
}

#[test]
fn the_board_comes_before_usb_headphones_and_hdmi() {
    let choice = chosen(&pi(), "auto");
    assert_eq!(choice.playback, "hw:CARD=Zero");
    assert_eq!(choice.capture.as_deref(), Some("hw:CARD=Zero"));
    assert_eq!(choice.profile.key, "codec-zero");
    assert!(choice.why.contains("known board"), "{}", choice.why);
    assert_eq!(chosen(&pi()[..2], "auto").playback, "hw:CARD=Headphones");
}

#[test]
fn hdmi_plays_through_alsas_subframe_plugin() {
    assert_eq!(chosen(&pi()[..1], "auto").playback, "hdmi:CARD=vc4hdmi");
}

#[test]
fn an_unknown_card_is_better_than_none() {
    let cards = [card(0, "PCH", "HDA Intel PCH", "HDA-Intel", true)];
    let choice = chosen(&cards, "auto");
    assert_eq!(choice.playback, "hw:CARD=PCH");
    assert_eq!(choice.profile.key, "none");
}

#[test]
fn numbers_become_names_so_that_the_card_is_found_again() {
    assert_eq!(chosen(&pi(), "hw:3").playback, "hw:CARD=Device");
    assert_eq!(chosen(&pi(), "hw:3,1").playback, "hw:CARD=Device,DEV=1");
    assert_eq!(chosen(&pi(), "hw:CARD=Device,DEV=0").playback, "hw:CARD=Device");
    assert_eq!(chosen(&pi(), "hw:Zero").playback, "hw:CARD=Zero");
    let choice = choose(&pi(), "", "hw:2", "hw:3,0", "auto").unwrap();
    assert_eq!(choice.capture.as_deref(), Some("hw:CARD=Device"));
}

#[test]
fn a_card_may_be_given_by_number_or_by_a_part_of_its_name() {
    assert_eq!(chosen(&pi(), "3").playback, "hw:CARD=Device");
    assert_eq!(chosen(&pi(), "usb audio").playback, "hw:CARD=Device");
    assert_eq!(chosen(&pi(), "vc4hdmi").playback, "hdmi:CARD=vc4hdmi");
    let choice = chosen(&pi(), "codec");
    assert_eq!(choice.playback, "hw:CARD=Zero");
    assert_eq!(choice.profile.key, "codec-zero");
    assert!(choice.why.contains("RPi Codec Zero"), "{}", choice.why);
    let error = choose(&pi(), "", "7", "auto", "auto").unwrap_err();
    assert!(
        matches!(&error, CardError::Gone(why) if why.contains("`7`")),
        "{error}"
    );
}

#[test]
fn a_whole_name_comes_before_a_part_and_the_first_card_before_others() {
    let twins = [
        card(0, "Device", "USB Audio Device", "USB-Audio", true),
        card(1, "Device_1", "USB Audio", "USB-Audio", true),
    ];
    assert_eq!(chosen(&twins, "USB Audio").playback, "hw:CARD=Device_1");
    assert_eq!(chosen(&twins, "usb").playback, "hw:CARD=Device");
}

#[test]
fn a_microphone_may_be_given_like_a_card() {
    let recorded = |device| {
        choose(&pi(), "", "auto", device, "auto")
            .unwrap()
            .capture
            .unwrap()
    };
    assert_eq!(recorded("3"), "hw:CARD=Device");
    assert_eq!(recorded("USB"), "hw:CARD=Device");
    // The headphones cannot record: the name is left to ALSA, which says so.
    assert_eq!(recorded("Headphones"), "Headphones");
    assert_eq!(recorded("9"), "9");
}

#[test]
fn any_other_pcm_is_taken_as_it_is() {
    let choice = chosen(&[], "plug:SLAVE='null'");
    assert_eq!(choice.playback, "plug:SLAVE='null'");
    assert_eq!((choice.capture, choice.mixer), (None, None));
}

#[test]
fn recording_can_be_off_or_elsewhere() {
    assert_eq!(choose(&pi(), "", "auto", "none", "auto").unwrap().capture, None);
    let choice = choose(&pi(), "", "auto", "null", "auto").unwrap();
    assert_eq!(choice.capture.as_deref(), Some("null"));
}

#[test]
fn nothing_found_is_explained() {
    let refusal = |cards: &[SoundCard], device| choose(cards, "", device, "auto", "auto").unwrap_err();
    let none = refusal(&[], "auto");
    assert!(
        matches!(&none, CardError::Gone(why) if why.contains("no sound card at all")),
        "{none}"
    );
    let other = refusal(&pi(), "hw:CARD=IQaudIODAC");
    assert!(
        matches!(&other, CardError::Gone(why) if why.contains("IQaudIODAC") && why.contains("hw:CARD=Zero (RPi Codec Zero)")),
        "{other}"
    );
}

#[test]
fn a_profile_can_be_given_and_a_wrong_one_is_explained() {
    let choice = choose(&pi(), "", "auto", "auto", "codec-zero-line").unwrap();
    assert_eq!(choice.profile.key, "codec-zero-line");
    let error = choose(&pi(), "", "auto", "auto", "theremin").unwrap_err();
    assert!(
        matches!(&error, CardError::Unsupported(why) if why.contains("codec-zero")),
        "{error}"
    );
}

#[test]
fn each_card_is_listed_with_its_board() {
    let listed: Vec<FoundCard> = pi().iter().map(|card| FoundCard::new(card, "")).collect();
    assert_eq!(
        listed[2],
        FoundCard {
            device: "hw:CARD=Zero".to_owned(),
            name: "RPi Codec Zero".to_owned(),
            plays: true,
            records: true,
            profile: Some("codec-zero"),
            board: Profile::named("codec-zero").map(|profile| profile.name),
        }
    );
    let unknown = FoundCard::new(&card(0, "PCH", "HDA Intel PCH", "HDA-Intel", false), "");
    assert_eq!(
        (unknown.profile, unknown.board, unknown.records),
        (None, None, false)
    );
}

#[test]
fn the_choice_is_told_in_words() {
    let mut config = AudioConfig::default();
    let told = describe(&pi(), "", &config).unwrap();
    assert!(
        told.starts_with(
            "plays to `hw:CARD=Zero` with the profile `codec-zero`, listens at `hw:CARD=Zero`: "
        ),
        "{told}"
    );
    config.device = "hw:CARD=Gone".to_owned();
    let error = describe(&pi(), "", &config).unwrap_err();
    assert!(errors::reason(&error).contains("hw:CARD=Gone"), "{error}");
}

use super::*;

/// `/proc/asound/cards` as boxes really show it: two lines a card.
fn cards(listing: &str) -> Vec<SoundCard> {
    let mut cards = Vec::new();
    for line in listing.lines().filter(|line| line.contains("]: ")) {
        let (index, rest) = line.trim_start().split_once(' ').unwrap();
        let (id, rest) = rest.trim_start_matches('[').split_once(']').unwrap();
        let (driver, name) = rest.trim_start_matches(": ").split_once(" - ").unwrap();
        cards.push(SoundCard {
            index: index.parse().unwrap(),
            id: id.trim().to_owned(),
            name: name.to_owned(),
            driver: driver.to_owned(),
            playback: vec![0],
            capture: Vec::new(),
        });
    }
    cards
}

fn keys(listing: &str, hat: &str) -> Vec<&'static str> {
    cards(listing)
        .iter()
        .map(|card| Profile::of(card, hat).map_or("unknown", |profile| profile.key))
        .collect()
}

#[test]
fn a_pi_5_with_a_dac_pro() {
    let listing = " 0 [Pro            ]: RPi_DAC_Pro - RPi DAC Pro
                      RPi DAC Pro
 1 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                      vc4-hdmi-0
 2 [vc4hdmi1       ]: vc4-hdmi - vc4-hdmi-1
                      vc4-hdmi-1
";
    assert_eq!(keys(listing, "Pi-DAC PRO"), ["rpi-dac-pro", "hdmi", "hdmi"]);
}

#[test]
fn a_pi_4_with_headphones_and_usb() {
    let listing = " 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 1 [Device         ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-0000:01:00.0-1.4, full speed
 2 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi
                      vc4-hdmi
";
    assert_eq!(keys(listing, ""), ["headphones", "usb", "hdmi"]);
}

#[test]
fn a_codec_zero_and_a_hifiberry() {
    let zero = " 1 [Zero           ]: RPi_Codec_Zero - RPi Codec Zero
                      RPi Codec Zero
";
    assert_eq!(keys(zero, ""), ["codec-zero"]);
    let old = " 0 [IQaudIOCODEC   ]: IQaudIOCODEC - IQaudIOCODEC
                      IQaudIOCODEC
";
    assert_eq!(keys(old, ""), ["codec-zero"]);
    let berry = " 0 [sndrpihifiberry]: HifiberryDacp - snd_rpi_hifiberry_dacplus
                      snd_rpi_hifiberry_dacplus
";
    assert_eq!(keys(berry, ""), ["hifiberry-dac-plus"]);
}

#[test]
fn the_hat_tells_iqaudios_boards_of_one_name_apart() {
    let listing = " 0 [IQaudIODAC     ]: IQaudIODAC - IQaudIODAC
                      IQaudIODAC
";
    assert_eq!(keys(listing, "Pi-DigiAMP+"), ["iqaudio-digiamp"]);
    assert_eq!(keys(listing, "Pi-DAC+"), ["iqaudio-dac-plus"]);
    assert_eq!(keys(listing, "Pi-DAC PRO"), ["iqaudio-dac-pro"]);
    assert_eq!(keys(listing, ""), ["iqaudio-dac"]);
    assert_eq!(keys(listing, "Some other HAT"), ["iqaudio-dac"]);
}

#[test]
fn other_peoples_cards_are_unknown() {
    let listing = " 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7f30000 irq 30
 1 [wm8960soundcard]: simple-card - wm8960-soundcard
                      wm8960-soundcard
";
    assert_eq!(keys(listing, ""), ["unknown", "unknown"]);
}

#[test]
fn only_an_amplifier_is_driven_by_gpio() {
    let driven: Vec<_> = PROFILES
        .iter()
        .filter(|profile| profile.amplifier.is_some())
        .map(|profile| profile.key)
        .collect();
    assert_eq!(driven, ["iqaudio-digiamp", "iqaudio-amp", "rpi-digiamp"]);
}

#[test]
fn keys_and_names_are_unique_and_found() {
    for profile in PROFILES {
        assert_eq!(Profile::named(profile.key), Some(profile), "{}", profile.key);
        assert_eq!(
            Profile::named(&profile.name.to_uppercase()),
            Some(profile),
            "{}",
            profile.name
        );
    }
    assert_eq!(Profile::named("Theremin"), None);
}

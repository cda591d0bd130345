//! What is known about each board: how the kernel names it, how its mixer must stand, and what mutes its amplifier.

use super::discovery::SoundCard;

/// A board that is known by name.
#[derive(Debug, PartialEq)]
pub(super) struct Profile {
    /// What the configuration calls it.
    pub(super) key: &'static str,
    /// What people call it.
    pub(super) name: &'static str,
    /// How it is told from others; empty where only the configuration can choose it.
    pub(super) marks: &'static [Mark],
    /// The ALSA interface that plays: `hw`, or `hdmi` where the wire wants subframes that ALSA's plugin makes.
    pub(super) interface: &'static str,
    /// How the mixer must stand before sound flows, in order.
    pub(super) controls: &'static [Control],
    /// What mutes the amplifier.
    pub(super) amplifier: Option<Amplifier>,
    /// Whether the board can record.
    pub(super) capture: bool,
}

/// What tells a board: every part that is given must fit.
#[derive(Debug, PartialEq)]
pub(super) struct Mark {
    /// The card's name, or its beginning where it ends in `*`.
    pub(super) card: &'static str,
    /// The kernel driver's name, likewise; empty fits any.
    pub(super) driver: &'static str,
    /// The HAT's product name, likewise; empty fits any.
    pub(super) hat: &'static str,
}

/// One control of the mixer, by its simple-mixer name.
#[derive(Debug, PartialEq)]
pub(super) struct Control {
    pub(super) name: &'static str,
    pub(super) setting: Setting,
    /// Whether a board of this kind may lack it.
    pub(super) optional: bool,
}

/// How a control is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Setting {
    /// A switch.
    Switch(bool),
    /// A volume in decibels, both channels.
    Decibels(f32),
    /// A volume in the codec's own steps, both channels.
    Steps(i64),
    /// An item of a choice.
    Item(&'static str),
}

/// A general-purpose line that lets the amplifier sound when high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amplifier {
    /// The line's name on the header, as the kernel gives it.
    pub(super) line: &'static str,
}

const fn card(card: &'static str) -> Mark {
    Mark {
        card,
        driver: "",
        hat: "",
    }
}

const fn hat(card: &'static str, hat: &'static str) -> Mark {
    Mark {
        card,
        driver: "",
        hat,
    }
}

const fn on(name: &'static str) -> Control {
    Control {
        name,
        setting: Setting::Switch(true),
        optional: false,
    }
}

const fn off(name: &'static str) -> Control {
    Control {
        name,
        setting: Setting::Switch(false),
        optional: false,
    }
}

const fn level(name: &'static str, decibels: f32) -> Control {
    Control {
        name,
        setting: Setting::Decibels(decibels),
        optional: false,
    }
}

const fn steps(name: &'static str, steps: i64) -> Control {
    Control {
        name,
        setting: Setting::Steps(steps),
        optional: false,
    }
}

const fn item(name: &'static str, item: &'static str) -> Control {
    Control {
        name,
        setting: Setting::Item(item),
        optional: false,
    }
}

const fn maybe(control: Control) -> Control {
    Control {
        name: control.name,
        setting: control.setting,
        optional: true,
    }
}

/// Control names: Linux `sound/soc/codecs/pcm512x.c`. The box sets the volume itself, in 32 bits, so the chip stands
/// at 0 dB; `iqaudio-dac.c` allows no more unless the overlay says `24db_digital_gain`. The automatic mute is off
/// because it switches the output, audibly, at every silence.
const PCM512X: &[Control] = &[
    off("Auto Mute"),
    maybe(off("Auto Mute Mono")),
    maybe(off("Deemphasis")),
    level("Analogue", 0.0),
    maybe(steps("Analogue Playback Boost", 0)),
    level("Digital", 0.0),
    on("Digital"),
];

/// What every use of the Codec Zero's DA7212 needs. Names: Linux `sound/soc/codecs/da7213.c`; values: IQaudio's
/// Pi-Codec state files.
macro_rules! da7212 {
    ($($control:expr),* $(,)?) => {
        &[
            item("DAC Left Source MUX", "DAI Input Left"),
            item("DAC Right Source MUX", "DAI Input Right"),
            item("DAI Left Source MUX", "ADC Left"),
            item("DAI Right Source MUX", "ADC Right"),
            on("Mixout Left DAC Left"),
            on("Mixout Right DAC Right"),
            steps("DAC", 112),
            on("ADC"),
            on("Mixin PGA"),
            steps("Mixin PGA", 7),
            $($control),*
        ]
    };
}

/// `IQaudIO_Codec_OnboardMIC_record_and_SPK_playback.state`. The loudspeaker hangs on one channel, so it is given both.
const CODEC_SPEAKER: &[Control] = da7212![
    on("DAC Mono"),
    on("Lineout"),
    steps("Lineout", 48),
    on("Headphone"),
    steps("Headphone", 49),
    off("Aux"),
    off("Mic 1"),
    on("Mic 2"),
    steps("Mic 2", 5),
    on("Mixin Left Mic 2"),
    on("Mixin Right Mic 2"),
    off("Mixin Left Aux Left"),
    off("Mixin Right Aux Right"),
    steps("ADC", 114),
    maybe(on("Onboard MIC")),
    maybe(on("HP Jack")),
];

/// `IQaudIO_Codec_AUXIN_record_and_HP_playback.state`.
const CODEC_LINE: &[Control] = da7212![
    off("DAC Mono"),
    off("Lineout"),
    on("Headphone"),
    steps("Headphone", 49),
    on("Aux"),
    steps("Aux", 53),
    off("Mic 1"),
    off("Mic 2"),
    off("Mixin Left Mic 2"),
    off("Mixin Right Mic 2"),
    on("Mixin Left Aux Left"),
    on("Mixin Right Aux Right"),
    steps("ADC", 112),
    maybe(on("AUX Jack")),
    maybe(on("HP Jack")),
];

/// `IQaudIO_Codec_StereoMIC_record_and_HP_playback.state`.
const CODEC_MICROPHONES: &[Control] = da7212![
    off("DAC Mono"),
    off("Lineout"),
    on("Headphone"),
    steps("Headphone", 49),
    off("Aux"),
    on("Mic 1"),
    steps("Mic 1", 5),
    on("Mic 2"),
    steps("Mic 2", 5),
    on("Mixin Left Mic 2"),
    on("Mixin Right Mic 1"),
    off("Mixin Right Mic 2"),
    off("Mixin Left Aux Left"),
    off("Mixin Right Aux Right"),
    steps("ADC", 114),
    maybe(on("MIC Jack")),
    maybe(on("HP Jack")),
];

/// The wide-spread names of USB Audio Class outputs; a device has some of them.
const USB: &[Control] = &[
    maybe(level("PCM", 0.0)),
    maybe(on("PCM")),
    maybe(level("Speaker", 0.0)),
    maybe(on("Speaker")),
    maybe(level("Headphone", 0.0)),
    maybe(on("Headphone")),
    maybe(level("Master", 0.0)),
    maybe(on("Master")),
];

/// `snd_bcm2835`: the control is `Headphone` or `PCM` by the kernel's age.
const HEADPHONES: &[Control] = &[
    maybe(level("PCM", 0.0)),
    maybe(on("PCM")),
    maybe(level("Headphone", 0.0)),
    maybe(on("Headphone")),
];

/// GPIO 22 high lets the amplifier sound: `mute-gpios` in the kernel's `iqaudio-dacplus-overlay.dts`, driven by
/// `iqaudio-dac.c` where the overlay says `auto_mute_amp` or `unmute_amp`.
const GPIO22: Option<Amplifier> = Some(Amplifier { line: "GPIO22" });

const fn board(
    key: &'static str,
    name: &'static str,
    marks: &'static [Mark],
    controls: &'static [Control],
) -> Profile {
    Profile {
        key,
        name,
        marks,
        interface: "hw",
        controls,
        amplifier: None,
        capture: false,
    }
}

/// Every known board, the more exactly told before the less.
///
/// Card names: `card->name` in Linux `sound/soc/bcm/iqaudio-dac.c` and `iqaudio-codec.c`, or `card_name` in
/// Raspberry Pi's `rpi-dacplus`, `rpi-dacpro`, `rpi-digiampplus` and `rpi-codeczero` overlays. One kernel name stands for
/// all of IQaudio's own DACs: the HAT's EEPROM tells them apart.
pub(super) static PROFILES: &[Profile] = &[
    Profile {
        amplifier: GPIO22,
        ..board(
            "iqaudio-digiamp",
            "IQaudio DigiAMP+",
            &[hat("IQaudIODAC", "Pi-DigiAMP*")],
            PCM512X,
        )
    },
    board(
        "iqaudio-dac-pro",
        "IQaudio DAC Pro",
        &[hat("IQaudIODAC", "Pi-DAC PRO*")],
        PCM512X,
    ),
    board(
        "iqaudio-dac-plus",
        "IQaudio DAC+",
        &[hat("IQaudIODAC", "Pi-DAC+*")],
        PCM512X,
    ),
    board(
        "iqaudio-dac",
        "IQaudio DAC",
        &[card("IQaudIODAC"), card("IQaudIO DAC"), card("IQUADIO*")],
        PCM512X,
    ),
    Profile {
        amplifier: GPIO22,
        ..board("iqaudio-amp", "IQaudio DAC+ with AMP+", &[], PCM512X)
    },
    Profile {
        amplifier: GPIO22,
        ..board(
            "rpi-digiamp",
            "Raspberry Pi DigiAMP+",
            &[card("RPi DigiAMP+")],
            PCM512X,
        )
    },
    board(
        "rpi-dac-pro",
        "Raspberry Pi DAC Pro",
        &[card("RPi DAC Pro")],
        PCM512X,
    ),
    board("rpi-dac-plus", "Raspberry Pi DAC+", &[card("RPi DAC+")], PCM512X),
    Profile {
        capture: true,
        ..board(
            "codec-zero",
            "Codec Zero",
            &[
                card("RPi Codec Zero"),
                card("IQaudIOCODEC"),
                card("IQaudIO CODEC"),
            ],
            CODEC_SPEAKER,
        )
    },
    Profile {
        capture: true,
        ..board("codec-zero-line", "Codec Zero, line in and out", &[], CODEC_LINE)
    },
    Profile {
        capture: true,
        ..board(
            "codec-zero-microphones",
            "Codec Zero, two microphones",
            &[],
            CODEC_MICROPHONES,
        )
    },
    board(
        "hifiberry-dac-plus",
        "HiFiBerry DAC+",
        &[
            card("snd_rpi_hifiberry_dacplus"),
            card("snd_rpi_hifiberry_dacpro"),
        ],
        PCM512X,
    ),
    Profile {
        capture: true,
        ..board(
            "usb",
            "USB audio",
            &[Mark {
                card: "*",
                driver: "USB-Audio",
                hat: "",
            }],
            USB,
        )
    },
    board(
        "headphones",
        "Raspberry Pi headphone jack",
        &[card("bcm2835 Headphones")],
        HEADPHONES,
    ),
    Profile {
        interface: "hdmi",
        ..board("hdmi", "HDMI", &[card("vc4-hdmi*")], &[])
    },
];

/// A card nobody has written a profile for.
pub(super) static PLAIN: Profile = Profile {
    key: "none",
    name: "",
    marks: &[],
    interface: "hw",
    controls: &[],
    amplifier: None,
    capture: true,
};

impl Profile {
    /// The profile of this key or name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PROFILES
            .iter()
            .chain([&PLAIN])
            .find(|profile| profile.key.eq_ignore_ascii_case(name) || profile.name.eq_ignore_ascii_case(name))
    }

    /// The board that this card is. `hat` is the plugged-on board's product name, empty when unknown.
    pub(super) fn of(card: &SoundCard, hat: &str) -> Option<&'static Self> {
        PROFILES
            .iter()
            .find(|profile| profile.marks.iter().any(|mark| mark.fits(card, hat)))
    }

    /// How much this card is preferred where there are several: the sooner in the table, the better.
    pub(super) fn rank(&self) -> usize {
        PROFILES
            .iter()
            .position(|profile| profile == self)
            .unwrap_or(PROFILES.len())
    }
}

impl Mark {
    fn fits(&self, card: &SoundCard, hat: &str) -> bool {
        fits(self.card, &card.name)
            && (self.driver.is_empty() || fits(self.driver, &card.driver))
            && (self.hat.is_empty() || fits(self.hat, hat))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name
            .get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => pattern.eq_ignore_ascii_case(name),
    }
}

#[cfg(test)]
mod tests;

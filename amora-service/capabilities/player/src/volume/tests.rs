use super::*;
use proptest::prelude::*;

fn volume(number: u8) -> Volume {
    Volume::clamped(f64::from(number))
}

/// Both sides at 30.
fn aligned() -> VolumeSync {
    let mut sync = VolumeSync::default();
    assert_eq!(sync.box_has(Some(volume(30))), None);
    assert_eq!(
        sync.mpd_has(Some(volume(100))),
        Some(Alignment::SetMpd(volume(30)))
    );
    assert_eq!(sync.mpd_has(Some(volume(30))), None);
    sync
}

#[test]
fn the_box_decides_when_mpd_comes() {
    aligned();
}

#[test]
fn an_mpd_client_sets_the_box_and_no_echo_comes_back() {
    let mut sync = aligned();
    assert_eq!(
        sync.mpd_has(Some(volume(50))),
        Some(Alignment::SetBox(volume(50)))
    );
    assert_eq!(sync.box_has(Some(volume(30))), None, "the box has not got it yet");
    assert_eq!(sync.box_has(Some(volume(50))), None);
    assert_eq!(sync.box_was_set(Some(volume(50))), None);
    assert_eq!(sync.mpd_has(Some(volume(50))), None);
}

#[test]
fn a_knob_on_the_box_sets_mpd_and_no_echo_comes_back() {
    let mut sync = aligned();
    assert_eq!(
        sync.box_has(Some(volume(60))),
        Some(Alignment::SetMpd(volume(60)))
    );
    assert_eq!(sync.mpd_has(Some(volume(60))), None);
    assert_eq!(sync.box_has(Some(volume(60))), None);
}

#[test]
fn a_fader_that_moves_fast_ends_where_it_was_left() {
    let mut sync = aligned();
    assert_eq!(
        sync.mpd_has(Some(volume(40))),
        Some(Alignment::SetBox(volume(40)))
    );
    assert_eq!(sync.mpd_has(Some(volume(50))), None);
    assert_eq!(sync.mpd_has(Some(volume(60))), None);
    assert_eq!(
        sync.box_was_set(Some(volume(40))),
        Some(Alignment::SetBox(volume(60)))
    );
    assert_eq!(sync.box_was_set(Some(volume(60))), None);
}

#[test]
fn a_box_that_refuses_keeps_its_volume_and_mpd_follows() {
    let mut sync = aligned();
    assert_eq!(
        sync.mpd_has(Some(volume(90))),
        Some(Alignment::SetBox(volume(90)))
    );
    assert_eq!(
        sync.box_was_set(Some(volume(30))),
        Some(Alignment::SetMpd(volume(30)))
    );
}

#[test]
fn without_a_mixer_or_without_sound_nothing_is_set() {
    let mut sync = aligned();
    assert_eq!(sync.mpd_has(None), None);
    assert_eq!(sync.box_has(Some(volume(70))), None);
    assert_eq!(
        sync.mpd_has(Some(volume(30))),
        Some(Alignment::SetMpd(volume(70))),
        "the mixer is back"
    );
    let mut silent = VolumeSync::default();
    assert_eq!(silent.mpd_has(Some(volume(30))), None);
    assert_eq!(silent.box_has(None), None);
}

#[derive(Debug, Clone, Copy)]
enum Happening {
    Client(u8),
    Knob(u8),
    MpdNews,
    BoxNews,
    BoxAnswers,
}

proptest! {
    /// Whatever happens in whatever order, once all news is read both sides have one number, and it stays.
    #[test]
    fn the_two_always_settle_on_one_number(
        happenings in proptest::collection::vec(
            prop_oneof![
                (0..=100_u8).prop_map(Happening::Client),
                (0..=100_u8).prop_map(Happening::Knob),
                Just(Happening::MpdNews),
                Just(Happening::BoxNews),
                Just(Happening::BoxAnswers),
            ],
            0..60,
        )
    ) {
        let mut sync = aligned();
        let (mut mpd, mut actual, mut requested) = (volume(30), volume(30), None);
        let mut steps = 0;
        let settle = [Happening::MpdNews, Happening::BoxAnswers, Happening::BoxNews].repeat(8);
        for happening in happenings.into_iter().chain(settle) {
            let alignment = match happening {
                Happening::Client(number) => { mpd = volume(number); None }
                Happening::Knob(number) => { actual = volume(number); None }
                Happening::MpdNews => sync.mpd_has(Some(mpd)),
                Happening::BoxNews => sync.box_has(Some(actual)),
                Happening::BoxAnswers => match requested.take() {
                    Some(number) => { actual = number; sync.box_was_set(Some(actual)) }
                    None => None,
                },
            };
            match alignment {
                Some(Alignment::SetMpd(number)) => mpd = number,
                Some(Alignment::SetBox(number)) => {
                    prop_assert_eq!(requested, None, "two settings at once");
                    requested = Some(number);
                }
                None => {}
            }
            steps += usize::from(alignment.is_some());
        }
        prop_assert_eq!(mpd, actual);
        prop_assert_eq!(requested, None);
        prop_assert!(steps <= 84);
    }
}

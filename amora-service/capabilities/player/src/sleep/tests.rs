use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn volume(number: u8) -> Volume {
    Volume::clamped(f64::from(number))
}

/// Lets the timer run until `end`, deadline by deadline.
fn run(timer: &mut SleepTimer, end: Instant, level: u8) -> Vec<(Instant, SleepAction)> {
    let mut log = Vec::new();
    let mut steps = 0;
    while let Some(deadline) = timer.deadline().filter(|deadline| *deadline <= end) {
        log.extend(
            timer
                .tick(deadline, true, Some(volume(level)))
                .into_iter()
                .map(|action| (deadline, action)),
        );
        steps += 1;
        assert!(steps < 100, "the timer spins");
    }
    log
}

#[test]
fn the_music_fades_pauses_and_the_volume_comes_back_after_the_buffers_are_empty() {
    let start = Instant::now();
    let mut timer = SleepTimer::default();
    assert_eq!(timer.set(start + MINUTE), None);
    assert!(
        timer
            .tick(start + Duration::from_secs(49), true, Some(volume(80)))
            .is_empty()
    );
    let log = run(&mut timer, start + 2 * MINUTE, 80);
    let fades: Vec<u8> = log
        .iter()
        .filter_map(|(_, action)| match action {
            SleepAction::Fade(volume) => Some(volume.get()),
            _ => None,
        })
        .collect();
    assert_eq!(fades.len(), 19);
    assert!(fades.is_sorted_by(|before, after| before > after), "{fades:?}");
    assert!(*fades.last().unwrap() <= 4);
    let end: Vec<_> = log.iter().rev().take(2).rev().collect();
    assert_eq!(*end[0], (start + MINUTE, SleepAction::Pause));
    assert_eq!(
        *end[1],
        (start + MINUTE + DRAIN, SleepAction::Restore(volume(80)))
    );
    assert!(!timer.is_set());
}

#[test]
fn cancelled_during_the_fade_the_volume_comes_back_and_nothing_pauses() {
    let start = Instant::now();
    let mut timer = SleepTimer::default();
    timer.set(start + MINUTE);
    run(&mut timer, start + Duration::from_secs(55), 60);
    assert_eq!(timer.original(), Some(volume(60)));
    assert_eq!(timer.cancel(), Some(SleepAction::Restore(volume(60))));
    assert_eq!(timer.deadline(), None);
    assert_eq!(timer.cancel(), None);
}

#[test]
fn set_again_during_the_fade_it_starts_over() {
    let start = Instant::now();
    let mut timer = SleepTimer::default();
    timer.set(start + MINUTE);
    run(&mut timer, start + Duration::from_secs(55), 60);
    assert_eq!(
        timer.set(start + 2 * MINUTE),
        Some(SleepAction::Restore(volume(60)))
    );
    assert_eq!(timer.deadline(), Some(start + 2 * MINUTE - FADE));
}

#[test]
fn whoever_sets_the_volume_during_the_fade_keeps_it() {
    let start = Instant::now();
    let mut timer = SleepTimer::default();
    timer.set(start + MINUTE);
    let log = run(&mut timer, start + Duration::from_secs(55), 60);
    for (_, action) in log {
        if let SleepAction::Fade(volume) = action {
            timer.volume_is(volume);
        }
    }
    assert!(timer.is_fading(), "the fade's own steps do not interrupt it");
    timer.volume_is(volume(71));
    let rest: Vec<_> = run(&mut timer, start + 2 * MINUTE, 71)
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert_eq!(rest, [SleepAction::Pause]);
}

#[test]
fn nothing_fades_while_nothing_plays() {
    let start = Instant::now();
    let mut timer = SleepTimer::default();
    timer.set(start + MINUTE);
    assert!(
        timer
            .tick(start + Duration::from_secs(50), false, Some(volume(60)))
            .is_empty()
    );
    assert_eq!(timer.deadline(), Some(start + MINUTE));
}

#[test]
fn a_late_tick_goes_straight_to_the_end() {
    let start = Instant::now();
    let mut timer = SleepTimer::default();
    timer.set(start + MINUTE);
    assert_eq!(
        timer.tick(start + 5 * MINUTE, true, Some(volume(60))),
        [SleepAction::Pause]
    );
}

use super::*;
use crate::card::alsa::convert::SampleFormat;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

const PERIOD: u64 = 4;
const BUFFER: u64 = 12;

/// What a scripted card does at its next readiness check.
#[derive(Debug, Clone, Copy)]
enum Act {
    Fail(Fault),
    /// Never calls again.
    Still,
    /// Calls although it has no room.
    FalseAlarms(u32),
}

/// A card on a clock that moves only while somebody waits.
#[derive(Debug, Default)]
struct Script {
    acts: VecDeque<Act>,
    /// Readiness checks to let pass before the next act.
    quiet: u32,
    /// Frames in the buffer.
    fill: u64,
    running: bool,
    still: bool,
    alarms: u32,
    wakes_after: u32,
    rests: Vec<Duration>,
    prepares: u32,
    starts: u32,
    written: Vec<u8>,
    to_read: u64,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Script>>);

impl Fake {
    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    fn then(&self, quiet: u32, acts: impl IntoIterator<Item = Act>) {
        let mut script = self.script();
        script.quiet = quiet;
        script.acts.extend(acts);
    }
}

impl Pcm for Fake {
    fn wait(&mut self, _: Duration) -> Result<bool, Fault> {
        let mut script = self.script();
        if script.still {
            return Ok(false);
        }
        if script.alarms > 0 {
            script.alarms -= 1;
            return Ok(true);
        }
        script.fill = script.fill.saturating_sub(PERIOD);
        Ok(true)
    }

    fn available(&mut self) -> Result<u64, Fault> {
        let mut script = self.script();
        if script.running {
            if script.quiet > 0 {
                script.quiet -= 1;
            } else {
                match script.acts.pop_front() {
                    Some(Act::Fail(fault)) => {
                        script.running = false;
                        return Err(fault);
                    }
                    Some(Act::Still) => script.still = true,
                    Some(Act::FalseAlarms(count)) => script.alarms = count,
                    None => {}
                }
            }
        }
        Ok(BUFFER - script.fill)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut script = self.script();
        // Never more than three frames at once, as a ring's end forces.
        let frames = (bytes.len() as u64 / 8).min(BUFFER - script.fill).min(3);
        script.fill += frames;
        script.written.extend_from_slice(&bytes[..frames as usize * 8]);
        Ok(frames as usize * 8)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Fault> {
        let mut script = self.script();
        let frames = (bytes.len() as u64 / 8).min(script.to_read);
        script.to_read -= frames;
        bytes[..frames as usize * 8].fill(0x20);
        Ok(frames as usize * 8)
    }

    fn position(&mut self) -> Result<Position, Fault> {
        Ok(Position {
            delay: self.script().fill,
            nanoseconds: 7,
        })
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        let mut script = self.script();
        script.prepares += 1;
        script.fill = 0;
        script.running = false;
        Ok(())
    }

    fn start(&mut self) -> Result<(), Fault> {
        let mut script = self.script();
        script.starts += 1;
        script.running = true;
        Ok(())
    }

    fn resume(&mut self) -> Result<bool, Fault> {
        let mut script = self.script();
        script.wakes_after = script.wakes_after.saturating_sub(1);
        Ok(script.wakes_after == 0)
    }

    fn rest(&mut self, time: Duration) {
        self.script().rests.push(time);
    }
}

const SET: Plan = Plan {
    mmap: true,
    format: SampleFormat::S32,
    channels: 2,
    rate: 48_000,
    period: PERIOD,
    buffer: BUFFER,
};

fn playing() -> (Fake, Driver<Fake>) {
    let fake = Fake::default();
    let driver = Driver::start((fake.clone(), SET), None, false).unwrap();
    (fake, driver)
}

fn turn(driver: &mut Driver<Fake>, value: f32) -> Result<Turn, CardError> {
    driver.turn(&[value; 2 * PERIOD as usize], &mut [0.0; PERIOD as usize])
}

#[test]
fn it_starts_full_of_silence() {
    let (fake, driver) = playing();
    let script = fake.script();
    assert!(script.running);
    assert_eq!((script.prepares, script.starts), (1, 1));
    assert!(script.written.len() as u64 / 8 >= BUFFER - PERIOD);
    assert!(script.written.iter().all(|&byte| byte == 0));
    assert_eq!(driver.format().sample_format, "S32_LE");
    assert!(!driver.format().capture);
}

#[test]
fn every_frame_goes_out_once_and_in_order_even_in_pieces() {
    let (fake, mut driver) = playing();
    fake.script().written.clear();
    for step in 1..=5 {
        let played = turn(&mut driver, step as f32 / 8.0).unwrap();
        assert!(played.playback_delay.0 <= BUFFER && played.nanoseconds == 7);
    }
    let words: Vec<i32> = fake
        .script()
        .written
        .chunks_exact(4)
        .map(|word| i32::from_le_bytes(word.try_into().unwrap()))
        .collect();
    let expected: Vec<i32> = (1..=5)
        .flat_map(|step| [step << 28; 2 * PERIOD as usize])
        .collect();
    assert_eq!(words, expected);
}

#[test]
fn an_xrun_is_told_once_and_sound_goes_on_from_silence() {
    let (fake, mut driver) = playing();
    fake.then(3, [Act::Fail(Fault::Xrun)]);
    let results: Vec<_> = (0..10).map(|_| turn(&mut driver, 0.5).map(|_| ())).collect();
    assert_eq!(
        results
            .iter()
            .filter(|result| **result == Err(CardError::Xrun))
            .count(),
        1
    );
    assert_eq!(fake.script().prepares, 2);
    assert!(fake.script().rests.is_empty(), "the first xrun waits for nothing");
}

#[test]
fn xruns_in_a_row_back_off_and_end_in_broken() {
    let (fake, mut driver) = playing();
    fake.then(0, [Act::Fail(Fault::Xrun); ROW as usize + 1]);
    for _ in 0..ROW {
        assert_eq!(turn(&mut driver, 0.5), Err(CardError::Xrun));
    }
    assert!(matches!(turn(&mut driver, 0.5), Err(CardError::Broken(why)) if why.contains("again and again")));
    let rests = fake.script().rests.clone();
    assert_eq!(rests.len(), ROW as usize - 1);
    assert_eq!(rests[0], FIRST_PAUSE);
    assert!(rests.windows(2).all(|pair| pair[1] == pair[0] * 2), "{rests:?}");
}

#[test]
fn a_calm_stretch_forgives_earlier_xruns() {
    let (fake, mut driver) = playing();
    for _ in 0..2 * ROW {
        fake.then(0, [Act::Fail(Fault::Xrun)]);
        assert_eq!(turn(&mut driver, 0.5), Err(CardError::Xrun));
        for _ in 0..CALM {
            turn(&mut driver, 0.5).unwrap();
        }
    }
    assert!(fake.script().rests.is_empty());
}

#[test]
fn an_unplugged_card_is_gone() {
    let (fake, mut driver) = playing();
    fake.then(0, [Act::Fail(Fault::Gone)]);
    assert!(matches!(turn(&mut driver, 0.5), Err(CardError::Gone(_))));
}

#[test]
fn a_driver_error_is_broken_with_its_words() {
    let (fake, mut driver) = playing();
    fake.then(0, [Act::Fail(Fault::Other(libc::EIO))]);
    assert!(matches!(turn(&mut driver, 0.5), Err(CardError::Broken(why)) if why.contains("nput/output")));
}

#[test]
fn a_card_whose_clock_stands_still_is_broken_not_a_hang() {
    let (fake, mut driver) = playing();
    fake.then(2, [Act::Still]);
    let end = (0..10).find_map(|_| turn(&mut driver, 0.5).err());
    assert!(matches!(end, Some(CardError::Broken(why)) if why.contains("clock")));
}

#[test]
fn false_alarms_are_borne_but_not_for_ever() {
    let (fake, mut driver) = playing();
    fake.then(0, [Act::FalseAlarms(FALSE_ALARMS / 2)]);
    for _ in 0..3 {
        turn(&mut driver, 0.5).unwrap();
    }
    fake.then(0, [Act::FalseAlarms(u32::MAX)]);
    let end = (0..10).find_map(|_| turn(&mut driver, 0.5).err());
    assert!(matches!(end, Some(CardError::Broken(_))));
}

#[test]
fn a_pcm_without_a_clock_is_paced_and_one_with_a_clock_is_not() {
    let (fake, mut driver) = playing();
    for _ in 0..100 {
        turn(&mut driver, 0.5).unwrap();
    }
    assert!(fake.script().rests.is_empty());
    for _ in 0..100 {
        fake.script().fill = 0;
        turn(&mut driver, 0.5).unwrap();
    }
    let period = Duration::from_secs_f64(PERIOD as f64 / 48_000.0);
    let rests = fake.script().rests.clone();
    assert!(
        rests.len() > 80 && rests.iter().all(|rest| *rest == period),
        "{}",
        rests.len()
    );
}

#[test]
fn a_suspend_is_waited_out() {
    let (fake, mut driver) = playing();
    fake.script().wakes_after = 5;
    fake.then(0, [Act::Fail(Fault::Suspended)]);
    assert_eq!(turn(&mut driver, 0.5), Err(CardError::Xrun));
    assert_eq!(fake.script().rests, [WAKING_STEP; 4]);
    turn(&mut driver, 0.5).unwrap();

    fake.script().wakes_after = u32::MAX;
    fake.then(0, [Act::Fail(Fault::Suspended)]);
    assert!(matches!(turn(&mut driver, 0.5), Err(CardError::Broken(why)) if why.contains("suspend")));
}

/// A driver whose recording side is `microphone`, which lets its `available` be what `to_read` says.
fn duplex(linked: bool) -> (Fake, Microphone, Driver<Either>) {
    let (speaker, microphone) = (Fake::default(), Microphone::default());
    let driver = Driver::start(
        (Either::Speaker(speaker.clone()), SET),
        Some((Either::Microphone(microphone.clone()), SET)),
        linked,
    )
    .unwrap();
    (speaker, microphone, driver)
}

#[derive(Clone, Default)]
struct Microphone(Fake);

enum Either {
    Speaker(Fake),
    Microphone(Microphone),
}

impl Either {
    fn fake(&mut self) -> &mut Fake {
        match self {
            Self::Speaker(fake) | Self::Microphone(Microphone(fake)) => fake,
        }
    }
}

impl Pcm for Either {
    fn wait(&mut self, patience: Duration) -> Result<bool, Fault> {
        self.fake().wait(patience)
    }
    fn available(&mut self) -> Result<u64, Fault> {
        let frames = self.fake().available()?;
        Ok(match self {
            Self::Speaker(_) => frames,
            Self::Microphone(Microphone(fake)) => fake.script().to_read,
        })
    }
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        self.fake().write(bytes)
    }
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Fault> {
        self.fake().read(bytes)
    }
    fn position(&mut self) -> Result<Position, Fault> {
        self.fake().position()
    }
    fn prepare(&mut self) -> Result<(), Fault> {
        self.fake().prepare()
    }
    fn start(&mut self) -> Result<(), Fault> {
        self.fake().start()
    }
    fn resume(&mut self) -> Result<bool, Fault> {
        self.fake().resume()
    }
    fn rest(&mut self, time: Duration) {
        self.fake().rest(time);
    }
}

#[test]
fn recording_hands_over_what_there_is_and_no_more_than_a_period() {
    let (_, microphone, mut driver) = duplex(false);
    let mut input = [9.0; PERIOD as usize];
    let output = [0.0; 2 * PERIOD as usize];
    assert_eq!(driver.turn(&output, &mut input).unwrap().captured, Frames(0));
    assert_eq!(input, [9.0; PERIOD as usize], "untouched where nothing came");

    microphone.0.script().to_read = 3;
    assert_eq!(driver.turn(&output, &mut input).unwrap().captured, Frames(3));
    assert!((input[0] - 0.25).abs() < 0.01 && input[3] == 9.0, "{input:?}");

    microphone.0.script().to_read = 2 * PERIOD;
    assert_eq!(driver.turn(&output, &mut input).unwrap().captured, Frames(PERIOD));
    assert_eq!(microphone.0.script().to_read, PERIOD);
}

#[test]
fn a_recording_side_that_runs_ahead_loses_its_oldest() {
    let (_, microphone, mut driver) = duplex(false);
    microphone.0.script().to_read = 10 * PERIOD;
    let turned = driver
        .turn(&[0.0; 2 * PERIOD as usize], &mut [0.0; PERIOD as usize])
        .unwrap();
    assert_eq!(turned.captured, Frames(PERIOD));
    assert!(microphone.0.script().to_read <= 3 * PERIOD);
}

#[test]
fn an_unlinked_recording_xrun_does_not_touch_the_music() {
    let (speaker, microphone, mut driver) = duplex(false);
    microphone.0.then(0, [Act::Fail(Fault::Xrun)]);
    let turned = driver
        .turn(&[0.0; 2 * PERIOD as usize], &mut [0.0; PERIOD as usize])
        .unwrap();
    assert_eq!(turned.captured, Frames(0));
    assert_eq!(speaker.script().prepares, 1);
    assert_eq!(microphone.0.script().prepares, 2);
    assert!(microphone.0.script().running);
}

#[test]
fn linked_streams_are_started_and_recovered_as_one() {
    let (speaker, microphone, mut driver) = duplex(true);
    assert_eq!((speaker.script().starts, microphone.0.script().starts), (1, 0));
    microphone.0.script().running = true;
    microphone.0.then(0, [Act::Fail(Fault::Xrun)]);
    let error = driver
        .turn(&[0.0; 2 * PERIOD as usize], &mut [0.0; PERIOD as usize])
        .unwrap_err();
    assert_eq!(error, CardError::Xrun);
    assert_eq!(speaker.script().prepares, 2);
}

use super::*;
use crate::analysis;
use amora_contract::units::Decibels;

/// A tone from a far end whose clock runs fast by so many millionths, over a network that delays each packet by up to
/// `jitter` seconds; what is heard, and the depth at each turn in which it played.
fn listen(ppm: f64, jitter: f64, seconds: f64) -> (Playout<Numbers>, Vec<f32>) {
    let mut chance = Chance(77);
    let delays: Vec<f64> = (0..(seconds * 51.0) as usize)
        .map(|_| jitter * chance.next())
        .collect();
    let spacing = 0.02 / (1.0 + ppm * 1e-6);
    let packets = numbered(delays.len() - 100, |n| 1.0 + n as f64 * spacing + delays[n]);
    let mut playout = numbers(tone_at, Arrivals::Automatic);
    let heard = play(&mut playout, packets, 0.0..seconds);
    (playout, heard)
}

#[test]
fn a_steady_network_needs_hardly_any_wait_and_changes_nothing() {
    let (playout, heard) = listen(0.0, 0.001, 60.0);
    assert_eq!(playout.pace(), Pace::Live);
    let start = heard.iter().position(|sample| sample.abs() > 0.001).unwrap();
    // The packet's own jitter, 10 ms of waiting, a turn.
    assert!(
        start < 48_000 + 48 + 480 + TURN,
        "begins {} frames late",
        start - 48_000
    );
    // What is left just after a turn, and one packet at most.
    assert!(playout.depth().0 <= 360 + 960, "{:?}", playout.depth());
    let tone = analysis::tone(&heard[30 * 48_000..], RATE).unwrap();
    assert!(
        (tone.frequency.0 - 1000.0).abs() < 1e-3 && (tone.level.0 + 12.04).abs() < 0.01,
        "{tone:?}"
    );
    assert!(tone.distortion.0 < -80.0, "{tone:?}");
    let counters = playout.counters();
    assert_eq!(
        (counters.lost, counters.late, counters.concealed.0),
        (0, 0, 0),
        "{counters:?}"
    );
    check_sum(&playout);
}

#[test]
fn a_frame_is_heard_within_600_frames_of_its_arrival() {
    // A click in one packet a second, on a steady network.
    let sound = |frame: u64| if frame % 48_000 == 960 { 1.0 } else { 0.01 };
    let mut playout = numbers(sound, Arrivals::Automatic);
    let packets = numbered(3000, |n| 1.0 + n as f64 * 0.02 + 0.0013);
    let heard = play(&mut playout, packets, 0.0..60.0);
    let clicks: Vec<usize> = (0..heard.len()).filter(|n| heard[*n] > 0.5).collect();
    assert!(clicks.len() > 50);
    let delays = clicks
        .iter()
        .map(|n| (n - 960) as i64 % 48_000 - (0.0013 * 48_000.0) as i64);
    let longest = delays.clone().skip(15).max().unwrap();
    assert!(
        (120..=600).contains(&longest),
        "{longest} frames, {:?}",
        delays.collect::<Vec<_>>()
    );
}

#[test]
fn jitter_deepens_and_quiet_makes_shallow_again() {
    let mut chance = Chance(5);
    let delays: Vec<f64> = (0..6000)
        .map(|n| {
            if (500..3000).contains(&n) {
                0.06 * chance.next()
            } else {
                0.001
            }
        })
        .collect();
    let packets = numbered(6000, |n| 1.0 + n as f64 * 0.02 + delays[n]);
    let later = packets.iter().position(|packet| packet.at > 59.0).unwrap();
    let mut playout = numbers(tone_at, Arrivals::Automatic);
    let mut heard = play(&mut playout, packets[..later].to_vec(), 0.0..59.0);
    let jittery = playout.counters().concealed.0;
    assert!(jittery < 4 * 2880, "{jittery} frames concealed");
    assert!(
        playout.jitter() > Duration::from_millis(50),
        "{:?}",
        playout.jitter()
    );
    heard.extend(play(&mut playout, packets[later..].to_vec(), 59.0..120.0));
    assert!(playout.depth().0 < 1500, "{:?}", playout.depth());
    // Such jitter changes the order, too: until its depth is known, some come too late.
    assert!(playout.counters().late < 5, "{:?}", playout.counters());
    let inner = &heard[52_000..118 * 48_000];
    let step = analysis::largest_step(inner);
    assert!(
        step.size < own_step() * 1.1,
        "{step:?}, the tone's own is {}",
        own_step()
    );
    assert_eq!(playout.counters().dropped, 0);
    check_sum(&playout);
}

#[test]
fn drifting_clocks_are_followed_without_a_sound() {
    for ppm in [-100.0, 100.0] {
        let (playout, heard) = listen(ppm, 0.002, 300.0);
        assert!(playout.depth().0 <= 480 + 960, "{ppm}: {:?}", playout.depth());
        let counters = playout.counters();
        assert_eq!(
            (counters.lost, counters.late, counters.dropped),
            (0, 0, 0),
            "{ppm}: {counters:?}"
        );
        assert!(counters.concealed.0 <= 480, "{ppm}: {counters:?}");
        let part = &heard[100 * 48_000..290 * 48_000];
        let step = analysis::largest_step(part);
        assert!(step.size < own_step() * 1.01, "{ppm}: {step:?}");
        assert!(analysis::gaps(part, Decibels(-60.0), Frames(20)).is_empty());
        assert!(analysis::clicks(part, 30.0).is_empty(), "{ppm}");
        // All that came was played: the pitch is the far end's.
        let turns = part
            .windows(2)
            .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
            .count();
        let expected = 190_000.0 * (1.0 + ppm * 1e-6);
        assert!(
            (turns as f64 - expected).abs() < 12.0,
            "{ppm}: {turns} of {expected}"
        );
    }
}

/// Every packet is the same 20 ms of [`tone_at`], without computing it: a day has four thousand million frames.
struct Tone(Vec<f32>);

impl Tone {
    fn new() -> Self {
        Self((0..960).map(tone_at).collect())
    }
}

impl Decode for Tone {
    fn inspect(&self, packet: &[u8]) -> Result<PacketInfo, OpusError> {
        Ok(told(packet))
    }

    fn decode(&mut self, _: &[u8], samples: &mut [f32]) -> Result<(), OpusError> {
        samples.copy_from_slice(&self.0);
        Ok(())
    }

    fn recover(&mut self, _: &[u8], samples: &mut [f32]) -> Result<(), OpusError> {
        self.conceal(samples)
    }

    fn conceal(&mut self, samples: &mut [f32]) -> Result<(), OpusError> {
        samples.copy_from_slice(&self.0[..samples.len()]);
        Ok(())
    }

    fn restart(&mut self) {}
}

/// Hours of simulated jitter and drift.
fn hours(hours: usize, ppm: f64) {
    let mut chance = Chance(9);
    let mut playout = Playout::with_decoder(Tone::new(), PlayoutOptions::default());
    let spacing = 0.02 / (1.0 + ppm * 1e-6);
    let mut next = (0u64, 0.0f64);
    let mut deepest = 0;
    let mut turn = [0.0; 960];
    for n in 0..hours * 3600 * 50 {
        let now = n as f64 * 0.02;
        while next.1 <= now {
            let number = next.0;
            let payload = (number as u32 % 50).to_le_bytes();
            let timestamp = (number * 960) as u32;
            let arrived = Duration::from_secs_f64(next.1);
            playout
                .receive(number as u16, timestamp, &payload, arrived)
                .unwrap();
            let late = if chance.next() < 0.001 { 0.03 } else { 0.005 };
            let sent = (number + 1) as f64 * spacing;
            // Packets keep their order.
            next = (number + 1, (sent + late * chance.next()).max(next.1));
        }
        playout.take(Duration::from_secs_f64(now), &mut turn);
        if n > 1500 {
            deepest = deepest.max(playout.depth().0);
        }
    }
    let counters = playout.counters();
    println!("{hours} h at {ppm} ppm: at most {deepest} frames deep, {counters:?}");
    assert!(deepest < 4800, "{deepest} frames deep, {counters:?}");
    assert_eq!(
        (counters.lost, counters.late, counters.dropped),
        (0, 0, 0),
        "{counters:?}"
    );
    // Of each thousand packets one is late by up to 30 ms: some of those can't be had in time.
    assert!(
        counters.concealed.0 < (hours * 3600 * 48_000) as u64 / 2000,
        "{counters:?}"
    );
    assert_eq!(playout.pace(), Pace::Live);
    check_sum(&playout);
}

#[test]
fn a_day_of_jitter_and_drift() {
    hours(12, 100.0);
    hours(12, -100.0);
}

#[test]
fn after_a_stall_a_live_far_end_is_heard_live_again() {
    for arrivals in [Arrivals::Automatic, Arrivals::Live] {
        // Five seconds are held up and come at once.
        let packets = numbered(2000, |n| {
            let sent = 1.0 + n as f64 * 0.02;
            if (15.0..20.0).contains(&sent) { 20.0 } else { sent }
        });
        let mut playout = numbers(tone_at, arrivals);
        play(&mut playout, packets, 0.0..40.0);
        assert!(playout.depth().0 < 2400, "{arrivals:?}: {:?}", playout.depth());
        let counters = playout.counters();
        assert!(
            (200..260).contains(&counters.dropped),
            "{arrivals:?}: {counters:?}"
        );
        assert_eq!(playout.pace(), Pace::Live);
        check_sum(&playout);
    }
}

#[test]
fn a_silent_sender_is_no_loss_and_its_pauses_are_kept() {
    let speech = crate::echo::scenes::speech::FAR.speak(3.0);
    let mut sound = speech.clone();
    sound.extend(vec![0.0; 5 * 48_000]);
    sound.extend(&speech);
    let settings = EncoderSettings {
        dtx: true,
        ..EncoderSettings::default()
    };
    let packets = encoded(&sound, settings);
    assert!(packets.len() < 400, "{} packets for 11 s", packets.len());
    let mut playout = Playout::new(PlayoutOptions::default()).unwrap();
    let heard = play(&mut playout, packets, 0.0..14.0);
    let counters = playout.counters();
    assert_eq!((counters.lost, counters.late), (0, 0), "{counters:?}");
    assert!(counters.concealed.0 <= 4800, "{counters:?}");
    let first = analysis::delay(&speech[..96_000], &heard[48_000..48_000 + 100_000], 2400).unwrap();
    let second = analysis::delay(&speech[..96_000], &heard[9 * 48_000..9 * 48_000 + 100_000], 2400).unwrap();
    for found in [first, second] {
        assert!(found.frames < 312.0 + 1200.0, "{found:?}");
    }
    check_sum(&playout);
}

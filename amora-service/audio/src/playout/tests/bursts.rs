use super::*;

/// When each packet of several bursts arrives: (start, packets) each, two milliseconds apart.
fn bursts(bursts: &[(f64, usize)]) -> Vec<Packet> {
    let times: Vec<f64> = bursts
        .iter()
        .flat_map(|(start, count)| (0..*count).map(move |n| start + n as f64 * 0.002))
        .collect();
    numbered(times.len(), |n| times[n])
}

/// The frames' numbers as heard, by [`ramp_at`].
fn runs(heard: &[f32]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut begin = None;
    for (n, sample) in heard.iter().chain(&[0.0]).enumerate() {
        match (begin, sample.abs() > 0.0) {
            (None, true) => begin = Some(n),
            (Some(from), false) => {
                runs.push((from, n - from));
                begin = None;
            }
            _ => {}
        }
    }
    runs
}

#[test]
fn bursts_are_played_whole_to_the_frame() {
    for arrivals in [Arrivals::Automatic, Arrivals::Bursts] {
        // Timestamps go on through the pauses as if there were none.
        let packets = bursts(&[(1.0, 400), (20.0, 500), (50.0, 30), (52.0, 250)]);
        let mut playout = numbers(ramp_at, arrivals);
        let heard = play(&mut playout, packets, 0.0..60.0);
        let counters = playout.counters();
        assert_eq!(counters.played, 1180, "{counters:?}");
        assert_eq!(
            (counters.lost, counters.dropped, counters.concealed.0),
            (0, 0, 0),
            "{counters:?}"
        );
        assert_eq!(playout.pace(), Pace::Burst);
        let mut first = 0;
        let found = runs(&heard);
        assert_eq!(found.len(), 4, "{found:?}");
        for ((start, length), packets) in found.into_iter().zip([400, 500, 30, 250]) {
            let frames = packets * 960;
            // The end is faded out over 10 ms.
            assert!(
                (frames..=frames + 480).contains(&length),
                "{length} of {frames} frames"
            );
            for n in RISE..frames {
                assert_eq!(
                    heard[start + n],
                    ramp_at(first + n as u64),
                    "frame {n} from {start}"
                );
            }
            first += frames as u64;
        }
        check_sum(&playout);
    }
}

#[test]
fn a_burst_begins_at_once() {
    let mut playout = numbers(ramp_at, Arrivals::Automatic);
    let heard = play(&mut playout, bursts(&[(1.0, 100)]), 0.0..2.0);
    let start = heard.iter().position(|sample| *sample != 0.0).unwrap();
    assert!(start - 48_000 <= 480 + TURN, "after {} frames", start - 48_000);
}

#[test]
fn what_does_not_fit_gives_way_from_the_front() {
    let mut playout = numbers(ramp_at, Arrivals::Automatic);
    for packet in bursts(&[(1.0, 800)]) {
        playout
            .receive(
                packet.sequence,
                packet.timestamp,
                &packet.payload,
                Duration::from_secs(1),
            )
            .unwrap();
        assert!(playout.depth().0 <= 480_000);
    }
    assert_eq!((playout.queued(), playout.counters().dropped), (500, 300));
    let heard = play(&mut playout, Vec::new(), 2.0..14.0);
    let counters = playout.counters();
    assert_eq!((counters.played, counters.lost), (500, 0), "{counters:?}");
    let start = heard.iter().position(|sample| *sample != 0.0).unwrap();
    for n in OVERLAP..500 * 960 {
        assert_eq!(heard[start + n], ramp_at(300 * 960 + n as u64));
    }
}

#[test]
fn a_burst_after_live_speech_is_kept_whole_too() {
    // The far end was paced for ten seconds, paused for thirty without telling, and then sends eight seconds at once.
    let packets = numbered(900, |n| {
        if n < 500 {
            1.0 + n as f64 * 0.02
        } else {
            41.0 + (n - 500) as f64 * 0.001
        }
    });
    let mut playout = numbers(ramp_at, Arrivals::Automatic);
    play(&mut playout, packets, 0.0..60.0);
    let counters = playout.counters();
    assert_eq!(
        (counters.played, counters.dropped, counters.lost),
        (900, 0, 0),
        "{counters:?}"
    );
    assert_eq!(playout.pace(), Pace::Burst);
}

#[test]
fn speech_that_is_made_hardly_faster_than_it_is_spoken_is_whole() {
    // Synthesis at 1.2 times the speed of speech, sent as it is made, sentence after sentence.
    let packets = numbered(1500, |n| 1.0 + (n / 150) as f64 * 3.5 + (n % 150) as f64 * 0.0167);
    let mut playout = numbers(ramp_at, Arrivals::Automatic);
    play(&mut playout, packets, 0.0..40.0);
    let counters = playout.counters();
    assert_eq!(
        (counters.played, counters.dropped, counters.lost),
        (1500, 0, 0),
        "{counters:?}"
    );
    check_sum(&playout);
}

#[test]
fn an_interruption_throws_away_and_what_comes_later_is_played() {
    let mut playout = numbers(ramp_at, Arrivals::Automatic);
    let packets = bursts(&[(1.0, 300), (3.0, 100)]);
    play(&mut playout, packets[..300].to_vec(), 0.0..2.0);
    let waiting = playout.queued() as u64;
    assert!(waiting > 200);
    playout.flush(Duration::from_secs(2));
    assert_eq!((playout.depth().0, playout.counters().dropped), (0, waiting));
    let mut turn = [1.0; TURN];
    assert_eq!(playout.take(Duration::from_secs(2), &mut turn), Taken::Nothing);
    assert_eq!(turn, [0.0; TURN]);
    play(&mut playout, packets[300..].to_vec(), 2.0..6.0);
    assert_eq!(playout.counters().played, 300 - waiting + 100);
    assert_eq!(playout.counters().lost, 0);
    check_sum(&playout);
}

use super::*;
use proptest::prelude::*;

fn seconds(backoff: &mut Backoff, random: f64) -> f64 {
    backoff.next_delay(random).as_secs_f64()
}

#[test]
fn waits_double_from_one_second_and_end_below_the_cap() {
    let mut backoff = Backoff::new(Policy::AMORA_MQTT);
    let waits: Vec<f64> = (0..12).map(|_| seconds(&mut backoff, 0.5)).collect();
    assert_eq!(waits[..8], [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
    assert_eq!(waits[8..], [250.0; 4]);
    assert_eq!(seconds(&mut backoff, 1.0), 300.0);
    assert_eq!(seconds(&mut backoff, 0.0), 200.0);
}

#[test]
fn success_starts_over() {
    let mut backoff = Backoff::new(Policy::AMORA_MQTT);
    for _ in 0..6 {
        backoff.next_delay(0.5);
    }
    backoff.connected();
    assert_eq!(seconds(&mut backoff, 0.5), 1.0);
}

#[test]
fn a_connection_that_does_not_hold_is_no_success() {
    let mut backoff = Backoff::new(Policy {
        reset: Reset::AfterHolding(Duration::from_secs(10)),
        ..Policy::AMORA_MQTT
    });
    backoff.next_delay(0.5);
    backoff.connected();
    backoff.ended(Duration::from_secs(9));
    assert_eq!(seconds(&mut backoff, 0.5), 2.0);
    backoff.ended(Duration::from_secs(10));
    assert_eq!(seconds(&mut backoff, 0.5), 1.0);
}

#[test]
fn the_generator_gives_different_numbers_within_range() {
    let numbers: Vec<f64> = (0..100).map(|_| random()).collect();
    assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
    assert!(numbers.windows(2).any(|pair| pair[0] != pair[1]));
}

proptest! {
    #[test]
    fn a_wait_never_passes_the_cap_nor_falls_below_the_jittered_base(failures in 0u32..5000, random in 0.0f64..=1.0) {
        let mut backoff = Backoff { policy: Policy::AMORA_MQTT, failures };
        let wait = seconds(&mut backoff, random);
        prop_assert!((0.8..=300.0).contains(&wait), "{wait}");
    }
}

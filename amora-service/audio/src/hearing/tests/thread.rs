//! The hearing beside a running engine.

use super::*;
use crate::engine::Engine as SoundEngine;

#[test]
fn blocks_flow_from_a_running_engine_and_end_with_it() {
    let config = AudioConfig::default();
    let slot = RoomSlot::new(
        &room(0.0),
        config.rate,
        config.period,
        config.periods,
        Pace::RealTime,
    );
    let engine = SoundEngine::start(Box::new(slot), EngineOptions::from_config(&config)).unwrap();
    let hearing = HearingThread::start(&engine, plain(EchoEngine::Kalman)).unwrap();
    let (mut clean, mut raw) = (hearing.clean(), hearing.raw());
    let patience = Duration::from_secs(30);
    for _ in 0..50 {
        let heard = raw.wait(patience).expect("nothing came");
        assert!(power(&heard.samples) > 0.0);
        assert!(clean.wait(patience).is_some());
    }
    assert!(hearing.figures().blocks >= 50);
    hearing.set_engine(EchoEngine::Off);
    assert_eq!(hearing.figures().asked, EchoEngine::Off);
    engine.stop();
    while raw.wait(Duration::from_millis(100)).is_some() {}
    drop(hearing);
    assert!(raw.is_ended());
}

#[test]
fn another_rate_is_refused() {
    let config = AudioConfig {
        rate: Hertz(44_100.0),
        ..AudioConfig::default()
    };
    let (console, _crank, _) = assemble(&EngineOptions::from_config(&config));
    let refused = HearingThread::start(&console, plain(EchoEngine::Auto));
    assert!(matches!(refused, Err(HearingError::Rate(_))));
}

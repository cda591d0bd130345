//! A box whose clock is wrong: it says so, and goes on by itself once the clock is set.

mod support;

use amora_contract::config::IotHubConfig;
use amora_contract::state::{Condition, IotHubLink};
use amora_link::iot_hub::clock::{Clock, Reading};
use amora_peer_iot_hub::{Authentication, Happening};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use support::{Device, config, hub, within};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

/// A clock that goes wrong by so many seconds.
#[derive(Clone, Default)]
struct Wrong {
    by: Arc<AtomicI64>,
    set: Arc<AtomicBool>,
}

impl Wrong {
    fn by(seconds: i64) -> Self {
        let wrong = Self::default();
        wrong.by.store(seconds, Ordering::Relaxed);
        wrong
    }

    fn clock(&self) -> Clock {
        let wrong = self.clone();
        Clock::new(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            Reading {
                seconds: now.saturating_add_signed(wrong.by.load(Ordering::Relaxed)),
                set: Some(wrong.set.load(Ordering::Relaxed)),
            }
        })
    }

    /// The time service sets it.
    fn put_right(&self) {
        self.by.store(0, Ordering::Relaxed);
        self.set.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn nothing_is_tried_before_the_clock_can_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let wrong = Wrong::by(-50 * YEAR);
    let config = IotHubConfig {
        connection_string: Some(connection_string),
        ..config(&stand_in, folder.path())
    };
    let device = Device::open_by(wrong.clock(), config, folder.path());
    let state = device
        .state("it says so", |state| {
            let link = state.iot_hub.as_ref().map(|hub| hub.link);
            link == Some(IotHubLink::WaitingForClock)
        })
        .await;
    let section = state.iot_hub.as_ref().unwrap();
    assert!(section.cause.contains("clock is wrong"), "{section:?}");
    assert!(section.next_step.contains("NTP"), "{section:?}");
    assert_eq!(hub.history("box"), []);
    wrong.put_right();
    device.health(Condition::Ok).await;
    assert_eq!(
        hub.history("box"),
        [Happening::Connected],
        "no attempt was wasted"
    );
    device.close().await;
}

#[tokio::test]
async fn a_token_that_is_dated_wrong_is_told_from_a_wrong_key() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let wrong = Wrong::by(-2 * DAY);
    // The certificate of the stand-in is as old as the day before: this is about the token alone.
    let config = IotHubConfig {
        connection_string: Some(connection_string),
        ..config(&stand_in, folder.path())
    };
    let device = Device::open_by(wrong.clock(), config, folder.path());
    let health = device.health(Condition::Degraded).await;
    assert!(health.cause.contains("clock"), "{health:?}");
    assert!(
        health.cause.contains("has not been set since it started"),
        "{health:?}"
    );
    assert!(health.next_step.contains("NTP"), "{health:?}");
    wrong.put_right();
    device.health(Condition::Ok).await;
    let refusals = hub.history("box").len();
    assert!(refusals <= 3, "it did not wait for the clock: {refusals}");
    device.close().await;
}

#[tokio::test]
async fn a_certificate_that_the_clock_makes_void_is_said_to_be_about_the_clock() {
    for (by, words) in [(-3 * YEAR, "is not valid yet"), (50 * YEAR, "has expired")] {
        let folder = tempfile::tempdir().unwrap();
        let (stand_in, hub, _) = hub().await;
        hub.trust(stand_in.authority().pem());
        hub.register("box", Authentication::CertificateAuthority).unwrap();
        let identity = stand_in.authority().device("box").unwrap();
        let files = (folder.path().join("box.pem"), folder.path().join("box.key"));
        std::fs::write(&files.0, identity.certificate).unwrap();
        std::fs::write(&files.1, identity.key).unwrap();
        let wrong = Wrong::by(by);
        let mut config = IotHubConfig {
            connection_string: Some("HostName=localhost;DeviceId=box;x509=true".to_owned()),
            ..config(&stand_in, folder.path())
        };
        config.tls.cert_file = Some(files.0);
        config.tls.key_file = Some(files.1);
        let device = Device::open_by(wrong.clock(), config, folder.path());
        let health = device.health(Condition::Degraded).await;
        assert!(health.cause.contains(words), "{health:?}");
        assert!(
            health.cause.contains("by this box's clock, which shows"),
            "{health:?}"
        );
        wrong.put_right();
        within("it connects by itself", hub.connected("box", true)).await;
        device.health(Condition::Ok).await;
        device.close().await;
    }
}

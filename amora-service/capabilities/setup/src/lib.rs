//! The setup capability: at present the button that makes a box as it was delivered, for whoever can reach it neither by
//! network nor by screen.

mod reset_button;

use amora_contract::Command;
use amora_contract::commands::{AudioCommand, BoxCommand, Chime, FactoryReset, PlayChime};
use amora_contract::config::{DeviceConfig, ResetButtonConfig, SetupConfig};
use amora_router::{HealthReporter, Router};
use gpiocdev::Request;
use gpiocdev::line::{Bias, EdgeDetection, Value};
use gpiocdev::tokio::AsyncRequest;
use reset_button::{Act, ResetButton};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Contacts bounce for some milliseconds; nobody presses a button faster than this.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// Why the setup capability ended.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The button's line cannot be read.
    #[error("line {line} of {chip}: {cause}", chip = chip.display())]
    Line {
        /// The chip.
        chip: PathBuf,
        /// The line's number.
        line: u32,
        /// What the kernel says.
        cause: gpiocdev::Error,
    },
}

/// Runs the setup capability until `shutdown`.
///
/// # Errors
/// [`SetupError`]; the service starts it again.
pub async fn run(
    router: Router,
    setup: SetupConfig,
    device: DeviceConfig,
    shutdown: CancellationToken,
) -> Result<(), SetupError> {
    let health = router.health("setup");
    let Some(config) = setup.reset_button else {
        health.ok();
        shutdown.cancelled().await;
        return Ok(());
    };
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        error = watch(&router, &health, &config, &device) => {
            let (chip, line) = (config.chip, config.line);
            Err(SetupError::Line { chip, line, cause: error })
        }
    }
}

/// Watches the button until its line cannot be read.
async fn watch(
    router: &Router,
    health: &HealthReporter,
    config: &ResetButtonConfig,
    device: &DeviceConfig,
) -> gpiocdev::Error {
    let start = Instant::now();
    let (line, pressed) = match open(config) {
        Ok(opened) => opened,
        Err(error) => return error,
    };
    let mut button = ResetButton::new(Duration::from_secs_f64(config.hold.0), pressed);
    loop {
        if button.is_stuck() {
            health.degraded(
                "the reset button was held, or its line was stuck, as the box started",
                "release it, or check `setup.reset_button` and its wiring",
            );
        } else {
            health.ok();
        }
        let due = button.due();
        tokio::select! {
            event = line.read_edge_event() => match event {
                // The edges of an active-low line are told as those of its meaning.
                Ok(event) => {
                    let pressed = event.kind == gpiocdev::line::EdgeKind::Rising;
                    button.set_pressed(pressed, start.elapsed());
                }
                Err(error) => return error,
            },
            () = tokio::time::sleep_until(start + due.unwrap_or_default()), if due.is_some() => {}
        }
        match button.act(start.elapsed()) {
            Some(Act::Warn) => chime(router, Chime::Attention).await,
            Some(Act::Reset) => reset(router, device).await,
            None => {}
        }
    }
}

/// The line, and whether the button is pressed now.
fn open(config: &ResetButtonConfig) -> gpiocdev::Result<(AsyncRequest, bool)> {
    let mut builder = Request::builder();
    builder
        .on_chip(&config.chip)
        .with_consumer("amora reset button")
        .with_line(config.line)
        .as_input()
        .with_edge_detection(EdgeDetection::BothEdges)
        .with_debounce_period(DEBOUNCE);
    if config.active_low {
        builder.as_active_low().with_bias(Bias::PullUp);
    } else {
        builder.as_active_high().with_bias(Bias::PullDown);
    }
    let request = builder.request()?;
    let pressed = request.lone_value()? == Value::Active;
    Ok((AsyncRequest::new(request), pressed))
}

async fn chime(router: &Router, chime: Chime) {
    let command = Command::Audio(AudioCommand::Chime(PlayChime { chime }));
    if let Err(error) = router.execute(command).await {
        tracing::warn!(%error, "the reset button's chime could not be played");
    }
}

async fn reset(router: &Router, device: &DeviceConfig) {
    tracing::warn!("the reset button was held: the box is made as it was delivered");
    let confirm = device.id.clone();
    let command = Command::Box(BoxCommand::FactoryReset(FactoryReset { confirm }));
    if let Err(error) = router.execute(command).await {
        tracing::error!(%error, "the factory reset was refused");
        chime(router, Chime::Error).await;
    }
}

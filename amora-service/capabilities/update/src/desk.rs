//! The capability's desk: takes commands, and news of SWUpdate, of the installation and of the trial, and keeps the
//! section of the state.

mod answers;
mod begin;
mod deployments;
mod ending;
mod fallback;
mod progress;
mod restarting;
mod trial;
mod work;

use crate::error::{Refusal, UpdateError};
use crate::helper::{Helper, HelperFailure, LastWords, SlotStatus};
use crate::machine::Machine;
use crate::record::{Pending, Records};
use crate::restart::Planner;
use crate::swupdate::follow::{News, follow};
use crate::trial::Reading;
use crate::{Surroundings, hawkbit, swu};
use amora_contract::config::{Hours, UpdateConfig};
use amora_contract::state::{PendingRestart, UpdateOutcome, UpdateState};
use amora_contract::units::Timestamp;
use amora_router::{HealthReporter, Request, Router, Seat};
use deployments::{Deployments, next_news};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use trial::Running;
use work::Work;

/// Time between looks at the clock while there is something to wait for.
const TICK: Duration = Duration::from_secs(1);

/// Time between looks at whether the helper has come, on a box where it is missing.
const LOOK: Duration = Duration::from_secs(30);

/// News of SWUpdate that may wait here; it waits for its readers.
const NEWS: usize = 1024;

pub(crate) async fn run(
    seat: &mut Seat,
    config: UpdateConfig,
    surroundings: Surroundings,
    shutdown: CancellationToken,
) -> Result<(), UpdateError> {
    let (sender, mut news) = mpsc::channel(NEWS);
    let _following = AbortOnDropHandle::new(tokio::spawn(follow(config.swupdate.clone(), sender)));
    let mut desk = Desk::new(seat, config, surroundings);
    desk.begin().await?;
    let mut next_look = Instant::now() + desk.pause();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            request = seat.next() => desk.answer(request.ok_or(UpdateError::Unseated)?).await?,
            Some(news) = news.recv() => desk.hear(news).await?,
            Some(step) = next_step(&mut desk.work) => desk.step(step).await?,
            Some(reading) = next_reading(&mut desk.running) => desk.read(reading),
            news = next_news(&mut desk.deployments, desk.born) => desk.hear_cloud(news),
            () = tokio::time::sleep_until(next_look) => {
                desk.tick().await?;
                next_look = Instant::now() + desk.pause();
            }
        }
        desk.publish();
        desk.carry_out_deployment().await?;
        next_look = next_look.min(Instant::now() + desk.pause());
    }
}

async fn next_step(work: &mut Option<Work>) -> Option<crate::install::Step> {
    match work {
        Some(work) => work.next_step().await,
        None => std::future::pending().await,
    }
}

async fn next_reading(running: &mut Option<Running>) -> Option<Reading> {
    match running {
        Some(running) => running.readings.recv().await,
        None => std::future::pending().await,
    }
}

struct Desk {
    router: Router,
    health: HealthReporter,
    config: UpdateConfig,
    surroundings: Surroundings,
    records: Records,
    helper: Helper,
    machine: Machine,
    born: Instant,
    /// How the slots stand; why that is not known otherwise.
    slots: Result<SlotStatus, HelperFailure>,
    /// Why SWUpdate is not there; nothing when it is.
    swupdate_away: Option<String>,
    /// Whether SWUpdate was found to be there or not there yet.
    swupdate_asked: bool,
    /// Errors of SWUpdate's log since an installation began.
    errors: Vec<String>,
    /// The installation that goes on.
    work: Option<Work>,
    /// The update that is installed and waits for its trial, or is on trial.
    pending: Option<Pending>,
    /// When to restart into it.
    planner: Option<Planner>,
    waiting_for: String,
    restart_at: Option<Timestamp>,
    /// Since when the box is restarting.
    restarting: Option<Instant>,
    /// Until when no other restart is tried after one that failed.
    no_restart_before: Option<Instant>,
    running: Option<Running>,
    /// The hawkBit server's number of what SWUpdate is installing.
    action: Option<u32>,
    /// Has the hawkBit server told how its update ended.
    settling: Option<AbortOnDropHandle<()>>,
    /// What Device Update orders; nothing on a box that is no image of ours.
    deployments: Option<Deployments>,
    /// How the last installation ended that it ordered.
    deployment: Option<UpdateOutcome>,
    state: UpdateState,
    shown: Option<UpdateState>,
}

impl Desk {
    fn new(seat: &Seat, config: UpdateConfig, surroundings: Surroundings) -> Self {
        let records = Records::new(&surroundings.data);
        let machine = Machine::read(&surroundings.root);
        let deployments = Deployments::new(seat.router(), &machine, &records, &surroundings);
        Self {
            router: seat.router().clone(),
            health: seat.health("update"),
            helper: Helper::new(&config.helper),
            state: UpdateState {
                version: machine.version.clone(),
                last: records.last(),
                ..UpdateState::default()
            },
            deployments,
            deployment: records.deployment(),
            records,
            machine,
            config,
            surroundings,
            born: Instant::now(),
            slots: Err(HelperFailure::Refused("it was not asked yet".to_owned())),
            swupdate_away: Some("it was not asked yet".to_owned()),
            swupdate_asked: false,
            errors: Vec::new(),
            work: None,
            pending: None,
            planner: None,
            waiting_for: String::new(),
            restart_at: None,
            restarting: None,
            no_restart_before: None,
            running: None,
            action: None,
            settling: None,
            shown: None,
        }
    }

    async fn begin(&mut self) -> Result<(), UpdateError> {
        self.take_up().await?;
        self.report_health();
        self.publish();
        self.carry_out_deployment().await
    }

    /// Finds out where the box stands, in the quiet, before a trial, in it, or after one, and goes on from there.
    async fn take_up(&mut self) -> Result<(), UpdateError> {
        self.ask_slots().await;
        let Ok(slots) = self.slots else {
            return Ok(());
        };
        let pending = self.records.pending();
        if slots.on_trial() {
            self.begin_trial(pending, slots);
        } else if let Some(pending) = pending {
            // A firmware that tries but once is not asked again.
            let tried = slots.limit == 1 && pending.restarted_at.is_some();
            if slots.waiting() == Some(pending.to_slot) && !tried {
                self.wait_for_restart(pending);
            } else {
                self.conclude_trial(pending, slots).await?;
                self.ask_slots().await;
            }
        }
        Ok(())
    }

    async fn ask_slots(&mut self) {
        self.slots = self.helper.slots().await;
    }

    /// Whether there may be a trial that nobody judges: the helper for slots is there and has not answered yet.
    const fn is_unsure(&self) -> bool {
        matches!(
            self.slots,
            Err(HelperFailure::Silent { .. } | HelperFailure::Refused(_))
        )
    }

    /// Why nothing can be installed here.
    fn unavailable(&self) -> Option<String> {
        match &self.slots {
            Ok(_) => {}
            Err(HelperFailure::Missing(_)) => {
                return Some(
                    "this system is not an AmoraOS image: its helper for slots is missing".to_owned(),
                );
            }
            Err(other) => return Some(format!("the helper for slots does not answer: {other}")),
        }
        if self.machine.board.0.is_empty() {
            return Some(
                "the image does not say which board it is made for: `/etc/hwrevision` is missing".to_owned(),
            );
        }
        let cause = self.swupdate_away.as_ref()?;
        Some(format!("SWUpdate cannot be reached: {cause}"))
    }

    /// The oldest version let in.
    fn floor(&self) -> String {
        let floor = self.records.floor().unwrap_or_default();
        swu::version::higher(&floor, &self.machine.version).to_owned()
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    fn hours(&self) -> Hours {
        self.config.hours().unwrap_or(Hours { from: 180, to: 300 })
    }

    /// Time until the next look at the clock.
    fn pause(&self) -> Duration {
        if self.work.is_some()
            || self.planner.is_some()
            || self.running.is_some()
            || self.restarting.is_some()
            || self.is_unsure()
        {
            TICK
        } else {
            LOOK
        }
    }

    async fn tick(&mut self) -> Result<(), UpdateError> {
        // Until the slots are known nothing else has begun.
        if self.slots.is_err() {
            self.take_up().await?;
            self.settle_with_server();
            self.report_health();
        }
        self.tick_work().await?;
        self.tick_trial().await?;
        self.tick_restart().await
    }

    async fn hear(&mut self, news: News) -> Result<(), UpdateError> {
        match news {
            News::Up => {
                self.swupdate_away = None;
                self.swupdate_asked = true;
                self.tell_floor();
                self.settle_with_server();
                self.report_health();
            }
            News::Down(cause) => {
                self.settling = None;
                self.swupdate_away = Some(cause);
                self.swupdate_asked = true;
                self.lose_swupdate();
                self.report_health();
            }
            News::Line { level, status, text } => self.hear_line(level, status, text),
            News::Progress(progress) => self.hear_progress(progress).await?,
        }
        Ok(())
    }

    /// SWUpdate learns the floor when it starts; since then it may have been raised.
    fn tell_floor(&self) {
        let floor = self.floor();
        if floor.is_empty() || self.slots.is_err() {
            return;
        }
        let folder = self.config.swupdate.clone();
        tokio::spawn(async move {
            let message = crate::swupdate::messages::Message::set_floor(&floor);
            if let Err(error) = crate::swupdate::control::tell(&folder, &message).await {
                tracing::warn!(%error, "SWUpdate could not be told the lowest version");
            }
        });
    }

    /// Lets SWUpdate ask its hawkBit server, where there is one and nothing waits for a trial or is on it.
    fn settle_with_server(&mut self) {
        let tried = self.pending.is_some() || self.slots.as_ref().map_or(true, |slots| slots.trial);
        if tried || self.swupdate_away.is_some() || !hawkbit::in_use(&self.surroundings.root) {
            return;
        }
        let settling = hawkbit::settle(self.config.swupdate.clone(), self.records.clone());
        self.settling = Some(AbortOnDropHandle::new(tokio::spawn(settling)));
    }

    fn report_health(&self) {
        match (&self.slots, &self.swupdate_away) {
            (Ok(_), Some(_)) if !self.swupdate_asked => {}
            (Ok(_), Some(cause)) => self.health.degraded(
                &format!("SWUpdate cannot be reached: {cause}"),
                "updates cannot be installed; see `systemctl status swupdate`",
            ),
            // A box that is no image of ours has nothing to be updated by us.
            _ => self.health.ok(),
        }
    }

    /// What kernels said last.
    async fn last_words(&self) -> Vec<LastWords> {
        self.helper.last_words().await.unwrap_or_else(|failure| {
            tracing::warn!(%failure, "the last words of kernels cannot be read");
            Vec::new()
        })
    }

    /// Shows the section, if it differs from what is shown.
    fn publish(&mut self) {
        self.state.unavailable = self.unavailable();
        self.state.slot = self.slots.as_ref().ok().map(|slots| slots.slot);
        self.state.restart = self.planner.as_ref().map(|planner| PendingRestart {
            policy: planner.policy(),
            waiting_for: self.waiting_for.clone(),
            at: self.restart_at,
        });
        if let Some(work) = &self.work {
            self.state.install = Some(work.shown());
        }
        self.state.trial = self.running.as_ref().map(Running::shown);
        if self.shown.as_ref() == Some(&self.state) {
            return;
        }
        self.shown = Some(self.state.clone());
        let section = self.state.clone();
        self.router.update_state(|state| state.update = Some(section));
    }
}

/// The answer to a request that was refused.
fn refuse(request: Request, refusal: &Refusal) {
    request.answer(Err(refusal.to_error()));
}

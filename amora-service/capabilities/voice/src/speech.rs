//! The call's two ends in the box: the loudspeaker that the hub speaks through, and the microphone without the box's own
//! sound. One thread follows the sound engine, whichever there is.

use crate::figures::{Count, Figures};
use crate::leg::Downlink;
use crate::session::Arrival;
use crate::uplink::{Line, Uplink};
use amora_audio::engine::Console;
use amora_audio::hearing::{self, HearingEvent, HearingOptions, HearingThread, Kind};
use amora_audio::opus;
use amora_audio::playout::{Playout, PlayoutCounters, PlayoutOptions, Speaker, SpeakerOptions};
use amora_contract::config::{BargeIn, EchoEngine, VoiceConfig};
use amora_contract::state::EchoState;
use amora_contract::units::Decibels;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Time between two turns of the loudspeaker, and between two looks while it is silent.
const TURN: Duration = Duration::from_millis(5);
const LOOK: Duration = Duration::from_millis(50);

/// Time between two readings of the echo canceller, and between two attempts to find a place in the engine.
const READING: Duration = Duration::from_millis(500);

/// Packets that may wait for the thread, which takes them every few milliseconds.
const ARRIVALS: usize = 1024;

/// What speech is turned down to while somebody talks into it.
const DUCKED: Decibels = Decibels(-18.0);

/// Frames in 20 ms, the unit of the counters.
const FRAME: u64 = 960;

enum News {
    /// A call begins.
    Begun,
    Arrived(Arrival),
    /// Nobody wants to hear what waits.
    Silence,
    Stop,
}

/// Hands the thread what comes.
#[derive(Clone)]
struct Inlet {
    news: Sender<News>,
    waiting: Arc<AtomicUsize>,
    figures: Arc<Figures>,
}

impl Downlink for Inlet {
    fn begin(&mut self) {
        let _ = self.news.send(News::Begun);
    }

    fn arrived(&mut self, arrival: Arrival) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= ARRIVALS {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.figures.count(Count::TtsDropped, 1);
            return;
        }
        let _ = self.news.send(News::Arrived(arrival));
    }

    /// What the hub has said before is still worth hearing.
    fn end(&mut self) {}
}

/// What can be seen of the thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The echo canceller, while it works.
    pub(crate) echo: Option<EchoState>,
    /// Why the call has no sound, in plain words; empty while it has.
    pub(crate) problem: String,
}

fn guard(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // What is behind it is whole after every statement.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running thread. Dropping it ends it.
pub(crate) struct Speech {
    inlet: Inlet,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Speech {
    /// Starts to follow the engine. Whether somebody speaks while the box does is told to `barge_ins`.
    pub(crate) fn start(
        config: VoiceConfig,
        line: Line,
        consoles: watch::Receiver<Option<Arc<Console>>>,
        barge_ins: mpsc::UnboundedSender<bool>,
    ) -> std::io::Result<Self> {
        let (news, arriving) = channel();
        let inlet = Inlet {
            news,
            waiting: Arc::default(),
            figures: line.figures.clone(),
        };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let work = Work {
            config,
            line,
            consoles,
            barge_ins,
            seen: seen.clone(),
            waiting: inlet.waiting.clone(),
            start: Instant::now(),
            place: None,
            look_at: None,
        };
        let thread = std::thread::Builder::new()
            .name("amora-voice".to_owned())
            .spawn(move || work.run(&arriving))?;
        Ok(Self {
            inlet,
            seen,
            thread: Some(thread),
        })
    }

    /// Who takes the hub's speech.
    pub(crate) fn downlink(&self) -> Box<dyn Downlink> {
        Box::new(self.inlet.clone())
    }

    /// Silences what the hub has said so far.
    pub(crate) fn silence(&self) {
        let _ = self.inlet.news.send(News::Silence);
    }

    /// How it is.
    pub(crate) fn seen(&self) -> Seen {
        guard(&self.seen).clone()
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        let _ = self.inlet.news.send(News::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The place in one engine. Its parts end in this order.
struct Place {
    console: Arc<Console>,
    speaker: Speaker,
    /// Missing where echo can't be cancelled on this engine.
    ears: Option<(Uplink, HearingThread)>,
    /// What of the playout's counters was counted, and the length of the packets that come.
    told: PlayoutCounters,
    packet: u64,
    stream: Option<u32>,
    played: Whole,
    dropped: Whole,
    blocks: u64,
    processed: Whole,
}

/// Counts whole frames of 20 ms out of sound of any length.
#[derive(Default)]
struct Whole(u64);

impl Whole {
    fn add(&mut self, frames: u64) -> u64 {
        self.0 += frames;
        let whole = self.0 / FRAME;
        self.0 %= FRAME;
        whole
    }
}

struct Work {
    config: VoiceConfig,
    line: Line,
    consoles: watch::Receiver<Option<Arc<Console>>>,
    barge_ins: mpsc::UnboundedSender<bool>,
    seen: Arc<Mutex<Seen>>,
    waiting: Arc<AtomicUsize>,
    start: Instant,
    place: Option<Place>,
    /// When the next reading is due.
    look_at: Option<Instant>,
}

impl Work {
    fn run(mut self, news: &Receiver<News>) {
        loop {
            self.follow();
            let busy = self.place.as_mut().is_some_and(Place::is_busy);
            match news.recv_timeout(if busy { TURN } else { LOOK }) {
                Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(first) => {
                    self.take(first);
                    while let Ok(next) = news.try_recv() {
                        if matches!(next, News::Stop) {
                            return;
                        }
                        self.take(next);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.turn();
        }
    }

    /// Takes a place in the engine that there is.
    fn follow(&mut self) {
        let changed = self.consoles.has_changed().unwrap_or(false);
        let ended = self.place.as_ref().is_some_and(|place| place.speaker.is_ended());
        let missing = self.place.as_ref().is_none_or(|place| place.ears.is_none());
        let due = self.look_at.is_none_or(|at| Instant::now() >= at);
        if !(changed || ended || missing && due) {
            return;
        }
        let console = self.consoles.borrow_and_update().clone();
        if changed || ended {
            self.leave();
        }
        let Some(console) = console else { return };
        if self.place.is_none() {
            match Place::take(console) {
                Ok(place) => self.place = Some(place),
                Err(problem) => return self.complain(problem),
            }
        }
        if let Some(place) = &mut self.place
            && place.ears.is_none()
        {
            match place.listen(&self.config, &self.line) {
                Ok(()) => guard(&self.seen).problem.clear(),
                Err(problem) => self.complain(problem),
            }
        }
    }

    fn leave(&mut self) {
        if let Some(place) = self.place.take()
            && place
                .ears
                .as_ref()
                .is_some_and(|(_, hearing)| hearing.figures().near_end)
        {
            let _ = self.barge_ins.send(false);
        }
        guard(&self.seen).echo = None;
    }

    fn complain(&mut self, problem: String) {
        self.look_at = Some(Instant::now() + READING);
        let mut seen = guard(&self.seen);
        if problem != seen.problem {
            tracing::warn!(problem, "the call has no sound");
            seen.problem = problem;
        }
    }

    fn take(&mut self, news: News) {
        let now = self.start.elapsed();
        match news {
            News::Arrived(arrival) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                match &mut self.place {
                    Some(place) => place.receive(&arrival, self.start),
                    None => self.line.figures.count(Count::TtsDropped, 1),
                }
            }
            News::Begun => {
                if let Some(place) = &mut self.place {
                    place.speaker.playout().expect_another_stream();
                    place.stream = None;
                }
            }
            News::Silence => {
                if let Some(place) = &mut self.place {
                    place.speaker.flush(now);
                }
            }
            News::Stop => {}
        }
    }

    fn turn(&mut self) {
        let now = self.start.elapsed();
        let Some(place) = &mut self.place else { return };
        place.speaker.turn(now);
        place.count(&self.line.figures);
        let Some((_, hearing)) = &place.ears else { return };
        while let Some(event) = hearing.poll_event() {
            let begun = match event {
                HearingEvent::NearEndBegan { .. } => true,
                HearingEvent::NearEndEnded { .. } => false,
                HearingEvent::EngineChanged { engine, why } => {
                    let engine = engine.map_or("off", Kind::name);
                    tracing::info!(engine, why, "the echo canceller changed");
                    continue;
                }
                HearingEvent::Realigned { delay } => {
                    tracing::info!(frames = delay, "the echo's delay was found");
                    continue;
                }
            };
            let _ = self.barge_ins.send(begun);
            match self.config.barge_in {
                BargeIn::Off => {}
                BargeIn::Duck if begun => place.speaker.set_gain(DUCKED),
                BargeIn::Duck => place.speaker.set_gain(Decibels(0.0)),
                BargeIn::Stop if begun => place.speaker.flush(now),
                BargeIn::Stop => {}
            }
        }
        if self.look_at.is_none_or(|at| Instant::now() >= at) {
            self.look_at = Some(Instant::now() + READING);
            let figures = hearing.figures();
            place.count_blocks(&figures, &self.line.figures);
            guard(&self.seen).echo = Some(echo_state(&figures));
        }
    }
}

impl Place {
    fn take(console: Arc<Console>) -> Result<Self, String> {
        let playout = Playout::new(PlayoutOptions::default()).map_err(|error| error.to_string())?;
        let speaker =
            Speaker::open(&console, playout, SpeakerOptions::default()).map_err(|error| error.to_string())?;
        Ok(Self {
            console,
            speaker,
            ears: None,
            told: PlayoutCounters::default(),
            packet: FRAME,
            stream: None,
            played: Whole::default(),
            dropped: Whole::default(),
            blocks: 0,
            processed: Whole::default(),
        })
    }

    /// Begins to hear, and to send what is heard.
    fn listen(&mut self, config: &VoiceConfig, line: &Line) -> Result<(), String> {
        let options = HearingOptions::from_config(&config.echo);
        let hearing = HearingThread::start(&self.console, options).map_err(|error| error.to_string())?;
        let uplink = Uplink::start(hearing.clean(), line.clone(), config)?;
        self.ears = Some((uplink, hearing));
        Ok(())
    }

    fn is_busy(&mut self) -> bool {
        self.speaker.is_sounding() || self.speaker.playout().queued() > 0
    }

    fn receive(&mut self, arrival: &Arrival, start: Instant) {
        if let Ok(info) = opus::inspect(&arrival.payload) {
            self.packet = info.frames as u64;
        }
        let playout = self.speaker.playout();
        if self
            .stream
            .replace(arrival.stream)
            .is_some_and(|known| known != arrival.stream)
        {
            playout.expect_another_stream();
        }
        let arrived = arrival.arrived.saturating_duration_since(start);
        if let Err(error) = playout.receive(arrival.sequence, arrival.timestamp, &arrival.payload, arrived) {
            tracing::debug!(%error, "a packet of the hub is of no use");
        }
    }

    fn count(&mut self, figures: &Figures) {
        let playout = self.speaker.playout();
        let (counters, depth) = (playout.counters(), playout.depth());
        let played = counters.played - self.told.played;
        let dropped = counters.dropped - self.told.dropped;
        self.told = counters;
        figures.count(Count::TtsPlayed, self.played.add(played * self.packet));
        figures.count(Count::TtsDropped, self.dropped.add(dropped * self.packet));
        figures.set_speech_queue(depth.0 / FRAME);
        figures.set_audio_callback(self.console.last_callback());
    }

    fn count_blocks(&mut self, hearing: &hearing::Figures, figures: &Figures) {
        let blocks = hearing.blocks - self.blocks;
        self.blocks = hearing.blocks;
        if hearing.engine.is_some() {
            let frames = blocks * amora_audio::echo::BLOCK as u64;
            figures.count(Count::AecProcessed, self.processed.add(frames));
        }
    }
}

fn echo_state(figures: &hearing::Figures) -> EchoState {
    EchoState {
        engine: match figures.engine {
            None => EchoEngine::Off,
            Some(Kind::Speex) => EchoEngine::Speex,
            Some(Kind::Aec3) => EchoEngine::Aec3,
            Some(Kind::Kalman) => EchoEngine::Kalman,
        },
        reason: figures.why.clone(),
        erle: figures.echo_reduction,
        delay_ms: figures.delay.map(|frames| (frames / 4.8).round() / 10.0),
        drift: figures.drift,
        double_talk: f64::from(figures.double_talk),
    }
}

use super::*;
use crate::session::{SessionError, SessionSettings};
use crate::signalling::IceServer;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::sync::mpsc;

/// What a hub does with a call.
#[derive(Debug, Clone)]
enum Reply {
    /// Answers and connects.
    Yes,
    /// Refuses.
    No,
    /// Answers, and nothing follows.
    NoMedia,
    /// Never answers.
    Silence,
}

/// What a hub does with the offer of another path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Moves {
    /// Knows none.
    #[default]
    Never,
    Yes,
    Refused,
    /// Never answers.
    Silence,
}

/// The world on the other side: what it does with calls, and what it saw.
#[derive(Default)]
struct World {
    replies: VecDeque<Reply>,
    seen: Vec<String>,
    sent: Vec<u64>,
    /// The events of the sessions, in the order in which they were opened.
    sessions: Vec<mpsc::UnboundedSender<SessionEvent>>,
    moves: Moves,
}

#[derive(Clone, Default)]
struct Side(Arc<Mutex<World>>);

impl Side {
    fn see(&self, what: impl Into<String>) {
        self.0.lock().unwrap().seen.push(what.into());
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().seen)
    }

    /// Tells a session what becomes of its media.
    fn tell(&self, session: usize, state: MediaState) {
        let event = SessionEvent::State(state);
        self.0.lock().unwrap().sessions[session].send(event).unwrap();
    }

    /// Whether nobody holds a session any more.
    fn is_gone(&self, session: usize) -> bool {
        self.0.lock().unwrap().sessions[session].is_closed()
    }
}

#[async_trait]
impl Signalling for Side {
    async fn ice_servers(&mut self) -> Vec<IceServer> {
        Vec::new()
    }

    async fn connect(&mut self, offer: &str) -> Result<String, SignallingError> {
        assert_eq!(offer, "offer");
        let reply = self.0.lock().unwrap().replies.pop_front().unwrap_or(Reply::No);
        match reply {
            Reply::Yes => Ok("answer".to_owned()),
            Reply::NoMedia => Ok("answer without media".to_owned()),
            Reply::No => {
                self.see("refused");
                Err(SignallingError::Refused {
                    status: 500,
                    text: "not now".to_owned(),
                })
            }
            Reply::Silence => std::future::pending().await,
        }
    }

    fn can_restart(&self) -> bool {
        self.0.lock().unwrap().moves != Moves::Never
    }

    async fn restart(&mut self, offer: &str) -> Result<String, SignallingError> {
        assert_eq!(offer, "another offer");
        let moves = self.0.lock().unwrap().moves;
        match moves {
            Moves::Yes => Ok("another answer".to_owned()),
            Moves::Silence => std::future::pending().await,
            Moves::Refused | Moves::Never => {
                self.see("not moved");
                Err(SignallingError::Unreachable("not that way".to_owned()))
            }
        }
    }

    async fn end(&mut self) {
        self.see("end");
    }
}

#[async_trait]
impl Sessions for Side {
    async fn open(&self, _settings: SessionSettings) -> Result<Box<dyn MediaSession>, SessionError> {
        let (events, session) = mpsc::unbounded_channel();
        let mut world = self.0.lock().unwrap();
        let number = world.sessions.len();
        world.sessions.push(events);
        let side = self.clone();
        Ok(Box::new(Session {
            side,
            number,
            session,
        }))
    }
}

struct Session {
    side: Side,
    number: usize,
    session: mpsc::UnboundedReceiver<SessionEvent>,
}

#[async_trait]
impl MediaSession for Session {
    async fn offer(&mut self) -> Result<String, SessionError> {
        Ok("offer".to_owned())
    }

    async fn restart(&mut self) -> Result<String, SessionError> {
        Ok("another offer".to_owned())
    }

    async fn answer(&mut self, sdp: &str) -> Result<(), SessionError> {
        self.side.see(sdp);
        if sdp != "answer without media" {
            self.side.tell(self.number, MediaState::Connected);
        }
        Ok(())
    }

    async fn send(&mut self, packet: OpusPacket) -> Result<(), SessionError> {
        self.side.0.lock().unwrap().sent.push(packet.position);
        Ok(())
    }

    async fn next(&mut self) -> Option<SessionEvent> {
        self.session.recv().await
    }

    fn dropped(&self) -> u64 {
        0
    }

    async fn close(&mut self) {
        self.side.see(format!("close {}", self.number));
    }
}

struct Bench {
    side: Side,
    microphone: Microphone,
    figures: Arc<Figures>,
    status: watch::Receiver<Status>,
    wanted: watch::Sender<bool>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    start: Instant,
}

impl Bench {
    fn new(moves: Moves, replies: &[Reply]) -> Self {
        let side = Side::default();
        {
            let mut world = side.0.lock().unwrap();
            world.moves = moves;
            world.replies.extend(replies.iter().cloned());
        }
        let figures = Arc::new(Figures::new());
        let microphone = Microphone::new(figures.clone());
        let (tell, status) = watch::channel(Status::default());
        let leg = Leg {
            signalling: Box::new(side.clone()),
            sessions: Arc::new(side.clone()),
            direction: Direction::Both,
            addresses: Vec::new(),
            patience: Patience::default(),
            microphone: Some(microphone.clone()),
            downlink: None,
            figures: figures.clone(),
            status: tell,
        };
        let (wanted, is_wanted) = watch::channel(true);
        let shutdown = CancellationToken::new();
        Self {
            side,
            microphone,
            figures,
            status,
            wanted,
            task: tokio::spawn(leg.run(is_wanted, shutdown.clone())),
            shutdown,
            start: Instant::now(),
        }
    }

    /// Waits for a link. Returns the whole status and the time since the start.
    async fn reach(&mut self, link: VoiceLink) -> (String, u64) {
        let status = self.status.wait_for(|status| status.link == link).await.unwrap();
        (status.cause.clone(), self.start.elapsed().as_secs())
    }

    fn push(&self, position: u64) {
        self.microphone.push(OpusPacket {
            position,
            frames: 960,
            payload: Bytes::from_static(b"sound"),
        });
    }

    async fn stop(self) -> Side {
        self.shutdown.cancel();
        self.task.await.unwrap();
        self.side
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_status_and_text_and_the_call_repeated() {
    let mut bench = Bench::new(Moves::Never, &[Reply::No, Reply::No, Reply::Yes]);
    let (cause, _) = bench.reach(VoiceLink::Waiting).await;
    assert_eq!(cause, "refused with 500: not now");
    assert_eq!(
        bench.reach(VoiceLink::Connected).await,
        (String::new(), 9),
        "3 s and 6 s"
    );
    let counters = bench.figures.snapshot().counters;
    assert_eq!((counters.connections, counters.connection_failures), (1, 2));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_end_and_leave_nothing_stale() {
    let mut bench = Bench::new(Moves::Never, &vec![Reply::Yes; 101]);
    for number in 0..100 {
        bench.reach(VoiceLink::Connected).await;
        bench.push(number);
        tokio::time::sleep(Duration::from_millis(1)).await;
        bench.side.tell(number as usize, MediaState::Closed);
        assert_eq!(bench.reach(VoiceLink::Waiting).await.0, "the hub ended it");
        (0..60).for_each(|stale| bench.push(1_000_000 + stale));
    }
    let (_, seconds) = bench.reach(VoiceLink::Connected).await;
    assert_eq!(seconds, 300, "three seconds each time");
    let counters = bench.figures.snapshot().counters;
    assert_eq!((counters.connections, counters.connection_failures), (101, 0));
    assert_eq!(counters.mic_frames_sent, 100);
    assert_eq!(
        counters.mic_frames_dropped, 1_000,
        "fifty wait, ten of sixty are too many"
    );
    let side = bench.stop().await;
    let sent = std::mem::take(&mut side.0.lock().unwrap().sent);
    assert_eq!(sent, (0..100).collect::<Vec<u64>>());
}

/// A packet that was said while there was no call is never sent.
async fn only_the_second_is_sent(bench: &Bench) {
    bench.push(2);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.side.0.lock().unwrap().sent, [2]);
}

#[tokio::test(start_paused = true)]
async fn another_path_is_looked_for_where_the_other_side_knows_how() {
    let mut bench = Bench::new(Moves::Yes, &[Reply::Yes]);
    bench.reach(VoiceLink::Connected).await;
    bench.side.seen();
    bench.side.tell(0, MediaState::Disconnected);
    // The other path may be found before anybody sees that one was lost.
    tokio::time::sleep(Duration::from_millis(1)).await;
    bench.reach(VoiceLink::Connected).await;
    assert_eq!(bench.side.seen(), ["another answer"]);
    only_the_second_is_sent(&bench).await;
    assert_eq!(bench.figures.snapshot().counters.connections, 1);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_found_no_other_path_is_made_anew_at_once() {
    let mut bench = Bench::new(Moves::Refused, &[Reply::Yes, Reply::Yes]);
    bench.reach(VoiceLink::Connected).await;
    bench.side.seen();
    bench.side.tell(0, MediaState::Disconnected);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.reach(VoiceLink::Connected).await.1, 0);
    assert_eq!(bench.side.seen(), ["not moved", "answer", "close 0"]);
    only_the_second_is_sent(&bench).await;
    let counters = bench.figures.snapshot().counters;
    assert_eq!((counters.connections, counters.connection_failures), (2, 0));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_ended_while_nobody_answers_to_another_path() {
    let mut bench = Bench::new(Moves::Silence, &[Reply::Yes]);
    bench.reach(VoiceLink::Connected).await;
    bench.side.tell(0, MediaState::Disconnected);
    bench.reach(VoiceLink::Interrupted).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.wanted.send_replace(false);
    assert_eq!(bench.reach(VoiceLink::Off).await.1, 1);
    assert!(bench.stop().await.is_gone(0));
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_fell_silent_is_called_while_its_packets_may_come_back() {
    let mut bench = Bench::new(Moves::Never, &[Reply::Yes, Reply::No, Reply::Yes]);
    bench.reach(VoiceLink::Connected).await;
    bench.side.seen();
    bench.side.tell(0, MediaState::Disconnected);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        bench.reach(VoiceLink::Interrupted).await.0,
        "refused with 500: not now"
    );
    bench.push(1);
    assert_eq!(bench.reach(VoiceLink::Connected).await, (String::new(), 3));
    assert_eq!(bench.side.seen(), ["refused", "close 1", "answer", "close 0"]);
    only_the_second_is_sent(&bench).await;
    let counters = bench.figures.snapshot().counters;
    assert_eq!((counters.connections, counters.connection_failures), (2, 1));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_when_its_packets_come_back_before_another_is_answered() {
    let mut bench = Bench::new(Moves::Never, &[Reply::Yes, Reply::Silence]);
    bench.reach(VoiceLink::Connected).await;
    bench.side.seen();
    bench.side.tell(0, MediaState::Disconnected);
    bench.reach(VoiceLink::Interrupted).await;
    bench.push(1);
    tokio::time::sleep(Duration::from_secs(9)).await;
    bench.side.tell(0, MediaState::Connected);
    assert_eq!(bench.reach(VoiceLink::Connected).await.1, 9);
    only_the_second_is_sent(&bench).await;
    assert!(bench.side.is_gone(1) && bench.side.seen().is_empty());
    let counters = bench.figures.snapshot().counters;
    assert_eq!((counters.connections, counters.connection_failures), (1, 0));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_hub_has_the_grace_to_come_back_and_then_only_the_new_call() {
    let mut bench = Bench::new(Moves::Never, &[Reply::Yes, Reply::Silence]);
    bench.reach(VoiceLink::Connected).await;
    bench.side.tell(0, MediaState::Disconnected);
    assert_eq!(bench.reach(VoiceLink::Connecting).await.1, 10);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(bench.side.is_gone(0) && !bench.side.is_gone(1));
    assert_eq!(bench.figures.snapshot().counters.connection_failures, 0);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_wanted_any_more_ends_at_once_even_while_nobody_answers() {
    let mut bench = Bench::new(Moves::Never, &[Reply::Silence, Reply::Yes]);
    bench.reach(VoiceLink::Connecting).await;
    bench.wanted.send_replace(true);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.reach(VoiceLink::Connecting).await.1, 1, "it goes on");
    bench.wanted.send_replace(false);
    assert_eq!(bench.reach(VoiceLink::Off).await.1, 1);
    bench.wanted.send_replace(true);
    assert_eq!(bench.reach(VoiceLink::Connected).await.1, 1);
    let side = bench.stop().await;
    assert_eq!(side.seen().last().unwrap(), "end", "a farewell");
    assert!(side.is_gone(1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_media_is_told_and_the_call_repeated() {
    let mut bench = Bench::new(Moves::Never, &[Reply::NoMedia, Reply::Yes]);
    let (cause, seconds) = bench.reach(VoiceLink::Waiting).await;
    assert_eq!(
        (&*cause, seconds),
        ("the hub answered, but its media does not connect", 30)
    );
    assert_eq!(bench.reach(VoiceLink::Connected).await, (String::new(), 33));
    assert_eq!(bench.figures.snapshot().counters.connection_failures, 1);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn wanting_a_call_again_ends_the_wait_for_it() {
    let mut bench = Bench::new(Moves::Never, &[Reply::No, Reply::Yes]);
    bench.reach(VoiceLink::Waiting).await;
    bench.wanted.send_replace(true);
    assert_eq!(bench.reach(VoiceLink::Connected).await.1, 0);
    bench.stop().await;
}

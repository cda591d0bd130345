//! The hub's sessions, by device and what they are for.

use crate::counters::Counters;
use crate::fault::Fault;
use crate::hub::{Answer, Options};
use crate::negotiation::NegotiationError;
use crate::session::{Audience, Session, Surroundings};
use crate::speech::speak;
use crate::{BURST, RATE};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{broadcast, mpsc, watch};

/// Packets that wait for who listens along.
const AUDIENCE: usize = 256;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Both ways, by `/connect`.
    Call,
    /// The device's microphone, by WHIP.
    Microphone,
    /// What the hub says to the device, by WHEP.
    Speech,
    /// Somebody listens along, by WHEP.
    Viewer,
}

impl Role {
    fn speaks(self) -> bool {
        self != Self::Microphone
    }

    fn hears(self) -> bool {
        matches!(self, Self::Call | Self::Microphone)
    }

    /// Whether a device's session of this role ends another of it.
    fn ends(self, other: Self) -> bool {
        match self {
            Self::Call => other != Self::Viewer,
            Self::Microphone | Self::Speech => other == self || other == Self::Call,
            Self::Viewer => false,
        }
    }
}

struct Entry {
    device: String,
    role: Role,
    session: Arc<Session>,
}

/// What the server and the handle share.
pub(crate) struct State {
    pub(crate) started: Instant,
    pub(crate) counters: Arc<Counters>,
    pub(crate) options: Options,
    /// By an identifier that cannot be guessed.
    sessions: Mutex<HashMap<String, Entry>>,
    connects: Mutex<HashMap<String, u64>>,
    audiences: Mutex<HashMap<String, Audience>>,
    faults: Mutex<VecDeque<Fault>>,
    pub(crate) changes: watch::Sender<()>,
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            started: Instant::now(),
            counters: Arc::default(),
            options,
            sessions: Mutex::default(),
            connects: Mutex::default(),
            audiences: Mutex::default(),
            faults: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// The devices that are heard or spoken to.
    pub(crate) fn devices(&self) -> BTreeSet<String> {
        let sessions = lock(&self.sessions);
        let devices = sessions.values().filter(|entry| entry.role != Role::Viewer);
        devices.map(|entry| entry.device.clone()).collect()
    }

    fn find(&self, device: &str, fits: impl Fn(Role) -> bool) -> Option<Arc<Session>> {
        let sessions = lock(&self.sessions);
        let mut entries = sessions.values();
        let entry = entries.find(|entry| entry.device == device && fits(entry.role));
        entry.map(|entry| entry.session.clone())
    }

    /// The session in which the device is heard.
    pub(crate) fn session(&self, device: &str) -> Option<Arc<Session>> {
        self.find(device, Role::hears)
    }

    /// The session in which the device is spoken to.
    pub(crate) fn speaker(&self, device: &str) -> Option<Arc<Session>> {
        self.find(device, |role| matches!(role, Role::Call | Role::Speech))
    }

    /// How many listen along.
    pub(crate) fn viewers(&self, device: &str) -> usize {
        let sessions = lock(&self.sessions);
        let viewers = sessions.values().filter(|entry| entry.role == Role::Viewer);
        viewers.filter(|entry| entry.device == device).count()
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, VecDeque<Fault>> {
        lock(&self.faults)
    }

    /// How often the device was answered with a session in which it is heard.
    pub(crate) fn connects(&self, device: &str) -> u64 {
        lock(&self.connects).get(device).copied().unwrap_or_default()
    }

    fn audience(&self, device: &str) -> Audience {
        let mut audiences = lock(&self.audiences);
        let audience = audiences.entry(device.to_owned());
        audience
            .or_insert_with(|| broadcast::Sender::new(AUDIENCE))
            .clone()
    }

    /// Answers a device's offer: what it replaces ends at once. Gives the session's identifier and the answer.
    pub(crate) async fn open(
        self: &Arc<Self>,
        device: &str,
        role: Role,
        offer: String,
    ) -> Result<(String, String), NegotiationError> {
        self.end_where(|entry| entry.device == device && role.ends(entry.role))
            .await;
        let (utterances, spoken) = mpsc::unbounded_channel();
        let audience = self.audience(device);
        let surroundings = Surroundings {
            counters: self.counters.clone(),
            utterances,
            audience: audience.clone(),
        };
        let answered = Session::answer(offer, self.options.address, role.speaks(), surroundings);
        let (session, answer) = answered.await?;
        // Another may have come meanwhile.
        self.end_where(|entry| entry.device == device && role.ends(entry.role))
            .await;
        let id = identifier();
        let entry = Entry {
            device: device.to_owned(),
            role,
            session: session.clone(),
        };
        lock(&self.sessions).insert(id.clone(), entry);
        if role.hears() {
            *lock(&self.connects).entry(device.to_owned()).or_default() += 1;
            tokio::spawn(assist(self.clone(), device.to_owned(), session.clone(), spoken));
        }
        if role == Role::Viewer {
            let (session, heard) = (session.clone(), audience.subscribe());
            tokio::spawn(async move {
                if let Err(error) = session.pass_on(heard).await {
                    tracing::warn!("nothing more is passed on: {error}");
                }
            });
        }
        self.changes.send_replace(());
        tokio::spawn(self.clone().forget_when_ended(id.clone(), session));
        Ok((id, answer))
    }

    /// The session of this identifier.
    pub(crate) fn by_identifier(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.sessions).get(id).map(|entry| entry.session.clone())
    }

    /// Ends all sessions of a device.
    pub(crate) async fn end(&self, device: &str) {
        self.end_where(|entry| entry.device == device && entry.role != Role::Viewer)
            .await;
    }

    /// Ends one session; gives whether there was one.
    pub(crate) async fn end_session(&self, id: &str) -> bool {
        let entry = lock(&self.sessions).remove(id);
        let Some(entry) = entry else { return false };
        entry.session.close().await;
        self.changes.send_replace(());
        true
    }

    /// Ends everything.
    pub(crate) async fn end_all(&self) {
        self.end_where(|_| true).await;
    }

    async fn end_where(&self, ends: impl Fn(&Entry) -> bool) {
        let ended: Vec<Entry> = lock(&self.sessions)
            .extract_if(|_, entry| ends(entry))
            .map(|(_, entry)| entry)
            .collect();
        for entry in &ended {
            entry.session.close().await;
        }
        if !ended.is_empty() {
            self.changes.send_replace(());
        }
    }

    async fn forget_when_ended(self: Arc<Self>, id: String, session: Arc<Session>) {
        session.ended().await;
        lock(&self.sessions).remove(&id);
        session.close().await;
        self.changes.send_replace(());
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the standard library seeds its maps with is random enough for a stand-in.
fn identifier() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// Answers what is spoken, until the session has ended.
async fn assist(
    state: Arc<State>,
    device: String,
    session: Arc<Session>,
    mut spoken: mpsc::UnboundedReceiver<Vec<i16>>,
) {
    loop {
        let heard = tokio::select! {
            heard = spoken.recv() => heard,
            () = session.ended() => None,
        };
        let Some(heard) = heard else { return };
        let speech = match state.options.answer {
            Answer::Nothing => continue,
            Answer::Repeat => Ok(heard),
            Answer::Length => {
                let seconds = heard.len() as f64 / f64::from(RATE);
                speak(&format!("I heard {seconds:.1} seconds.")).await
            }
        };
        let Some(speaker) = state.speaker(&device) else {
            continue;
        };
        let said = match speech {
            Ok(speech) => speaker
                .say(&speech, BURST)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = said {
            tracing::warn!("the assistant says nothing: {error}");
        }
    }
}

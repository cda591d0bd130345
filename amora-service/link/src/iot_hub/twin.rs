//! The device's twin: what the cloud desires, in the order of its versions, and what the box reports, merged, paced
//! and never lost.
//!
//! After each connect the twin is read as a whole. What it holds then is the truth: desired patches that are not
//! newer are ignored, one that leaves a gap has the whole read again, and whatever the box wants reported and the
//! twin does not hold is sent as a patch. So nothing is lost with a connection, and nothing stale survives one.

pub mod document;
pub mod limits;
pub mod merge;
#[cfg(test)]
mod tests;

use super::status::Outcome;
use crate::backoff::{Backoff, Policy, Reset};
use amora_contract::merge_patch;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long an answer may take before it is asked for again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits after a request that the service did not serve.
const AGAIN: Policy = Policy {
    base: Duration::from_secs(2),
    factor: 2.0,
    cap: Duration::from_secs(300),
    jitter: 0.2,
    reset: Reset::OnSuccess,
};

/// Something to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Read the whole twin.
    Get {
        /// The request's id.
        request: String,
    },
    /// Change reported properties.
    Patch {
        /// The request's id.
        request: String,
        /// The patch.
        body: Map<String, Value>,
    },
}

/// What the cloud desires.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// Its version.
    pub version: u64,
    /// All of it.
    pub all: Map<String, Value>,
    /// What is new since the last time, as a patch: null for what was removed.
    pub changed: Map<String, Value>,
    /// What the box had reported when the twin was last read as a whole.
    pub reported: Map<String, Value>,
    /// Counts how often it was read as a whole.
    pub readings: u64,
}

#[derive(Debug, PartialEq)]
enum Link {
    Down,
    /// The twin is to be read.
    Unread,
    /// It has been asked for.
    Reading {
        request: String,
        since: Duration,
    },
    /// It is known.
    Read,
}

struct Sent {
    request: String,
    patch: Map<String, Value>,
    since: Duration,
}

/// The twin. Times are counted from any one moment.
pub struct Twin {
    link: Link,
    desired: Desired,
    known: bool,
    news: bool,
    /// The newest version that was heard of while the twin was being read.
    heard: u64,
    /// What the hub holds, as far as is known.
    held: Map<String, Value>,
    /// What it is to hold; null for what it is not to hold.
    wanted: BTreeMap<String, Value>,
    sent: Option<Sent>,
    /// Properties that the hub refused, with the value that it refused.
    refused: BTreeMap<String, Value>,
    /// After a refusal: only one property at a time, so that the one at fault is found.
    singly: BTreeSet<String>,
    not_before: Duration,
    /// No patch has been sent on this connection.
    fresh: bool,
    pace: Duration,
    backoff: Backoff,
    requests: u64,
}

impl Twin {
    /// A twin of which nothing is known. Patches follow each other no faster than `pace`.
    pub fn new(pace: Duration) -> Self {
        Self {
            link: Link::Down,
            desired: Desired::default(),
            known: false,
            news: false,
            heard: 0,
            held: Map::new(),
            wanted: BTreeMap::new(),
            sent: None,
            refused: BTreeMap::new(),
            singly: BTreeSet::new(),
            not_before: Duration::ZERO,
            fresh: true,
            pace,
            backoff: Backoff::new(AGAIN),
            requests: 0,
        }
    }

    /// Connected and subscribed.
    pub fn connected(&mut self, now: Duration) {
        self.unread();
        self.heard = 0;
        self.not_before = now;
        self.fresh = true;
        self.backoff = Backoff::new(AGAIN);
    }

    /// The connection is gone: what was on its way counts as not arrived.
    pub fn disconnected(&mut self) {
        self.link = Link::Down;
        self.sent = None;
    }

    /// Another hub, or another device: nothing that was known holds any more, what is wanted does.
    pub fn forget(&mut self) {
        *self = Self {
            wanted: std::mem::take(&mut self.wanted),
            requests: self.requests,
            ..Self::new(self.pace)
        };
    }

    /// Wants a property reported; null wants it gone. The value is made to conform with [`limits::conform`].
    pub fn report(&mut self, property: &str, mut value: Value) {
        if !value.is_null() {
            limits::conform(&mut value);
        }
        self.wanted.insert(property.to_owned(), value);
    }

    /// What is to be sent now.
    pub fn ask(&mut self, now: Duration, random: f64) -> Option<Ask> {
        self.expire(now, random);
        if now < self.not_before {
            return None;
        }
        match self.link {
            Link::Down | Link::Reading { .. } => None,
            Link::Unread => {
                let request = self.request();
                self.link = Link::Reading {
                    request: request.clone(),
                    since: now,
                };
                Some(Ask::Get { request })
            }
            Link::Read => {
                if self.sent.is_some() {
                    return None;
                }
                let patch = self.patch()?;
                let request = self.request();
                // The first tells what changed while the box was away. The answers to what the cloud desired meanwhile
                // come right behind it, and are not to wait.
                if !std::mem::take(&mut self.fresh) {
                    self.not_before = now + self.pace;
                }
                self.sent = Some(Sent {
                    request: request.clone(),
                    patch: patch.clone(),
                    since: now,
                });
                Some(Ask::Patch { request, body: patch })
            }
        }
    }

    /// When to ask [`Twin::ask`] again, if nothing happens before.
    pub fn deadline(&self) -> Option<Duration> {
        match (&self.link, &self.sent) {
            (Link::Down, _) => None,
            (Link::Reading { since, .. }, _) => Some(*since + PATIENCE),
            (Link::Read, Some(sent)) => Some(sent.since + PATIENCE),
            (Link::Unread, _) => Some(self.not_before),
            (Link::Read, None) => self.patch().map(|_| self.not_before),
        }
    }

    /// The answer to one of the requests; one to no request that is open is ignored.
    pub fn answer(&mut self, request: &str, status: u32, body: &[u8], now: Duration, random: f64) -> Outcome {
        let outcome = Outcome::of(status);
        match &self.link {
            Link::Reading { request: open, .. } if open == request => {
                let read = match outcome {
                    Outcome::Done => self.take(body),
                    _ => false,
                };
                if !read {
                    self.unread();
                    self.not_before = now + self.backoff.next_delay(random);
                }
            }
            Link::Read if self.sent.as_ref().is_some_and(|sent| sent.request == request) => {
                self.patched(outcome, now, random);
            }
            _ => {}
        }
        outcome
    }

    /// A patch of the desired properties.
    pub fn desired_patch(&mut self, version: u64, body: &[u8]) {
        if self.link != Link::Read {
            self.heard = self.heard.max(version);
            return;
        }
        if version <= self.desired.version {
            return;
        }
        let follows = version == self.desired.version + 1;
        match document::read(body) {
            Some(mut patch) if follows => {
                strip(&mut patch);
                merge_patch(&mut self.desired.all, &patch);
                merge_patches(&mut self.desired.changed, patch);
                self.desired.version = version;
                self.news = true;
            }
            // One is missing, or this one cannot be read: the whole tells.
            _ => self.unread(),
        }
    }

    /// What the cloud desires, if that is news.
    pub fn desired(&mut self) -> Option<Desired> {
        if !std::mem::take(&mut self.news) {
            return None;
        }
        let news = self.desired.clone();
        self.desired.changed.clear();
        Some(news)
    }

    /// Whether the twin is known and holds all that is wanted.
    pub fn is_settled(&self) -> bool {
        self.link == Link::Read && self.sent.is_none() && self.patch().is_none()
    }

    /// Properties that the hub refused; they are sent again once they change.
    pub fn refused(&self) -> impl Iterator<Item = &str> {
        self.refused.keys().map(String::as_str)
    }

    /// The twin is to be read again; that also tells what became of a patch on its way.
    fn unread(&mut self) {
        self.link = Link::Unread;
        self.sent = None;
    }

    fn request(&mut self) -> String {
        self.requests += 1;
        self.requests.to_string()
    }

    fn expire(&mut self, now: Duration, random: f64) {
        match &self.link {
            Link::Reading { since, .. } if now >= *since + PATIENCE => {
                self.unread();
                self.not_before = now + self.backoff.next_delay(random);
            }
            Link::Read
                if self
                    .sent
                    .as_ref()
                    .is_some_and(|sent| now >= sent.since + PATIENCE) =>
            {
                // It may have arrived: only reading tells.
                self.unread();
                self.not_before = now + self.backoff.next_delay(random);
            }
            _ => {}
        }
    }

    /// Takes a whole twin; tells whether it could be read.
    fn take(&mut self, body: &[u8]) -> bool {
        let Some(mut twin) = document::read(body) else {
            return false;
        };
        let mut section = |name| match twin.remove(name) {
            Some(Value::Object(section)) => section,
            _ => Map::new(),
        };
        let (mut desired, mut reported) = (section("desired"), section("reported"));
        let version = desired.get("$version").and_then(Value::as_u64).unwrap_or(0);
        strip(&mut desired);
        strip(&mut reported);
        // The whole may be older than a patch that overtook it; then it is read once more.
        if version < std::mem::take(&mut self.heard) {
            return false;
        }
        let changed = merge::difference(&self.desired.all, &desired);
        if !self.known || changed.is_some() || version != self.desired.version {
            merge_patches(&mut self.desired.changed, changed.unwrap_or_default());
            self.desired.version = version;
            self.desired.all = desired;
            self.news = true;
        }
        self.desired.reported.clone_from(&reported);
        self.desired.readings += 1;
        self.held = reported;
        self.known = true;
        self.refused.clear();
        self.backoff.connected();
        self.link = Link::Read;
        true
    }

    fn patched(&mut self, outcome: Outcome, now: Duration, random: f64) {
        let Some(sent) = self.sent.take() else { return };
        match outcome {
            Outcome::Done | Outcome::Accepted => {
                merge_patch(&mut self.held, &sent.patch);
                for property in sent.patch.keys() {
                    self.singly.remove(property);
                    self.refused.remove(property);
                }
                self.backoff.connected();
            }
            Outcome::Refused if sent.patch.len() > 1 => self.singly.extend(sent.patch.keys().cloned()),
            Outcome::Refused => {
                for property in sent.patch.keys() {
                    self.singly.remove(property);
                    let value = self.wanted.get(property).cloned().unwrap_or(Value::Null);
                    self.refused.insert(property.clone(), value);
                }
            }
            Outcome::Throttled | Outcome::Unavailable | Outcome::Identity => {
                self.not_before = now + self.backoff.next_delay(random).max(self.pace);
            }
        }
    }

    /// What the hub is to hold and does not.
    fn patch(&self) -> Option<Map<String, Value>> {
        let mut patch = Map::new();
        for (property, wanted) in &self.wanted {
            if self.refused.get(property) == Some(wanted) {
                continue;
            }
            let change = match (self.held.get(property), wanted) {
                (None, Value::Null) => None,
                (Some(_), Value::Null) => Some(Value::Null),
                (Some(Value::Object(held)), Value::Object(wanted)) => {
                    merge::difference(held, wanted).map(Value::Object)
                }
                (Some(held), wanted) if merge::equal(held, wanted) => None,
                (_, wanted) => Some(wanted.clone()),
            };
            if let Some(change) = change {
                if self.singly.contains(property) {
                    return Some(Map::from_iter([(property.clone(), change)]));
                }
                patch.insert(property.clone(), change);
            }
        }
        (!patch.is_empty()).then_some(patch)
    }
}

/// Without what the service adds: `$version`, `$metadata`.
fn strip(document: &mut Map<String, Value>) {
    document.retain(|key, _| !key.starts_with('$'));
}

/// Puts a later patch behind an earlier one; unlike [`merge_patch`] it keeps the nulls.
fn merge_patches(earlier: &mut Map<String, Value>, later: Map<String, Value>) {
    for (key, change) in later {
        match (earlier.get_mut(&key), change) {
            (Some(Value::Object(earlier)), Value::Object(later)) => merge_patches(earlier, later),
            (_, change) => {
                earlier.insert(key, change);
            }
        }
    }
}

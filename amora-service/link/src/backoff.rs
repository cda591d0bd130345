//! When to try again. Pure: randomness and time come in from outside.

use std::time::Duration;

/// How waits grow from one failure to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// The first wait.
    pub base: Duration,
    /// What each wait is multiplied by to give the next.
    pub factor: f64,
    /// The longest wait, jitter included.
    pub cap: Duration,
    /// How far a wait may stray, as a part of it: 0.2 is ±20 %. It keeps a fleet from knocking all at once.
    pub jitter: f64,
    /// What sets the waits back to `base`.
    pub reset: Reset,
}

/// What counts as success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Being connected.
    OnSuccess,
    /// Having been connected for this long.
    AfterHolding(Duration),
}

impl Policy {
    /// The original AmoraOS device over MQTT: 1 s, doubling up to 300 s, back to 1 s on success.
    pub const AMORA_MQTT: Self = Self {
        base: Duration::from_secs(1),
        factor: 2.0,
        cap: Duration::from_secs(300),
        jitter: 0.2,
        reset: Reset::OnSuccess,
    };
}

/// The failures so far, and so the next wait.
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: Policy,
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    pub const fn new(policy: Policy) -> Self {
        Self { policy, failures: 0 }
    }

    /// Failures since the last reset.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after one more failure. `random` is uniform in 0 to 1 and places the wait within its jitter.
    pub fn next_delay(&mut self, random: f64) -> Duration {
        let Policy {
            base,
            factor,
            cap,
            jitter,
            ..
        } = self.policy;
        let jitter = jitter.clamp(0.0, 1.0);
        // Room for the jitter is left below the cap: clipped there, a whole fleet would wait equally long.
        let ceiling = cap.as_secs_f64() / (1.0 + jitter);
        let exponent = i32::try_from(self.failures).unwrap_or(i32::MAX);
        let grown = base.as_secs_f64() * factor.powi(exponent);
        self.failures = self.failures.saturating_add(1);
        let stray = 1.0 + jitter * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        Duration::from_secs_f64(grown.min(ceiling) * stray)
    }

    /// A connection was made.
    pub fn connected(&mut self) {
        if self.policy.reset == Reset::OnSuccess {
            self.failures = 0;
        }
    }

    /// A connection ended that had lasted for `held`.
    pub fn ended(&mut self, held: Duration) {
        if let Reset::AfterHolding(enough) = self.policy.reset
            && held >= enough
        {
            self.failures = 0;
        }
    }
}

/// A number uniform in 0 to 1 from the system's generator; one half if that fails, which only loses the jitter.
pub fn random() -> f64 {
    let mut bytes = [0; 8];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => (u64::from_ne_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64,
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests;

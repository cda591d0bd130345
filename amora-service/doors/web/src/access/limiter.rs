//! How often a login may be tried: per address, and by everybody together. A swarm of guessers can thereby keep others
//! from logging in, but not those who are logged in from using the box.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;
use tokio::time::Instant;

/// Addresses remembered. Beyond it the one with the cleanest record is forgotten; the limit on everybody still holds.
const ADDRESSES: usize = 1024;

/// So many wrong attempts at once, then one more per interval.
#[derive(Clone, Copy)]
struct Allowance {
    burst: f64,
    interval: Duration,
}

const EACH: Allowance = Allowance {
    burst: 5.0,
    interval: Duration::from_secs(12),
};
const EVERYBODY: Allowance = Allowance {
    burst: 50.0,
    interval: Duration::from_secs(1),
};

#[derive(Clone, Copy)]
struct Bucket {
    attempts: f64,
    at: Instant,
}

impl Bucket {
    fn new(allowance: Allowance, now: Instant) -> Self {
        Self {
            attempts: allowance.burst,
            at: now,
        }
    }

    fn refill(&mut self, allowance: Allowance, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() / allowance.interval.as_secs_f64();
        self.attempts = (self.attempts + gained).min(allowance.burst);
        self.at = self.at.max(now);
    }

    /// The time until one more attempt is there.
    fn wait(&self, allowance: Allowance) -> Option<Duration> {
        (self.attempts < 1.0).then(|| allowance.interval.mul_f64(1.0 - self.attempts))
    }
}

/// Counts attempts. A right one costs nothing, so scripts that send the code with each request are not slowed down.
pub(crate) struct Limiter {
    everybody: Bucket,
    addresses: HashMap<IpAddr, Bucket>,
}

impl Limiter {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            everybody: Bucket::new(EVERYBODY, now),
            addresses: HashMap::new(),
        }
    }

    /// Judges one attempt by `check`, unless there were too many wrong ones: then the time to wait.
    pub(crate) fn attempt(
        &mut self,
        address: IpAddr,
        now: Instant,
        check: impl FnOnce() -> bool,
    ) -> Result<bool, Duration> {
        let address = network(address);
        self.everybody.refill(EVERYBODY, now);
        let mut bucket = self
            .addresses
            .get(&address)
            .copied()
            .unwrap_or_else(|| Bucket::new(EACH, now));
        bucket.refill(EACH, now);
        if let Some(wait) = bucket.wait(EACH).max(self.everybody.wait(EVERYBODY)) {
            return Err(wait);
        }
        if check() {
            return Ok(true);
        }
        self.everybody.attempts -= 1.0;
        bucket.attempts -= 1.0;
        self.remember(address, bucket, now);
        Ok(false)
    }

    fn remember(&mut self, address: IpAddr, bucket: Bucket, now: Instant) {
        if self.addresses.len() >= ADDRESSES && !self.addresses.contains_key(&address) {
            self.addresses.retain(|_, known| {
                known.refill(EACH, now);
                known.attempts < EACH.burst
            });
        }
        if self.addresses.len() >= ADDRESSES && !self.addresses.contains_key(&address) {
            let cleanest = self
                .addresses
                .iter()
                .max_by(|a, b| a.1.attempts.total_cmp(&b.1.attempts));
            if let Some(cleanest) = cleanest.map(|(address, _)| *address) {
                self.addresses.remove(&cleanest);
            }
        }
        self.addresses.insert(address, bucket);
    }
}

/// Who counts as one: an IPv4 address, or the network that one IPv6 customer has to choose addresses from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn after_a_burst_of_wrong_attempts_an_address_must_wait() {
        let start = Instant::now();
        let mut limiter = Limiter::new(start);
        let home = address("192.168.1.7");
        for _ in 0..5 {
            assert_eq!(limiter.attempt(home, start, || false), Ok(false));
        }
        assert_eq!(
            limiter.attempt(home, start, || panic!("not even compared")),
            Err(Duration::from_secs(12))
        );
        assert_eq!(
            limiter.attempt(address("192.168.1.8"), start, || true),
            Ok(true),
            "others are free"
        );
        let later = start + Duration::from_secs(12);
        assert_eq!(limiter.attempt(home, later, || true), Ok(true));
        assert_eq!(limiter.attempt(home, later, || false), Ok(false));
        assert!(
            limiter.attempt(home, later, || true).is_err(),
            "one attempt per interval, no more"
        );
    }

    #[test]
    fn right_attempts_cost_nothing() {
        let now = Instant::now();
        let mut limiter = Limiter::new(now);
        for _ in 0..10_000 {
            assert_eq!(limiter.attempt(address("10.0.0.1"), now, || true), Ok(true));
        }
        assert!(limiter.addresses.is_empty());
    }

    #[test]
    fn many_addresses_share_one_limit_and_bounded_memory() {
        let start = Instant::now();
        let mut limiter = Limiter::new(start);
        let mut judged = 0;
        for number in 0..100_000u32 {
            let now = start + Duration::from_millis(u64::from(number));
            let address = IpAddr::from(number.to_be_bytes());
            judged += u32::from(limiter.attempt(address, now, || false).is_ok());
        }
        assert!(judged <= 50 + 100, "{judged} attempts in 100 s");
        assert!(limiter.addresses.len() <= ADDRESSES);
    }

    #[test]
    fn one_ipv6_network_counts_as_one() {
        let now = Instant::now();
        let mut limiter = Limiter::new(now);
        for host in 0..5 {
            assert_eq!(
                limiter.attempt(address(&format!("2001:db8::{host:x}")), now, || false),
                Ok(false)
            );
        }
        assert!(limiter.attempt(address("2001:db8::ffff"), now, || false).is_err());
        assert!(limiter.attempt(address("2001:db8:0:1::1"), now, || false).is_ok());
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn a_clock_that_steps_back_does_no_harm() {
        let start = Instant::now() + Duration::from_secs(100);
        let mut limiter = Limiter::new(start);
        for _ in 0..5 {
            let _ = limiter.attempt(address("10.0.0.1"), start, || false);
        }
        assert!(
            limiter
                .attempt(address("10.0.0.1"), start - Duration::from_secs(50), || false)
                .is_err()
        );
    }
}

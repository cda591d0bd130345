//! How soon a path that carries nothing any more is noticed.

use std::time::Duration;

/// Time between two checks of the path, with or without sound on it: 200 bytes there and back.
pub(super) const CHECK: Duration = Duration::from_millis(500);

/// A path on which nothing came for so long is lost. So many checks fail in a row by chance once in days where each tenth
/// packet is lost, and the pauses of a Wi-Fi that scans or roams are shorter.
pub(super) const SILENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::ice::candidate::CandidateConfig;
    use rtc::ice::candidate::candidate_host::CandidateHostConfig;
    use rtc::ice::state::ConnectionState;
    use rtc::ice::{Agent, AgentConfig, Event};
    use rtc::sansio::Protocol;
    use rtc::shared::TaggedBytesMut;
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::time::Instant;

    /// Time never stands still.
    const MOMENT: Duration = Duration::from_millis(1);

    /// How long a packet is on its way.
    const WAY: Duration = Duration::from_millis(30);

    /// Where the box is, and the hub.
    const ADDRESSES: [(&str, u16); 2] = [("192.0.2.1", 5_001), ("192.0.2.2", 5_002)];

    /// A box and a hub with the crate's own patience, that say nothing, on a network and a clock of their own.
    struct Path {
        start: Instant,
        now: Instant,
        ends: [Agent; 2],
        on_the_way: VecDeque<(Instant, usize, TaggedBytesMut)>,
        random: u32,
        /// What became of the box's path, and when.
        changes: Vec<(Duration, ConnectionState)>,
    }

    impl Path {
        fn new() -> Self {
            let start = Instant::now();
            let config = AgentConfig {
                disconnected_timeout: Some(SILENCE),
                keepalive_interval: Some(CHECK),
                ..AgentConfig::default()
            };
            let agent = |config| {
                let crypto = rtc::crypto::default_provider().unwrap();
                Agent::new(start, Arc::new(config), crypto).unwrap()
            };
            let mut ends = [agent(config), agent(AgentConfig::default())];
            let credentials = [0, 1].map(|end: usize| ends[end].get_local_credentials().clone());
            for end in [0, 1] {
                let candidate = |(address, port): (&str, u16)| {
                    let base_config = CandidateConfig {
                        network: "udp".to_owned(),
                        address: address.to_owned(),
                        port,
                        component: 1,
                        ..CandidateConfig::default()
                    };
                    let host = CandidateHostConfig {
                        base_config,
                        ..CandidateHostConfig::default()
                    };
                    host.new_candidate_host().unwrap()
                };
                let (agent, other) = (&mut ends[end], credentials[1 - end].clone());
                agent.add_local_candidate(candidate(ADDRESSES[end])).unwrap();
                agent.add_remote_candidate(candidate(ADDRESSES[1 - end])).unwrap();
                agent
                    .start_connectivity_checks(start, end == 0, other.ufrag, other.pwd)
                    .unwrap();
            }
            let mut path = Self {
                start,
                now: start,
                ends,
                on_the_way: VecDeque::new(),
                random: 1,
                changes: Vec::new(),
            };
            path.pass(Duration::from_secs(10), |_| 0.0);
            assert_eq!(path.states().last(), Some(&ConnectionState::Connected));
            path.changes.clear();
            path
        }

        /// Lets time pass on a network that loses this share of the packets at each moment.
        fn pass(&mut self, time: Duration, loss: impl Fn(Duration) -> f64) {
            let end = self.now + time;
            while self.now < end {
                let arrival = self.on_the_way.front().map(|(at, ..)| *at);
                let timeouts = self.ends.each_mut().map(Protocol::poll_timeout);
                let next = timeouts.into_iter().chain([arrival]).flatten().min();
                self.now = next
                    .unwrap_or(end)
                    .clamp(self.now + MOMENT, end.max(self.now + MOMENT));
                while let Some((_, to, packet)) = self.on_the_way.pop_front_if(|(at, ..)| *at <= self.now) {
                    let _ = self.ends[to].handle_read(packet);
                }
                for end in [0, 1] {
                    self.ends[end].handle_timeout(self.now).unwrap();
                    while let Some(mut packet) = self.ends[end].poll_write() {
                        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let chance = f64::from(self.random >> 8) / f64::from(1 << 24);
                        if chance < loss(self.now - self.start) {
                            continue;
                        }
                        packet.now = self.now + WAY;
                        std::mem::swap(&mut packet.transport.local_addr, &mut packet.transport.peer_addr);
                        self.on_the_way.push_back((packet.now, 1 - end, packet));
                    }
                }
                while let Some(event) = self.ends[0].poll_event() {
                    if let Event::ConnectionStateChange(state) = event.event {
                        self.changes.push((self.now - self.start, state));
                    }
                }
            }
        }

        fn states(&self) -> Vec<ConnectionState> {
            self.changes.iter().map(|(_, state)| *state).collect()
        }
    }

    #[test]
    fn a_hub_that_is_gone_is_noticed_within_four_seconds_and_so_is_its_return() {
        let mut path = Path::new();
        let gone = path.now - path.start;
        path.pass(Duration::from_secs(8), |_| 1.0);
        path.pass(Duration::from_secs(2), |_| 0.0);
        let [
            (lost, ConnectionState::Disconnected),
            (_, ConnectionState::Connected),
        ] = path.changes[..]
        else {
            panic!("{:?}", path.changes);
        };
        let noticed = lost - gone;
        assert!((2.0..3.5).contains(&noticed.as_secs_f64()), "{noticed:?}");
    }

    #[test]
    fn an_hour_of_bad_wifi_is_no_silence() {
        let mut path = Path::new();
        path.pass(Duration::from_secs(3_600), |_| 0.1);
        assert_eq!(path.changes, []);
        // A pause of 1.5 s every 20, as by who roams from one room to the next and back.
        path.pass(Duration::from_secs(3_600), |time| {
            if time.as_millis() % 20_000 < 1_500 {
                1.0
            } else {
                0.02
            }
        });
        assert_eq!(path.changes, []);
    }
}

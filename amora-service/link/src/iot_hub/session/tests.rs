use super::*;

const CLOCK_AT_START: u64 = 1_800_000_000;
const SECOND: Duration = Duration::from_secs(1);

struct Bench {
    session: Session,
    now: Duration,
    /// How far the clock is from where it should be.
    astray: i64,
}

impl Bench {
    fn new(hub: Hub, signs: bool) -> Self {
        Self {
            session: Session::new(hub, signs, Renewal::default(), BACKOFF),
            now: Duration::from_secs(50),
            astray: 0,
        }
    }

    fn fixed() -> Self {
        let hub = Hub::Fixed {
            host: "h".to_owned(),
            device_id: "d".to_owned(),
        };
        Self::new(hub, true)
    }

    fn next(&mut self) -> Action {
        let clock = (CLOCK_AT_START + self.now.as_secs()).saturating_add_signed(self.astray);
        self.session.next(self.now, clock, 0.5)
    }

    /// Waits as long as the session wants to, then gives what it does.
    fn act(&mut self) -> Action {
        for _ in 0..100 {
            match self.next() {
                Action::Wait(until) | Action::WaitForClock(until) => {
                    assert!(until > self.now && until < Duration::MAX, "it waits for nothing");
                    self.now = until;
                }
                action => return action,
            }
        }
        panic!("it waits for ever");
    }

    fn connect(&mut self) {
        assert!(matches!(self.act(), Action::Connect { .. }));
        self.session.connected(self.now);
    }

    fn end(&mut self, ending: Ending) -> Duration {
        self.session.ended(ending, self.now, 0.5)
    }
}

fn assignment(host: &str) -> Assignment {
    Assignment {
        id_scope: "0ne1".to_owned(),
        registration_id: "box".to_owned(),
        host: host.to_owned(),
        device_id: "box".to_owned(),
    }
}

#[test]
fn a_token_is_renewed_before_it_expires_and_the_gap_is_a_reconnect() {
    let mut bench = Bench::fixed();
    let Action::Connect { expiry, .. } = bench.act() else {
        panic!("it does not connect")
    };
    bench.session.connected(bench.now);
    let life = Duration::from_secs(expiry - CLOCK_AT_START) - bench.now;
    assert_eq!(life, Renewal::default().life);
    let began = bench.now;
    assert_eq!(bench.act(), Action::Renew);
    let used = bench.now - began;
    assert!(used > life / 2 && used < life * 9 / 10, "{used:?}");
    assert!(matches!(bench.next(), Action::Connect { .. }), "without any wait");
}

#[test]
fn a_certificate_needs_neither_clock_nor_renewal_until_it_changes() {
    let mut bench = Bench::fixed();
    bench.session.signs = false;
    bench.astray = -(CLOCK_AT_START as i64);
    bench.connect();
    assert_eq!(bench.next(), Action::Wait(Duration::MAX));
    bench.session.identity_changed();
    assert_eq!(bench.next(), Action::Renew);
    bench.connect();
    assert_eq!(bench.next(), Action::Wait(Duration::MAX));
}

#[test]
fn nothing_is_signed_before_the_clock_is_right() {
    let mut bench = Bench::fixed();
    bench.astray = -(CLOCK_AT_START as i64);
    for _ in 0..600 {
        let Action::WaitForClock(until) = bench.next() else {
            panic!("it signed")
        };
        bench.now = until;
    }
    bench.astray = 0;
    assert!(matches!(bench.next(), Action::Connect { expiry, .. } if expiry > CLOCK_AT_START));
}

#[test]
fn a_clock_that_is_set_after_a_refusal_ends_the_wait() {
    let mut bench = Bench::fixed();
    bench.astray = -864_000;
    assert!(matches!(bench.act(), Action::Connect { .. }));
    let wait = bench.end(Ending::Identity);
    assert!(wait >= 8 * SECOND);
    bench.now += SECOND;
    assert!(matches!(bench.next(), Action::Wait(_)));
    bench.astray = 0;
    bench.now += SECOND;
    assert!(matches!(bench.next(), Action::Connect { .. }));
}

#[test]
fn a_certificate_that_the_clock_makes_void_is_tried_again_when_the_clock_is_set() {
    let mut bench = Bench::new(Hub::Assigned(Some(assignment("first"))), false);
    bench.astray = -(CLOCK_AT_START as i64);
    for _ in 0..3 * FAILURES {
        assert!(
            matches!(bench.act(), Action::Connect { .. }),
            "the assigned hub is kept"
        );
        bench.end(Ending::Clock);
    }
    bench.now += SECOND;
    assert!(matches!(bench.next(), Action::Wait(_)));
    bench.astray = 0;
    bench.now += SECOND;
    assert!(matches!(bench.next(), Action::Connect { .. }));
}

#[test]
fn a_clock_that_is_set_while_connected_renews_the_token() {
    let mut bench = Bench::fixed();
    bench.connect();
    bench.now += 10 * SECOND;
    assert!(matches!(bench.next(), Action::Wait(_)));
    bench.astray = 3600;
    assert_eq!(bench.next(), Action::Renew);
}

#[test]
fn waits_grow_from_ten_seconds_to_five_minutes_and_never_end() {
    let mut bench = Bench::fixed();
    let mut waits = Vec::new();
    for _ in 0..40 {
        assert!(matches!(bench.act(), Action::Connect { .. }));
        waits.push(bench.end(Ending::Failed));
    }
    assert_eq!(waits[0], 10 * SECOND);
    assert_eq!(waits[1], 15 * SECOND);
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!(waits[39], 250 * SECOND, "the cap, with room for the jitter");
}

#[test]
fn a_connection_that_had_held_is_back_within_two_seconds() {
    let mut bench = Bench::fixed();
    for _ in 0..50 {
        bench.connect();
        bench.now += BRIEF;
        assert!(bench.end(Ending::Lost) <= 2 * SECOND);
    }
    bench.connect();
    bench.now += 60 * SECOND;
    assert!(bench.end(Ending::Busy) >= 8 * SECOND, "who is busy is left alone");
}

#[test]
fn a_network_that_was_away_for_minutes_is_noticed_within_two_seconds() {
    let mut bench = Bench::new(Hub::Assigned(Some(assignment("h"))), true);
    bench.connect();
    bench.now += 60 * SECOND;
    let lost = bench.now;
    bench.end(Ending::Lost);
    let mut attempts = 0;
    while bench.now < lost + 290 * SECOND {
        assert!(matches!(bench.act(), Action::Connect { .. }), "it keeps its hub");
        let wait = bench.end(Ending::Unreached);
        assert!(SECOND <= wait && wait <= 2 * SECOND, "{wait:?}");
        attempts += 1;
    }
    assert!(attempts > 100);
    bench.now = lost + OUTAGE;
    assert!(bench.end(Ending::Unreached) >= 8 * SECOND, "then it waits longer");
}

#[test]
fn who_never_connected_or_is_turned_away_is_patient() {
    let mut bench = Bench::fixed();
    assert!(matches!(bench.act(), Action::Connect { .. }));
    assert!(bench.end(Ending::Unreached) >= 8 * SECOND, "never connected");
    bench.connect();
    bench.now += 60 * SECOND;
    bench.end(Ending::Lost);
    assert!(matches!(bench.act(), Action::Connect { .. }));
    assert!(bench.end(Ending::Failed) >= 8 * SECOND, "somebody is there");
}

#[test]
fn two_clients_with_one_id_are_found_out_and_do_not_fight() {
    let mut bench = Bench::fixed();
    for round in 1..=BRIEF_IN_A_ROW {
        assert!(!bench.session.is_contested(), "{round}");
        bench.connect();
        bench.now += SECOND;
        let wait = bench.end(Ending::Lost);
        assert_eq!(wait >= 8 * SECOND, round == BRIEF_IN_A_ROW, "{round}: {wait:?}");
    }
    assert!(bench.session.is_contested());
    bench.connect();
    bench.now += 60 * SECOND;
    bench.end(Ending::Lost);
    assert!(!bench.session.is_contested());
}

#[test]
fn a_device_is_provisioned_once_and_again_when_the_hub_disowns_it() {
    let mut bench = Bench::new(Hub::Assigned(None), true);
    assert_eq!(bench.act(), Action::Provision);
    bench.session.assigned(assignment("first"), bench.now);
    bench.connect();
    bench.now += 60 * SECOND;
    bench.end(Ending::Lost);
    assert!(
        matches!(bench.act(), Action::Connect { host, .. } if host == "first"),
        "the cached hub"
    );
    bench.end(Ending::Identity);
    assert_eq!(bench.act(), Action::Provision);
    bench.session.assigned(assignment("second"), bench.now);
    assert!(matches!(bench.act(), Action::Connect { host, .. } if host == "second"));
}

#[test]
fn ten_failures_in_a_row_provision_again() {
    let mut bench = Bench::new(Hub::Assigned(Some(assignment("gone"))), true);
    for _ in 0..FAILURES {
        assert!(matches!(bench.act(), Action::Connect { .. }));
        bench.end(Ending::Failed);
    }
    assert_eq!(bench.act(), Action::Provision);
    for _ in 0..20 {
        let wait = bench.end(Ending::Failed);
        assert!(wait >= 8 * SECOND, "the provisioning service is not stormed");
        assert_eq!(bench.act(), Action::Provision);
    }
}

#[test]
fn a_fixed_hub_is_never_given_up() {
    let mut bench = Bench::fixed();
    for _ in 0..30 {
        assert!(matches!(bench.act(), Action::Connect { .. }));
        bench.end(Ending::Identity);
    }
}

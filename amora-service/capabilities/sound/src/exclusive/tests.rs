use super::*;

/// A box whose engine does as it is told, a step later.
struct Bench {
    exclusive: Exclusive,
    now: Instant,
    phase: CardPhase,
    next: CardPhase,
}

impl Bench {
    fn new() -> Self {
        Self {
            exclusive: Exclusive::new(false),
            now: Instant::now(),
            phase: CardPhase::Running,
            next: CardPhase::Running,
        }
    }

    fn pass(&mut self, time: Duration, needed: bool) -> CardOwner {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(50);
            self.phase = self.next;
            match self.exclusive.step(self.now, self.phase, needed) {
                Some(Act::Release) => self.next = CardPhase::Released,
                Some(Act::Resume) => self.next = CardPhase::Running,
                None => {}
            }
        }
        self.exclusive.owner()
    }
}

const MOMENT: Duration = Duration::from_millis(200);

#[test]
fn the_player_gets_the_card_when_it_is_asked_and_nothing_else_sounds() {
    let mut bench = Bench::new();
    assert_eq!(bench.pass(QUIET, false), CardOwner::Engine);
    bench.exclusive.want(true);
    assert_eq!(bench.pass(MOMENT, false), CardOwner::Player);
    assert_eq!(bench.phase, CardPhase::Released);
}

#[test]
fn a_chime_brings_it_back_and_quiet_gives_it_away_again() {
    let mut bench = Bench::new();
    bench.exclusive.want(true);
    bench.pass(MOMENT, false);
    assert_eq!(bench.pass(Duration::from_millis(50), true), CardOwner::Returning);
    assert_eq!(bench.pass(MOMENT, true), CardOwner::Engine);
    assert_eq!(
        bench.pass(QUIET / 2, false),
        CardOwner::Engine,
        "not between two sentences"
    );
    assert_eq!(bench.pass(QUIET, false), CardOwner::Player);
}

#[test]
fn ending_it_returns_the_card() {
    let mut bench = Bench::new();
    bench.exclusive.want(true);
    bench.pass(MOMENT, false);
    bench.exclusive.want(false);
    assert_eq!(bench.pass(Duration::from_millis(50), false), CardOwner::Returning);
    assert_eq!(bench.pass(10 * QUIET, false), CardOwner::Engine);
    assert_eq!(bench.phase, CardPhase::Running);
}

#[test]
fn returning_lasts_until_the_player_lets_go() {
    let mut bench = Bench::new();
    bench.exclusive.want(true);
    bench.pass(MOMENT, false);
    bench.exclusive.want(false);
    bench.exclusive.step(bench.now, CardPhase::Released, false);
    assert!(bench.exclusive.is_patient(bench.now));
    assert!(!bench.exclusive.is_patient(bench.now + PATIENCE));
    for _ in 0..5 {
        bench.next = CardPhase::Opening;
        bench.now += MOMENT;
        bench.exclusive.step(bench.now, CardPhase::Opening, false);
        assert_eq!(bench.exclusive.owner(), CardOwner::Returning);
    }
    assert_eq!(bench.exclusive.step(bench.now, CardPhase::Running, false), None);
    assert_eq!(bench.exclusive.owner(), CardOwner::Engine);
}

#[test]
fn a_change_of_mind_while_the_card_closes_keeps_it() {
    let mut bench = Bench::new();
    bench.exclusive.want(true);
    assert_eq!(
        bench.exclusive.step(bench.now, CardPhase::Running, false),
        Some(Act::Release)
    );
    assert_eq!(
        bench.exclusive.step(bench.now, CardPhase::Running, true),
        Some(Act::Resume)
    );
    assert_eq!(bench.exclusive.owner(), CardOwner::Engine);
}

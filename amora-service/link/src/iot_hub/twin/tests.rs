use super::*;
use serde_json::json;

const PACE: Duration = Duration::from_secs(1);

/// A hub that holds one twin, and a clock that the test moves.
struct Bench {
    twin: Twin,
    now: Duration,
    reported: Map<String, Value>,
    desired: Map<String, Value>,
    version: u64,
    /// Patches that the hub took.
    patches: Vec<Value>,
    /// Statuses that the hub answers with before it answers truly.
    trouble: Vec<u32>,
    /// A reported property that the hub refuses.
    poison: Option<&'static str>,
}

impl Bench {
    fn new() -> Self {
        Self {
            twin: Twin::new(PACE),
            now: Duration::from_secs(1000),
            reported: Map::new(),
            desired: Map::new(),
            version: 1,
            patches: Vec::new(),
            trouble: Vec::new(),
            poison: None,
        }
    }

    fn connect(&mut self) {
        self.twin.connected(self.now);
        self.run(Duration::ZERO);
    }

    fn whole(&self) -> Vec<u8> {
        let mut desired = self.desired.clone();
        desired.insert("$version".to_owned(), self.version.into());
        desired.insert("$metadata".to_owned(), json!({}));
        let mut reported = self.reported.clone();
        reported.insert("$version".to_owned(), 7.into());
        json!({"desired": desired, "reported": reported})
            .to_string()
            .into_bytes()
    }

    /// Answers everything that is asked until `span` has passed.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            while let Some(ask) = self.twin.ask(self.now, 0.5) {
                self.serve(ask);
            }
            match self.twin.deadline() {
                Some(next) if next <= end => self.now = next.max(self.now),
                _ => break,
            }
        }
        self.now = end;
    }

    fn serve(&mut self, ask: Ask) {
        let trouble = self.trouble.pop();
        let (request, status, body) = match ask {
            Ask::Get { request } => (request, 200, self.whole()),
            Ask::Patch { request, body } => {
                let refused = self.poison.is_some_and(|poison| body.contains_key(poison));
                if !refused && trouble.is_none() {
                    merge_patch(&mut self.reported, &body);
                    self.patches.push(Value::Object(body));
                }
                (request, if refused { 400 } else { 204 }, Vec::new())
            }
        };
        let status = trouble.unwrap_or(status);
        self.twin.answer(&request, status, &body, self.now, 0.5);
    }

    fn desire(&mut self, patch: Value) {
        let Value::Object(patch) = patch else {
            panic!("not an object")
        };
        merge_patch(&mut self.desired, &patch);
        self.version += 1;
    }
}

#[test]
fn the_twin_is_read_first_and_then_told_what_it_does_not_hold() {
    let mut bench = Bench::new();
    bench.desired = Map::from_iter([("volume".to_owned(), json!(30))]);
    bench.reported = Map::from_iter([
        ("same".to_owned(), json!({"a": 1})),
        ("stale".to_owned(), json!({"a": 1, "b": 2})),
    ]);
    bench.twin.report("same", json!({"a": 1.0}));
    bench.twin.report("stale", json!({"a": 1, "c": 3}));
    bench.twin.report("gone", Value::Null);
    assert_eq!(bench.twin.ask(bench.now, 0.5), None, "nothing before the connect");
    bench.connect();
    let desired = bench.twin.desired().unwrap();
    assert_eq!((desired.version, desired.all["volume"].clone()), (1, json!(30)));
    assert_eq!(desired.reported["same"], json!({"a": 1}));
    assert_eq!(bench.patches, [json!({"stale": {"b": null, "c": 3}})]);
    assert!(bench.twin.is_settled());
    assert_eq!(bench.twin.desired(), None, "it is news once");
}

#[test]
fn changes_within_the_pace_share_one_patch() {
    let mut bench = Bench::new();
    bench.twin.report("m", json!(0));
    bench.connect();
    bench.patches.clear();
    bench.twin.report("n", json!(0));
    bench.run(Duration::ZERO);
    for n in 1..=100 {
        bench.twin.report("n", json!(n));
        bench.twin.report("m", json!({"n": n}));
    }
    bench.run(PACE / 2);
    assert_eq!(bench.patches.len(), 1, "{:?}", bench.patches);
    bench.run(PACE);
    assert_eq!(bench.patches[1..], [json!({"m": {"n": 100}, "n": 100})]);
}

#[test]
fn what_was_desired_while_the_box_was_away_is_answered_at_once() {
    let mut bench = Bench::new();
    bench.connect();
    bench.twin.disconnected();
    bench.twin.report("state", json!("changed while away"));
    bench.desire(json!({"volume": 9}));
    bench.connect();
    assert_eq!(bench.patches.len(), 1);
    assert_eq!(bench.twin.desired().unwrap().all["volume"], 9);
    bench.twin.report("volume", json!({"value": 9, "ac": 200}));
    bench.run(Duration::ZERO);
    assert_eq!(bench.reported["volume"]["ac"], 200);
    bench.twin.report("state", json!("changed again"));
    bench.run(PACE / 2);
    assert_eq!(bench.patches.len(), 2, "from now on there is a pace");
}

#[test]
fn patches_are_taken_in_the_order_of_their_versions() {
    let mut bench = Bench::new();
    bench.connect();
    bench.twin.desired().unwrap();
    bench
        .twin
        .desired_patch(2, br#"{"a": {"b": 1, "c": 2}, "$version": 2}"#);
    bench
        .twin
        .desired_patch(3, br#"{"a": {"b": null}, "$version": 3}"#);
    bench.twin.desired_patch(2, br#"{"a": {"b": 5}, "$version": 2}"#);
    let news = bench.twin.desired().unwrap();
    assert_eq!(news.version, 3);
    assert_eq!(Value::Object(news.all), json!({"a": {"c": 2}}));
    assert_eq!(Value::Object(news.changed), json!({"a": {"b": null, "c": 2}}));
}

#[test]
fn a_gap_or_a_patch_that_cannot_be_read_has_the_whole_read_again() {
    for (version, patch) in [(4, "{\"d\": 4}"), (2, "{\"a\":"), (2, "[1]")] {
        let mut bench = Bench::new();
        bench.connect();
        bench.twin.desired().unwrap();
        bench.desire(json!({"a": 1}));
        bench.twin.desired_patch(version, patch.as_bytes());
        assert_eq!(bench.twin.desired(), None);
        bench.run(PACE);
        let news = bench.twin.desired().unwrap();
        assert_eq!((news.version, Value::Object(news.all)), (2, json!({"a": 1})));
    }
}

#[test]
fn what_is_nested_without_end_hides_no_other_property() {
    let nested = format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000));
    let mut bench = Bench::new();
    bench.connect();
    bench.twin.desired().unwrap();
    let patch = format!("{{\"deep\": {nested}, \"plain\": 1}}");
    bench.twin.desired_patch(2, patch.as_bytes());
    let news = bench.twin.desired().unwrap();
    assert_eq!((news.version, &news.all["plain"]), (2, &json!(1)));
    assert!(news.all["deep"].is_object());
}

#[test]
fn a_patch_that_overtakes_the_whole_has_it_read_once_more() {
    let mut bench = Bench::new();
    bench.twin.connected(bench.now);
    let Some(Ask::Get { request }) = bench.twin.ask(bench.now, 0.5) else {
        panic!("not asked")
    };
    let old = bench.whole();
    bench.desire(json!({"a": 1}));
    bench.twin.desired_patch(2, br#"{"a": 1}"#);
    bench.twin.answer(&request, 200, &old, bench.now, 0.5);
    assert_eq!(bench.twin.desired(), None);
    bench.run(Duration::from_secs(10));
    assert_eq!(bench.twin.desired().unwrap().all["a"], 1);
}

#[test]
fn nothing_is_lost_with_a_connection_and_nothing_stale_survives_it() {
    let mut bench = Bench::new();
    bench.connect();
    bench.twin.desired().unwrap();
    bench.twin.report("a", json!(1));
    let Some(Ask::Patch { request, .. }) = bench.twin.ask(bench.now, 0.5) else {
        panic!("not sent")
    };
    bench.twin.disconnected();
    // Meanwhile the cloud changed the twin, and the late answer means nothing any more.
    bench.desire(json!({"volume": 9}));
    bench.reported.insert("a".to_owned(), json!("theirs"));
    bench.twin.report("b", json!(2));
    bench.connect();
    bench.twin.answer(&request, 204, b"", bench.now, 0.5);
    bench.run(PACE);
    assert_eq!(Value::Object(bench.reported.clone()), json!({"a": 1, "b": 2}));
    assert_eq!(bench.twin.desired().unwrap().all["volume"], 9);
}

#[test]
fn a_twin_that_was_made_anew_counts_from_one_again() {
    let mut bench = Bench::new();
    bench.version = 50;
    bench.desired.insert("a".to_owned(), json!(1));
    bench.connect();
    bench.twin.desired().unwrap();
    bench.twin.disconnected();
    bench.version = 1;
    bench.desired = Map::from_iter([("b".to_owned(), json!(2))]);
    bench.connect();
    let news = bench.twin.desired().unwrap();
    assert_eq!(news.version, 1);
    assert_eq!(Value::Object(news.changed), json!({"a": null, "b": 2}));
    bench.twin.desired_patch(2, br#"{"b": 3}"#);
    assert_eq!(bench.twin.desired().unwrap().all["b"], 3);
}

#[test]
fn throttling_slows_down_and_loses_nothing() {
    let mut bench = Bench::new();
    bench.trouble = vec![503, 429];
    bench.twin.report("a", json!(1));
    bench.connect();
    assert_eq!(bench.twin.desired(), None, "429 at first");
    bench.run(Duration::from_secs(10));
    assert!(bench.twin.is_settled());
    bench.trouble = vec![429, 429, 429];
    bench.twin.report("a", json!(2));
    let before = bench.now;
    bench.run(Duration::from_secs(60));
    assert_eq!(bench.reported["a"], 2);
    assert!(bench.now > before && bench.trouble.is_empty());
}

#[test]
fn a_refused_property_does_not_hold_back_the_others() {
    let mut bench = Bench::new();
    bench.connect();
    bench.poison = Some("bad");
    for property in ["a", "bad", "z"] {
        bench.twin.report(property, json!(1));
    }
    bench.run(Duration::from_secs(30));
    assert_eq!(Value::Object(bench.reported.clone()), json!({"a": 1, "z": 1}));
    assert_eq!(bench.twin.refused().collect::<Vec<_>>(), ["bad"]);
    let count = bench.patches.len();
    bench.run(Duration::from_secs(600));
    assert_eq!(bench.patches.len(), count, "it is not tried for ever");
    bench.poison = None;
    bench.twin.report("bad", json!(2));
    bench.run(Duration::from_secs(30));
    assert_eq!(bench.reported["bad"], 2);
}

#[test]
fn an_answer_that_never_comes_is_asked_for_again() {
    let mut bench = Bench::new();
    bench.twin.connected(bench.now);
    assert!(matches!(bench.twin.ask(bench.now, 0.5), Some(Ask::Get { .. })));
    assert_eq!(bench.twin.deadline(), Some(bench.now + PATIENCE));
    bench.run(PATIENCE * 2);
    assert!(bench.twin.desired().is_some());
    bench.twin.report("a", json!(1));
    assert!(matches!(bench.twin.ask(bench.now, 0.5), Some(Ask::Patch { .. })));
    bench.run(PATIENCE * 2);
    assert_eq!(bench.reported["a"], 1);
}

#[test]
fn another_hub_is_told_everything() {
    let mut bench = Bench::new();
    bench.twin.report("a", json!(1));
    bench.connect();
    bench.twin.desired().unwrap();
    bench.twin.disconnected();
    bench.twin.forget();
    bench.reported.clear();
    bench.connect();
    assert_eq!(bench.reported["a"], 1);
    assert!(bench.twin.desired().is_some());
}

//! WHIP and WHEP, with the box's own session and signalling on the other side.

use crate::{PATIENCE, share_of, tone, wait_for};
use amora_peer_hub::{BURST, FRAME, Hub, Options, RATE};
use amora_voice::signalling::{Signalling, Whip};
use amora_voice::{
    Arrival, Direction, MediaSession, MediaState, OpusPacket, SessionEvent, SessionSettings, WebRtcSession,
};
use reqwest::Method;
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION, WWW_AUTHENTICATE,
};
use std::time::Duration;

const TOKEN: &str = "open sesame";
const PACE: Duration = Duration::from_millis(20);
const LINK: &str = "<stun:127.0.0.1:9>; rel=\"ice-server\"";

pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

fn settings(direction: Direction) -> SessionSettings {
    SessionSettings {
        direction,
        addresses: vec!["127.0.0.1:0".to_owned()],
        ice_servers: Vec::new(),
    }
}

/// One call of the box.
pub(crate) struct Desk<S> {
    pub(crate) session: WebRtcSession,
    signalling: S,
}

impl<S: Signalling> Desk<S> {
    pub(crate) async fn connect(mut signalling: S, direction: Direction) -> Self {
        let mut session = WebRtcSession::new(settings(direction)).await.unwrap();
        let offer = session.offer().await.unwrap();
        let answer = signalling.connect(&offer).await.unwrap();
        session.answer(&answer).await.unwrap();
        patiently("the call", async {
            while session.next().await.expect("the session goes on")
                != SessionEvent::State(MediaState::Connected)
            {}
        })
        .await;
        Self { session, signalling }
    }

    pub(crate) async fn arrival(&mut self) -> Arrival {
        patiently("a packet", async {
            loop {
                if let SessionEvent::Packet(packet) = self.session.next().await.expect("the session goes on")
                {
                    return packet;
                }
            }
        })
        .await
    }

    /// The sound of so many packets, whose numbers follow each other.
    async fn sound(&mut self, packets: usize) -> Vec<i16> {
        let mut decoder = opus::Decoder::new(RATE, opus::Channels::Mono).unwrap();
        let mut heard = vec![0; packets * FRAME];
        let mut last: Option<(u16, u32)> = None;
        for frame in heard.chunks_mut(FRAME) {
            let packet = self.arrival().await;
            if let Some((sequence, timestamp)) = last {
                let next = (sequence.wrapping_add(1), timestamp.wrapping_add(FRAME as u32));
                assert_eq!((packet.sequence, packet.timestamp), next);
            }
            last = Some((packet.sequence, packet.timestamp));
            assert_eq!(decoder.decode(&packet.payload, frame, false).unwrap(), FRAME);
        }
        heard
    }

    async fn speak(&mut self, samples: &[i16]) {
        let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip).unwrap();
        for (number, frame) in samples.chunks(FRAME).enumerate() {
            let packet = OpusPacket {
                position: (number * FRAME) as u64,
                frames: FRAME as u32,
                payload: encoder.encode_vec(frame, 1_275).unwrap().into(),
            };
            self.session.send(packet).await.unwrap();
        }
    }
}

fn door(hub: &Hub, path: &str, direction: Direction) -> Whip {
    let url = format!("{}{path}", hub.url());
    Whip::new(&url, Some(TOKEN.to_owned()), direction).unwrap()
}

async fn hub() -> Hub {
    let options = Options {
        token: Some(TOKEN.to_owned()),
        links: vec![LINK.to_owned()],
        ..Options::default()
    };
    Hub::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microphone_comes_by_whip_and_both_ways_go_out_by_whep() {
    let hub = hub().await;
    let mut listener = Desk::connect(door(&hub, "/whep/desk", Direction::Receive), Direction::Receive).await;
    assert_eq!((hub.viewers("desk"), hub.devices().len()), (1, 0));
    let speech = door(&hub, "/whep/desk/speech", Direction::Receive);
    let mut loudspeaker = Desk::connect(speech, Direction::Receive).await;

    // Twice, as after a restart: who listens along hears one stream.
    for round in 1..=2 {
        let whip = door(&hub, "/whip/desk", Direction::Send);
        let mut microphone = Desk::connect(whip, Direction::Send).await;
        let session = patiently("the device", hub.connected("desk")).await;
        assert_eq!(hub.connects("desk"), round);
        microphone.speak(&tone(1_000.0, 60)).await;
        wait_for("the tone", || session.heard_samples() == 60 * FRAME as u64).await;
        assert!(share_of(1_000.0, &session.heard(1.0)) > 0.9);
        let said = session.say(&tone(700.0, 1), BURST).await;
        assert!(said.is_err(), "by WHIP nothing goes back");

        microphone.signalling.end().await;
        wait_for("the end", || hub.session("desk").is_none()).await;
        microphone.session.close().await;
    }
    let heard = listener.sound(120).await;
    for second in heard.chunks(60 * FRAME) {
        assert!(share_of(1_000.0, &second[10 * FRAME..]) > 0.9);
    }

    let session = patiently("the loudspeaker", hub.reachable("desk")).await;
    assert_eq!(session.say(&tone(700.0, 60), BURST).await.unwrap(), 60);
    let heard = loudspeaker.sound(60).await;
    assert!(share_of(700.0, &heard[10 * FRAME..]) > 0.9);
    assert_eq!(hub.counters().tts_frames_routed(), 60);

    listener.signalling.end().await;
    loudspeaker.signalling.end().await;
    wait_for("both ends", || {
        hub.viewers("desk") == 0 && hub.devices().is_empty()
    })
    .await;
    hub.stop().await;
}

#[tokio::test]
async fn what_stands_in_no_session_is_refused_as_the_standard_says() {
    let hub = hub().await;
    let client = reqwest::Client::new();
    let ask = |method: Method, path: &str| client.request(method, format!("{}{path}", hub.url()));
    let offer = |path| {
        ask(Method::POST, path)
            .header(CONTENT_TYPE, "application/sdp")
            .body("v=0\r\n")
    };

    for path in ["/whip/desk", "/whep/desk", "/whep/desk/speech"] {
        let refused = offer(path).send().await.unwrap();
        assert_eq!(refused.status(), 401);
        assert_eq!(refused.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(refused.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let refused = offer(path).bearer_auth("open rye").send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let refused = offer(path).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(refused.status(), 400);
        assert_eq!(refused.text().await.unwrap(), "the offer has no audio");
        let refused = ask(Method::POST, path).bearer_auth(TOKEN).body("v=0\r\n");
        assert_eq!(refused.send().await.unwrap().status(), 415);
        let refused = ask(Method::GET, path).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(refused.status(), 405);

        let about = ask(Method::OPTIONS, path).send().await.unwrap();
        assert_eq!(about.status(), 204);
        assert_eq!(about.headers()["accept-post"], "application/sdp");
        assert_eq!(about.headers()["link"], LINK);
    }
    let servers = door(&hub, "/whip/desk", Direction::Send).ice_servers().await;
    assert_eq!(servers[0].urls, ["stun:127.0.0.1:9"]);

    let mut listener = Desk::connect(door(&hub, "/whep/desk", Direction::Receive), Direction::Receive).await;
    let unknown = ask(Method::DELETE, "/sessions/0").header(AUTHORIZATION, format!("bearer {TOKEN}"));
    assert_eq!(unknown.send().await.unwrap().status(), 404);
    listener.signalling.end().await;
    assert_eq!(hub.viewers("desk"), 0);
    listener.session.close().await;
    hub.stop().await;
}

/// How many addresses a description has, for RTP.
fn host_candidates(sdp: &str) -> usize {
    let candidates = sdp.lines().filter(|line| line.starts_with("a=candidate:"));
    candidates.filter(|line| line.contains(" 1 udp ")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_by_another_path_and_its_device_by_the_same_numbers() {
    let hub = hub().await;
    let mut microphone = Desk::connect(door(&hub, "/whip/desk", Direction::Send), Direction::Send).await;
    let speech = door(&hub, "/whep/desk/speech", Direction::Receive);
    let mut loudspeaker = Desk::connect(speech, Direction::Receive).await;
    let session = patiently("the device", hub.connected("desk")).await;
    microphone.speak(&tone(1_000.0, 25)).await;
    wait_for("the first path", || session.packets().len() == 25).await;

    for round in 2..=3 {
        let counters = hub.counters();
        let said = counters.tts_frames_routed() + counters.tts_frames_dropped();
        for desk in [&mut microphone, &mut loudspeaker] {
            assert!(desk.signalling.can_restart());
            let offer = desk.session.restart().await.unwrap();
            let answer = desk.signalling.restart(&offer).await.unwrap();
            assert_eq!(host_candidates(&answer), 1, "it stays where it is: {answer}");
            desk.session.answer(&answer).await.unwrap();
        }
        // What is sent before the path is there is lost.
        patiently("the new path", async {
            while session.packets().len() < 25 * round {
                microphone.speak(&tone(1_000.0, 1)).await;
                tokio::time::sleep(PACE).await;
            }
        })
        .await;
        patiently("the new path of speech", async {
            let (session, word) = (hub.reachable("desk").await, tone(700.0, 1));
            let mut heard = None;
            while heard < Some(said) {
                tokio::select! {
                    arrival = loudspeaker.arrival() => heard = Some(u64::from(arrival.sequence)),
                    said = session.say(&word, PACE) => assert!(said.is_ok()),
                }
            }
        })
        .await;
    }
    assert_eq!(hub.connects("desk"), 1, "it is the same session");
    microphone.signalling.end().await;
    loudspeaker.signalling.end().await;
    microphone.session.close().await;
    loudspeaker.session.close().await;
    hub.stop().await;
}

#[tokio::test]
async fn a_path_that_is_none_is_refused_as_the_standard_says_and_the_session_goes_on() {
    let hub = hub().await;
    let client = reqwest::Client::new();
    let mut session = WebRtcSession::new(settings(Direction::Send)).await.unwrap();
    let offer = session.offer().await.unwrap();
    let post = client.post(format!("{}/whip/desk", hub.url())).bearer_auth(TOKEN);
    let made = post.header(CONTENT_TYPE, "application/sdp").body(offer.clone());
    let made = made.send().await.unwrap();
    let (location, first) = (made.headers()[LOCATION].clone(), made.headers()[ETAG].clone());
    assert!(first.as_bytes().starts_with(b"\""), "a strong one: {first:?}");
    session.answer(&made.text().await.unwrap()).await.unwrap();
    patiently("the device", hub.connected("desk")).await;

    let url = format!("{}{}", hub.url(), location.to_str().unwrap());
    let path = |sdp: &str, user: &str| -> String {
        let kept = sdp
            .lines()
            .filter(|line| line.starts_with("m=") || line.starts_with("a=ice-pwd:"));
        let lines: Vec<&str> = kept.collect();
        format!("{}\r\na=ice-ufrag:{user}\r\n", lines.join("\r\n"))
    };
    let user = offer
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"))
        .unwrap();
    let (same, another) = (path(&offer, user), path(&offer, "another"));
    let kind = "application/trickle-ice-sdpfrag";
    let first = first.to_str().unwrap().to_owned();
    for (kind, tag, body, status) in [
        ("application/sdp", Some("*"), &another, 415),
        (kind, None, &another, 428),
        (kind, Some("\"older\""), &another, 412),
        (kind, Some("*"), &"no fragment".to_owned(), 400),
        (kind, Some("*"), &another.replace("another", "x"), 400),
        (kind, Some(&*first), &same, 422),
        (kind, Some("*"), &same, 422),
    ] {
        let mut patch = client.patch(&url).bearer_auth(TOKEN).header(CONTENT_TYPE, kind);
        if let Some(tag) = tag {
            patch = patch.header(IF_MATCH, tag);
        }
        let refused = patch.body(body.clone()).send().await.unwrap();
        assert_eq!(refused.status(), status, "{tag:?} {body}");
        assert!(hub.session("desk").unwrap().is_connected());
    }
    let patch = |url: &str| {
        client
            .patch(url)
            .header(CONTENT_TYPE, kind)
            .header(IF_MATCH, "*")
            .body(another.clone())
    };
    assert_eq!(patch(&url).send().await.unwrap().status(), 401);
    let unknown = patch(&format!("{}/sessions/0", hub.url())).bearer_auth(TOKEN);
    assert_eq!(unknown.send().await.unwrap().status(), 404);

    let moved = patch(&url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(
        (moved.status().as_u16(), &moved.headers()[CONTENT_TYPE]),
        (200, &kind.parse().unwrap())
    );
    let second = moved.headers()[ETAG].to_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert!(
        moved
            .text()
            .await
            .unwrap()
            .contains(&format!("a=ice-ufrag:{}", second.trim_matches('"')))
    );
    let about = client.request(Method::OPTIONS, &url).send().await.unwrap();
    assert_eq!(about.headers()["accept-patch"], kind);
    session.close().await;
    hub.stop().await;
}

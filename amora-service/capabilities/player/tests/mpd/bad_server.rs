//! Servers that do not keep to the protocol. The clock is moved forward by hand to shorten the waits.

use crate::bench::{Bench, forward};
use amora_contract::config::PlayerConfig;
use amora_contract::state::{Condition, PlaybackState};
use amora_contract::{ErrorCode, EventKind};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does when a certain command comes.
#[derive(Clone)]
enum Trick {
    /// Writes this instead of an answer.
    Write(Vec<u8>),
    /// Writes this and closes the connection.
    WriteAndClose(Vec<u8>),
    /// Writes this again and again until nobody listens.
    Repeat(Vec<u8>),
    /// Nothing, for ever.
    Silence,
}

/// A server that behaves, but for the trick.
struct Fake {
    port: u16,
    trick: Arc<Mutex<Option<(&'static str, Trick)>>>,
}

impl Fake {
    /// `greeting` is the first thing written, `in_bytes` sends every byte on its own.
    async fn start(greeting: &'static str, in_bytes: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let trick: Arc<Mutex<Option<(&'static str, Trick)>>> = Arc::default();
        let tricks = trick.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, greeting, in_bytes, tricks.clone()));
            }
        });
        Self { port, trick }
    }

    fn play(&self, command: &'static str, trick: Trick) {
        *self.trick.lock().unwrap() = Some((command, trick));
    }

    fn behave(&self) {
        *self.trick.lock().unwrap() = None;
    }

    fn bench(&self) -> Bench {
        Bench::with(PlayerConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            mixer_output: "Fake".to_owned(),
            ..PlayerConfig::default()
        })
    }
}

async fn serve(
    stream: TcpStream,
    greeting: &'static str,
    in_bytes: bool,
    tricks: Arc<Mutex<Option<(&'static str, Trick)>>>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut list: Option<String> = None;
    writer.write_all(greeting.as_bytes()).await?;
    while let Some(line) = lines.next_line().await? {
        let name = line.split(' ').next().unwrap_or_default().to_owned();
        let trick = tricks
            .lock()
            .unwrap()
            .clone()
            .filter(|(command, _)| *command == name);
        match trick.map(|(_, trick)| trick) {
            Some(Trick::Write(bytes)) => {
                writer.write_all(&bytes).await?;
                continue;
            }
            Some(Trick::WriteAndClose(bytes)) => {
                writer.write_all(&bytes).await?;
                return writer.shutdown().await;
            }
            Some(Trick::Repeat(bytes)) => loop {
                writer.write_all(&bytes).await?;
            },
            Some(Trick::Silence) => std::future::pending().await,
            None => {}
        }
        let answer = match name.as_str() {
            "command_list_ok_begin" => {
                list = Some(String::new());
                continue;
            }
            "command_list_end" => format!("{}OK\n", list.take().unwrap_or_default()),
            "idle" => continue,
            name => {
                let fields = match name {
                    "status" => "volume: 40\nstate: stop\nplaylist: 1\nplaylistlength: 2\n",
                    "stats" => "uptime: 100000\nsongs: 7\n",
                    "outputs" => "outputid: 0\noutputname: Fake\nplugin: null\noutputenabled: 1\n",
                    "listplaylists" => PLAYLISTS,
                    _ => "",
                };
                match &mut list {
                    Some(list) => {
                        list.push_str(fields);
                        list.push_str("list_OK\n");
                        continue;
                    }
                    None => format!("{fields}OK\n"),
                }
            }
        };
        if in_bytes {
            for byte in answer.as_bytes() {
                writer.write_all(&[*byte]).await?;
                tokio::task::yield_now().await;
            }
        } else {
            writer.write_all(answer.as_bytes()).await?;
        }
    }
    Ok(())
}

const GREETING: &str = "OK MPD 0.24.0\n";
const PLAYLISTS: &str = "playlist: Ä\nLast-Modified: 2026-01-01T00:00:00Z\n";

async fn until_away(bench: &Bench, cause: &str) {
    bench
        .until(cause, |state| {
            let player = state.player.clone().unwrap_or_default();
            let health = state.system.health.get("player").cloned().unwrap_or_default();
            player.state == PlaybackState::Disconnected
                && player.error.as_ref().is_some_and(|error| error.contains(cause))
                && health.condition == Condition::Degraded
                && health.cause.contains(cause)
                && !health.next_step.is_empty()
        })
        .await;
}

async fn until_back(bench: &Bench) {
    forward(31).await;
    bench.until_connected().await;
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let fake = Fake::start(GREETING, true).await;
    let bench = fake.bench();
    bench.until_connected().await;
    assert_eq!(
        bench.done("get_playlists", json!({})).await["playlists"][0]["name"],
        "Ä"
    );
    assert_eq!(bench.done("get_status", json!({})).await["queue_length"], 2);
}

#[tokio::test]
async fn the_connection_may_end_at_any_byte() {
    let fake = Fake::start(GREETING, false).await;
    let bench = fake.bench();
    bench.until_connected().await;
    let whole = format!("{PLAYLISTS}OK\n");
    for length in 0..whole.len() {
        fake.play(
            "listplaylists",
            Trick::WriteAndClose(whole.as_bytes()[..length].to_vec()),
        );
        let error = bench.refused("get_playlists", json!({})).await;
        assert_eq!(error.code, ErrorCode::Unavailable, "{error}");
        assert_eq!(bench.player().state, PlaybackState::Disconnected);
        assert_eq!(
            bench.refused("get_playlists", json!({})).await.code,
            ErrorCode::Unavailable
        );
        fake.behave();
        until_back(&bench).await;
    }
    assert_eq!(
        bench.done("get_playlists", json!({})).await["playlists"][0]["name"],
        "Ä"
    );
}

#[tokio::test]
async fn huge_lines_and_endless_answers_end_in_a_clear_error() {
    let fake = Fake::start(GREETING, false).await;
    let bench = fake.bench();
    bench.until_connected().await;
    for (trick, cause) in [
        (Trick::Write(vec![b'x'; 4 << 20]), "longer than"),
        (
            Trick::Repeat(b"playlist: again and again\n".repeat(1000)),
            "larger than",
        ),
        (Trick::Write(b"binary: 99999999999\n".to_vec()), "larger than"),
        (Trick::Write(b"list_OK\nlist_OK\nOK\n".to_vec()), "2 answers to 1"),
        (
            Trick::Write(b"\xff\xfe garbage\nOK\n".to_vec()),
            "not MPD's protocol",
        ),
        (Trick::Write(b"ACK nonsense\n".to_vec()), "not MPD's protocol"),
        (Trick::Write(b"OK MPD 0.24.0\n".to_vec()), "not MPD's protocol"),
    ] {
        fake.play("listplaylists", trick);
        let error = bench.refused("get_playlists", json!({})).await;
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert!(error.message.contains(cause), "{error}");
        until_away(&bench, cause).await;
        fake.behave();
        until_back(&bench).await;
    }
}

#[tokio::test]
async fn refusals_cost_the_command_and_nothing_else() {
    let fake = Fake::start(GREETING, false).await;
    let bench = fake.bench();
    bench.until_connected().await;
    for (number, code) in [
        (1, ErrorCode::Failed),
        (2, ErrorCode::InvalidParameter),
        (4, ErrorCode::Failed),
        (5, ErrorCode::Failed),
        (50, ErrorCode::NotFound),
        (51, ErrorCode::Conflict),
        (52, ErrorCode::Failed),
        (53, ErrorCode::Failed),
        (54, ErrorCode::Conflict),
        (55, ErrorCode::Conflict),
        (56, ErrorCode::Conflict),
        (4_000_000_000_u32, ErrorCode::Failed),
    ] {
        fake.play(
            "rm",
            Trick::Write(format!("ACK [{number}@0] {{rm}} because\n").into_bytes()),
        );
        let error = bench.refused("delete_playlist", json!({"playlist": "P"})).await;
        assert_eq!(error.code, code, "{number}: {error}");
    }
    assert_eq!(bench.player().state, PlaybackState::Stop);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let fake = Fake::start(GREETING, false).await;
    let bench = Arc::new(fake.bench());
    bench.until_connected().await;
    fake.play("listplaylists", Trick::Silence);
    let asking = tokio::spawn({
        let bench = bench.clone();
        async move { bench.refused("get_playlists", json!({})).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    forward(16).await;
    let error = asking.await.unwrap();
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.contains("did not answer"), "{error}");
    let lost = |event: &EventKind| matches!(event, EventKind::PlayerDisconnected { cause } if cause.contains("did not"));
    assert!(bench.events().iter().any(lost));
    fake.behave();
    until_back(&bench).await;
}

#[tokio::test]
async fn something_that_is_not_mpd_is_recognised() {
    let fake = Fake::start("HTTP/1.1 400 Bad Request\r\n\r\n", false).await;
    until_away(&fake.bench(), "not MPD's protocol").await;
    let silent = Fake::start("", false).await.bench();
    tokio::time::sleep(Duration::from_millis(100)).await;
    forward(11).await;
    until_away(&silent, "did not answer within 10 s").await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nobody = Bench::with(PlayerConfig {
        host: "127.0.0.1".to_owned(),
        port: closed,
        ..PlayerConfig::default()
    });
    until_away(&nobody, "cannot be reached").await;
}

#[tokio::test]
async fn an_unused_connection_is_kept_and_a_dead_one_noticed() {
    let fake = Fake::start(GREETING, false).await;
    let bench = fake.bench();
    bench.until_connected().await;
    forward(31).await;
    assert_eq!(bench.done("get_status", json!({})).await["state"], "stop");
    fake.play("ping", Trick::WriteAndClose(Vec::new()));
    forward(31).await;
    until_away(&bench, "closed the connection").await;
}

#[tokio::test]
async fn while_mpd_hangs_the_volume_works_and_the_rest_is_soon_refused() {
    let fake = Fake::start(GREETING, false).await;
    let bench = Arc::new(fake.bench());
    bench.until_connected().await;
    fake.play("listplaylists", Trick::Silence);
    let ask = |name: &'static str| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.refused(name, json!({})).await })
    };
    let hanging = ask("get_playlists");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let behind = ask("get_queue");
    // Nothing but the box itself is needed for these: the clock need not move.
    tokio::time::pause();
    for volume in [7, 93] {
        let set = bench.done("set_volume", json!({ "volume": volume })).await;
        assert_eq!(set["volume"], volume);
        assert_eq!(bench.done("get_volume", json!({})).await["volume"], volume);
    }
    assert!(!hanging.is_finished() && !behind.is_finished());
    tokio::time::resume();
    forward(5).await;
    for (what, refused) in [("the hanging", hanging), ("the one behind", behind)] {
        let error = refused.await.unwrap();
        assert_eq!(error.code, ErrorCode::Unavailable, "{what}");
        assert!(
            error.message.contains("did not answer within 5 s"),
            "{what}: {error}"
        );
    }
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    assert_eq!(
        bench.refused("get_queue", json!({})).await.code,
        ErrorCode::Unavailable
    );
    assert_eq!(tokio::time::Instant::now(), before);
    tokio::time::resume();
    fake.behave();
    until_back(&bench).await;
    assert_eq!(bench.done("get_status", json!({})).await["queue_length"], 2);
}

#[tokio::test]
async fn a_volume_is_read_after_the_settings_before_it() {
    let fake = Fake::start(GREETING, false).await;
    let bench = fake.bench();
    bench.until_connected().await;
    for volume in (0..100).step_by(10) {
        let (set, read) = tokio::join!(
            bench.done("set_volume", json!({ "volume": volume })),
            bench.done("get_volume", json!({})),
        );
        assert_eq!(
            (&set["volume"], &read["volume"]),
            (&json!(volume), &json!(volume))
        );
    }
}

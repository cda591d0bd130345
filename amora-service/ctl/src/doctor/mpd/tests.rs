use super::*;
use crate::doctor::Verdict;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

const BOTH: &str = "outputid: 0\noutputname: Amora\nplugin: fifo\noutputenabled: 1\noutputid: 1\noutputname: Amora exclusive\nplugin: alsa\noutputenabled: 0\nOK\n";

/// An MPD that is only played: what it answers to each command.
async fn played(greeting: &'static str, answers: &'static [(&'static str, &'static str)]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        writer.write_all(greeting.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = answers.iter().find(|(command, _)| *command == line);
            let answer = answer.map_or("ACK [5@0] {} unknown command\n", |(_, answer)| answer);
            writer.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

async fn examined(port: u16, password: Option<&str>) -> Vec<Finding> {
    let player = PlayerConfig {
        host: "127.0.0.1".to_owned(),
        port,
        password: password.map(str::to_owned),
        mixer_output: "Amora".to_owned(),
        exclusive_output: "Amora exclusive".to_owned(),
        ..PlayerConfig::default()
    };
    mpd(&Config {
        player: Some(player),
        ..Config::default()
    })
    .await
}

fn verdicts(findings: &[Finding]) -> Vec<Verdict> {
    findings.iter().map(|finding| finding.verdict).collect()
}

#[tokio::test]
async fn a_whole_mpd_is_well() {
    let answers = &[
        ("commands", "command: outputs\ncommand: sticker\nOK\n"),
        ("outputs", BOTH),
    ];
    let findings = examined(played("OK MPD 0.23.5\n", answers).await, None).await;
    assert_eq!(verdicts(&findings), [Verdict::Ok; 4], "{findings:?}");
    assert!(
        findings[0].found.starts_with("protocol 0.23.5 at 127.0.0.1:"),
        "{findings:?}"
    );
}

#[tokio::test]
async fn outputs_are_missed_by_name_and_stickers_too() {
    let answers = &[
        ("commands", "command: outputs\nOK\n"),
        (
            "outputs",
            "outputid: 0\noutputname: My card\nplugin: alsa\noutputenabled: 1\nOK\n",
        ),
    ];
    let findings = examined(played("OK MPD 0.23.5\n", answers).await, None).await;
    assert_eq!(
        verdicts(&findings),
        [Verdict::Ok, Verdict::Failed, Verdict::Warning, Verdict::Warning]
    );
    assert!(
        findings[1].found.contains("no output `Amora` (only `My card`)"),
        "{findings:?}"
    );
    assert!(findings[3].next_step.contains("sticker_file"), "{findings:?}");
}

#[tokio::test]
async fn the_mixers_output_must_be_a_fifo_and_on_unless_the_card_is_the_players() {
    let judged = |plugin: &str, mixer: bool, exclusive: bool| {
        let output = |name: &str, plugin: &str, enabled| Output {
            name: name.to_owned(),
            plugin: plugin.to_owned(),
            enabled,
        };
        let player = PlayerConfig::default();
        let known = Known {
            version: "0.23.5".to_owned(),
            outputs: vec![
                output(&player.mixer_output, plugin, mixer),
                output(&player.exclusive_output, "alsa", exclusive),
            ],
            stickers: true,
        };
        mixer_output(&known, &player).verdict
    };
    assert_eq!(judged("fifo", true, false), Verdict::Ok);
    assert_eq!(judged("fifo", false, true), Verdict::Ok);
    assert_eq!(judged("fifo", false, false), Verdict::Warning);
    assert_eq!(judged("alsa", true, false), Verdict::Failed);
}

#[tokio::test]
async fn a_password_is_used_and_a_wrong_one_told() {
    let answers = &[
        ("password \"hush\"", "OK\n"),
        ("password \"loud\"", "ACK [3@0] {password} incorrect password\n"),
        ("commands", "command: outputs\ncommand: sticker\nOK\n"),
        ("outputs", BOTH),
    ];
    let at = async || played("OK MPD 0.23.5\n", answers).await;
    assert_eq!(
        verdicts(&examined(at().await, Some("hush")).await),
        [Verdict::Ok; 4]
    );
    let wrong = examined(at().await, Some("loud")).await;
    assert!(wrong[0].next_step.contains("player.password"), "{wrong:?}");
    assert_eq!(
        verdicts(&examined(at().await, Some(HIDDEN)).await),
        [Verdict::Skipped]
    );
    let locked: &[_] = &[(
        "commands",
        "ACK [4@0] {commands} you don't have permission for \"commands\"\n",
    )];
    let locked = examined(played("OK MPD 0.23.5\n", locked).await, None).await;
    assert!(
        locked[0].found.contains("does not allow `commands`"),
        "{locked:?}"
    );
}

#[tokio::test]
async fn mpd_is_known_by_its_greeting() {
    let foreign = examined(played("HTTP/1.1 400 Bad Request\n", &[]).await, None).await;
    assert!(foreign[0].found.contains("something else"), "{foreign:?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(verdicts(&examined(port, None).await), [Verdict::Failed]);
    assert_eq!(verdicts(&mpd(&Config::default()).await), [Verdict::Skipped]);
}

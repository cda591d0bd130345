use crate::bench::{Bench, Mpd};
use crate::library_files::{ALL, FLAC, MP3, OGG, OPUS};
use amora_contract::ErrorCode;
use amora_contract::state::PlaybackState;
use serde_json::{Value, json};

async fn names(bench: &Bench) -> Vec<String> {
    let reply = bench.done("get_playlists", json!({})).await;
    let playlists = reply["playlists"].as_array().unwrap();
    assert!(playlists.iter().all(|playlist| playlist["modified"].is_string()));
    playlists
        .iter()
        .map(|playlist| playlist["name"].as_str().unwrap().to_owned())
        .collect()
}

fn files(reply: &Value) -> Vec<String> {
    reply["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|song| song["file"].as_str().unwrap().to_owned())
        .collect()
}

async fn songs(bench: &Bench, playlist: &str) -> Vec<String> {
    files(&bench.done("get_playlist", json!({ "playlist": playlist })).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_is_made_while_the_music_goes_on() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench.done("queue_add", json!({"uri": OPUS, "play": true})).await;
    bench
        .until_player("playing", |player| player.state == PlaybackState::Play)
        .await;
    let version = bench.player().queue_version;
    let lists = bench.player().playlists_version;
    for name in ["Morgen „früh“", "it's \"quoted\"", "100% $x", "plain"] {
        bench
            .done("create_playlist", json!({"name": name, "files": ALL}))
            .await;
        assert_eq!(songs(&bench, name).await, ALL);
    }
    assert_eq!(
        names(&bench).await,
        ["100% $x", "it's \"quoted\"", "Morgen „früh“", "plain"]
    );
    bench
        .until_player("a new list", |player| player.playlists_version > lists)
        .await;
    let player = bench.done("get_status", json!({})).await;
    assert_eq!(
        (&player["state"], &player["queue_version"]),
        (&json!("play"), &json!(version))
    );

    bench
        .done("create_playlist", json!({"name": "plain", "files": [MP3]}))
        .await;
    assert_eq!(songs(&bench, "plain").await, [MP3]);
    bench.done("create_playlist", json!({"name": "nothing"})).await;
    assert!(songs(&bench, "nothing").await.is_empty());
    assert_eq!(
        bench
            .refused("play_playlist", json!({"playlist": "nothing"}))
            .await
            .code,
        ErrorCode::Conflict
    );
    assert_eq!(bench.player().state, PlaybackState::Play);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_that_cannot_be_made_leaves_the_old_one() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench
        .done("create_playlist", json!({"name": "Keep", "files": [FLAC]}))
        .await;
    let many: Vec<&str> = std::iter::repeat_n(OGG, 300).chain(["No/Such.flac"]).collect();
    let error = bench
        .refused("create_playlist", json!({"name": "Keep", "files": many}))
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("files[300]"))
    );
    assert!(error.message.contains("No/Such.flac"), "{error}");
    assert_eq!(songs(&bench, "Keep").await, [FLAC]);
    assert_eq!(names(&bench).await, ["Keep"]);
    let long = "x".repeat(241);
    for name in ["", "  ", "a/b", "a\nb", "a\u{7}", "..", ".amora-draft", &long] {
        let error = bench
            .refused("create_playlist", json!({"name": name, "files": [FLAC]}))
            .await;
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::InvalidParameter, Some("name")),
            "{name:?}"
        );
    }
    let error = bench
        .refused(
            "create_playlist",
            json!({"name": "x", "files": ["file:///etc/passwd"]}),
        )
        .await;
    assert_eq!(error.field.as_deref(), Some("files[0]"));
    bench
        .done(
            "create_playlist",
            json!({"name": "many", "files": vec![OGG; 1000]}),
        )
        .await;
    assert_eq!(songs(&bench, "many").await.len(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn playing_a_playlist_replaces_the_queue_and_its_name_is_shown_until_the_queue_changes() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench
        .done("create_playlist", json!({"name": "Two", "files": [OGG, FLAC]}))
        .await;
    bench.done("queue_add", json!({"uri": OPUS, "play": true})).await;
    let error = bench.refused("play_playlist", json!({"playlist": "None"})).await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("playlist"))
    );
    assert!(error.message.contains("`None`"), "{error}");
    bench
        .until_player("the queue as it was", |player| player.queue_length == 1)
        .await;

    // As the original's official client spells it.
    bench.done("play_playlist", json!({"playlistName": "Two"})).await;
    bench
        .until_player("its first song", |player| {
            player.queue_length == 2 && player.song.as_ref().is_some_and(|song| song.file == OGG)
        })
        .await;
    assert_eq!(bench.player().playlist.as_deref(), Some("Two"));
    bench
        .done("rename_playlist", json!({"playlist": "Two", "name": "Zwei"}))
        .await;
    bench
        .until_player("its new name", |player| {
            player.playlist.as_deref() == Some("Zwei")
        })
        .await;
    bench
        .done("play_track", json!({"trackIndex": 1, "playlist": "Zwei"}))
        .await;
    bench
        .until_player("its second song", |player| {
            player.song.as_ref().is_some_and(|song| song.file == FLAC)
        })
        .await;
    assert_eq!(bench.player().playlist.as_deref(), Some("Zwei"));
    let error = bench
        .refused("play_track", json!({"trackIndex": 2, "playlist": "Zwei"}))
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("track_index"))
    );
    assert_eq!(bench.player().queue_length, 2);

    mpd.mpc(&["add", OPUS]);
    bench
        .until_player("forgotten", |player| player.playlist.is_none())
        .await;
    bench.done("queue_playlist", json!({"playlist": "Zwei"})).await;
    bench
        .until_player("appended", |player| {
            player.queue_length == 5 && player.playlist.is_none()
        })
        .await;
    bench.done("queue_clear", json!({})).await;
    bench.done("queue_playlist", json!({"playlist": "Zwei"})).await;
    bench
        .until_player("alone", |player| player.playlist.as_deref() == Some("Zwei"))
        .await;
    bench.done("delete_playlist", json!({"playlist": "Zwei"})).await;
    bench
        .until_player("gone", |player| {
            player.playlist.is_none() && player.queue_length == 2
        })
        .await;
    assert_eq!(
        bench
            .refused("queue_playlist", json!({"playlist": "Zwei"}))
            .await
            .code,
        ErrorCode::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_saved() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench.done("queue_add", json!({"uri": "Ann"})).await;
    bench.done("queue_save", json!({"name": "Saved"})).await;
    assert_eq!(songs(&bench, "Saved").await, [FLAC, OGG]);
    let error = bench.refused("queue_save", json!({"name": "Saved"})).await;
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("Saved"), "{error}");
    bench.done("queue_add", json!({"uri": MP3})).await;
    bench
        .done("queue_save", json!({"name": "Saved", "replace": true}))
        .await;
    bench
        .done("queue_save", json!({"name": "Other", "replace": true}))
        .await;
    assert_eq!(songs(&bench, "Saved").await, [FLAC, OGG, MP3]);
    assert_eq!(names(&bench).await, ["Other", "Saved"]);
    let error = bench
        .refused("rename_playlist", json!({"playlist": "Other", "name": "Saved"}))
        .await;
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("`Saved`"), "{error}");
    assert_eq!(
        bench
            .refused("rename_playlist", json!({"playlist": "None", "name": "New"}))
            .await
            .code,
        ErrorCode::NotFound
    );
    assert_eq!(
        bench
            .refused("delete_playlist", json!({"playlist": "None"}))
            .await
            .code,
        ErrorCode::NotFound
    );
    assert_eq!(
        bench
            .refused("get_playlist", json!({"playlist": "None"}))
            .await
            .code,
        ErrorCode::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tracks_of_a_stored_playlist_are_edited() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench
        .done("create_playlist", json!({"name": "P", "files": [FLAC, OGG]}))
        .await;
    bench
        .done(
            "add_track",
            json!({"track": {"file": MP3, "title": "x"}, "playlist": "P"}),
        )
        .await;
    assert_eq!(songs(&bench, "P").await, [FLAC, OGG, MP3]);
    bench
        .done(
            "reorder_track",
            json!({"fromIndex": 2, "toIndex": 0, "playlist": "P"}),
        )
        .await;
    assert_eq!(songs(&bench, "P").await, [MP3, FLAC, OGG]);
    bench
        .done("remove_track", json!({"trackIndex": 1, "playlist": "P"}))
        .await;
    assert_eq!(songs(&bench, "P").await, [MP3, OGG]);

    let error = bench
        .refused("add_track", json!({"track": MP3, "playlist": "None"}))
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("playlist"))
    );
    let error = bench
        .refused("add_track", json!({"track": "No/Such.flac", "playlist": "P"}))
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("track"))
    );
    let error = bench
        .refused("remove_track", json!({"trackIndex": 9, "playlist": "P"}))
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("track_index"))
    );
    let error = bench
        .refused(
            "reorder_track",
            json!({"fromIndex": 0, "toIndex": 9, "playlist": "P"}),
        )
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("to_index"))
    );
    assert_eq!(
        bench
            .refused("remove_track", json!({"trackIndex": 0, "playlist": "None"}))
            .await
            .code,
        ErrorCode::NotFound
    );
    assert_eq!(names(&bench).await, ["P"]);
}

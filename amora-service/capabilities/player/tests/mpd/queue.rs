use crate::bench::{Bench, Mpd};
use crate::library_files::{ALL, FLAC, MP3, OGG, OPUS};
use amora_contract::ErrorCode;
use serde_json::{Value, json};

fn files(queue: &Value) -> Vec<String> {
    queue["songs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|song| song["file"].as_str().unwrap().to_owned())
        .collect()
}

async fn queue(bench: &Bench) -> Vec<String> {
    files(&bench.done("get_queue", json!({})).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn songs_and_folders_are_added_where_wanted() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    let added = bench.done("queue_add", json!({"uri": "Ann"})).await;
    assert_eq!(added["ids"].as_array().unwrap().len(), 2);
    let added = bench
        .done("queue_add", json!({"uri": MP3, "position": 1, "play": true}))
        .await;
    let id = added["ids"][0].as_u64().unwrap();
    assert_eq!(queue(&bench).await, [FLAC, MP3, OGG]);
    bench
        .until_player("the new song", |player| {
            player
                .song
                .as_ref()
                .is_some_and(|song| song.id == Some(id as u32))
        })
        .await;
    let error = bench.refused("queue_add", json!({"uri": "No/Such.flac"})).await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("uri"))
    );
    assert!(error.message.contains("No/Such.flac"), "{error}");
    for uri in [
        "",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "/etc/passwd",
        "../x",
        "a\nclear",
    ] {
        assert_eq!(
            bench.refused("queue_add", json!({ "uri": uri })).await.code,
            ErrorCode::InvalidParameter
        );
    }
    let error = bench
        .refused("queue_add", json!({"uri": FLAC, "position": 99}))
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("position"))
    );
    assert_eq!(queue(&bench).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_moved_removed_shuffled_and_cleared() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    for file in ALL {
        bench.done("add_track", json!({ "track": file })).await;
    }
    let all = bench.done("get_queue", json!({})).await;
    assert_eq!((all["total"].as_u64(), files(&all).len()), (Some(4), 4));
    let id = |index: usize| all["songs"][index]["id"].clone();
    bench.done("queue_move", json!({"id": id(0), "to": 3})).await;
    assert_eq!(queue(&bench).await, [OGG, MP3, OPUS, FLAC]);
    bench
        .done("reorder_track", json!({"fromIndex": 3, "toIndex": 0}))
        .await;
    assert_eq!(queue(&bench).await, ALL);
    bench.done("queue_remove", json!({"id": id(1)})).await;
    bench.done("remove_track", json!({"trackIndex": 1})).await;
    assert_eq!(queue(&bench).await, [FLAC, OPUS]);
    bench.done("play_track", json!({"trackIndex": 1})).await;
    bench
        .until_player("the track", |player| player.queue_position == Some(1))
        .await;

    let error = bench.refused("queue_move", json!({"id": id(0), "to": 9})).await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("to"))
    );
    let error = bench.refused("queue_move", json!({"id": 999, "to": 0})).await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("id"))
    );
    let error = bench.refused("queue_remove", json!({"id": id(1)})).await;
    assert_eq!(error.code, ErrorCode::NotFound);
    for (name, params, field) in [
        ("remove_track", json!({"track_index": 9}), "track_index"),
        ("play_track", json!({"track_index": 9}), "track_index"),
        (
            "reorder_track",
            json!({"from_index": 0, "to_index": 9}),
            "to_index",
        ),
        (
            "reorder_track",
            json!({"from_index": 9, "to_index": 0}),
            "from_index",
        ),
    ] {
        let error = bench.refused(name, params).await;
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::InvalidParameter, Some(field)),
            "{name}"
        );
    }

    bench.done("queue_shuffle", json!({})).await;
    assert_eq!(queue(&bench).await.len(), 2);
    bench.done("queue_clear", json!({})).await;
    assert!(queue(&bench).await.is_empty());
    bench
        .until_player("empty", |player| player.queue_length == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_shows_its_part_and_nothing_beyond_the_end() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench.done("queue_add", json!({"uri": "Ann"})).await;
    bench.done("queue_add", json!({"uri": "Bob"})).await;
    let part = bench.done("get_queue", json!({"start": 1, "limit": 2})).await;
    assert_eq!((part["total"].as_u64(), files(&part).len()), (Some(4), 2));
    assert_eq!(part["songs"][0]["position"], 1);
    for start in [4, 5, u32::MAX] {
        let part = bench
            .done("get_queue", json!({"start": start, "limit": 10}))
            .await;
        assert_eq!((part["total"].as_u64(), files(&part).len()), (Some(4), 0));
    }
    assert!(files(&bench.done("get_queue", json!({"limit": 0})).await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_client_does_to_the_queue_is_seen() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    mpd.mpc(&["add", FLAC]);
    bench
        .until_player("one song", |player| player.queue_length == 1)
        .await;
    let version = bench.player().queue_version;
    mpd.mpc(&["add", OPUS]);
    bench
        .until_player("two songs", |player| {
            player.queue_length == 2 && player.queue_version > version
        })
        .await;
    mpd.mpc(&["play", "2"]);
    bench
        .until_player("its song", |player| {
            player.song.as_ref().is_some_and(|song| song.file == OPUS)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_found_is_added_at_once() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    let ann = json!([{"tag": "artist", "value": "Ann"}]);
    let added = bench.done("queue_find", json!({ "filters": ann })).await;
    assert_eq!(added["ids"].as_array().unwrap().len(), 2);
    let quoted = json!([{"tag": "artist", "value": "Ann"}, {"tag": "title", "value": "Say \"Quote\""}]);
    let added = bench
        .done(
            "queue_find",
            json!({"filters": quoted, "position": 1, "play": true}),
        )
        .await;
    assert_eq!(queue(&bench).await, [FLAC, OGG, OGG]);
    let id = added["ids"][0].as_u64().unwrap() as u32;
    bench
        .until_player("the new song", |player| {
            player.song.as_ref().is_some_and(|song| song.id == Some(id))
        })
        .await;
    let nobody = json!([{"tag": "artist", "value": "ann"}]);
    let added = bench
        .done("queue_find", json!({"filters": nobody, "play": true}))
        .await;
    assert_eq!(added["ids"], json!([]));
    for (params, field) in [
        (json!({"filters": []}), "filters"),
        (
            json!({"filters": [{"tag": "album", "value": "a\nb"}]}),
            "filters[0].value",
        ),
        (json!({"filters": ann, "position": 99}), "position"),
    ] {
        let error = bench.refused("queue_find", params).await;
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::InvalidParameter, Some(field)),
            "{error}"
        );
    }
    assert_eq!(
        queue(&bench).await,
        [FLAC, OGG, OGG],
        "and nothing else was changed"
    );
}

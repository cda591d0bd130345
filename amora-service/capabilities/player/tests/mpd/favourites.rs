use crate::bench::{Bench, Mpd};
use crate::library_files::{FLAC, OGG};
use amora_contract::ErrorCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn songs_are_marked_and_the_mark_is_seen_everywhere() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench.done("queue_add", json!({"uri": FLAC, "play": true})).await;
    bench
        .until_player("not a favourite", |player| {
            player
                .song
                .as_ref()
                .is_some_and(|song| song.favourite == Some(false))
        })
        .await;
    bench
        .done("set_favourite", json!({"file": FLAC, "favourite": true}))
        .await;
    bench
        .done("set_favourite", json!({"file": OGG, "favourite": true}))
        .await;
    bench
        .until_player("a favourite", |player| {
            player
                .song
                .as_ref()
                .is_some_and(|song| song.favourite == Some(true))
        })
        .await;
    let favourites = bench.done("get_favourites", json!({})).await;
    assert_eq!(favourites["songs"][0]["title"], "Morning");
    assert_eq!(favourites["songs"][1]["file"], OGG);
    assert_eq!(
        bench.done("get_queue", json!({})).await["songs"][0]["favourite"],
        true
    );
    // Another client's marks count as well.
    mpd.mpc(&["sticker", OGG, "delete", "favourite"]);
    let favourites = bench.done("get_favourites", json!({})).await;
    assert_eq!(favourites["songs"].as_array().unwrap().len(), 1);
    for _ in 0..2 {
        bench
            .done("set_favourite", json!({"file": FLAC, "favourite": false}))
            .await;
    }
    assert_eq!(bench.done("get_favourites", json!({})).await["songs"], json!([]));
    for favourite in [true, false] {
        let error = bench
            .refused(
                "set_favourite",
                json!({"file": "No/Such.flac", "favourite": favourite}),
            )
            .await;
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::NotFound, Some("file"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_stickers_everything_else_works_and_the_reason_is_given() {
    let mpd = Mpd::start("# no-stickers");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    for (name, params) in [
        ("set_favourite", json!({"file": FLAC, "favourite": true})),
        ("get_favourites", json!({})),
    ] {
        let error = bench.refused(name, params).await;
        assert_eq!(error.code, ErrorCode::NotConfigured);
        assert!(error.message.contains("sticker_file"), "{error}");
    }
    bench.done("queue_add", json!({"uri": FLAC, "play": true})).await;
    bench
        .until_player("playing", |player| {
            player.song.as_ref().is_some_and(|song| song.favourite.is_none())
        })
        .await;
}

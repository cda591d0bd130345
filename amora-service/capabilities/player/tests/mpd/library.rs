use crate::bench::{Bench, Mpd};
use crate::library_files::{FLAC, MP3, OGG, OPUS, library};
use amora_contract::{ErrorCode, EventKind};
use base64::Engine;
use serde_json::{Value, json};

fn files(reply: &Value) -> Vec<String> {
    let mut files: Vec<_> = reply["songs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|song| song["file"].as_str().unwrap().to_owned())
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_has_to_match_in_any_tag_or_the_file_name() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    for (query, found) in [
        ("morning", vec![FLAC]),
        ("MORNING ann", vec![FLAC]),
        ("ann first", vec![FLAC, OGG]),
        ("ann .ogg", vec![OGG]),
        ("\"quote\"", vec![OGG]),
        ("it's", vec![OGG]),
        ("\\ sommer", vec![MP3]),
        ("été søn", vec![MP3]),
        ("ÉTÉ", vec![MP3]),
        ("bob", vec![OPUS, MP3]),
        ("ann bob", vec![]),
        (") OR (file", vec![]),
        ("%_*", vec![]),
    ] {
        let mut found: Vec<_> = found.into_iter().map(str::to_owned).collect();
        found.sort();
        let reply = bench.done("search", json!({ "query": query })).await;
        assert_eq!(files(&reply), found, "{query}");
        assert_eq!(reply["more"], false);
    }
    for query in ["", "  \n", &"x ".repeat(17), &"x".repeat(600)] {
        let error = bench.refused("search", json!({ "query": query })).await;
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::InvalidParameter, Some("query"))
        );
    }
    // The longest that is let through still fits what MPD takes.
    bench
        .done(
            "search",
            json!({"query": "\"\\'".repeat(10) + &" \"\"\"\"\"\"\"\"\"\"".repeat(15)}),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_in_pages() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    let mut all = Vec::new();
    for start in 0..2 {
        let page = bench
            .done("search", json!({"query": "ann", "start": start, "limit": 1}))
            .await;
        assert_eq!(page["more"], start == 0);
        all.extend(files(&page));
    }
    all.sort();
    assert_eq!(all, [FLAC, OGG]);
    let page = bench
        .done(
            "search",
            json!({"query": "ann", "start": u32::MAX, "limit": u32::MAX}),
        )
        .await;
    assert_eq!((files(&page).len(), &page["more"]), (0, &json!(false)));
    let page = bench.done("search", json!({"query": "ann", "limit": 0})).await;
    assert_eq!((files(&page).len(), &page["more"]), (0, &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_listed_and_found_exactly() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    let artists = bench.done("list", json!({"tag": "artist"})).await;
    assert_eq!(artists["values"], json!(["Ann", "Bob", "Bob & Søn"]));
    let titles = bench
        .done(
            "list",
            json!({"tag": "title", "filters": [{"tag": "artist", "value": "Ann"}]}),
        )
        .await;
    assert_eq!(titles["values"], json!(["Morning", "Say \"Quote\""]));
    let found = bench
        .done("find", json!({"filters": [{"tag": "artist", "value": "Ann"}, {"tag": "title", "value": "Say \"Quote\""}]}))
        .await;
    assert_eq!(files(&found), [OGG]);
    let none = bench
        .done("find", json!({"filters": [{"tag": "artist", "value": "ann"}]}))
        .await;
    assert!(files(&none).is_empty());
    assert_eq!(
        bench.refused("find", json!({"filters": []})).await.code,
        ErrorCode::InvalidParameter
    );
    let error = bench
        .refused("find", json!({"filters": [{"tag": "artist", "value": "a\nb"}]}))
        .await;
    assert_eq!(error.field.as_deref(), Some("filters[0].value"));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_browsed() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench
        .done("create_playlist", json!({"name": "Stored", "files": [FLAC]}))
        .await;
    let top = bench.done("browse", json!({})).await;
    assert_eq!(top["folders"], json!(["Ann", "Bob"]));
    assert_eq!(
        top["playlists"],
        json!([]),
        "stored playlists have a list of their own"
    );
    let ann = bench.done("browse", json!({"path": "/Ann/First/"})).await;
    assert_eq!(
        (files(&ann), &ann["path"]),
        (vec![FLAC.to_owned(), OGG.to_owned()], &json!("Ann/First"))
    );
    let error = bench.refused("browse", json!({"path": "Nobody"})).await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("path"))
    );
    assert_eq!(
        bench.refused("browse", json!({"path": "../.."})).await.code,
        ErrorCode::InvalidParameter
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn covers_come_from_the_file_or_from_beside_it() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    let decode = |cover: &Value| {
        base64::engine::general_purpose::STANDARD
            .decode(cover["data"].as_str().unwrap())
            .unwrap()
    };
    assert!(
        library().cover.len() > 300 * 1024,
        "the picture has to take several pieces"
    );
    for _ in 0..2 {
        let embedded = bench.done("get_cover", json!({ "file": FLAC })).await;
        assert_eq!(embedded["media_type"], "image/png");
        assert!(
            decode(&embedded) == library().cover,
            "the picture was changed on the way"
        );
        let beside = bench.done("get_cover", json!({ "file": OGG })).await;
        assert_eq!(beside["media_type"], "image/jpeg");
        let original = std::fs::read(library().path().join("Ann/First/cover.jpg")).unwrap();
        assert_eq!(decode(&beside), original);
        for file in [MP3, "No/Such.flac", "http://127.0.0.1:9/x.mp3"] {
            let error = bench.refused("get_cover", json!({ "file": file })).await;
            assert_eq!(error.code, ErrorCode::NotFound, "{file}");
        }
    }
    assert_eq!(
        bench.refused("get_cover", json!({"file": ""})).await.code,
        ErrorCode::InvalidParameter
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_shown_from_start_to_end() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench
        .until_player("the library", |player| {
            player.library.songs == 4 && player.library.artists == 3
        })
        .await;
    assert!(bench.player().library.updated_at.0 > 1_000_000_000_000);
    bench.events();
    bench.done("update_library", json!({"rescan": true})).await;
    let mut events = Vec::new();
    while !events
        .iter()
        .any(|event| matches!(event, EventKind::LibraryUpdateFinished { .. }))
    {
        bench.done("get_status", json!({})).await;
        events.extend(bench.events());
    }
    assert!(events.contains(&EventKind::LibraryUpdateStarted {}));
    assert!(events.contains(&EventKind::LibraryUpdateFinished { songs: 4 }));
    bench
        .until_player("the end", |player| {
            !player.library.updating && player.library.scanned == 4
        })
        .await;
    bench.done("update_library", json!({"path": "Bob"})).await;
    assert_eq!(
        bench
            .refused("update_library", json!({"path": "a/../../b"}))
            .await
            .code,
        ErrorCode::InvalidParameter
    );
}

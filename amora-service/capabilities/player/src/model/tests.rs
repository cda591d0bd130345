use super::*;
use crate::protocol::{Decoder, Message};

fn frames(lists: &[&str]) -> Vec<Frame> {
    let mut decoder = Decoder::default();
    let body: String = lists.iter().map(|list| format!("{list}list_OK\n")).collect();
    decoder.push(format!("OK MPD 0.24.0\n{body}OK\n").as_bytes());
    decoder.next_message().unwrap();
    match decoder.next_message().unwrap() {
        Some(Message::Answer(frames)) => frames,
        other => panic!("{other:?}"),
    }
}

const PLAYING: &str = "volume: 55\nrepeat: 1\nrandom: 0\nsingle: oneshot\nconsume: 0\nplaylist: 7\nplaylistlength: 3\n\
    state: play\nsong: 1\nsongid: 9\nelapsed: 12.500\nduration: 200.0\nbitrate: 320\naudio: 44100:16:2\nxfade: 5\n";
const SONG: &str = "file: a/b.flac\nTitle: B\nPos: 1\nId: 9\n";

fn apply(model: &mut Model, status: &str, song: &str, now: u64) -> Vec<EventKind> {
    model.apply(Subsystems::PLAYER, &frames(&[status, song]), Timestamp(now))
}

#[test]
fn there_is_an_answer_for_every_query() {
    assert_eq!(Model::queries(Subsystems::MIXER).len(), 1);
    let names: Vec<_> = Model::queries(Subsystems::ALL)
        .iter()
        .map(Command::name)
        .collect();
    assert_eq!(
        names,
        [
            "status",
            "currentsong",
            "replay_gain_status",
            "outputs",
            "stats",
            "count"
        ]
    );
    let mut model = Model::default();
    let answers = [
        PLAYING,
        SONG,
        "replay_gain_mode: album\n",
        "outputid: 0\noutputname: Amora\nplugin: fifo\noutputenabled: 1\nattribute: x=y\noutputid: 1\noutputname: E\n",
        "uptime: 5\nartists: 2\nalbums: 3\nsongs: 4\ndb_update: 1700000000\n",
        "songs: 6\nplaytime: 1\n",
    ];
    model.apply(Subsystems::ALL, &frames(&answers), Timestamp(1_000));
    let state = &model.state;
    assert_eq!(
        (state.state, state.queue_length, state.queue_position),
        (PlaybackState::Play, 3, Some(1))
    );
    assert_eq!((state.repeat, state.random, state.single), (true, false, true));
    assert_eq!(
        (state.crossfade, state.replay_gain),
        (Seconds(5.0), ReplayGain::Album)
    );
    assert_eq!((state.format.as_str(), state.bitrate), ("44100:16:2", 320));
    assert_eq!(
        (state.position, state.position_at),
        (Seconds(12.5), Timestamp(1_000))
    );
    assert_eq!(state.outputs.len(), 2);
    assert_eq!(
        (&state.outputs[0].name, state.outputs[0].enabled),
        (&"Amora".to_owned(), true)
    );
    assert_eq!((state.library.songs, state.library.scanned), (4, 6));
    assert_eq!(state.library.updated_at, Timestamp(1_700_000_000_000));
    assert_eq!((model.volume.map(Volume::get), model.uptime), (Some(55), 5));
}

#[test]
fn a_position_that_the_clock_foretold_is_no_news() {
    let mut model = Model::default();
    apply(&mut model, PLAYING, SONG, 1_000);
    let before = model.state.clone();
    apply(&mut model, &PLAYING.replace("12.500", "14.600"), SONG, 3_000);
    assert_eq!(model.state, before);
    assert_eq!(model.position(Timestamp(3_000)), Seconds(14.5));
    apply(&mut model, &PLAYING.replace("12.500", "60.000"), SONG, 3_000);
    assert_eq!(
        (model.state.position, model.state.position_at),
        (Seconds(60.0), Timestamp(3_000))
    );
    apply(
        &mut model,
        &PLAYING
            .replace("state: play", "state: pause")
            .replace("12.500", "61.0"),
        SONG,
        4_000,
    );
    assert_eq!(model.position(Timestamp(99_000)), Seconds(61.0));
}

#[test]
fn a_song_is_announced_once_and_so_is_silence() {
    let mut model = Model::default();
    assert!(
        apply(&mut model, PLAYING, SONG, 0).is_empty(),
        "it played before anybody looked"
    );
    assert!(apply(&mut model, PLAYING, SONG, 0).is_empty());
    let next = SONG.replace("Id: 9", "Id: 10");
    assert!(matches!(
        &apply(&mut model, PLAYING, &next, 0)[..],
        [EventKind::SongChanged { song: Some(_) }]
    ));
    let stopped = "state: stop\nsong: 1\nplaylist: 7\nplaylistlength: 3\n";
    assert!(matches!(
        &apply(&mut model, stopped, &next, 0)[..],
        [EventKind::SongChanged { song: None }]
    ));
    assert_eq!((&model.state.song, model.state.position), (&None, Seconds(0.0)));
    assert!(apply(&mut model, stopped, &next, 0).is_empty());
    assert!(
        model.disconnected("gone", Timestamp(0)).is_none(),
        "there was no song to end"
    );
}

#[test]
fn an_error_is_shown_until_something_plays() {
    let mut model = Model::default();
    apply(
        &mut model,
        "state: pause\nerror: Failed to open\nelapsed: 3\n",
        SONG,
        0,
    );
    assert_eq!(model.state.state, PlaybackState::Error);
    assert_eq!(model.state.error.as_deref(), Some("Failed to open"));
    apply(&mut model, &format!("{PLAYING}error: old\n"), SONG, 0);
    assert_eq!(
        (model.state.state, &model.state.error),
        (PlaybackState::Play, &None)
    );
}

#[test]
fn the_loaded_playlist_is_forgotten_when_the_queue_changes() {
    let mut model = Model::default();
    model.loaded("Morning", 7);
    apply(&mut model, PLAYING, SONG, 0);
    assert_eq!(model.loaded_playlist(), Some(("Morning", 7)));
    model.playlist_renamed("Other", None);
    model.playlist_renamed("Morning", Some("Evening"));
    assert_eq!(model.loaded_playlist(), Some(("Evening", 7)));
    apply(
        &mut model,
        &PLAYING.replace("playlist: 7", "playlist: 8"),
        SONG,
        0,
    );
    assert_eq!(model.loaded_playlist(), None);
}

#[test]
fn a_scan_has_a_beginning_and_an_end() {
    let mut model = Model::default();
    let look = |model: &mut Model, status: &str, known: u32| {
        let (stats, count) = (format!("songs: {known}\n"), format!("songs: {known}\n"));
        model.apply(
            Subsystems::UPDATE,
            &frames(&[status, &stats, &count]),
            Timestamp(0),
        )
    };
    assert!(look(&mut model, "state: stop\n", 0).is_empty());
    assert_eq!(
        look(&mut model, "state: stop\nupdating_db: 1\n", 3),
        [EventKind::LibraryUpdateStarted {}]
    );
    assert!(look(&mut model, "state: stop\nupdating_db: 1\n", 8).is_empty());
    assert_eq!(
        (model.state.library.updating, model.state.library.scanned),
        (true, 8)
    );
    assert_eq!(
        look(&mut model, "state: stop\n", 9),
        [EventKind::LibraryUpdateFinished { songs: 9 }]
    );
}

#[test]
fn no_mixer_is_no_volume() {
    for status in [
        "volume: -1\nstate: stop\n",
        "state: stop\n",
        "volume: loud\nstate: stop\n",
    ] {
        let mut model = Model::default();
        apply(&mut model, status, "", 0);
        assert_eq!(model.volume, None, "{status}");
    }
}

#[test]
fn without_mpd_the_section_is_complete_all_the_same() {
    let mut model = Model::default();
    apply(&mut model, PLAYING, SONG, 0);
    let event = model.disconnected("MPD closed the connection", Timestamp(5));
    assert_eq!(event, Some(EventKind::SongChanged { song: None }));
    assert_eq!(model.state.state, PlaybackState::Disconnected);
    assert_eq!(model.state.error.as_deref(), Some("MPD closed the connection"));
    assert_eq!((&model.state.song, model.state.queue_length), (&None, 3));
    assert_eq!(model.volume, None);
}

#[test]
fn news_name_their_subsystems() {
    let news = frames(&["changed: player\nchanged: mixer\nchanged: partition\n"]);
    assert_eq!(
        Subsystems::read(&news[0]),
        Subsystems::PLAYER.with(Subsystems::MIXER)
    );
    assert_eq!(Subsystems::read(&frames(&[""])[0]), Subsystems::NONE);
}

proptest::proptest! {
    #[test]
    fn nonsense_never_panics(status in "([a-z]{1,9}: [^\n]{0,9}\n){0,9}", song in "([A-Za-z]{1,9}: [^\n]{0,9}\n){0,9}") {
        proptest::prop_assume!(!status.contains("binary") && !song.contains("binary"));
        let mut model = Model::default();
        apply(&mut model, &status, &song, 0);
    }

    #[test]
    fn numbers_of_any_kind_never_panic(number in "-?[0-9]{0,25}(\\.[0-9]{0,9})?(e[0-9]{1,4})?|nan|inf", now in 0..u64::MAX) {
        let mut model = Model::default();
        for key in ["volume", "elapsed", "xfade", "playlist", "playlistlength", "song", "bitrate"] {
            apply(&mut model, &format!("state: play\n{key}: {number}\n"), SONG, now);
        }
        proptest::prop_assert!(model.state.position.0.is_finite());
        proptest::prop_assert!(model.state.crossfade.0.is_finite());
        proptest::prop_assert!(serde_json::to_string(&model.state).is_ok());
    }
}

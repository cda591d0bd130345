//! A small library of real files, made once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A file in FLAC with an embedded cover.
pub(crate) const FLAC: &str = "Ann/First/01 Morning.flac";
/// A file in Ogg Vorbis whose name has both kinds of quotes; the cover is beside it.
pub(crate) const OGG: &str = "Ann/First/02 \"Quote\" it's.ogg";
/// A file in MP3 with tags beyond ASCII and no cover.
pub(crate) const MP3: &str = "Bob/Été \\ Sommer.mp3";
/// A longer file in Opus.
pub(crate) const OPUS: &str = "Bob/Long.opus";
/// Every file.
pub(crate) const ALL: [&str; 4] = [FLAC, OGG, MP3, OPUS];

/// The library and the cover embedded in [`FLAC`].
pub(crate) struct Library {
    folder: tempfile::TempDir,
    pub(crate) cover: Vec<u8>,
}

/// The library's folder, made at the first call.
pub(crate) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(make)
}

impl Library {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for these tests: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn make() -> Library {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> String {
        let path: PathBuf = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let tone = |name: &str, seconds: &str, hertz: &str| {
        let file = path(name);
        run(
            "sox",
            &[
                "-n", "-r", "44100", "-b", "16", "-c", "2", &file, "synth", seconds, "sine", hertz, "gain",
                "-12",
            ],
        );
        file
    };
    // Noise does not compress, so the picture takes several pieces.
    let cover = path("noise.png");
    run(
        "convert",
        &["-size", "400x400", "xc:", "+noise", "Random", &cover],
    );
    let flac = tone(FLAC, "30", "440");
    run(
        "metaflac",
        &[
            "--set-tag=TITLE=Morning",
            "--set-tag=ARTIST=Ann",
            "--set-tag=ALBUM=First",
            "--set-tag=TRACKNUMBER=1/2",
            "--set-tag=GENRE=Calm",
            &format!("--import-picture-from={cover}"),
            &flac,
        ],
    );
    let ogg = tone(OGG, "30", "550");
    run(
        "vorbiscomment",
        &[
            "-w",
            "-t",
            "TITLE=Say \"Quote\"",
            "-t",
            "TRACKNUMBER=2",
            "-t",
            "ARTIST=Ann",
            "-t",
            "ALBUM=First",
            &ogg,
        ],
    );
    run(
        "convert",
        &["-size", "16x16", "xc:red", &path("Ann/First/cover.jpg")],
    );
    let wave = tone("tone.wav", "30", "660");
    run(
        "lame",
        &[
            "--quiet",
            "--id3v2-utf16",
            "--tt",
            "Été",
            "--ta",
            "Bob & Søn",
            "--tg",
            "Pop",
            &wave,
            &path(MP3),
        ],
    );
    let long = tone("long.wav", "120", "330");
    run(
        "opusenc",
        &[
            "--quiet",
            "--title",
            "Long",
            "--artist",
            "Bob",
            &long,
            &path(OPUS),
        ],
    );
    let bytes = fs::read(&cover).unwrap();
    for extra in ["noise.png", "tone.wav", "long.wav"] {
        fs::remove_file(folder.path().join(extra)).unwrap();
    }
    Library { folder, cover: bytes }
}

use super::*;
use crate::music::{MusicPlayer, channel};
use amora_contract::config::MusicConfig;
use std::io::Write;
use std::time::{Duration, Instant};

const RATE: Hertz = Hertz(48_000.0);

struct Bench {
    folder: tempfile::TempDir,
    player: MusicPlayer,
    reader: FifoReader,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (writer, player) = channel(&MusicConfig::default(), RATE);
        let reader = FifoReader::start(&folder.path().join("music"), writer, RATE).unwrap();
        Self {
            folder,
            player,
            reader,
        }
    }

    /// A program that opens the FIFO as MPD does.
    fn program(&self) -> File {
        OpenOptions::new()
            .write(true)
            .open(self.folder.path().join("music"))
            .unwrap()
    }

    /// Takes frames out of the ring as they come, until there are `count`.
    fn frames(&mut self, count: usize) -> Vec<[f32; 2]> {
        let mut frames = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        while frames.len() < count {
            assert!(Instant::now() < deadline, "only {} frames came", frames.len());
            while self.player.samples.slots() >= 2 {
                frames.push([
                    self.player.samples.pop().unwrap(),
                    self.player.samples.pop().unwrap(),
                ]);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        frames
    }
}

fn bytes(from: usize, frames: usize) -> Vec<u8> {
    (from..from + frames)
        .flat_map(|n| [n as f32, -(n as f32)])
        .flat_map(f32::to_ne_bytes)
        .collect()
}

fn expect(frames: &[[f32; 2]], from: usize) {
    for (n, frame) in frames.iter().enumerate() {
        let number = (from + n) as f32;
        assert_eq!(*frame, [number, -number], "frame {n}");
    }
}

#[test]
fn the_fifo_is_made_for_user_and_group() {
    let bench = Bench::new();
    let metadata = std::fs::metadata(bench.folder.path().join("music")).unwrap();
    assert!(metadata.file_type().is_fifo());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o660);
    // An existing one is taken as it is.
    let (writer, _player) = channel(&MusicConfig::default(), RATE);
    drop(bench.reader);
    assert!(FifoReader::start(&bench.folder.path().join("music"), writer, RATE).is_ok());
}

#[test]
fn what_is_no_fifo_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("music");
    std::fs::write(&path, "a file").unwrap();
    let (writer, _player) = channel(&MusicConfig::default(), RATE);
    let error = FifoReader::start(&path, writer, RATE).unwrap_err();
    assert!(matches!(error, FifoError::NoFifo { .. }), "{error}");
    assert!(error.to_string().contains("music is there, but is no FIFO"));
    let (writer, _player) = channel(&MusicConfig::default(), RATE);
    let error = FifoReader::start(&path.join("deeper"), writer, RATE).unwrap_err();
    assert!(matches!(error, FifoError::Make { .. }), "{error}");
}

#[test]
fn frames_in_pieces_are_put_together() {
    let mut bench = Bench::new();
    let mut program = bench.program();
    let all = bytes(0, 500);
    for piece in all.chunks(13) {
        program.write_all(piece).unwrap();
    }
    expect(&bench.frames(500), 0);
}

#[test]
fn writers_come_and_go() {
    let mut bench = Bench::new();
    for round in 0..5 {
        let mut program = bench.program();
        program.write_all(&bytes(round * 1000, 1000)).unwrap();
        drop(program);
        expect(&bench.frames(1000), round * 1000);
    }
}

#[test]
fn a_fifo_that_is_removed_or_replaced_is_found_again() {
    let mut bench = Bench::new();
    let path = bench.folder.path().join("music");
    bench.program().write_all(&bytes(0, 100)).unwrap();
    expect(&bench.frames(100), 0);

    // Removed: another is made in its place.
    std::fs::remove_file(&path).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !path.exists() {
        assert!(Instant::now() < deadline, "it was not made again");
        std::thread::sleep(Duration::from_millis(10));
    }
    bench.program().write_all(&bytes(100, 100)).unwrap();
    expect(&bench.frames(100), 100);

    // Replaced, as MPD does: what its writer puts in before we look is not lost.
    std::fs::remove_file(&path).unwrap();
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: `name` is a string that ends in zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o660) }, 0);
    bench.program().write_all(&bytes(200, 100)).unwrap();
    expect(&bench.frames(100), 200);
}

#[test]
fn half_a_frame_of_a_dead_writer_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(&folder.path().join("music")).unwrap();
    let (writer, player) = channel(&MusicConfig::default(), RATE);
    let mut reader = Reader::new(folder.path().join("music"), file, writer, RATE);
    let mut program = OpenOptions::new()
        .write(true)
        .open(folder.path().join("music"))
        .unwrap();
    program.write_all(&bytes(0, 1)[..5]).unwrap();
    reader.read(1000).unwrap();
    assert_eq!(reader.partial, 5);
    reader.stale = 0;
    std::thread::sleep(Duration::from_millis(1));
    program.write_all(&bytes(7, 3)).unwrap();
    reader.read(1000).unwrap();
    assert_eq!((reader.partial, player.samples.slots()), (0, 6));
}

#[test]
fn a_writer_without_a_clock_is_held_up_and_loses_nothing() {
    let mut bench = Bench::new();
    let mut program = bench.program();
    let thread = std::thread::spawn(move || program.write_all(&bytes(0, 200_000)));
    // It fills ring and pipe and waits.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !bench.player.shared.held_up.load(Ordering::Relaxed) {
        assert!(Instant::now() < deadline, "it was never held up");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!thread.is_finished());
    expect(&bench.frames(200_000), 0);
    thread.join().unwrap().unwrap();
    while bench.player.shared.held_up.load(Ordering::Relaxed) {
        assert!(Instant::now() < deadline, "it is still told to be held up");
        std::thread::sleep(Duration::from_millis(1));
    }
}

//! Our echo canceller allocates when it is made and never again.

use amora_audio::echo::kalman::{KalmanCanceller, Settings};
use amora_audio::echo::{BLOCK, EchoCanceller};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what a watched thread allocates and frees.
struct Watchman;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

fn note() {
    if WATCHED.try_with(Cell::get).unwrap_or(false) {
        let _ = SEEN.try_with(|seen| seen.set(seen.get() + 1));
    }
}

// SAFETY: everything is handed to the system's allocator; counting touches constant thread-locals alone.
unsafe impl GlobalAlloc for Watchman {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watchman = Watchman;

fn watched(work: impl FnOnce()) -> u64 {
    SEEN.set(0);
    WATCHED.set(true);
    work();
    WATCHED.set(false);
    SEEN.get()
}

#[test]
fn nothing_is_allocated_whatever_comes_in() {
    assert_eq!(
        watched(|| drop(std::hint::black_box(Box::new(7)))),
        2,
        "the watchman sees"
    );
    let mut canceller = KalmanCanceller::new(Settings::default());
    let seen = watched(|| {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        };
        for block in 0..400 {
            let mut reference: [f32; BLOCK] = std::array::from_fn(|_| noise());
            // An echo, another one, a talker, silence, what is no number.
            let mut microphone = reference.map(|sample| 0.3 * sample);
            match block / 50 {
                2 => microphone = reference.map(|sample| -0.5 * sample),
                3 => microphone = std::array::from_fn(|_| noise()),
                4 => reference = [0.0; BLOCK],
                5 => microphone = [f32::NAN; BLOCK],
                6 => canceller.restart(),
                _ => {}
            }
            canceller.process(&reference, &mut microphone);
            std::hint::black_box(canceller.figures());
        }
    });
    assert_eq!(seen, 0);
}

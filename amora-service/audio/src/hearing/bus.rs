//! Blocks of sound for any number of readers. One writer, which waits for nobody but who is just falling asleep; a reader
//! that is too slow loses the oldest.

use crate::echo::BLOCK;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Blocks kept: 2.56 s.
const KEPT: usize = 256;

/// 10 ms of mono sound at 48 kHz, full scale ±1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Position of the first frame among all frames ever captured: an engine's latency taken off. After what was lost
    /// for good it jumps.
    pub position: i64,
    /// When the first frame was captured, in nanoseconds of the card's monotonic clock.
    pub nanoseconds: u64,
    /// The sound.
    pub samples: [f32; BLOCK],
}

/// One place of the ring: written under a sequence number, which is odd meanwhile.
#[derive(Debug)]
struct Place {
    sequence: AtomicU64,
    position: AtomicU64,
    nanoseconds: AtomicU64,
    samples: [AtomicU32; BLOCK],
}

#[derive(Debug)]
struct Ring {
    places: Box<[Place]>,
    /// Blocks ever written.
    written: AtomicU64,
    /// The least of them that somebody waits for: nobody is woken for fewer.
    awaited: AtomicU64,
    ended: Mutex<bool>,
    news: Condvar,
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Bus(Arc<Ring>);

/// A reader of a bus. Each reader has every block, from those on that were written after it was made.
#[derive(Debug, Clone)]
pub struct BusReader {
    ring: Arc<Ring>,
    next: u64,
    dropped: u64,
}

impl Bus {
    pub(super) fn new() -> Self {
        let place = || Place {
            sequence: AtomicU64::new(0),
            position: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
            samples: std::array::from_fn(|_| AtomicU32::new(0)),
        };
        Self(Arc::new(Ring {
            places: (0..KEPT).map(|_| place()).collect(),
            written: AtomicU64::new(0),
            awaited: AtomicU64::new(u64::MAX),
            ended: Mutex::new(false),
            news: Condvar::new(),
        }))
    }

    pub(super) fn write(&self, block: &Block) {
        let number = self.0.written.load(Ordering::Relaxed);
        let place = &self.0.places[number as usize % KEPT];
        place.sequence.store(2 * number + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        place.position.store(block.position as u64, Ordering::Relaxed);
        place.nanoseconds.store(block.nanoseconds, Ordering::Relaxed);
        for (to, from) in place.samples.iter().zip(&block.samples) {
            to.store(from.to_bits(), Ordering::Relaxed);
        }
        place.sequence.store(2 * number + 2, Ordering::Release);
        // In one order with what a reader does: whichever comes second sees the first.
        self.0.written.store(number + 1, Ordering::SeqCst);
        if number + 1 >= self.0.awaited.load(Ordering::SeqCst) {
            // Who still waits for more says so again.
            let waiting = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
            self.0.awaited.store(u64::MAX, Ordering::SeqCst);
            drop(waiting);
            self.0.news.notify_all();
        }
    }

    pub(super) fn reader(&self) -> BusReader {
        BusReader {
            next: self.0.written.load(Ordering::Acquire),
            ring: Arc::clone(&self.0),
            dropped: 0,
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.news.notify_all();
    }
}

impl BusReader {
    /// The next block, if there is one. Never waits.
    pub fn read(&mut self) -> Option<Block> {
        loop {
            let written = self.ring.written.load(Ordering::Acquire);
            if self.next >= written {
                return None;
            }
            let oldest = written.saturating_sub(KEPT as u64);
            if self.next < oldest {
                self.dropped += oldest - self.next;
                self.next = oldest;
            }
            if let Some(block) = self.copy() {
                self.next += 1;
                return Some(block);
            }
            // It was overwritten while it was copied.
            self.dropped += 1;
            self.next += 1;
        }
    }

    /// The next block, waiting for it at most `patience`. `None` also when there will be no more.
    pub fn wait(&mut self, patience: Duration) -> Option<Block> {
        self.wait_for(1, patience)
    }

    /// The next block, once there are so `many` or `patience` is at its end: who needs several sleeps until the last.
    pub fn wait_for(&mut self, many: usize, patience: Duration) -> Option<Block> {
        let wanted = self.next + many.clamp(1, KEPT) as u64;
        if self.ring.written.load(Ordering::Acquire) < wanted {
            let begun = Instant::now();
            let mut ended = self.ring.ended.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                self.ring.awaited.fetch_min(wanted, Ordering::SeqCst);
                let left = patience.saturating_sub(begun.elapsed());
                if *ended || self.ring.written.load(Ordering::SeqCst) >= wanted || left.is_zero() {
                    break;
                }
                ended = self
                    .ring
                    .news
                    .wait_timeout(ended, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
        self.read()
    }

    /// Blocks lost so far because this reader was too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether the writer has gone; what is left can still be read.
    pub fn is_ended(&self) -> bool {
        *self.ring.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn copy(&self) -> Option<Block> {
        let place = &self.ring.places[self.next as usize % KEPT];
        let expected = 2 * self.next + 2;
        if place.sequence.load(Ordering::Acquire) != expected {
            return None;
        }
        let block = Block {
            position: place.position.load(Ordering::Relaxed) as i64,
            nanoseconds: place.nanoseconds.load(Ordering::Relaxed),
            samples: std::array::from_fn(|n| f32::from_bits(place.samples[n].load(Ordering::Relaxed))),
        };
        fence(Ordering::Acquire);
        (place.sequence.load(Ordering::Relaxed) == expected).then_some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: i64) -> Block {
        Block {
            position: number,
            nanoseconds: number as u64,
            samples: [number as f32; BLOCK],
        }
    }

    #[test]
    fn every_reader_has_every_block_and_a_slow_one_loses_the_oldest() {
        let bus = Bus::new();
        let mut quick = bus.reader();
        let mut slow = bus.reader();
        for number in 0..300 {
            bus.write(&block(number));
            assert_eq!(quick.read(), Some(block(number)));
            assert_eq!(quick.read(), None);
        }
        for number in 300 - KEPT as i64..300 {
            assert_eq!(slow.read(), Some(block(number)));
        }
        assert_eq!((quick.dropped(), slow.dropped()), (0, 300 - KEPT as u64));
        let mut late = bus.reader();
        assert_eq!(late.read(), None);
        drop(bus);
        assert!(late.is_ended() && late.wait(Duration::from_secs(60)).is_none());
    }

    #[test]
    fn who_needs_several_blocks_sleeps_until_the_last_and_loses_none() {
        let bus = Bus::new();
        let mut reader = bus.reader();
        let sleeper = std::thread::spawn(move || {
            let first = reader.wait_for(3, Duration::from_secs(60));
            (first, reader)
        });
        bus.write(&block(0));
        bus.write(&block(1));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!sleeper.is_finished());
        bus.write(&block(2));
        let (first, mut reader) = sleeper.join().unwrap();
        assert_eq!(first, Some(block(0)));
        assert_eq!(reader.wait_for(2, Duration::from_secs(60)), Some(block(1)));
        // Where there are fewer when patience ends, those are given.
        assert_eq!(reader.wait_for(2, Duration::from_millis(1)), Some(block(2)));
        assert_eq!(reader.wait_for(2, Duration::from_millis(1)), None);
    }

    #[test]
    fn a_block_is_whole_or_not_there_while_it_is_written_over() {
        let bus = Bus::new();
        let readers: Vec<_> = (0..2).map(|_| bus.reader()).collect();
        let threads: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                std::thread::spawn(move || {
                    let (mut seen, mut last) = (0u64, -1);
                    while let Some(read) = reader.wait(Duration::from_secs(60)) {
                        assert_eq!(read, block(read.position), "torn");
                        assert!(read.position > last);
                        last = read.position;
                        seen += 1;
                    }
                    seen + reader.dropped()
                })
            })
            .collect();
        for number in 0..20_000 {
            bus.write(&block(number));
        }
        drop(bus);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 20_000);
        }
    }
}

//! What waits between the sound and the call: the oldest goes when there is too much.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A queue of bounded length. Clones are handles to the same one. Not for a real-time thread: it locks.
#[derive(Debug)]
pub(crate) struct DropOldest<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    waiting: Mutex<VecDeque<T>>,
    filled: Notify,
    limit: usize,
}

impl<T> Clone for DropOldest<T> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> DropOldest<T> {
    /// A queue for `limit` items, at least one.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            shared: Arc::new(Shared {
                waiting: Mutex::new(VecDeque::with_capacity(limit)),
                filled: Notify::new(),
                limit,
            }),
        }
    }

    /// Adds an item. Returns the oldest where it had to go.
    pub(crate) fn push(&self, item: T) -> Option<T> {
        let mut waiting = self.waiting();
        let oldest = match waiting.len() < self.shared.limit {
            true => None,
            false => waiting.pop_front(),
        };
        waiting.push_back(item);
        drop(waiting);
        self.shared.filled.notify_one();
        oldest
    }

    /// Takes the oldest item, waiting for one. May be dropped and called again, nothing is lost by it.
    pub(crate) async fn pop(&self) -> T {
        loop {
            let filled = self.shared.filled.notified();
            if let Some(item) = self.waiting().pop_front() {
                return item;
            }
            filled.await;
        }
    }

    /// Forgets what waits.
    pub(crate) fn clear(&self) {
        self.waiting().clear();
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting().len()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<T>> {
        // The queue is whole between any two statements, so a panic elsewhere cannot have spoilt it.
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_goes_when_there_is_too_much() {
        let queue = DropOldest::new(3);
        let dropped: Vec<Option<i32>> = (1..=5).map(|item| queue.push(item)).collect();
        assert_eq!(dropped, [None, None, None, Some(1), Some(2)]);
        assert_eq!(queue.len(), 3);
        for expected in 3..=5 {
            assert_eq!(queue.pop().await, expected);
        }
        assert_eq!(queue.len(), 0);
    }

    #[tokio::test]
    async fn a_taker_that_waits_is_woken() {
        let queue = DropOldest::new(3);
        let taker = tokio::spawn({
            let queue = queue.clone();
            async move { (queue.pop().await, queue.pop().await) }
        });
        tokio::task::yield_now().await;
        queue.push(1);
        queue.push(2);
        assert_eq!(taker.await.unwrap(), (1, 2));
    }

    #[tokio::test]
    async fn a_taker_that_gave_up_takes_nothing_with_it() {
        let queue = DropOldest::new(3);
        {
            let pop = queue.pop();
            tokio::pin!(pop);
            tokio::select! {
                biased;
                _ = &mut pop => panic!("there was nothing to take"),
                () = tokio::task::yield_now() => {}
            }
            queue.push(7);
        }
        assert_eq!(queue.pop().await, 7);
    }
}

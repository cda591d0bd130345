//! A thread that works until nobody wants it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A running thread. Dropping it ends it, and waits for that.
#[derive(Debug)]
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread of this name. Its work looks now and then whether it is to stop; where it is parked, it is woken.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(name: &str, work: impl FnOnce(&AtomicBool) + Send + 'static) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&stopped))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_worker_that_sleeps_is_woken_and_waited_for() {
        let (tell, told) = mpsc::channel();
        let worker = Worker::start("test", move |stop| {
            while !stop.load(Ordering::Relaxed) {
                std::thread::park();
            }
            tell.send("the end").unwrap();
        });
        drop(worker.unwrap());
        assert_eq!(told.try_recv(), Ok("the end"));
    }
}

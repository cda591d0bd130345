//! Real-time priority and locked memory for the sound thread, where the system permits them.

use std::io;

/// What the system granted, and what to set where it did not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// Whether the thread runs with real-time priority.
    pub priority: bool,
    /// Whether the process's memory stays in RAM.
    pub memory: bool,
    /// What was refused and how to permit it, in plain words.
    pub advice: Vec<String>,
}

/// Stack touched beforehand, so that the first deep call meets no page fault.
const STACK: usize = 128 * 1024;

/// Asks for SCHED_FIFO at `priority` (1 to 99) for the calling thread and locks the process's memory. At priority 0
/// nothing is asked.
pub fn request(priority: u8) -> Granted {
    if priority == 0 {
        return Granted {
            advice: vec!["real_time_priority is 0: not asked for".to_owned()],
            ..Granted::default()
        };
    }
    let mut granted = Granted::default();
    match lock_memory() {
        Ok(()) => granted.memory = true,
        Err(error) => granted.advice.push(format!(
            "memory can't be locked ({error}): set LimitMEMLOCK=infinity in the unit, or `ulimit -l unlimited`"
        )),
    }
    prefault_stack();
    match set_priority(priority) {
        Ok(()) => granted.priority = true,
        Err(error) => granted.advice.push(format!(
            "real-time priority {priority} is refused ({error}): \
             set LimitRTPRIO={priority} in the unit, or grant CAP_SYS_NICE"
        )),
    }
    granted
}

fn lock_memory() -> io::Result<()> {
    // SAFETY: takes no pointers; it only changes how the kernel treats this process's pages. Locking on fault spares
    // the address space that is reserved and never used, such as other threads' stacks.
    let result = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    outcome(result)
}

fn set_priority(priority: u8) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid `sched_param`.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = i32::from(priority.min(99));
    // Children must not inherit the priority.
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: thread 0 is the calling one; `parameters` outlives the call, which only reads it.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    outcome(result)
}

#[inline(never)]
fn prefault_stack() {
    let mut pages = [0u8; STACK];
    for page in pages.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(&pages);
}

fn outcome(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scheduling policy of the calling thread, as the kernel sees it.
    fn policy() -> libc::c_int {
        // SAFETY: takes no pointers; thread 0 is the calling one.
        unsafe { libc::sched_getscheduler(0) & !libc::SCHED_RESET_ON_FORK }
    }

    #[test]
    fn what_is_said_is_what_the_kernel_did() {
        std::thread::spawn(|| {
            let granted = request(10);
            assert_eq!(granted.priority, policy() == libc::SCHED_FIFO);
            assert_eq!(
                granted.advice.len(),
                usize::from(!granted.priority) + usize::from(!granted.memory)
            );
            for advice in &granted.advice {
                assert!(advice.contains("Limit"), "{advice}");
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn nothing_asked_nothing_changed() {
        std::thread::spawn(|| {
            let before = policy();
            assert!(!request(0).priority);
            assert_eq!(policy(), before);
        })
        .join()
        .unwrap();
    }
}

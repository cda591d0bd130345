//! The canceller of libspeexdsp: an adaptive filter and nothing that lowers near speech, for a microphone on the card's own
//! clock. Its filter against a constant offset turns the phase of what is below some 300 Hz (J.-M. Valin, "On Adjusting the Learning Rate in Frequency Domain Echo Cancellation With Double-Talk", IEEE
//! TASLP 15, 2007).

use super::{BLOCK, EchoCanceller};
use crate::pcm::{from_s16, to_s16};
use amora_contract::units::Frames;
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

/// The tail that is cancelled unless said otherwise: 100 ms.
pub const TAIL: Frames = Frames(4800);

/// Longest tail: a second.
pub const LONGEST_TAIL: Frames = Frames(48_000);

/// libspeexdsp's functions, as `speex/speex_echo.h` of its version 1.2 declares them.
mod library {
    use std::ffi::{c_int, c_void};

    /// `SPEEX_ECHO_SET_SAMPLING_RATE`, whose argument is a `spx_int32_t`.
    pub(super) const SET_SAMPLING_RATE: c_int = 24;

    /// `SpeexEchoState`, of which only the address is known.
    #[repr(C)]
    pub(super) struct State {
        _opaque: [u8; 0],
    }

    #[link(name = "speexdsp")]
    unsafe extern "C" {
        pub(super) fn speex_echo_state_init(frame_size: c_int, filter_length: c_int) -> *mut State;
        pub(super) fn speex_echo_state_destroy(state: *mut State);
        pub(super) fn speex_echo_state_reset(state: *mut State);
        pub(super) fn speex_echo_ctl(state: *mut State, request: c_int, value: *mut c_void) -> c_int;
        pub(super) fn speex_echo_cancellation(
            state: *mut State,
            microphone: *const i16,
            reference: *const i16,
            cleaned: *mut i16,
        );
    }
}

/// libspeexdsp had no memory for a canceller.
#[derive(Debug, thiserror::Error)]
#[error("libspeexdsp made no echo canceller with a tail of {} frames", .0.0)]
pub struct SpeexError(Frames);

/// One of libspeexdsp's cancellers. It works on 16 bits: what is louder than full scale is cut off.
#[derive(Debug)]
pub struct Speex {
    tail: Frames,
    state: NonNull<library::State>,
    reference: [i16; BLOCK],
    microphone: [i16; BLOCK],
    cleaned: [i16; BLOCK],
}

// SAFETY: a state has no ties to the thread that made it, and is reached through `&mut self` alone.
unsafe impl Send for Speex {}

impl Speex {
    /// A canceller for echoes that end within `tail`, which is held between one block and [`LONGEST_TAIL`].
    ///
    /// # Errors
    ///
    /// [`SpeexError`] where there is no memory.
    pub fn new(tail: Frames) -> Result<Self, SpeexError> {
        let tail = Frames(tail.0.clamp(BLOCK as u64, LONGEST_TAIL.0));
        // SAFETY: both sizes are positive and small; it has no other conditions.
        let state = unsafe { library::speex_echo_state_init(BLOCK as c_int, tail.0 as c_int) };
        let speex = Self {
            tail,
            state: NonNull::new(state).ok_or(SpeexError(tail))?,
            reference: [0; BLOCK],
            microphone: [0; BLOCK],
            cleaned: [0; BLOCK],
        };
        let mut rate: i32 = 48_000;
        // SAFETY: the state lives, and this request reads one `spx_int32_t`, which `rate` is.
        unsafe {
            library::speex_echo_ctl(
                speex.state.as_ptr(),
                library::SET_SAMPLING_RATE,
                (&raw mut rate).cast::<c_void>(),
            );
        }
        Ok(speex)
    }
}

impl EchoCanceller for Speex {
    fn process(&mut self, reference: &[f32; BLOCK], microphone: &mut [f32; BLOCK]) {
        self.reference = reference.map(to_s16);
        self.microphone = microphone.map(to_s16);
        // SAFETY: the state lives and was made for frames of BLOCK samples, which all three arrays have; they are
        // different ones.
        unsafe {
            library::speex_echo_cancellation(
                self.state.as_ptr(),
                self.microphone.as_ptr(),
                self.reference.as_ptr(),
                self.cleaned.as_mut_ptr(),
            );
        }
        *microphone = self.cleaned.map(from_s16);
    }

    fn restart(&mut self) {
        // The library's own reset keeps some of what was learned. It has to do where there is no memory for a new one.
        match Self::new(self.tail) {
            Ok(fresh) => *self = fresh,
            // SAFETY: the state lives.
            Err(_) => unsafe { library::speex_echo_state_reset(self.state.as_ptr()) },
        }
    }

    fn latency(&self) -> Frames {
        Frames(0)
    }
}

impl Drop for Speex {
    fn drop(&mut self) {
        // SAFETY: the state lives, and nobody has it after this.
        unsafe { library::speex_echo_state_destroy(self.state.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_tail_is_held_within_bounds() {
        for tail in [0, 1, 4800, u64::MAX] {
            let mut speex = Speex::new(Frames(tail)).unwrap();
            speex.process(&[0.1; BLOCK], &mut [0.1; BLOCK]);
        }
    }
}

"""SpeexDSP's echo canceller, from the system's library."""

import ctypes
import ctypes.util

import numpy

from voice.sound import FRAME, RATE

TAIL = 4800
"""Samples of the filter: 100 ms."""
SET_SAMPLING_RATE = 24
"""`SPEEX_ECHO_SET_SAMPLING_RATE` of speex_echo.h."""


class Canceller:
    """Takes the echo of the loudspeaker out of the microphone."""

    def __init__(self):
        """Raises OSError where the library is missing."""
        self.library = ctypes.CDLL(ctypes.util.find_library("speexdsp") or "libspeexdsp.so.1")
        self.library.speex_echo_state_init.restype = ctypes.c_void_p
        self.state = ctypes.c_void_p(self.library.speex_echo_state_init(FRAME, TAIL))
        self.library.speex_echo_ctl(self.state, SET_SAMPLING_RATE, ctypes.byref(ctypes.c_int(RATE)))

    def cancel(self, microphone: numpy.ndarray, loudspeaker: numpy.ndarray) -> numpy.ndarray:
        """A frame of the microphone without the echo of the frame that was just played."""
        clean = numpy.empty(FRAME, numpy.int16)
        self.library.speex_echo_cancellation(
            self.state, *(ctypes.c_void_p(frame.ctypes.data) for frame in (microphone, loudspeaker, clean))
        )
        return clean

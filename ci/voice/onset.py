"""Where speech begins and ends, as the hub decides it."""

import numpy
import webrtcvad

ONSET, SILENCE = 3, 15
"""Voiced frames that start an utterance, and silent ones that end it."""
VERY_AGGRESSIVE = 3


class Onset:
    """WebRTC's voice activity detector at 48 kHz, and the hub's rule about it."""

    def __init__(self):
        """Starts at silence."""
        self.detector = webrtcvad.Vad(VERY_AGGRESSIVE)
        self.speaking = False
        self.run: list[numpy.ndarray] = []
        self.utterance: list[numpy.ndarray] = []

    def take(self, frame: numpy.ndarray) -> tuple[int, str | None]:
        """Takes 20 ms. Gives the number of frames that go on to the speech service, and `start` or `end`."""
        voiced = self.detector.is_speech(frame.astype("<i2").tobytes(), 48_000)
        self.run = [*self.run, frame] if voiced != self.speaking else []
        if not self.speaking:
            if len(self.run) < ONSET:
                return 0, None
            self.speaking, self.utterance, self.run = True, self.run, []
            return ONSET, "start"
        self.utterance.append(frame)
        if len(self.run) < SILENCE:
            return 1, None
        self.speaking, self.run = False, []
        return 1, "end"

    def spoken(self) -> numpy.ndarray:
        """The last utterance, without the silence that ended it."""
        frames = self.utterance[:-SILENCE] if not self.speaking else self.utterance
        return numpy.concatenate(frames) if frames else numpy.zeros(0, numpy.int16)

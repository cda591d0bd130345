"""The client's sound: what the callback of a sound card does every 20 ms, with files for the card."""

import asyncio
import collections
import logging
import threading
import time
from pathlib import Path

import numpy

from voice.echo import Canceller
from voice.metrics import Metrics
from voice.sound import FRAME, RATE, read_wav, write_wav

SPEAKER_FRAMES, MICROPHONE_FRAMES = 500, 50
SILENCE = numpy.zeros(FRAME, numpy.int16)


class Microphone(asyncio.Queue):
    """The frames to be sent. When it is full, the oldest goes."""

    def __init__(self, metrics: Metrics):
        """Starts empty."""
        super().__init__(MICROPHONE_FRAMES)
        self.metrics = metrics

    def put_newest(self, frame: numpy.ndarray) -> None:
        """Adds a frame."""
        if self.full():
            self.get_nowait()
            self.metrics.mic_frames_dropped += 1
        self.put_nowait(frame)
        self.metrics.mic_queue_depth = self.qsize()

    def drain(self) -> None:
        """Forgets what is stale."""
        while not self.empty():
            self.get_nowait()


class Speaker:
    """The frames to be played. When it is full, the oldest goes."""

    def __init__(self, metrics: Metrics):
        """Starts empty."""
        self.metrics = metrics
        self.frames: collections.deque[numpy.ndarray] = collections.deque()
        self.rest = numpy.zeros(0, numpy.int16)

    def put(self, samples: numpy.ndarray) -> None:
        """Cuts what came into frames, and keeps the rest for the next."""
        samples = numpy.concatenate([self.rest, samples])
        whole = len(samples) // FRAME * FRAME
        self.rest = samples[whole:]
        for frame in samples[:whole].reshape(-1, FRAME):
            if len(self.frames) >= SPEAKER_FRAMES:
                self.frames.popleft()
                self.metrics.tts_frames_dropped += 1
            self.frames.append(frame)
            self.metrics.tts_frames_received += 1
        self.metrics.speaker_queue_depth = len(self.frames)

    def take(self) -> numpy.ndarray:
        """The next frame, or silence."""
        try:
            frame = self.frames.popleft()
        except IndexError:
            return SILENCE
        self.metrics.tts_frames_played += 1
        self.metrics.speaker_queue_depth = len(self.frames)
        return frame


class Card(threading.Thread):
    """Full duplex at the pace of a card, in a thread as the callback of one has."""

    def __init__(self, metrics: Metrics, microphone: Microphone, speaker: Speaker, spoken: Path, played: Path | None):
        """The microphone hears the file `spoken` again and again; what is played goes into `played` at the end."""
        super().__init__(daemon=True)
        self.metrics, self.microphone, self.speaker = metrics, microphone, speaker
        samples = read_wav(spoken.read_bytes())
        self.spoken = numpy.pad(samples, (0, -len(samples) % FRAME)).reshape(-1, FRAME)
        self.file, self.played = played, []
        self.loop, self.ended = asyncio.get_running_loop(), threading.Event()
        try:
            self.canceller = Canceller()
        except OSError as error:
            logging.warning("no echo is cancelled: %s", error)
            self.canceller = None

    def run(self) -> None:
        """Calls back at 50 Hz, on the clock of the machine."""
        start = time.monotonic()
        logging.info("the microphone hears from %.6f", time.time())
        number = 0
        while not self.ended.wait(max(0.0, start + (number + 1) * FRAME / RATE - time.monotonic())):
            begin = time.perf_counter()
            self.callback(self.spoken[number % len(self.spoken)])
            self.metrics.audio_callback_duration_ms = (time.perf_counter() - begin) * 1000
            number += 1

    def callback(self, heard: numpy.ndarray) -> None:
        """A frame out, a frame in."""
        frame = self.speaker.take()
        if self.file:
            self.played.append(frame)
        self.metrics.mic_frames_captured += 1
        if self.canceller:
            heard = self.canceller.cancel(heard, frame)
            self.metrics.aec_frames_processed += 1
        self.loop.call_soon_threadsafe(self.microphone.put_newest, heard)

    def stop(self) -> None:
        """Ends the thread and writes the file."""
        self.ended.set()
        self.join()
        if self.file:
            self.file.write_bytes(write_wav(numpy.concatenate([SILENCE, *self.played])))

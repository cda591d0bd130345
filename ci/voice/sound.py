"""Sound as both programs need it: 48 kHz, mono, signed 16 bit, frames of 20 ms; Opus and WAV."""

import io
import wave
from fractions import Fraction

import av
import numpy

RATE = 48_000
FRAME = 960
"""Samples of 20 ms."""


def write_wav(samples: numpy.ndarray) -> bytes:
    """The samples as a WAV file."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()


def read_wav(content: bytes) -> numpy.ndarray:
    """The left channel of any sound file that FFmpeg reads, at 48 kHz."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(content)) as file:
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return numpy.concatenate([frame.to_ndarray()[0] for frame in frames])


def audio_frame(samples: numpy.ndarray, position: int) -> av.AudioFrame:
    """20 ms for the encoder, which begin at this sample."""
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = RATE
    frame.pts, frame.time_base = position, Fraction(1, RATE)
    return frame


class Encoder:
    """Opus for speech: mono, one frame a packet."""

    def __init__(self, bit_rate: int = 32_000):
        """Starts at silence."""
        self.codec = av.CodecContext.create("libopus", "w")
        self.codec.bit_rate, self.codec.sample_rate = bit_rate, RATE
        self.codec.format, self.codec.layout, self.codec.time_base = "s16", "mono", Fraction(1, RATE)
        self.codec.options = {"application": "voip"}
        self.position = 0

    def encode(self, samples: numpy.ndarray) -> list[bytes]:
        """The packets that 20 ms complete."""
        packets = self.codec.encode(audio_frame(samples, self.position))
        self.position += len(samples)
        return [bytes(packet) for packet in packets]


class Decoder:
    """Opus to mono."""

    def __init__(self):
        """Starts at silence."""
        self.codec = av.CodecContext.create("libopus", "r")
        self.codec.sample_rate, self.codec.format, self.codec.layout = RATE, "s16", "mono"

    def decode(self, packet: bytes) -> numpy.ndarray:
        """The samples of a packet; raises ValueError for what is no Opus."""
        try:
            frames = self.codec.decode(av.Packet(packet)) if packet else []
        except av.FFmpegError as error:
            raise ValueError(str(error)) from error
        if not frames:
            raise ValueError("nothing in the packet")
        return numpy.concatenate([frame.to_ndarray()[0] for frame in frames])

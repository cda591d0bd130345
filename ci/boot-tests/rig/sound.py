"""Finds a tone in a recording and measures it."""

from dataclasses import dataclass
from pathlib import Path

import numpy

# A stretch belongs to the tone when its level at the tone's frequency is above this.
FLOOR = -60.0
# Stretches in which level and phase are looked at. A multiple of the period of every frequency used.
STEP = 480
# How far level (dB) and phase (radians) may differ from one stretch to the next without a gap being there.
LEVEL_STEP = 1.0
PHASE_STEP = 0.2


@dataclass
class Recording:
    """What a card played: frames by channels, from -1 to 1."""

    rate: int
    samples: numpy.ndarray


@dataclass
class Tone:
    """A tone as it was found."""

    frequency: float
    level: float
    seconds: float
    gaps: int
    noise: float


def read(path, start=0):
    """Read a WAV file of 16 bits that may still be written: the length in its header is not believed.

    `start` is a size that the file had before; only what came after it is taken.
    """
    content = Path(path).read_bytes()
    channels = int.from_bytes(content[22:24], "little")
    rate = int.from_bytes(content[24:28], "little")
    frame = int.from_bytes(content[32:34], "little")
    assert frame == 2 * channels, f"{path} does not hold 16 bits a sample"
    header = content.index(b"data") + 8
    begin = max(header, header + (start - header) // frame * frame)
    end = begin + (len(content) - begin) // frame * frame
    samples = numpy.frombuffer(content[begin:end], "<i2").reshape(-1, channels)
    return Recording(rate, samples / 32768.0)


def size(path):
    """How much of a recording there is, to read later what comes after it."""
    return Path(path).stat().st_size


def tone(recording, frequency, channel=0):
    """Measure the longest stretch of a tone that only short gaps interrupt; `None` when it is nowhere.

    The tone's level is that of its peaks, relative to full scale; the noise is everything else, relative to the tone.
    """
    samples = recording.samples[:, channel]
    samples = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    turns = numpy.exp(-2j * numpy.pi * frequency * numpy.arange(samples.size) / recording.rate).reshape(-1, STEP)
    carrier = 2 * (samples * turns).mean(axis=1)
    levels = 20 * numpy.log10(numpy.abs(carrier) + 1e-12)
    stretch = _longest(levels > FLOOR, bridge=recording.rate // STEP)
    if stretch is None:
        return None
    # The first and the last step are cut in two by the tone's begin and end, and by the ramps there.
    first, last = stretch[0] + 5, stretch[1] - 5
    carrier, levels = carrier[first:last], levels[first:last]
    if len(carrier) < 10:
        return None
    phase_steps = numpy.abs(numpy.angle(carrier[1:] / carrier[:-1]))
    gaps = int(numpy.count_nonzero((phase_steps > PHASE_STEP) | (numpy.abs(numpy.diff(levels)) > LEVEL_STEP)))
    seconds = len(carrier) * STEP / recording.rate
    turned = numpy.unwrap(numpy.angle(carrier))
    slope = numpy.polyfit(numpy.arange(len(turned)), turned, 1)[0] * recording.rate / STEP / (2 * numpy.pi)
    level = float(numpy.median(levels))
    noise = _noise(samples[first:last], numpy.abs(carrier), turned, frequency, recording.rate)
    return Tone(frequency + float(slope), level, seconds, gaps, noise)


def _longest(loud, bridge):
    """First and last step of the longest run of loud steps, silences of up to `bridge` steps bridged."""
    places = numpy.flatnonzero(loud)
    if not places.size:
        return None
    runs = numpy.split(places, numpy.flatnonzero(numpy.diff(places) > bridge) + 1)
    run = max(runs, key=lambda run: run[-1] - run[0])
    return run[0], run[-1]


def _noise(steps, peaks, turned, frequency, rate):
    """Level of what is left when the tone is taken out of every step, relative to the tone; in decibels."""
    # A step begins with its own phase, as it is whole periods; a tone beside the frequency turns on from there.
    within = numpy.arange(STEP) - (STEP - 1) / 2
    phases = 2 * numpy.pi * frequency * numpy.arange(STEP) / rate + turned[:, None]
    phases = phases + numpy.gradient(turned)[:, None] / STEP * within[None, :]
    rest = steps - peaks[:, None] * numpy.cos(phases)
    power = numpy.median(rest.var(axis=1))
    return float(10 * numpy.log10(power / (numpy.median(peaks) ** 2 / 2) + 1e-20))


def sine(frequency, seconds, level, rate=48_000):
    """Make a WAV file with a tone on both channels; packed, it is small, as every period is the same."""
    times = numpy.arange(int(seconds * rate)) / rate
    wave = numpy.round(32767 * 10 ** (level / 20) * numpy.sin(2 * numpy.pi * frequency * times)).astype("<i2")
    data = numpy.repeat(wave, 2).tobytes()
    header = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += (1).to_bytes(2, "little") + (2).to_bytes(2, "little") + rate.to_bytes(4, "little")
    header += (4 * rate).to_bytes(4, "little") + (4).to_bytes(2, "little") + (16).to_bytes(2, "little")
    return header + b"data" + len(data).to_bytes(4, "little") + data

"""Test signals: exact, dry and unaccompanied."""

import numpy as np


def _stereo(sound: np.ndarray) -> np.ndarray:
    return np.stack([sound, sound], axis=1)


def _tone(rate: int, hertz: float, seconds: float, decibels: float) -> np.ndarray:
    time = np.arange(int(rate * seconds)) / rate
    return 10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * time)


def reference_tone(rate: int) -> np.ndarray:
    """1 kHz, 30 seconds, peak at −20 dB of full scale, both channels."""
    return _stereo(_tone(rate, 1000, 30, -20))


def sweep(rate: int) -> np.ndarray:
    """20 Hz to 20 kHz in 20 seconds, each octave as long as every other, peak at −20 dB of full scale."""
    seconds, low, high = 20, 20, 20_000
    time = np.arange(rate * seconds) / rate
    growth = np.log(high / low)
    phase = 2 * np.pi * low * seconds / growth * (np.exp(growth * time / seconds) - 1)
    sound = 0.1 * np.sin(phase)
    ramp = rate // 20
    sound[:ramp] *= np.linspace(0, 1, ramp)
    sound[-ramp:] *= np.linspace(1, 0, ramp)
    return _stereo(sound)


def left_and_right(rate: int) -> np.ndarray:
    """One tone on the left, two on the right, one on both; three times over."""
    silence = np.zeros(rate // 2)
    tone = _tone(rate, 660, 0.4, -20)
    ramp = np.minimum(1, np.minimum(np.arange(len(tone)), np.arange(len(tone))[::-1]) / (0.01 * rate))
    tone, gap = tone * ramp, np.zeros(rate // 5)
    one = np.concatenate([tone, silence])
    two = np.concatenate([tone, gap, tone, silence])
    left = np.concatenate([one, np.zeros_like(two), one])
    right = np.concatenate([np.zeros_like(one), two, one])
    return np.tile(np.stack([left, right], axis=1), (3, 1))

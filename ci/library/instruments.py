"""Instruments: each returns the samples of one note, mono, at the given rate."""

from functools import lru_cache

import numpy as np


def frequency(note: float) -> float:
    """Hertz of a MIDI note number."""
    return 440.0 * 2.0 ** ((note - 69) / 12)


def _time(rate: int, seconds: float) -> np.ndarray:
    return np.arange(int(rate * seconds)) / rate


def _fade(sound: np.ndarray, rate: int, start: float, end: float) -> np.ndarray:
    """Raised-cosine ramps at both ends, so that no note clicks."""
    sound = sound.copy()
    head, tail = int(rate * start), int(rate * end)
    sound[:head] *= 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, head))
    sound[-tail:] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, tail))
    return sound


@lru_cache(maxsize=512)
def string(rate: int, note: float, seconds: float) -> np.ndarray:
    """A plucked string: harmonics of a string picked at a fifth of its length, the higher the sooner gone."""
    time, pitch = _time(rate, seconds), frequency(note)
    sound = np.zeros_like(time)
    for harmonic in range(1, 15):
        partial = harmonic * pitch * np.sqrt(1 + 0.00008 * harmonic**2)
        if partial > 0.4 * rate:
            break
        level = abs(np.sin(np.pi * harmonic / 5)) / harmonic**1.4
        decay = (0.9 + 0.35 * harmonic) * (pitch / 330) ** 0.5
        sound += level * np.exp(-decay * time) * np.sin(2 * np.pi * partial * time)
    return _fade(0.5 * sound, rate, 0.002, 0.05)


@lru_cache(maxsize=512)
def keys(rate: int, note: float, seconds: float) -> np.ndarray:
    """An electric piano: two frequency-modulated pairs."""
    time, pitch = _time(rate, seconds), frequency(note)
    tine = 1.1 * np.exp(-5 * time) * np.sin(2 * np.pi * 14 * pitch * time) if 14 * pitch < 0.4 * rate else 0
    body = 1.3 * np.exp(-2.2 * time) * np.sin(2 * np.pi * pitch * time)
    sound = np.sin(2 * np.pi * pitch * time + body) + 0.12 * np.sin(2 * np.pi * pitch * time + tine)
    return _fade(0.4 * np.exp(-1.1 * time) * sound, rate, 0.003, 0.08)


@lru_cache(maxsize=512)
def pad(rate: int, note: float, seconds: float, detune: float) -> np.ndarray:
    """A soft chorus of strings; `detune` (in cents) tells the left side from the right."""
    time, pitch = _time(rate, seconds), frequency(note + detune / 100)
    breath = 1 + 0.15 * np.sin(2 * np.pi * 0.13 * time + detune)
    sound = np.zeros_like(time)
    for harmonic in range(1, 8):
        phase = detune * harmonic
        sound += np.sin(2 * np.pi * harmonic * pitch * time + phase) / harmonic**2.1
    return _fade(0.25 * breath * sound, rate, min(1.2, seconds / 3), min(1.6, seconds / 3))


@lru_cache(maxsize=128)
def bass(rate: int, note: float, seconds: float) -> np.ndarray:
    """A round bass."""
    time, pitch = _time(rate, seconds), frequency(note)
    sound = np.sin(2 * np.pi * pitch * time) + 0.35 * np.exp(-4 * time) * np.sin(4 * np.pi * pitch * time)
    return _fade(0.5 * np.exp(-0.8 * time) * sound, rate, 0.006, 0.06)


@lru_cache(maxsize=8)
def kick(rate: int) -> np.ndarray:
    """A soft bass drum."""
    time = _time(rate, 0.35)
    phase = 2 * np.pi * (48 * time - 6 * (np.exp(-28 * time) - 1))
    return _fade(0.8 * np.exp(-9 * time) * np.sin(phase), rate, 0.001, 0.05)


@lru_cache(maxsize=16)
def brush(rate: int, length: float, brightness: float) -> np.ndarray:
    """A brushed cymbal or drum head: noise, `brightness` from 0 (dull) to 1."""
    noise = np.random.default_rng(7).standard_normal(int(rate * length))
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(len(noise), 1 / rate)
    centre = 1500 + 7000 * brightness
    spectrum *= np.exp(-(((hertz - centre) / (0.45 * centre)) ** 2))
    sound = np.fft.irfft(spectrum, len(noise))
    sound *= np.exp(-np.arange(len(sound)) / (0.22 * len(sound)))
    return _fade(0.25 * sound / np.max(np.abs(sound)), rate, 0.002, 0.02)

"""A stereo mix: notes placed in time and between the loudspeakers, a room around them, a safe level."""

import numpy as np


class Mix:
    """Sound being put together. The room is sent to per note, as on a desk."""

    def __init__(self, rate: int, seconds: float, tail: float = 2.5):
        """Makes silence of `seconds`, and `tail` more for what rings on."""
        self.rate = rate
        frames = int(rate * (seconds + tail))
        self.dry = np.zeros((2, frames))
        self.send = np.zeros((2, frames))

    def add(self, sound: np.ndarray, at: float, gain: float, pan: float = 0.0, room: float = 0.3) -> None:
        """Places `sound` at `at` seconds; `pan` runs from −1 (left) to 1, at constant power."""
        start = int(at * self.rate)
        end = min(start + len(sound), self.dry.shape[1])
        if start >= end:
            return
        angle = (pan + 1) * np.pi / 4
        sides = np.array([[np.cos(angle)], [np.sin(angle)]]) * gain * sound[: end - start]
        self.dry[:, start:end] += sides
        self.send[:, start:end] += room * sides

    def finish(self, peak_decibels: float = -3.0, decay: float = 1.8) -> np.ndarray:
        """Adds the room, fades the very end and scales the peak. Returns frames × 2."""
        wet = np.stack([_reverberate(side, self.rate, decay, seed) for seed, side in enumerate(self.send)])
        sound = self.dry + wet
        fade = int(0.6 * self.rate)
        sound[:, -fade:] *= np.linspace(1, 0, fade) ** 2
        return (sound * 10 ** (peak_decibels / 20) / np.max(np.abs(sound))).T


def _reverberate(sound: np.ndarray, rate: int, decay: float, seed: int) -> np.ndarray:
    """Convolves with decaying noise that loses its treble first, like the air of a hall."""
    frames = int(rate * decay)
    time = np.arange(frames) / rate
    generator = np.random.default_rng(1000 + seed)
    response = np.zeros(frames)
    for low, high, seconds in ((0, 700, decay), (700, 3000, 0.7 * decay), (3000, 9000, 0.4 * decay)):
        noise = np.fft.rfft(generator.standard_normal(frames))
        hertz = np.fft.rfftfreq(frames, 1 / rate)
        noise[(hertz < low) | (hertz >= high)] = 0
        response += np.fft.irfft(noise, frames) * 10 ** (-3 * time / seconds)
    response[: int(0.012 * rate)] = 0
    response *= 0.9 / np.sqrt(np.sum(response**2))
    size = 1 << (len(sound) + frames - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    return wet[: len(sound)]

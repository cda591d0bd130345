"""The pieces of music, as functions from a sample rate to frames × 2."""

import numpy as np

from . import instruments
from .mix import Mix

# Chords as MIDI notes, voiced so that the upper voices move by step.
C_MAJOR_7 = (48, 55, 64, 67, 71)
A_MINOR_7 = (45, 55, 60, 64, 67)
F_MAJOR_7 = (41, 53, 60, 64, 69)
G_SUSPENDED = (43, 55, 60, 62, 67)
G_MAJOR = (43, 55, 59, 62, 67)
E_MINOR_7 = (40, 55, 59, 62, 67)
D_MINOR_9 = (38, 53, 60, 64, 65)
B_FLAT_MAJOR_7 = (46, 53, 62, 65, 69)
D_MAJOR_ADD_9 = (50, 57, 62, 64, 66)
B_MINOR_7 = (47, 54, 62, 66, 69)
G_MAJOR_7 = (43, 55, 62, 66, 71)
A_SUSPENDED = (45, 57, 62, 64, 69)


def _pads(mix: Mix, chords, length: float, gain: float, transpose: int = 0) -> None:
    for index, chord in enumerate(chords):
        for note in chord[1:]:
            for side, detune in ((-0.8, -5.0), (0.8, 6.0)):
                sound = instruments.pad(mix.rate, note + transpose, length * 1.35, detune)
                mix.add(sound, index * length, gain, side, room=0.5)


def _melody(mix: Mix, play, scale, chords, length: float, steps: int, seed: int, gain: float) -> None:
    """Walks about the scale, landing on notes of the chord on the strong beats."""
    choose = np.random.default_rng(seed)
    step = length / steps
    place = len(scale) // 2
    for index, chord in enumerate(chords):
        for beat in range(steps):
            if beat and choose.random() < 0.38:
                continue
            place = int(np.clip(place + choose.integers(-2, 3), 0, len(scale) - 1))
            note = scale[place]
            if beat == 0:
                note = min((n + 12 * o for n in chord for o in (0, 1, 2)), key=lambda n: abs(n - scale[place]))
            late = choose.normal(0, 0.006)
            sound = play(mix.rate, note, 2.4)
            mix.add(sound, max(0, index * length + beat * step + late), gain, 0.35 * np.sin(place), room=0.45)


def window_light(rate: int) -> np.ndarray:
    """Arpeggios on plucked strings over a slow pad."""
    chords = [C_MAJOR_7, A_MINOR_7, F_MAJOR_7, G_SUSPENDED] * 3 + [F_MAJOR_7, C_MAJOR_7]
    length, pattern = 3.2, (0, 2, 3, 4, 3, 2, 4, 3)
    mix = Mix(rate, length * len(chords))
    _pads(mix, chords, length, 0.10)
    for index, chord in enumerate(chords):
        for step, voice in enumerate(pattern):
            at = index * length + step * length / len(pattern)
            level = 0.34 if step == 0 else 0.22
            mix.add(instruments.string(rate, chord[voice] + (12 if voice else 0), 2.6), at, level, 0.6 * np.cos(step))
    _melody(mix, instruments.keys, (72, 74, 76, 79, 81, 84), chords[2:], length, 4, 11, 0.12)
    return mix.finish()


def paper_boats(rate: int) -> np.ndarray:
    """A waltz for two guitars."""
    chords = [D_MAJOR_ADD_9, B_MINOR_7, G_MAJOR_7, A_SUSPENDED] * 4 + [D_MAJOR_ADD_9]
    length = 2.1
    mix = Mix(rate, length * len(chords))
    for index, chord in enumerate(chords):
        at = index * length
        mix.add(instruments.bass(rate, chord[0] - 12, 1.9), at, 0.35, 0.0, room=0.1)
        for beat in (1, 2):
            for voice, note in enumerate(chord[1:]):
                mix.add(instruments.string(rate, note, 1.6), at + beat * length / 3 + 0.018 * voice, 0.16, -0.5)
    _melody(mix, instruments.string, (69, 71, 74, 76, 78, 81, 83), chords, length, 6, 5, 0.36)
    return mix.finish()


def slow_kettle(rate: int) -> np.ndarray:
    """Hardly more than air: chords that breathe, a bell now and then."""
    chords = [F_MAJOR_7, E_MINOR_7, D_MINOR_9, C_MAJOR_7] * 2
    length = 5.2
    mix = Mix(rate, length * len(chords), tail=4)
    _pads(mix, chords, length, 0.22)
    _pads(mix, chords, length, 0.05, transpose=12)
    _melody(mix, instruments.keys, (76, 79, 81, 84, 88), chords, length, 3, 23, 0.14)
    return mix.finish(decay=2.8)


def _groove(mix: Mix, bars: int, beat: float, swing: float) -> None:
    for bar in range(bars):
        start = bar * 4 * beat
        for hit in (0, 2.5 if bar % 2 else 2):
            mix.add(instruments.kick(mix.rate), start + hit * beat, 0.55, 0.0, room=0.05)
        for hit in (1, 3):
            mix.add(instruments.brush(mix.rate, 0.22, 0.25), start + hit * beat, 0.6, 0.15, room=0.3)
        for eighth in range(8):
            late = swing * beat if eighth % 2 else 0
            level = 0.22 if eighth % 2 else 0.32
            mix.add(instruments.brush(mix.rate, 0.09, 0.9), start + eighth * beat / 2 + late, level, -0.35, room=0.1)


def night_signals(rate: int) -> np.ndarray:
    """Electric piano and bass, brushed drums."""
    beat = 60 / 92
    chords = [D_MINOR_9, G_MAJOR, C_MAJOR_7, A_MINOR_7] * 4
    mix = Mix(rate, 4 * beat * len(chords))
    _groove(mix, len(chords), beat, 0.10)
    for index, chord in enumerate(chords):
        start = index * 4 * beat
        for at, octave in ((0, 0), (1.5, 0), (2, 12), (3.5, 0)):
            root = chord[0] - 12 if chord[0] > 43 else chord[0]
            mix.add(instruments.bass(rate, root + octave, 0.8), start + at * beat, 0.42, 0.0, room=0.05)
        for at in (0, 1.55, 2.95):
            for note in chord[1:]:
                mix.add(instruments.keys(rate, note, 1.4), start + at * beat, 0.15, -0.25)
    _melody(mix, instruments.keys, (72, 74, 76, 77, 79, 81, 84), chords[4:], 4 * beat, 8, 41, 0.24)
    return mix.finish()


def last_tram(rate: int) -> np.ndarray:
    """The same trio, later and slower."""
    beat = 60 / 74
    chords = [B_FLAT_MAJOR_7, A_MINOR_7, D_MINOR_9, F_MAJOR_7] * 3
    mix = Mix(rate, 4 * beat * len(chords))
    _pads(mix, chords, 4 * beat, 0.07)
    _groove(mix, len(chords), beat, 0.16)
    for index, chord in enumerate(chords):
        start = index * 4 * beat
        for at in (0, 2.5):
            mix.add(instruments.bass(rate, chord[0], 1.3), start + at * beat, 0.42, 0.0, room=0.05)
        for voice, note in enumerate(chord[1:]):
            mix.add(instruments.keys(rate, note, 2.2), start + 0.03 * voice, 0.17, -0.3 + 0.2 * voice)
    _melody(mix, instruments.string, (69, 72, 74, 76, 77, 81), chords, 4 * beat, 8, 77, 0.27)
    return mix.finish()


def harbour_lamps(rate: int) -> np.ndarray:
    """Two strings answering each other from the two sides."""
    chords = [A_MINOR_7, F_MAJOR_7, C_MAJOR_7, E_MINOR_7] * 3 + [A_MINOR_7]
    length = 3.0
    mix = Mix(rate, length * len(chords))
    _pads(mix, chords, length, 0.08)
    for index, chord in enumerate(chords):
        for step in range(8):
            side = -0.75 if step % 2 == 0 else 0.75
            note = chord[1 + (step * 3 + index) % 4] + (12 if step % 4 > 1 else 0)
            mix.add(instruments.string(rate, note, 2.0), index * length + step * length / 8, 0.28, side)
    return mix.finish()


def study(seed: int, chords, seconds_per_chord: float):
    """A short study for one guitar; `seed` chooses its melody."""

    def play(rate: int) -> np.ndarray:
        mix = Mix(rate, seconds_per_chord * len(chords), tail=2)
        for index, chord in enumerate(chords):
            for voice, note in enumerate(chord):
                at = index * seconds_per_chord + 0.11 * voice
                mix.add(instruments.string(rate, note, 2.6), at, 0.24, -0.3 + 0.15 * voice)
        _melody(mix, instruments.string, (67, 69, 71, 72, 74, 76, 79), chords, seconds_per_chord, 6, seed, 0.3)
        return mix.finish()

    return play


STUDY_CHORDS = (C_MAJOR_7, E_MINOR_7, A_MINOR_7, F_MAJOR_7, D_MINOR_9, G_SUSPENDED, C_MAJOR_7)

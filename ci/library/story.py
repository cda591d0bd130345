"""A story in three chapters, spoken over a quiet pad."""

import subprocess

import numpy as np

from .instruments import pad
from .mix import Mix

CHAPTERS = (
    (
        "The Light Goes Quiet",
        "On the last rock before the open sea stood a lighthouse that had never said a word. "
        "It turned its lamp, it counted the ships, and it listened. "
        "It knew the ferry by its cough, and the gulls by their quarrels. "
        "One evening, the fog came in so thick that the lamp could not find the water. "
        "So the lighthouse did something new. It hummed.",
    ),
    (
        "An Answer From the Fog",
        "The hum was low and a little rusty, like a door that is glad to be opened. "
        "Far away, a fishing boat with no engine and one small boy heard it. "
        "He tapped the side of the boat with a spoon. Three taps, and then a wait. "
        "The lighthouse hummed three times. Three taps came back, a little nearer. "
        "And so they talked, the lighthouse and the spoon, all through the white night.",
    ),
    (
        "Morning",
        "When the sun came up, the boat lay tied to the rock, and the boy was asleep. "
        "The lighthouse stopped humming, so as not to wake him. "
        "But since that day, if you pass the last rock in a fog, and if you listen well, "
        "you will hear it asking, in a low and rusty voice, whether anybody is there. "
        "You may answer. Any spoon will do.",
    ),
)
SPEECH_RATE = 48_000


def _speak(text: str) -> np.ndarray:
    speech = subprocess.run(
        ["espeak-ng", "-v", "en-gb", "-s", "140", "-p", "38", "-g", "4", "--stdout", text],
        check=True,
        capture_output=True,
    ).stdout
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", "-", "-ar", str(SPEECH_RATE), "-ac", "1", "-f", "f32le", "-"],
        input=speech,
        check=True,
        capture_output=True,
    ).stdout
    return np.frombuffer(raw, dtype=np.float32).astype(np.float64)


def chapter(number: int):
    """The chapter as a function from a sample rate (48 kHz) to frames × 2."""

    def play(rate: int) -> np.ndarray:
        assert rate == SPEECH_RATE
        title, text = CHAPTERS[number]
        heading, body = _speak(f"Chapter {number + 1}. {title}."), _speak(text)
        start = 1.5
        text_at = start + len(heading) / rate + 0.7
        mix = Mix(rate, text_at + len(body) / rate, tail=3)
        seconds = mix.dry.shape[1] / rate
        for note in (45 + 2 * number, 52 + 2 * number, 57 + 2 * number):
            for side, detune in ((-0.8, -4.0), (0.8, 5.0)):
                mix.add(pad(rate, note, seconds, detune), 0, 0.03, side, room=0.4)
        mix.add(heading, start, 1.0, 0.0, room=0.06)
        mix.add(body, text_at, 1.0, 0.0, room=0.06)
        return mix.finish(peak_decibels=-2.0)

    return play

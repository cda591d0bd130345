"""What is in the library: albums, their tracks, formats and tags."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import pieces, signals, story


@dataclass(frozen=True)
class Track:
    """One file."""

    title: str
    play: Callable[[int], np.ndarray]
    format: str
    rate: int = 48_000
    bits: int = 16


@dataclass(frozen=True)
class Album:
    """One folder."""

    artist: str
    title: str
    date: str
    genre: str
    palette: tuple[str, ...]
    tracks: tuple[Track, ...]

    @property
    def folder(self) -> str:
        """The folder below the music folder."""
        return f"{self.artist}/{self.title}"

    def file(self, number: int) -> str:
        """The path of a track, counted from 0, below the music folder."""
        track = self.tracks[number]
        return f"{self.folder}/{number + 1:02} {track.title}.{track.format}"


ALBUMS = (
    Album(
        "Amora Ensemble",
        "Morning Rooms",
        "2024",
        "Ambient",
        ("f7d9b4", "f4ece0", "fff3cf", "9fb8ad", "6f9a8d", "3f6f6a", "24504f"),
        (
            Track("Window Light", pieces.window_light, "flac"),
            Track("Paper Boats", pieces.paper_boats, "flac"),
            Track("Slow Kettle", pieces.slow_kettle, "flac"),
        ),
    ),
    Album(
        "Lantern Trio",
        "Night Signals",
        "2025",
        "Jazz",
        ("141b3c", "5a4a86", "ffd9a0", "4a3f74", "33305c", "1f2145", "10122b"),
        (
            Track("Night Signals", pieces.night_signals, "mp3"),
            Track("Last Tram", pieces.last_tram, "ogg"),
            Track("Harbour Lamps", pieces.harbour_lamps, "opus"),
        ),
    ),
    Album(
        "Amora Ensemble",
        "Studies in Every Format",
        "2026",
        "Classical",
        ("7fb7d6", "e9f0ea", "ffffff", "d8a48f", "bb7f6c", "8c5a52", "5c3b3c"),
        (
            Track("Study in High Resolution", pieces.study(3, pieces.STUDY_CHORDS, 3.2), "flac", 96_000, 24),
            Track("Study at the Compact Disc's Rate", pieces.study(8, pieces.STUDY_CHORDS, 2.6), "m4a", 44_100),
            Track("Study in Waves", pieces.study(13, pieces.STUDY_CHORDS[:5], 2.8), "wav", 44_100),
            Track("Study for an Old Computer", pieces.study(21, pieces.STUDY_CHORDS[2:], 2.8), "aiff", 44_100),
        ),
    ),
    Album(
        "Amora Storytellers",
        "The Lighthouse That Listened",
        "2026",
        "Audiobook",
        ("7d8fa3", "d9dfe2", "fff7dd", "a3b1b8", "6d8792", "3f5f6e", "22404f"),
        tuple(
            Track(title, story.chapter(number), "mp3" if number else "opus")
            for number, (title, _) in enumerate(story.CHAPTERS)
        ),
    ),
    Album(
        "Amora",
        "Test Signals",
        "2026",
        "Test",
        ("2f3640", "57606f", "f1f2f6", "747d8c", "57606f", "3d4450", "2f3542"),
        (
            Track("1 kHz at −20 dB", signals.reference_tone, "flac"),
            Track("Sweep 20 Hz to 20 kHz", signals.sweep, "flac"),
            Track("Left, Right, Both", signals.left_and_right, "flac"),
        ),
    ),
)

# The playlist that the demo starts with, and what no album gives by itself.
WELCOME = ("Window Light", "Night Signals", "Paper Boats", "Last Tram", "Harbour Lamps", "Slow Kettle")

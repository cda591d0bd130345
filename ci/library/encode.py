"""Writes tracks as files: encoding, tags, covers, loudness."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .albums import ALBUMS

CODECS = {
    "flac": ["-c:a", "flac", "-compression_level", "5"],
    "mp3": ["-c:a", "libmp3lame", "-q:a", "2", "-id3v2_version", "3"],
    "ogg": ["-c:a", "libvorbis", "-q:a", "5"],
    "opus": ["-c:a", "libopus", "-b:a", "112k"],
    "m4a": ["-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"],
    "wav": ["-c:a", "pcm_s16le"],
    "aiff": ["-c:a", "pcm_s16be", "-write_id3v2", "1", "-id3v2_version", "3"],
}
EMBEDS_COVER = ("flac", "mp3", "m4a", "aiff")
REFERENCE_LOUDNESS = -18.0


@dataclass(frozen=True)
class Loudness:
    """What ReplayGain needs to know of a track."""

    lufs: float
    peak: float
    seconds: float


def write_wave(path: Path, sound: np.ndarray, rate: int, bits: int) -> None:
    """Writes dithered PCM."""
    scale = 2 ** (bits - 1)
    dither = np.random.default_rng(99)
    noise = dither.random(sound.shape) - dither.random(sound.shape)
    samples = np.clip(np.round(sound * scale + noise), -scale, scale - 1).astype("<i4")
    raw = samples.astype("<i2").tobytes() if bits == 16 else (samples << (32 - bits)).tobytes()
    source = ["-f", "s16le" if bits == 16 else "s32le", "-ar", str(rate), "-ac", "2", "-i", "-"]
    codec = "pcm_s16le" if bits == 16 else "pcm_s24le"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, "-c:a", codec, str(path)], input=raw, check=True)


def measure(path: Path, sound: np.ndarray, rate: int) -> Loudness:
    """Measures loudness by EBU R 128."""
    command = ["ffmpeg", "-nostats", "-i", str(path), "-af", "ebur128=framelog=verbose", "-f", "null", "-"]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    lufs = re.findall(r"I:\s+(-?[\d.]+) LUFS", report)[-1]
    return Loudness(float(lufs), float(np.max(np.abs(sound))), len(sound) / rate)


def _gain(lufs: float) -> str:
    return f"{REFERENCE_LOUDNESS - lufs:.2f} dB"


def encode(wave: Path, music: Path, album_number: int, number: int, loudness: list[Loudness]) -> None:
    """Encodes a track of the catalogue with its tags and, where the format has room for one, its cover."""
    album = ALBUMS[album_number]
    track, own = album.tracks[number], loudness[number]
    cover, target = music / album.folder / "cover.jpg", music / album.file(number)
    total = sum(each.seconds for each in loudness)
    mean = 10 * np.log10(sum(10 ** (each.lufs / 10) * each.seconds for each in loudness) / total)
    tags = {
        "title": track.title,
        "artist": album.artist,
        "album": album.title,
        "album_artist": album.artist,
        "track": f"{number + 1}/{len(album.tracks)}",
        "date": album.date,
        "genre": album.genre,
        "REPLAYGAIN_TRACK_GAIN": _gain(own.lufs),
        "REPLAYGAIN_TRACK_PEAK": f"{own.peak:.6f}",
        "REPLAYGAIN_ALBUM_GAIN": _gain(mean),
        "REPLAYGAIN_ALBUM_PEAK": f"{max(each.peak for each in loudness):.6f}",
    }
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(wave)]
    if track.format in EMBEDS_COVER:
        command += ["-i", str(cover), "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic"]
        command += ["-metadata:s:v", "title=Album cover", "-metadata:s:v", "comment=Cover (front)"]
    command += CODECS[track.format]
    for key, value in tags.items():
        command += ["-metadata", f"{key}={value}"]
    subprocess.run([*command, "-fflags", "+bitexact", "-flags:a", "+bitexact", str(target)], check=True)

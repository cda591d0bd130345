"""Cover art: hills, a sun and a sky, in each album's own colours."""

import subprocess
from pathlib import Path

import numpy as np

SIZE = 640


def _colour(text: str) -> np.ndarray:
    return np.array([int(text[index : index + 2], 16) for index in (0, 2, 4)], dtype=np.float64)


def _cover_with(picture: np.ndarray, coverage: np.ndarray, colour: np.ndarray) -> None:
    picture += coverage[..., None] * (colour - picture)


def draw(path: Path, palette: tuple[str, ...], seed: int) -> None:
    """Writes a JPEG. `palette` is sky top, sky bottom, sun, then the hills from far to near (RRGGBB)."""
    choose = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    top, bottom, sun, *hills = map(_colour, palette)
    picture = top + (bottom - top) * (rows**1.3)[..., None]

    centre = choose.uniform(0.25, 0.75), choose.uniform(0.22, 0.4)
    distance = np.hypot(columns - centre[0], rows - centre[1])
    radius = choose.uniform(0.11, 0.17)
    _cover_with(picture, 0.35 * np.exp(-((distance / (2.2 * radius)) ** 2)), sun)
    _cover_with(picture, np.clip((radius - distance) * SIZE, 0, 1), sun)

    for index, colour in enumerate(hills):
        level = 0.52 + 0.42 * index / len(hills)
        ridge = np.full(SIZE, level)
        for wave in range(1, 5):
            height = choose.uniform(0.02, 0.06) / wave
            ridge += height * np.sin(2 * np.pi * (wave * columns[0] * choose.uniform(0.6, 1.4) + choose.random()))
        coverage = np.clip((rows - ridge[None, :]) * SIZE, 0, 1)
        mist = np.clip((rows - ridge[None, :]) / 0.25, 0, 1)
        _cover_with(picture, coverage, colour)
        _cover_with(picture, 0.22 * coverage * (1 - mist), bottom)

    picture += choose.normal(0, 2.2, picture.shape[:2])[..., None]
    pixels = np.clip(picture, 0, 255).astype(np.uint8).tobytes()
    size = f"{SIZE}x{SIZE}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", size]
    command += ["-i", "-", "-frames:v", "1", "-q:v", "3", "-fflags", "+bitexact", "-flags", "+bitexact", str(path)]
    subprocess.run(command, input=pixels, check=True)

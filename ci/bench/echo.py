"""Compares the echo cancellers: prints a scoreboard, and writes docs/echo-scoreboard.md with its plots."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SCOREBOARD = ROOT / "amora-service" / "target" / "release" / "examples" / "echo_scoreboard"

# One colour and dash for each engine, told apart in grey too.
STROKES = (
    ("#0969da", ""),
    ("#54aeff", "6 3"),
    ("#cf222e", ""),
    ("#fa4549", "6 3"),
    ("#1a7f37", ""),
    ("#8250df", "2 3"),
)
SINGLE_TALK = (
    ("speech", "speech, plain room"),
    ("music", "music, plain room"),
    ("living room", "speech, living room"),
    ("kitchen", "speech, kitchen"),
    ("drift 100 ppm", "microphone drifts by 100 ppm"),
    ("echo 120 ms late", "echo 120 ms late"),
    ("bending loudspeaker", "loudspeaker bends from −8 dB"),
    ("room changes", "first 5 s after the room changed"),
)
DOUBLE_TALK = (
    ("near −6 dB", "near talker 6 dB below the echo"),
    ("near 0 dB", "as loud as the echo"),
    ("near +6 dB", "6 dB above the echo"),
    ("near 0 dB, drift 100 ppm", "as loud, 100 ppm drift"),
    ("near 0 dB, kitchen", "as loud, kitchen"),
    ("near 0 dB, room changes", "as loud, the room changes after 2 s"),
)


def signed(value: float | None, digits: int = 1) -> str:
    """A number with a true minus."""
    return "never" if value is None else f"{round(value, digits) + 0:.{digits}f}".replace("-", "−")


def table(head: list[str], rows: list[tuple[str, list[float | None], bool]], digits: int = 1) -> str:
    """A Markdown table; in each row the best is bold, which is the highest or, where so said, the lowest."""
    lines = ["| " + " | ".join(["", *head]) + " |", "| --- |" + " ---: |" * len(head)]
    for name, values, lowest in rows:
        known = [round(value, digits) for value in values if value is not None]
        best = None if not known else min(known) if lowest else max(known)
        cells = [
            f"**{signed(value, digits)}**"
            if value is not None and round(value, digits) == best
            else signed(value, digits)
            for value in values
        ]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines)


@dataclass
class Board:
    """What the measurement printed."""

    measured: dict

    @classmethod
    def measure(cls) -> "Board":
        """Run it: half a minute."""
        return cls(json.loads(subprocess.run([str(SCOREBOARD)], check=True, capture_output=True, text=True).stdout))

    @property
    def engines(self) -> list[str]:
        """Their names."""
        return [engine["name"] for engine in self.measured["engines"]]

    def values(self, scene: str, what: str) -> list[float | None]:
        """What each engine reached."""
        return [engine["scenes"][scene][what] for engine in self.measured["engines"]]

    def single_talk(self) -> str:
        """By how much the echo alone is lowered."""
        return table(self.engines, [(title, self.values(scene, "erle"), False) for scene, title in SINGLE_TALK])

    def start(self) -> str:
        """How soon."""
        scenes = SINGLE_TALK[:4]
        return table(self.engines, [(title, self.values(scene, "to_20_db"), True) for scene, title in scenes], 2)

    def double_talk(self) -> str:
        """What becomes of the near talker."""
        rows = []
        for scene, title in DOUBLE_TALK:
            came = signed(self.measured["input_si_sdr"][scene])
            rows.append((f"{title}: SI-SDR, of {came} in the microphone", self.values(scene, "si_sdr"), False))
            rows.append((f"{title}: level kept", self.values(scene, "kept"), False))
        rows.append(("echo alone again, after as loud", self.values("near 0 dB", "erle_after"), False))
        return table(self.engines, rows)

    def cost(self) -> str:
        """What it takes."""
        engines = self.measured["engines"]
        costs = [engine["cost_ms_per_second"] for engine in engines]
        rows = [
            ("ms of one core per second of sound", costs, True),
            (f"as a multiple of {engines[0]['name']}'s", [cost / costs[0] for cost in costs], True),
            ("delay in ms", [engine["latency_ms"] for engine in engines], True),
        ]
        return table(self.engines, rows)

    def chosen(self) -> str:
        """What the box chose, in words."""
        box = self.measured["engines"][-1]["scenes"]
        kinds = [scene.get("chosen", "none") for scene in box.values()]
        if len(set(kinds)) == 1:
            return f"in all {len(kinds)} scenes it chose {kinds[0]}"
        return "it chose " + ", ".join(f"{kind} in {kinds.count(kind)}" for kind in sorted(set(kinds)))

    def document(self) -> str:
        """docs/echo-scoreboard.md."""
        return f"""# Echo cancellers compared

Written by `make bench`, or by `ci/bench/echo.py` alone. Each engine gets the same 20 s of each scene, on one time line
and with nothing around it: no alignment, no drift correction. Box (auto) is what a box does with the same sound by
default, which has all of that and chooses the engine; only its high-pass is off. Here {self.chosen()}.
The best of a row is bold. All in dB unless said.

The plain room is a response of 100 ms, 5 ms of direct way; echo at −27 dBFS, noise at −66 dBFS. Living room and
kitchen are image-source rooms of 400 and 500 ms. Speech is espeak-ng's, one voice far and one near. Kalman is the box's
own engine; as it is set by default it also lowers the room's noise by 10 dB, which counts in the ERLE below.

## Echo alone

How much less comes out than the microphone heard (ERLE), from 5 to 10 s:

{self.single_talk()}

![Echo taken away over time](echo-alone.svg)

Seconds from the first sound until the echo is 20 dB lower over a quarter of a second, and over the second
from there on:

{self.start()}

## Both speak

For 6 s, after 10 s of echo alone. SI-SDR is the near talker against all that is not; the level kept is the near
talker's share in what comes out, 0 being all.

{self.double_talk()}

![What is left of the near talker](echo-double-talk.svg)

SI-SDR again: each bar leads from what the microphone heard to what came out.

## What it costs

{self.cost()}
"""


STYLE = """<style>text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.grid { stroke: #d0d7de }
.mark { stroke: #8c959f; stroke-dasharray: 2 4 }
path { fill: none; stroke-width: 1.8 }
@media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .grid { stroke: #30363d }
}
</style>"""


def legend(names: list[str], left: float, top: float) -> list[str]:
    """A line of strokes and names."""
    parts = []
    for name, (colour, dash) in zip(names, STROKES, strict=False):
        parts.append(f'<path d="M{left} {top - 4}h22" stroke="{colour}" stroke-dasharray="{dash}"/>')
        parts.append(f'<text x="{left + 28}" y="{top}">{name}</text>')
        left += 44 + 7.2 * len(name)
    return parts


def image(width: float, height: float, title: str, parts: list[str]) -> str:
    """An SVG file."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
    return "\n".join([head, f"<title>{title}</title>", STYLE, *parts, "</svg>\n"])


def draw_alone(board: Board) -> str:
    """ERLE over time, a panel for each scene."""
    width, height, highest, seconds = 330, 130, 60, 20
    parts = legend(board.engines, 40, 16)
    for number, (scene, title) in enumerate(SINGLE_TALK):
        left, top = 40 + number % 2 * (width + 50), 56 + number // 2 * (height + 60)
        parts.append(f'<text class="title" x="{left}" y="{top - 10}">{title.split(" after ")[-1]}</text>')
        for level in range(0, highest + 1, 20):
            y = top + height * (1 - level / highest)
            parts.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{level}</text>')
        for second in range(0, seconds + 1, 5):
            x = left + width * second / seconds
            parts.append(f'<text x="{x:.1f}" y="{top + height + 16}" text-anchor="middle">{second} s</text>')
        if scene == "room changes":
            x = left + width * board.measured["turn"] / seconds
            parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + height}"/>')
        for engine, (colour, dash) in zip(board.measured["engines"], STROKES, strict=False):
            path, pen = [], "M"
            for n, level in enumerate(engine["scenes"][scene]["curve"]):
                if level is None:
                    continue
                x = left + width * (n + 0.5) * board.measured["point"] / seconds
                y = top + height * (1 - min(max(level, 0), highest) / highest)
                path.append(f"{pen}{x:.1f} {y:.1f}")
                pen = "L"
            parts.append(f'<path d="{"".join(path)}" stroke="{colour}" stroke-dasharray="{dash}"/>')
    rows = (len(SINGLE_TALK) + 1) // 2
    return image(2 * width + 110, 56 + rows * (height + 60) - 20, "Echo taken away, in dB, over time", parts)


def draw_double_talk(board: Board) -> str:
    """SI-SDR as bars from its value in the microphone, a group for each scene."""
    bar, gap, left, lowest, highest, height = 18, 34, 40, -10, 40, 275

    def place(level: float) -> float:
        return 40 + height * (highest - min(max(level, lowest), highest)) / (highest - lowest)

    group = bar * len(board.engines) + gap
    width = left + group * len(DOUBLE_TALK) + 10
    parts = legend(board.engines, left, 16)
    for level in range(lowest, highest + 1, 10):
        y = place(level)
        parts.append(f'<line class="grid" x1="{left}" x2="{width - 10}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{signed(level, 0)}</text>')
    for number, (scene, _) in enumerate(DOUBLE_TALK):
        x = left + number * group + gap / 2
        came = place(board.measured["input_si_sdr"][scene])
        for value, (colour, dash) in zip(board.values(scene, "si_sdr"), STROKES, strict=False):
            y = place(value)
            opacity = 0.55 if dash else 1
            parts.append(
                f'<rect x="{x + 1:.1f}" y="{min(y, came):.1f}" width="{bar - 2}" height="{abs(y - came):.1f}"'
                f' fill="{colour}" fill-opacity="{opacity}"/>'
            )
            x += bar
        start = left + number * group + gap / 2
        parts.append(f'<line class="mark" x1="{start - 6:.1f}" x2="{x + 6:.1f}" y1="{came:.1f}" y2="{came:.1f}"/>')
        name, _, where = scene.partition(", ")
        middle = (start + x) / 2
        parts.append(f'<text x="{middle:.1f}" y="{height + 58}" text-anchor="middle">{name}</text>')
        parts.append(f'<text x="{middle:.1f}" y="{height + 73}" text-anchor="middle">{where}</text>')
    title = "SI-SDR of the near talker in dB: from what the microphone heard to what came out"
    return image(max(width, 640), height + 84, title, parts)


def compare() -> str:
    """Measure, write, and return what is to be printed."""
    board = Board.measure()
    (DOCS / "echo-scoreboard.md").write_text(board.document())
    (DOCS / "echo-alone.svg").write_text(draw_alone(board))
    (DOCS / "echo-double-talk.svg").write_text(draw_double_talk(board))
    return "\n\n".join((board.single_talk(), board.start(), board.double_talk(), board.cost()))


if __name__ == "__main__":
    print(compare())

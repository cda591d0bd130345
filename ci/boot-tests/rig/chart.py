"""How a start went: when each part of it began and was there, and a chart of that."""

from dataclasses import dataclass
from html import escape

# What a start is made of, in the order in which it usually comes.
UNITS = (
    "sysinit.target",
    "amora-service.service",
    "amora-pipewire.service",
    "amora-wireplumber.service",
    "mpd.service",
    "systemd-networkd.service",
    "network-online.target",
    "swupdate.service",
    "multi-user.target",
)
LEFT, WIDTH, ROW = 190, 720, 24
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.grid { stroke: #d0d7de }
.bar { fill: #8c959f }
.ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .grid { stroke: #30363d }
    .ours { fill: #4493f8 }
}
"""


@dataclass
class Part:
    """A part of the start, in seconds since the kernel began."""

    name: str
    begin: float
    there: float


def read(box):
    """Ask a box how its start went."""
    handed_over = int(box.run("systemctl show --property=UserspaceTimestampMonotonic --value")) / 1e6
    kernel = float(box.run("dmesg | sed -n 's/^\\[ *\\([0-9.]*\\)\\] Run .* as init process.*/\\1/p' | head -n 1"))
    parts = [Part("kernel", 0, kernel), Part("verified root, /data", kernel, handed_over)]
    for unit in UNITS:
        begin, there = (
            int(box.run(f"systemctl show --property={name}TimestampMonotonic --value {unit}")) / 1e6
            for name in ("InactiveExit", "ActiveEnter")
        )
        # A unit that nothing asked for, such as network-online.target, is not part of this start.
        if there:
            parts.append(Part(unit.removesuffix(".service"), begin or there, there))
    return parts


def draw(parts):
    """Make an SVG picture of a start."""
    end = max(part.there for part in parts)
    step = next(step for step in (1, 2, 5, 10, 20, 60) if end / step <= 12)
    scale = (WIDTH - LEFT - 60) / end
    height = (len(parts) + 1) * ROW + 8
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">']
    lines += ["<title>When each part of the start was there</title>", f"<style>{STYLE}</style>"]
    for second in range(0, int(end) + 1, step):
        x = LEFT + second * scale
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - ROW}"/>')
        lines.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{second} s</text>')
    for row, part in enumerate(parts):
        y, begin, there = row * ROW, LEFT + part.begin * scale, LEFT + part.there * scale
        kind = "bar ours" if part.name.startswith("amora-") else "bar"
        width = max(there - begin, 2)
        lines.append(f'<text x="{LEFT - 10}" y="{y + 17}" text-anchor="end">{escape(part.name)}</text>')
        lines.append(f'<rect class="{kind}" x="{begin:.1f}" y="{y + 4}" width="{width:.1f}" height="{ROW - 8}"/>')
        lines.append(f'<text x="{begin + width + 6:.1f}" y="{y + 17}">{part.there:.1f}</text>')
    return "\n".join([*lines, "</svg>", ""])

"""Measures the service side by side with a Python device, prints a table and writes docs/performance.md."""

import datetime
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import echo
import iot_hub
import machine
import measure
import mpd
import voice_call
from machine import Process

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "amora-service" / "target" / "release"


def write_configurations(folder: Path, broker: int) -> None:
    """Everything that the programs read."""
    (folder / "music").mkdir()
    (folder / "data").mkdir()
    (folder / "mosquitto.conf").write_text(
        f"listener {broker} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
        f"set_tcp_nodelay true\nuser {os.environ.get('USER', 'root')}\n"
    )
    (folder / "mpd.conf").write_text(
        f'music_directory "{folder}/music"\ndb_file "{folder}/database"\nbind_to_address "{folder}/mpd.socket"\n'
        'zeroconf_enabled "no"\n'
        f'audio_output {{\n type "fifo"\n name "Amora"\n path "{folder}/music.fifo"\n format "48000:f:2"\n'
        ' mixer_type "null"\n}\n'
    )
    (folder / "amora.toml").write_text(
        f'[device]\nid = "{measure.DEVICE}"\ndata = "{folder}/data"\n'
        f'[audio]\ncard = "room"\nready_chime = false\n[audio.music]\nfifo = "{folder}/music.fifo"\n'
        f'[player]\nhost = "{folder}/mpd.socket"\nmusic = "{folder}/music"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker}\n'
        f'[web]\naddress = "127.0.0.1"\nport = {machine.free_port()}\nsocket = "{folder}/control.socket"\n'
        '[log]\nlevel = "warn"\n'
    )


def mpd_answers(socket: Path) -> bool:
    """Whether MPD listens."""
    client = mpd.MPDClient()
    try:
        client.connect(str(socket))
        client.disconnect()
    except OSError:
        return False
    return True


def measure_both(folder: Path) -> tuple[measure.Result, measure.Result]:
    """Both devices after each other, against the same broker and MPD."""
    broker = machine.free_port()
    write_configurations(folder, broker)

    def service() -> Process:
        command = [str(PROGRAMS / "amora-service"), "--config", str(folder / "amora.toml")]
        return Process(folder / "service.log", command)

    def python_device() -> Process:
        arguments = [str(broker), str(folder / "mpd.socket"), measure.PREFIX, measure.DEVICE]
        command = [sys.executable, "-m", "python_device.device", *arguments]
        return Process(folder / "python.log", command, PYTHONPATH=str(Path(__file__).parent))

    with (
        Process(folder / "mosquitto.log", ["mosquitto", "-c", str(folder / "mosquitto.conf")]),
        Process(folder / "mpd.log", ["mpd", "--no-daemon", str(folder / "mpd.conf")]),
    ):
        machine.wait_until("MPD", lambda: mpd_answers(folder / "mpd.socket"))
        print("Measuring the service", flush=True)
        ours = measure.measure(broker, service, commands=20_000)
        print("Measuring the Python device", flush=True)
        theirs = measure.measure(broker, python_device, commands=3_000)
    return ours, theirs


def table(ours: measure.Result, theirs: measure.Result) -> str:
    """The comparison as a Markdown table."""
    rows = [("", "AmoraOS", "Python device", "ratio", "goal"), ("---", "---:", "---:", "---:", "---")]

    def row(name: str, unit: str, mine: float, other: float, goal: str) -> None:
        rows.append((name, f"{mine:,.3g} {unit}", f"{other:,.3g} {unit}", f"{other / mine:,.1f}×", goal))

    def both(pick) -> tuple[float, float]:
        return pick(ours), pick(theirs)

    def percent(which: str, value: float):
        return both(lambda result: measure.percentile(getattr(result, which), value))

    row("command → response, p50", "ms", *percent("response", 50), "≤ 2 ms")
    row("command → response, p99", "ms", *percent("response", 99), "≤ 10 ms")
    row("command → retained state, p50", "ms", *percent("state", 50), "≤ 2 ms")
    row("command → retained state, p99", "ms", *percent("state", 99), "≤ 10 ms")
    rates = both(lambda result: round(result.commands_per_second))
    rows.append(
        ("answered commands", f"{rates[0]:,}/s", f"{rates[1]:,}/s", f"{rates[0] / rates[1]:,.1f}×", "≥ 5,000/s")
    )
    row("start → online, median", "ms", *both(lambda result: measure.median(result.start)), "≤ 150 ms")
    row("idle CPU, of one core", "%", *both(lambda result: max(result.idle_percent, 0.01)), "≤ 0.5 %")
    row("memory, idle", "MB", *both(lambda result: result.memory_idle), "≤ 20 MB")
    row("memory after the load", "MB", *both(lambda result: result.memory_after), "flat")
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def document(comparison: str, cloud: str, call: str, engine: str) -> str:
    """docs/performance.md."""
    rust = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    broker = subprocess.run(["mosquitto", "-h"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    return f"""# Performance

Written by `make bench` on {datetime.date.today().isoformat()}: {machine.describe()}; {rust};
Python {platform.python_version()}; {broker}.

The two devices ran one after the other in the same run, against the same broker and the same MPD, asked by the same
client over loopback. The Python device is `ci/bench/python_device`: paho-mqtt and python-mpd2, in the original
AmoraOS's manner. A ratio above 1 is in AmoraOS's favour. Times on a shared machine vary; ratios vary less.

{comparison}

- Latency: 1,000 `set_volume` commands, one at a time, each a real change, QoS 1.
- Answered commands: `get_volume` sent by `mosquitto_pub` as fast as it can; every one must be answered.
- AmoraOS's processor time and memory include the whole sound engine, which mixes and hands to a simulated card all the
  time. The Python device makes no sound: the original leaves that to PipeWire, which is not counted here.

{cloud}
{call}
## The sound engine

`cargo run --release -p amora-audio --example engine_cost`, on one core:

{engine}
"""


def main() -> None:
    """Measures, prints and writes."""
    plan, call_plan = iot_hub.Plan(), voice_call.Plan()
    with tempfile.TemporaryDirectory(prefix="amora-bench-", dir="/tmp") as folder:
        ours, theirs = measure_both(Path(folder))
        comparison, engine = table(ours, theirs), measure.engine_cost(PROGRAMS)
        print(f"\n{comparison}\n\n{engine}\n\nMeasuring the door to IoT Hub and Microsoft's SDK", flush=True)
        cloud = iot_hub.section(*iot_hub.measure_both(PROGRAMS, Path(folder), plan), plan)
        print(f"\n{cloud}")
        call = voice_call.section(voice_call.compare(PROGRAMS, Path(folder), call_plan), call_plan)
    print(f"\n{call}")
    (ROOT / "docs" / "performance.md").write_text(document(comparison, cloud, call, engine))
    print("\nComparing the echo cancellers", flush=True)
    print(f"\n{echo.compare()}")


if __name__ == "__main__":
    main()

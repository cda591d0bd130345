"""A hub in Python, to be on another WebRTC implementation than the box. Listens on 127.0.0.1 only.

Runs as `python -m voice.hub`, and prints its address, see ci/voice/README.md.
"""

import argparse
import asyncio
import base64
import signal
import subprocess
import time
from collections import Counter, deque

import numpy
from aiohttp import web

from voice import faults, loopback
from voice.session import Session
from voice.sound import RATE, read_wav, write_wav

BURST = 0.002
"""Seconds between the frames of an answer: ten times faster than they are played."""


class Hub:
    """The sessions, by device, and the counters of `/health`."""

    def __init__(self, answer: str):
        """`answer` is what is said to who has spoken: `nothing`, `repeat` or `length`."""
        self.assistant = answer
        self.started = time.monotonic()
        self.counters = Counter()
        self.sessions: dict[str, Session] = {}
        self.connects = Counter()
        self.faults: deque[str] = deque()
        self.tasks: set[asyncio.Task] = set()

    def routes(self) -> list[web.RouteDef]:
        """What a device asks, and what tests ask."""
        return [
            web.post("/connect", self.connect),
            web.get("/health", self.health),
            web.put("/faults", self.set_faults),
            web.get("/devices/{device}", self.describe),
            web.delete("/devices/{device}", self.hang_up),
            web.get("/devices/{device}/packets", self.packets),
            web.post("/devices/{device}/packets", self.send_packets),
            web.get("/devices/{device}/heard", self.heard),
            web.post("/devices/{device}/say", self.say),
        ]

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """The signalling of a device."""
        fault = self.faults.popleft() if self.faults else None
        if fault in faults.FIXED:
            return faults.FIXED[fault]()
        if fault == "slow_drip":
            return await faults.slow_drip(request)
        try:
            body = await request.json()
        except ValueError:
            return web.Response(text="the body is no JSON", status=400)
        device, offer = (body.get("device_id"), body.get("sdp")) if isinstance(body, dict) else (None, None)
        if not isinstance(device, str) or not isinstance(offer, str):
            return web.Response(text="device_id and sdp are needed", status=422)
        await self.end(device)
        session = Session(self.counters, lambda: self.forget(device, session), lambda heard: self.reply(session, heard))
        try:
            answer = await session.answer(offer)
        except Exception as error:  # whatever a hostile offer makes the library raise
            await session.close()
            return web.json_response({"error": f"negotiation failed: {error}"}, status=500)
        if fault == "video_only":
            await session.close()
            return faults.sdp(faults.video_only(answer))
        await self.end(device)
        self.sessions[device] = session
        self.connects[device] += 1
        return faults.sdp(answer)

    def forget(self, device: str, session: Session) -> None:
        """Drops a session that has ended by itself."""
        if self.sessions.get(device) is session:
            del self.sessions[device]
            self.start(session.close())

    async def end(self, device: str) -> None:
        """Ends the device's session, if there is one."""
        if session := self.sessions.pop(device, None):
            await session.close()

    def start(self, work) -> None:
        """Does something without waiting for it."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def reply(self, session: Session, heard: numpy.ndarray) -> None:
        """The loop-back assistant."""
        if self.assistant == "repeat":
            self.start(session.say(heard, BURST))
        elif self.assistant == "length":
            self.start(self.tell(session, f"I heard {len(heard) / RATE:.1f} seconds."))

    async def tell(self, session: Session, text: str) -> None:
        """Says a text."""
        await session.say(await asyncio.to_thread(speech, text), BURST)

    async def health(self, _request: web.Request) -> web.Response:
        """The hub's counters."""
        names = ["frames_forwarded", "vad_onsets", "vad_ends", "tts_frames_routed", "tts_frames_dropped"]
        body = {
            "status": "ok",
            "uptime_secs": int(time.monotonic() - self.started),
            "active_devices": len(self.sessions),
            "grpc_connected": self.assistant != "nothing",
            "grpc_reconnects": 0,
        }
        return web.json_response(body | {name: self.counters[name] for name in names})

    async def set_faults(self, request: web.Request) -> web.Response:
        """Names the answers to the next requests."""
        wanted = await request.json()
        if unknown := set(wanted) - faults.NAMES:
            return web.Response(text=f"unknown: {', '.join(sorted(unknown))}", status=400)
        self.faults = deque(wanted)
        return web.Response(status=204)

    def session(self, request: web.Request) -> Session:
        """The session of the device that a test asks about."""
        device = request.match_info["device"]
        if device not in self.sessions:
            raise web.HTTPNotFound(text=f"{device} is not connected")
        return self.sessions[device]

    async def describe(self, request: web.Request) -> web.Response:
        """What is known of a device."""
        device = request.match_info["device"]
        session = self.sessions.get(device)
        state = session.describe() if session else {"state": "absent"}
        return web.json_response({"connects": self.connects[device], **state})

    async def hang_up(self, request: web.Request) -> web.Response:
        """Ends a session."""
        await self.end(request.match_info["device"])
        return web.Response(status=204)

    async def packets(self, request: web.Request) -> web.Response:
        """The packets that came."""
        return web.json_response(self.session(request).received())

    async def send_packets(self, request: web.Request) -> web.Response:
        """Sends packets as they are given."""
        session = self.session(request)
        for packet in await request.json():
            payload = base64.b64decode(packet["payload"])
            payload_type = packet.get("payload_type", session.payload_type)
            await session.send_packet(payload, payload_type, packet["sequence"], packet["timestamp"])
        return web.Response(status=204)

    async def heard(self, request: web.Request) -> web.Response:
        """The last seconds that were heard, as a WAV file."""
        seconds = float(request.query.get("seconds", "120"))
        return web.Response(body=write_wav(self.session(request).heard.last(seconds)), content_type="audio/wav")

    async def say(self, request: web.Request) -> web.Response:
        """Sends a sound file to the device."""
        samples = read_wav(await request.read())
        pace = float(request.query.get("pace", BURST))
        return web.json_response({"frames": await self.session(request).say(samples, pace)})


def speech(text: str) -> numpy.ndarray:
    """Words, spoken."""
    return read_wav(subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True).stdout)


async def serve(port: int, answer: str) -> None:
    """Runs until the program is ended, and then hangs up."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    hub = Hub(answer)
    application = web.Application(client_max_size=64 << 20)
    application.add_routes(hub.routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    # Read by programs that start this one, so it is the only line on standard output.
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await ended.wait()
    await asyncio.gather(*(hub.end(device) for device in list(hub.sessions)))
    await runner.cleanup()


def main() -> None:
    """Reads the arguments and runs the hub."""
    parser = argparse.ArgumentParser(description="A stand-in for the hub, on aiortc")
    parser.add_argument("--port", type=int, default=8080, help="0 for a free one")
    parser.add_argument("--answer", choices=["nothing", "repeat", "length"], default="nothing")
    arguments = parser.parse_args()
    loopback.only()
    asyncio.run(serve(arguments.port, arguments.answer))


if __name__ == "__main__":
    main()

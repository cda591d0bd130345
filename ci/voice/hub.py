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
from voice.whip import Doors

BURST = 0.002
"""Seconds between the frames of an answer: ten times faster than they are played."""


class Hub:
    """The sessions, by device, and the counters of `/health`."""

    def __init__(self, answer: str, token: str | None = None):
        """`answer` is what is said to who has spoken: `nothing`, `repeat` or `length`; `token` is for WHIP and WHEP."""
        self.assistant = answer
        self.started = time.monotonic()
        self.counters = Counter()
        # In which a device is heard, and spoken to: a call is both.
        self.sessions: dict[str, Session] = {}
        self.speakers: dict[str, Session] = {}
        self.doors = Doors(self, token)
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
            *self.doors.routes(),
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
        try:
            session, answer = await self.open(device, offer, self.sessions, self.speakers)
        except Exception as error:  # whatever a hostile offer makes the library raise
            return web.json_response({"error": f"negotiation failed: {error}"}, status=500)
        if fault == "video_only":
            await self.close(session)
            return faults.sdp(faults.video_only(answer))
        return faults.sdp(answer)

    async def open(self, device: str, offer: str, *ways: dict[str, Session]) -> tuple[Session, str]:
        """Answers an offer to be heard, spoken to, or both: what it replaces ends at once."""
        await self.end(device, *ways)
        session = Session(self.counters, lambda: self.forget(session), lambda heard: self.reply(device, heard))
        try:
            answer = await session.answer(offer)
        except Exception:
            await session.close()
            raise
        await self.end(device, *ways)
        for way in ways:
            way[device] = session
        self.connects[device] += self.sessions.get(device) is session
        return session, answer

    def forget(self, session: Session) -> None:
        """Drops a session that has ended by itself."""
        if session in [*self.sessions.values(), *self.speakers.values()]:
            self.start(self.close(session))

    async def close(self, session: Session) -> None:
        """Ends a session, whichever ways it goes."""
        for way in (self.sessions, self.speakers):
            for device in [device for device, known in way.items() if known is session]:
                del way[device]
        await session.close()

    async def end(self, device: str, *ways: dict[str, Session]) -> None:
        """Ends the device's sessions that go these ways."""
        for way in ways:
            if session := way.get(device):
                await self.close(session)

    def start(self, work) -> None:
        """Does something without waiting for it."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def reply(self, device: str, heard: numpy.ndarray) -> None:
        """The loop-back assistant."""
        session = self.speakers.get(device)
        if session and self.assistant == "repeat":
            self.start(session.say(heard, BURST))
        elif session and self.assistant == "length":
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
            "active_devices": len(self.sessions | self.speakers),
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
        """The session in which the device that a test asks about is heard."""
        return find(self.sessions, request)

    def speaker(self, request: web.Request) -> Session:
        """The session in which it is spoken to."""
        return find(self.speakers, request)

    async def describe(self, request: web.Request) -> web.Response:
        """What is known of a device."""
        device = request.match_info["device"]
        session = self.sessions.get(device)
        state = session.describe() if session else {"state": "absent"}
        return web.json_response({"connects": self.connects[device], **state})

    async def hang_up(self, request: web.Request) -> web.Response:
        """Ends a session."""
        await self.end(request.match_info["device"], self.sessions, self.speakers)
        return web.Response(status=204)

    async def packets(self, request: web.Request) -> web.Response:
        """The packets that came."""
        return web.json_response(self.session(request).received())

    async def send_packets(self, request: web.Request) -> web.Response:
        """Sends packets as they are given."""
        session = self.speaker(request)
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
        return web.json_response({"frames": await self.speaker(request).say(samples, pace)})


def find(way: dict[str, Session], request: web.Request) -> Session:
    """The session of the device in the request's path."""
    device = request.match_info["device"]
    if device not in way:
        raise web.HTTPNotFound(text=f"{device} is not connected")
    return way[device]


def speech(text: str) -> numpy.ndarray:
    """Words, spoken."""
    return read_wav(subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True).stdout)


async def serve(port: int, answer: str, token: str | None) -> None:
    """Runs until the program is ended, and then hangs up."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    hub = Hub(answer, token)
    application = web.Application(client_max_size=64 << 20)
    application.add_routes(hub.routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    # Read by programs that start this one, so it is the only line on standard output.
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await ended.wait()
    await asyncio.gather(*map(hub.close, {*hub.sessions.values(), *hub.speakers.values()}))
    await runner.cleanup()


def main() -> None:
    """Reads the arguments and runs the hub."""
    parser = argparse.ArgumentParser(description="A stand-in for the hub, on aiortc")
    parser.add_argument("--port", type=int, default=8080, help="0 for a free one")
    parser.add_argument("--answer", choices=["nothing", "repeat", "length"], default="nothing")
    parser.add_argument("--token", help="the bearer token that WHIP and WHEP ask for")
    arguments = parser.parse_args()
    loopback.only()
    asyncio.run(serve(arguments.port, arguments.answer, arguments.token))


if __name__ == "__main__":
    main()

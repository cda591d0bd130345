"""A voice client in Python: aiortc, aiohttp and SpeexDSP, with files for a sound card; the box's rival in the bench.

Runs as `python -m voice.client --microphone FILE`, see ci/voice/README.md. Listens on 127.0.0.1 only.
"""

import argparse
import asyncio
import logging
import os
import signal
from pathlib import Path

import aiohttp
import aiortc.codecs
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from voice import loopback
from voice.audio import Card, Microphone, Speaker
from voice.metrics import Metrics
from voice.sound import FRAME, audio_frame

OPUS = 111
"""The hub's payload type."""
CONNECT_SECONDS, TOTAL_SECONDS = 10, 30
GRACE_SECONDS = 10
"""How long `disconnected` may last."""
LOG_SECONDS = 10


class MicrophoneTrack(MediaStreamTrack):
    """What aiortc encodes and sends."""

    kind = "audio"

    def __init__(self, microphone: Microphone, metrics: Metrics):
        """Sends from now on."""
        super().__init__()
        self.microphone, self.metrics, self.position = microphone, metrics, 0

    async def recv(self):
        """The next frame."""
        if self.readyState != "live":
            raise MediaStreamError
        frame = audio_frame(await self.microphone.get(), self.position)
        self.metrics.mic_queue_depth = self.microphone.qsize()
        self.metrics.mic_frames_sent += 1
        self.position += FRAME
        return frame


class Client:
    """Connects, and connects again."""

    def __init__(self, arguments: argparse.Namespace):
        """Takes the settings."""
        self.settings = arguments
        self.metrics = Metrics()
        self.microphone, self.speaker = Microphone(self.metrics), Speaker(self.metrics)

    async def run(self) -> None:
        """Runs until it is interrupted."""
        interrupted = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
        settings = self.settings
        card = Card(self.metrics, self.microphone, self.speaker, settings.microphone, settings.speaker)
        health = await self.serve_health()
        card.start()
        tasks = [asyncio.create_task(self.stay_connected()), asyncio.create_task(self.log())]
        await interrupted.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(card.stop)
        await health.cleanup()

    async def stay_connected(self) -> None:
        """The loop of the life cycle."""
        delay = self.settings.reconnect_delay
        while True:
            connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            closed = asyncio.Event()
            try:
                await self.connect(connection, closed)
                self.metrics.connections += 1
                self.metrics.connected = True
                delay = self.settings.reconnect_delay
                await closed.wait()
            except Exception as error:  # aiortc raises many kinds for an answer that is none
                self.metrics.connection_failures += 1
                logging.warning("no connection: %r", error)
            finally:
                self.metrics.connected = False
                await connection.close()
            await asyncio.sleep(delay)
            delay = min(delay * 2, self.settings.max_reconnect_delay)

    async def connect(self, connection: RTCPeerConnection, closed: asyncio.Event) -> None:
        """Offers, and waits until the call stands."""
        self.microphone.drain()
        connection.addTrack(MicrophoneTrack(self.microphone, self.metrics))
        settled = asyncio.Event()
        connection.on("connectionstatechange", lambda: self.notice(connection, settled, closed))
        connection.on("track", lambda track: asyncio.ensure_future(self.play(track)))
        await connection.setLocalDescription(await connection.createOffer())
        body = {"device_id": self.settings.device_id, "sdp": connection.localDescription.sdp}
        limit = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.post(f"{self.settings.hub_url}/connect", json=body) as response,
        ):
            if response.status != 200:
                raise ValueError(f"{response.status}: {(await response.text())[:200]}")
            answer = await response.json()
        await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await asyncio.wait_for(settled.wait(), TOTAL_SECONDS)
        if connection.connectionState != "connected":
            raise ConnectionError(f"the connection is {connection.connectionState}")

    def notice(self, connection: RTCPeerConnection, settled: asyncio.Event, closed: asyncio.Event) -> None:
        """Follows the connection's state."""
        state = connection.connectionState
        logging.info("the connection is %s", state)
        if state in ("connected", "failed", "closed"):
            settled.set()
        if state in ("failed", "closed"):
            closed.set()
        elif state == "disconnected":
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self.give_up, connection, closed)

    def give_up(self, connection: RTCPeerConnection, closed: asyncio.Event) -> None:
        """Ends the grace."""
        if connection.connectionState == "disconnected":
            closed.set()

    async def play(self, track: MediaStreamTrack) -> None:
        """Queues what comes for the loudspeaker: of stereo, the left channel."""
        try:
            while True:
                frame = await track.recv()
                self.speaker.put(frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0])
        except MediaStreamError:
            pass

    async def log(self) -> None:
        """The line every ten seconds."""
        while True:
            await asyncio.sleep(LOG_SECONDS)
            logging.info(self.metrics.line())

    async def serve_health(self) -> web.AppRunner:
        """`/health`, and its address on standard output."""

        async def health(_request: web.Request) -> web.Response:
            return web.json_response(self.metrics.health(), status=200 if self.metrics.connected else 503)

        application = web.Application()
        application.add_routes([web.get("/health", health)])
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.settings.health_port, reuse_address=True).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        return runner


def main() -> None:
    """Reads flags over environment over defaults, and runs the client."""
    parser = argparse.ArgumentParser(description="A voice client in Python, with files for a sound card")
    for name, value in {
        "hub_url": "http://localhost:8080",
        "device_id": "pi-audio-01",
        "reconnect_delay": 3.0,
        "max_reconnect_delay": 30.0,
        "log_level": "INFO",
    }.items():
        # argparse converts a default that is text like any other value, so that what is no number stops the program.
        default = os.environ.get(f"NAILA_{name.upper()}", str(value))
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=default)
    parser.add_argument("--microphone", type=Path, required=True, help="the sound file that it hears, again and again")
    parser.add_argument("--speaker", type=Path, help="where to write what it played, at the end")
    parser.add_argument("--payload-type", type=int, default=OPUS, help="what it offers Opus as")
    parser.add_argument("--health-port", type=int, default=8081, help="0 for a free one")
    arguments = parser.parse_args()
    logging.basicConfig(level=arguments.log_level, format="%(asctime)s %(levelname)s %(message)s")
    loopback.only()
    # aiortc has no setting for it, and its own is 96.
    opus = aiortc.codecs.CODECS["audio"][0]
    opus.payloadType = arguments.payload_type
    asyncio.run(Client(arguments).run())


if __name__ == "__main__":
    main()

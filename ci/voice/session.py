"""One device's call at the hub. RTP is written and read here, not by aiortc's media tracks: their jitter buffer holds
back what came last, and their sender chooses where the numbers start."""

import asyncio
import collections
import time
from dataclasses import asdict, dataclass

import numpy
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from voice.onset import Onset
from voice.sound import FRAME, RATE, Decoder, Encoder

MEMORY = 120 * RATE
"""Samples of what was heard that are kept."""
LONGEST_GAP = 10 * RATE
"""A larger jump of the timestamps is a new start, not a gap."""


@dataclass(frozen=True)
class Received:
    """A packet of the microphone."""

    sequence: int
    timestamp: int
    payload_type: int
    bytes: int
    arrival: float
    """Seconds of the Unix clock."""
    position: int | None
    """Where its sound begins in all that was heard; nothing when it was skipped."""


class Heard:
    """What the microphone sent, on one time line: what is missing is silence."""

    def __init__(self):
        """Starts empty."""
        self.chunks: collections.deque[numpy.ndarray] = collections.deque()
        self.kept = self.total = 0
        self.next_timestamp: int | None = None

    def put(self, timestamp: int, samples: numpy.ndarray) -> int | None:
        """Appends, and gives the position; nothing for what comes too late."""
        if self.next_timestamp is not None:
            gap = (timestamp - self.next_timestamp) & 0xFFFFFFFF
            if gap >= 1 << 31 and (1 << 32) - gap < LONGEST_GAP:
                return None
            if gap < LONGEST_GAP:
                self.append(numpy.zeros(gap, numpy.int16))
        position = self.total
        self.append(samples)
        self.next_timestamp = (timestamp + len(samples)) & 0xFFFFFFFF
        return position

    def append(self, samples: numpy.ndarray) -> None:
        """Adds samples and forgets the oldest."""
        self.chunks.append(samples)
        self.kept += len(samples)
        self.total += len(samples)
        while self.kept - len(self.chunks[0]) >= MEMORY:
            self.kept -= len(self.chunks.popleft())

    def last(self, seconds: float) -> numpy.ndarray:
        """The newest of it."""
        samples = numpy.concatenate([numpy.zeros(0, numpy.int16), *self.chunks])
        return samples[max(0, len(samples) - round(seconds * RATE)) :]


class Session:
    """The peer connection, what it hears and what it says."""

    def __init__(self, counters, ended, spoke):
        """Counts in `counters`; calls `ended()` once, and `spoke(samples)` after each utterance."""
        self.counters, self.ended, self.spoke = counters, ended, spoke
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.on("connectionstatechange", self.notice)
        self.decoder, self.encoder, self.onset = Decoder(), Encoder(), Onset()
        self.heard = Heard()
        self.packets: collections.deque[Received] = collections.deque(maxlen=6000)
        self.sequence = self.timestamp = self.skipped = 0
        self.payload_type = 111
        self.saying = asyncio.Lock()

    async def answer(self, offer: str) -> str:
        """Answers an offer, when all candidates are gathered. Raises ValueError for one that asks for no audio."""
        transceiver = self.connection.addTransceiver("audio", "sendrecv")
        transceiver.sender._track_id, transceiver.sender._stream_id = "audio", "tts-stream"
        transceiver.receiver._handle_rtp_packet = self.take
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if transceiver.mid is None:
            raise ValueError("the offer has no audio")
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        opus = [codec for codec in transceiver._codecs if codec.mimeType.lower() == "audio/opus"]
        if not opus:
            raise ValueError("the offer has no Opus")
        self.payload_type = opus[0].payloadType
        return self.connection.localDescription.sdp

    async def notice(self) -> None:
        """Ends the session when the connection has ended; `disconnected` may yet recover."""
        if self.connection.connectionState in ("failed", "closed"):
            self.ended()

    async def close(self) -> None:
        """Hangs up. Who is speaking is cut short."""
        if self.onset.speaking:
            self.onset.speaking = False
            self.counters["vad_ends"] += 1
        await self.connection.close()

    async def take(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """Takes a packet of the microphone."""
        position = None
        try:
            if packet.payload_type != self.payload_type:
                raise ValueError("not what was negotiated")
            samples = self.decoder.decode(packet.payload)
            if len(samples) > FRAME:
                raise ValueError("longer than the hub's buffer of 20 ms")
            position = self.heard.put(packet.timestamp, samples)
        except ValueError:
            samples = numpy.zeros(0, numpy.int16)
        self.skipped += position is None
        number = (packet.sequence_number, packet.timestamp, packet.payload_type, len(packet.payload))
        self.packets.append(Received(*number, time.time(), position))
        if position is not None and len(samples) == FRAME:
            self.listen(samples)

    def listen(self, samples: numpy.ndarray) -> None:
        """Looks for the beginning and the end of speech."""
        forwarded, event = self.onset.take(samples)
        self.counters["frames_forwarded"] += forwarded
        if event == "start":
            self.counters["vad_onsets"] += 1
        elif event == "end":
            self.counters["vad_ends"] += 1
            self.spoke(self.onset.spoken())

    async def say(self, samples: numpy.ndarray, pace: float) -> int:
        """Sends speech, a frame each `pace` seconds; gives how many. A tail shorter than a frame is dropped."""
        sent = 0
        async with self.saying:
            for start in range(0, len(samples) - FRAME + 1, FRAME):
                for payload in self.encoder.encode(samples[start : start + FRAME]):
                    try:
                        await self.send(payload)
                    except ConnectionError:
                        self.counters["tts_frames_dropped"] += 1
                    else:
                        self.counters["tts_frames_routed"] += 1
                        sent += 1
                await asyncio.sleep(pace)
        return sent

    async def send(self, payload: bytes) -> None:
        """Sends a packet with the next numbers."""
        await self.send_packet(payload, self.payload_type, self.sequence, self.timestamp)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + FRAME) & 0xFFFFFFFF

    async def send_packet(self, payload: bytes, payload_type: int, sequence: int, timestamp: int) -> None:
        """Sends any packet, however wrong."""
        sender = self.connection.getTransceivers()[0].sender
        packet = RtpPacket(payload_type, 0, sequence, timestamp, sender._ssrc, payload)
        await sender.transport._send_rtp(packet.serialize())

    def describe(self) -> dict:
        """For the control interface."""
        return {
            "state": self.connection.connectionState,
            "payload_type": self.payload_type,
            "packets": len(self.packets),
            "skipped": self.skipped,
            "samples": self.heard.total,
            "next_sequence": self.sequence,
            "next_timestamp": self.timestamp,
        }

    def received(self) -> list[dict]:
        """The packets of the microphone, oldest first."""
        return [asdict(packet) for packet in self.packets]

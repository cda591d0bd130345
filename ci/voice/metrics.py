"""What the client counts, its health body and its log line."""

import time
from dataclasses import dataclass, field

BODY = [
    "mic_frames_sent",
    "mic_frames_dropped",
    "tts_frames_received",
    "tts_frames_played",
    "mic_queue_depth",
    "speaker_queue_depth",
    "audio_callback_duration_ms",
    "connections",
    "connection_failures",
]


@dataclass
class Metrics:
    """Counters and gauges."""

    mic_frames_captured: int = 0
    mic_frames_sent: int = 0
    mic_frames_dropped: int = 0
    tts_frames_received: int = 0
    tts_frames_played: int = 0
    tts_frames_dropped: int = 0
    aec_frames_processed: int = 0
    connections: int = 0
    connection_failures: int = 0
    mic_queue_depth: int = 0
    speaker_queue_depth: int = 0
    connected: bool = False
    audio_callback_duration_ms: float = 0.0
    started: float = field(default_factory=time.monotonic)
    logged: dict[str, int] = field(default_factory=dict)

    def health(self) -> dict:
        """The body of `/health`."""
        body = {"connected": self.connected, "uptime_seconds": int(time.monotonic() - self.started)}
        body |= {name: getattr(self, name) for name in BODY}
        return body | {"audio_callback_duration_ms": round(self.audio_callback_duration_ms, 2)}

    def line(self) -> str:
        """The line that is logged every ten seconds; its first four numbers are since the last one."""
        names = ["mic_frames_sent", "mic_frames_dropped", "tts_frames_received", "tts_frames_played"]
        new = [getattr(self, name) - self.logged.get(name, 0) for name in names]
        self.logged = {name: getattr(self, name) for name in names}
        return (
            f"metrics | mic_sent={new[0]} mic_dropped={new[1]} tts_received={new[2]} tts_played={new[3]} "
            f"mic_q={self.mic_queue_depth} spk_q={self.speaker_queue_depth} "
            f"cb_ms={self.audio_callback_duration_ms:.2f} connected={str(self.connected).lower()}"
        )

"""Answers to `/connect` that a device must survive."""

import asyncio

from aiohttp import web

BROKEN_SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio"
NO_AUDIO = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
LARGE = 1 << 20
DRIP_SECONDS = 1.0


def sdp(description: str) -> web.Response:
    """A well-formed answer with this description."""
    return web.json_response({"sdp": description})


def video_only(answer: str) -> str:
    """The true answer, but for video."""
    return answer.replace("m=audio", "m=video").replace("opus/48000/2", "VP8/90000")


async def slow_drip(request: web.Request) -> web.StreamResponse:
    """A body that comes byte by byte and does not end before the device gives up."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(LARGE)})
    await response.prepare(request)
    for byte in b'{"sdp": "' + b" " * (LARGE - 9):
        await response.write(bytes([byte]))
        await asyncio.sleep(DRIP_SECONDS)
    return response


FIXED = {
    "error": lambda: web.json_response({"error": "negotiation failed: on request"}, status=500),
    "html": lambda: web.Response(text="<!doctype html><title>Sign in</title>", content_type="text/html"),
    "broken_sdp": lambda: sdp(BROKEN_SDP),
    "no_audio": lambda: sdp(NO_AUDIO),
    "large": lambda: sdp("x" * LARGE),
    "redirect": lambda: web.Response(status=307, headers={"Location": "/connect"}),
}
NAMES = {*FIXED, "video_only", "slow_drip"}
"""`redirect` leads to the same place: while it is the answer to every request, that is a loop."""

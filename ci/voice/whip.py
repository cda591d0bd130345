"""WHIP (RFC 9725) and WHEP at the hub: an offer is posted, the answer says where its session is, `DELETE` ends that.

aiortc can't look for another path, so no session has an entity tag, and `PATCH` is refused with 405.
"""

import secrets

from aiohttp import web

SDP = "application/sdp"


class Doors:
    """The endpoints, and the sessions that they made."""

    def __init__(self, hub, token: str | None):
        """Opens sessions at `hub` for who has the bearer token, or for anybody where there is none."""
        self.hub, self.token = hub, token
        self.made = {}

    def routes(self) -> list[web.RouteDef]:
        """What a device asks."""
        return [
            web.post("/whip/{device}", self.publish),
            web.options("/whip/{device}", self.about),
            web.post("/whep/{device}/speech", self.play),
            web.options("/whep/{device}/speech", self.about),
            web.delete("/sessions/{id}", self.end),
        ]

    async def publish(self, request: web.Request) -> web.Response:
        """Takes a microphone."""
        return await self.open(request, self.hub.sessions)

    async def play(self, request: web.Request) -> web.Response:
        """Gives what is said to a device."""
        return await self.open(request, self.hub.speakers)

    async def open(self, request: web.Request, way: dict) -> web.Response:
        """Makes a session that goes one way."""
        self.admit(request)
        if request.content_type != SDP:
            raise web.HTTPUnsupportedMediaType(text=f"an offer is {SDP}")
        try:
            session, answer = await self.hub.open(request.match_info["device"], await request.text(), way)
        except Exception as error:  # whatever a hostile offer makes the library raise
            raise web.HTTPBadRequest(text=str(error)) from error
        identifier = secrets.token_hex(16)
        self.made[identifier] = session
        return web.Response(status=201, text=answer, content_type=SDP, headers={"Location": f"/sessions/{identifier}"})

    async def end(self, request: web.Request) -> web.Response:
        """Ends a session."""
        self.admit(request)
        session = self.made.pop(request.match_info["id"], None)
        if session is None:
            raise web.HTTPNotFound(text="there is no such session")
        await self.hub.close(session)
        return web.Response()

    async def about(self, _request: web.Request) -> web.Response:
        """What an endpoint takes; no token is asked for."""
        return web.Response(status=204, headers={"Accept-Post": SDP})

    def admit(self, request: web.Request) -> None:
        """Refuses who has no token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self.token and (scheme.lower() != "bearer" or token != self.token):
            raise web.HTTPUnauthorized(text="the token is missing or wrong", headers={"WWW-Authenticate": "Bearer"})

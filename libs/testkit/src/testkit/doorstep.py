"""A service's door and its application as one ASGI application, for tests that need no socket."""

from starlette.types import ASGIApp, Receive, Scope, Send
from web.http_protocol import too_large
from web.posting import PostDoor, Posting


class Doorstep:
    """Hands what is posted below the door's path to the door, as the server does; everything else to the application."""

    def __init__(self, door: PostDoor, app: ASGIApp) -> None:
        self._door = door
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(self._door.prefix):
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more and len(body) <= self._door.max_bytes:
            message = await receive()
            body, more = body + message.get("body", b""), bool(message.get("more_body"))
        if len(body) > self._door.max_bytes:
            reply = self._door.refuse(too_large(self._door), scope["path"])
        else:
            reply = await self._door.answer(Posting(scope["path"], list(scope["headers"]), body, scope["client"][0]))
        lines = (line.split(b": ", 1) for line in reply.headers.split(b"\r\n") if line)
        headers = [(name, value) for name, value in lines]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

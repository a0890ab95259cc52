"""What is known about one request while it is answered."""

import time
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from structlog.contextvars import bind_contextvars, reset_contextvars

if TYPE_CHECKING:
    from outbox.work import UnitOfWork

    from web.auditing import Trail
    from web.caller import Caller
    from web.sharing import Place

KEY = "ventros.exchange"


class Exchange:
    """One request and its answer. Made by the frame (frame.py), filled on the way."""

    __slots__ = (
        "bound",
        "caller",
        "code",
        "correlation_id",
        "place",
        "request_id",
        "route",
        "started",
        "status",
        "traceparent",
        "trail",
        "version",
        "work",
    )

    def __init__(self, request_id: str, correlation_id: str, traceparent: str | None = None) -> None:
        self.request_id = request_id
        self.correlation_id = correlation_id
        self.traceparent = traceparent
        self.started = time.monotonic()
        self.route = "unmatched"
        self.status = 0
        self.bound: list[Mapping[str, Token[Any]]] = []
        self.code: str | None = None
        self.caller: Caller | None = None
        self.work: UnitOfWork | None = None
        self.version: int | None = None
        self.place: Place | None = None
        self.trail: Trail | None = None

    def bind(self, **fields: Any) -> None:
        """Put fields on every log line until the answer has left."""
        self.bound.append(bind_contextvars(**fields))

    def unbind(self) -> None:
        """Take away what was bound."""
        while self.bound:
            reset_contextvars(**self.bound.pop())


current_exchange: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def exchange_of(scope: MutableMapping[str, Any]) -> Exchange:
    """Return the exchange of an ASGI scope."""
    exchange = scope[KEY]
    assert isinstance(exchange, Exchange)
    return exchange

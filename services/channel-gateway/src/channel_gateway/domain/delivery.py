"""One webhook request as it is kept: the raw bytes, and what became of them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from channel_gateway.domain.inbound import Ignored, Inbound, InboundMessage, Kept, Untranslatable
from channel_gateway.domain.receiving_channel import ReceivingChannel

State = Literal["applied", "duplicate", "ignored", "kept", "parked"]

ECHO = "echo"
"""Why an own message said nothing: it repeats a send of ours, and proves it."""

HELD = "held"
"""Why an own message says nothing yet: it may be the echo of a send that is under way."""

OVERTAKEN = "overtaken"
"""Why a report was ignored that came after a newer one."""

LATE_AFTER = timedelta(minutes=15)


class Delivery(NamedTuple):
    """An authentic request. `headers` are the few that are kept; `event` and the like are what the envelope says."""

    id: str
    channel: ReceivingChannel
    received_at: datetime
    raw: bytes
    headers: Mapping[str, str]
    event: str | None
    event_id: str | None
    session: str | None
    engine: str | None
    inbound: Inbound
    traceparent: str | None = None

    @property
    def key(self) -> tuple[str, str, str] | None:
        """Return what makes a repeat recognisable: tenant, channel and dedupe key. None where nothing is done twice."""
        dedupe_key = self.inbound.dedupe_key
        return None if dedupe_key is None else (self.channel.tenant_id, self.channel.id, dedupe_key)

    @property
    def state(self) -> State:
        """Return what becomes of it, if it is no repeat."""
        if isinstance(self.inbound, Untranslatable):
            return "parked"
        if isinstance(self.inbound, Ignored):
            return "ignored"
        return "kept" if isinstance(self.inbound, Kept) else "applied"

    @property
    def reason(self) -> str | None:
        """Return why nothing was said."""
        return self.inbound.reason if isinstance(self.inbound, Untranslatable | Ignored) else None

    def is_late(self, message: InboundMessage) -> bool:
        """Tell whether the message came so long after it was written that nobody should start a timer for it."""
        return self.received_at - message.occurred_at > LATE_AFTER

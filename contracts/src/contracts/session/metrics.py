"""What an ended session amounted to."""

from contracts.fields import Moment, Wire


class SessionMetrics(Wire, kw_only=True):
    """Counts and times of one session; every figure can be recomputed from its messages."""

    total_messages: int
    inbound_messages: int
    outbound_messages: int
    wait_seconds: int = 0
    first_message_at: Moment | None = None
    last_message_at: Moment | None = None
    first_response_seconds: int | None = None

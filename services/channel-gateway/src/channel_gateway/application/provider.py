"""What the use cases ask of a provider's dialect."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from channel_gateway.domain.delivery import Delivery
from channel_gateway.domain.receiving_channel import ReceivingChannel


class NotReadable(ValueError):  # noqa: N818 - named for what is wrong with the body
    """The body is not what the provider ever sends: refused at the door, nothing kept."""


class Provider(Protocol):
    """One provider's webhooks."""

    channel_type: str
    event_names: frozenset[str]
    """The events that we know by name: what else comes is counted together."""

    def is_signed(
        self, raw: bytes, signatures: Sequence[str], algorithms: Sequence[str], keys: Sequence[bytes]
    ) -> bool:
        """Tell whether one of the keys has signed these bytes."""

    def session_of(self, raw: bytes) -> str | None:
        """Return the provider session that a body names. Raises NotReadable."""

    def delivery(
        self,
        delivery_id: str,
        channel: ReceivingChannel,
        *,
        received_at: datetime,
        raw: bytes,
        headers: Mapping[str, str],
        traceparent: str | None = None,
    ) -> Delivery:
        """Return what a body says. Raises NotReadable; whatever else is wrong with it is Untranslatable."""

"""WAHA's webhooks as the use cases see a provider: signature, envelope and translation put together."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from channel_gateway.adapters.waha.envelope import Envelope, open_envelope
from channel_gateway.adapters.waha.reading import NotJson
from channel_gateway.adapters.waha.signature import verify
from channel_gateway.adapters.waha.translate_inbound import EVENTS, OF_NO_USE, translate
from channel_gateway.application.provider import NotReadable
from channel_gateway.domain.channel import WAHA
from channel_gateway.domain.delivery import Delivery
from channel_gateway.domain.inbound import Untranslatable
from channel_gateway.domain.receiving_channel import ReceivingChannel


class WahaWebhooks:
    """The dialect of WAHA."""

    channel_type = WAHA
    event_names = frozenset((*EVENTS, *OF_NO_USE))

    def is_signed(
        self, raw: bytes, signatures: Sequence[str], algorithms: Sequence[str], keys: Sequence[bytes]
    ) -> bool:
        """Tell whether one of the keys has signed these bytes."""
        return verify(raw, signatures, algorithms, keys=keys)

    def session_of(self, raw: bytes) -> str | None:
        """Return the session that a body names. Raises NotReadable."""
        envelope = _opened(raw)
        return None if envelope is None else envelope.session

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
        """Return what a body says. Raises NotReadable."""
        envelope = _opened(raw)
        if envelope is None:
            inbound = Untranslatable("nested_too_deeply")
            return Delivery(delivery_id, channel, received_at, raw, headers, None, None, None, None, inbound)
        return Delivery(
            delivery_id,
            channel,
            received_at,
            raw,
            headers,
            envelope.event,
            envelope.event_id,
            envelope.session,
            envelope.engine,
            translate(
                envelope,
                channel_engine=channel.engine,
                received_at=received_at,
                allow_groups=channel.allow_groups,
            ),
            traceparent,
        )


def _opened(raw: bytes) -> Envelope | None:
    """Return the envelope; None for JSON nested so deeply that nobody reads it."""
    try:
        return open_envelope(raw)
    except NotJson:
        raise NotReadable("the body is not JSON") from None
    except RecursionError:
        return None

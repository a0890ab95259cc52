"""One WAHA session, and what is heard of its bodies."""

from typing import Any

import pytest
from channel_gateway.adapters.waha.translate_inbound import translate
from channel_gateway.domain.inbound import Acknowledgement, Inbound, InboundMessage
from waha_bodies import RECEIVED_AT, Waha


class HeardWaha(Waha):
    """The bodies, and what they mean."""

    @staticmethod
    def hear(body: Any, *, engine: str | None = None, allow_groups: bool = True) -> Inbound:
        return translate(body, channel_engine=engine, received_at=RECEIVED_AT, allow_groups=allow_groups)

    def message(self, body: Any, *, engine: str | None = None) -> InboundMessage:
        heard = self.hear(body, engine=engine)
        assert isinstance(heard, InboundMessage), heard
        return heard

    def acknowledgement(self, body: Any) -> Acknowledgement:
        heard = self.hear(body)
        assert isinstance(heard, Acknowledgement), heard
        return heard


@pytest.fixture(scope="session")
def waha() -> HeardWaha:
    return HeardWaha()

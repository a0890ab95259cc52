"""The envelope around every webhook: only `event`, `session` and `payload` can be relied on. Facts: guide 4."""

from datetime import datetime
from typing import Any, NamedTuple

from channel_gateway.adapters.waha.addresses import address, server_of
from channel_gateway.adapters.waha.reading import LONGEST_ID, Node, decode, fold, line
from channel_gateway.adapters.waha.times import moment
from channel_gateway.domain.inbound import OwnNumber


class Envelope(NamedTuple):
    """What surrounds the payload, which is None when it is no object.

    `me` holds the addresses of our own number, `own_account` all that is said of it.
    """

    event: str | None
    event_id: str | None
    session: str | None
    engine: str | None
    version: str | None
    sent_at: datetime | None
    me: frozenset[str]
    own_account: Node
    payload: Node | None
    is_object: bool

    @property
    def own_number(self) -> OwnNumber | None:
        """Return our number and name, where the session knows them."""
        known, lid = address(self.own_account.get("id")), address(self.own_account.get("lid"))
        if known is None or server_of(known) != "c.us":
            return None
        return OwnNumber(known, lid, line(self.own_account.get("pushname")))


def open_envelope(body: bytes | Any) -> Envelope:
    """Return the envelope of a raw or decoded body. Raises NotJson for bytes that are no JSON."""
    if isinstance(body, bytes | bytearray | memoryview):
        body = decode(bytes(body))
    keys = fold(body)
    environment = fold(keys.get("environment"))
    engine = line(environment.get("engine"), 50) or line(keys.get("engine"), 50)
    account, payload = fold(keys.get("me")), keys.get("payload")
    return Envelope(
        event=line(keys.get("event"), 100),
        event_id=line(keys.get("id"), LONGEST_ID),
        session=line(keys.get("session"), LONGEST_ID),
        engine=engine.upper() if engine else None,
        version=line(environment.get("version"), 50),
        sent_at=moment(keys.get("timestamp")),
        me=_own_addresses(account),
        own_account=account,
        payload=fold(payload) if isinstance(payload, dict) else None,
        is_object=isinstance(body, dict),
    )


def _own_addresses(me: Node) -> frozenset[str]:
    return frozenset(known for name in ("id", "lid", "jid") if (known := address(me.get(name))))

"""What WAHA's answers say, in our own words. Shapes differ by engine and by who refused: guide 13.2 and 14.1."""

from typing import Any

from channel_gateway.adapters.waha.addresses import address
from channel_gateway.adapters.waha.client import HttpAnswer
from channel_gateway.adapters.waha.message_ids import MessageId, parse_message_id
from channel_gateway.adapters.waha.reading import Node, fold, line
from channel_gateway.domain.send_outcomes import Answer

_LONGEST_STATUS = 100


def answer_of(http: HttpAnswer) -> Answer:
    """Return an answer without anything that it echoes of the request."""
    if http.status is None:
        return Answer(None, left=http.left)
    body = fold(http.body)
    if http.succeeded:
        sent = sent_id(http.body)
        return Answer(
            http.status,
            provider_id=sent.bare if sent else None,
            provider_ref=sent.reported if sent and sent.chat else None,
        )
    return Answer(
        http.status,
        words=_words(body),
        retry_after_s=http.retry_after_s,
        session_status=_session_status(http.status, body),
    )


def sent_id(body: Any) -> MessageId | None:
    """Return the id of a sent message: a text, an object of the browser engines, or the key of NOWEB."""
    message = fold(body)
    found = parse_message_id(message.get("id"))
    if found is not None:
        return found
    key = fold(message.get("key"))
    bare, chat = line(key.get("id")), address(key.get("remotejid"))
    if bare is None:
        return None
    return parse_message_id(f"true_{chat}_{bare}" if chat else bare)


def _words(body: Node) -> str:
    """Return what an error says: an engine's exception, or else the message, which may be a list."""
    exception = fold(body.get("exception"))
    said = (
        [exception.get("message"), exception.get("details")] if exception else [body.get("message"), body.get("error")]
    )
    parts = [each for one in said for each in (one if isinstance(one, list) else [one])]
    return "\n".join(part for part in parts if isinstance(part, str))[:2000]


def _session_status(status: int, body: Node) -> str | None:
    """Return the status of a session that should have been another: only this 422 names what was expected."""
    if status != 422 or not isinstance(body.get("expected"), list):
        return None
    return (line(body.get("status"), _LONGEST_STATUS) or "UNKNOWN").upper()

"""WAHA as the sender sees it: sends, reserved ids, look-ups. Calls and their traps: guide 13 and 16."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from channel_gateway.adapters.waha.addresses import address
from channel_gateway.adapters.waha.client import HttpAnswer, WahaClient
from channel_gateway.adapters.waha.message_ids import parse_message_id
from channel_gateway.adapters.waha.reading import Node, flag, fold, line, objects, text
from channel_gateway.adapters.waha.send_answers import answer_of
from channel_gateway.adapters.waha.times import moment
from channel_gateway.application.messenger import CallFailed, Engine, Server
from channel_gateway.domain.evidence import OwnMessage
from channel_gateway.domain.send_outcomes import Answer
from channel_gateway.domain.sending import Attempt

RESERVING = ("NOWEB", "GOWS")
RESERVES_SINCE = (2026, 4, 3)
HISTORY_PAGE = 100

_NUMBERS = re.compile(r"\d+")


class WahaMessenger:
    """Speaks WAHA's API. Sends return their answer; everything else raises CallFailed."""

    def __init__(self, client: WahaClient) -> None:
        self._client = client

    async def send(self, server: Server, attempt: Attempt) -> Answer:
        """Send a text, to exactly the chat that the provider reported, with the id reserved for it."""
        body: dict[str, Any] = {
            "session": server.session,
            "chatId": attempt.external_chat_id,
            "text": attempt.text,
            "linkPreview": attempt.link_preview,
        }
        if attempt.id_reserved:
            body["id"] = attempt.provider_id
        if (quoted := attempt.reply_to_ref or attempt.reply_to_id) is not None:
            body["reply_to"] = quoted
        if attempt.mentions:
            body["mentions"] = list(attempt.mentions)
        return answer_of(await self._client.call(server, "POST", "/api/sendText", body=body))

    async def engine(self, server: Server) -> Engine:
        """Ask the session for its engine, and the server for its version."""
        session = fold(await self._read(server, f"/api/sessions/{quote(server.session)}"))
        version = fold(await self._read(server, "/api/server/version"))
        name = line(fold(session.get("engine")).get("engine"), 50) or line(version.get("engine"), 50)
        number = line(version.get("version"), 50)
        name = name.upper() if name else None
        return Engine(name, number, name in RESERVING and _parts_of(number) >= RESERVES_SINCE)

    async def reserve(self, server: Server) -> str | None:
        """Return a message id for a later send; None where the engine has none to give after all."""
        answer = await self._client.call(server, "GET", f"/api/{quote(server.session)}/new-message-id")
        if answer.status == 501:
            return None
        found = parse_message_id(fold(_body_of(answer)).get("id"))
        return None if found is None else found.bare

    async def address_of(self, server: Server, phone: str) -> str | None:
        """Return the chat of a phone, None where it is not on WhatsApp."""
        query = {"phone": phone.lstrip("+"), "session": server.session}
        found = fold(await self._read(server, "/api/contacts/check-exists", query))
        return address(found.get("chatid")) if flag(found.get("numberexists")) else None

    async def message(self, server: Server, chat: str, provider_id: str) -> OwnMessage | None:
        """Return a message by its bare id, None where the provider knows that there is none."""
        path = f"/api/{quote(server.session)}/chats/{quote(chat, safe='')}/messages/{quote(provider_id, safe='')}"
        answer = await self._client.call(server, "GET", path, query={"downloadMedia": "false"})
        if answer.status == 404 and "session" not in answer_of(answer).words.lower():
            return None
        return _own_message(fold(_body_of(answer)), chat)

    async def own_messages(self, server: Server, chat: str, since: datetime) -> Sequence[OwnMessage]:
        """Return what our number sent in a chat since then, the newest 100 at most."""
        query = {
            "limit": str(HISTORY_PAGE),
            "downloadMedia": "false",
            "filter.timestamp.gte": str(int(since.timestamp())),
            "filter.fromMe": "true",
        }
        path = f"/api/{quote(server.session)}/chats/{quote(chat, safe='')}/messages"
        found = [_own_message(each, chat) for each in objects(await self._read(server, path, query))]
        return [message for message in found if message is not None and message.at >= since]

    async def _read(self, server: Server, path: str, query: Mapping[str, str] | None = None) -> Any:
        return _body_of(await self._client.call(server, "GET", path, query=query))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def _body_of(answer: HttpAnswer) -> Any:
    if not answer.succeeded:
        raise CallFailed(answer_of(answer))
    return answer.body


def _own_message(payload: Node, chat: str) -> OwnMessage | None:
    found = parse_message_id(payload.get("id"))
    if found is None or (found.from_me or flag(payload.get("fromme"))) is not True:
        return None
    chats = frozenset({chat, found.chat} - {None})
    at = moment(payload.get("timestamp")) or datetime.now(UTC)
    reference = found.reported if found.chat else None
    return OwnMessage(found.bare, reference, chats, text(payload.get("body")), at)  # type: ignore[arg-type]


def _parts_of(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in _NUMBERS.findall(version or "")[:3])

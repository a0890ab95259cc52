"""The messages of each session as WhatsApp keeps them, with their acks; kept in a file so that a restart goes on."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from waha_simulator.ledger import Book
from waha_simulator.payloads import Card, Media, Message, Person, Place, Quote
from waha_simulator.payloads.happenings import DEVICE, SERVER

_FIELDS = tuple(field.name for field in fields(Message))
_NESTED: dict[str, Any] = {"peer": Person, "author": Person, "media": Media, "place": Place, "quote": Quote}


class History:
    """Messages by session and bare id, in the order in which they happened."""

    def __init__(self, path: Path | None = None) -> None:
        self._book = Book(path)
        self._messages: dict[str, dict[str, Message]] = defaultdict(dict)
        self._seqs: dict[tuple[str, str], int] = defaultdict(int)
        self._totals: dict[str, int] = defaultdict(int)
        self._seq_of: dict[tuple[str, str], int] = {}
        for entry in self._book.entries():
            self._load(entry)

    def add(self, session: str, message: Message) -> int:
        """Keep a message and return its number in its chat, from 1. A bare id that is there already is a
        `ValueError`.
        """
        if message.bare_id in self._messages[session]:
            raise ValueError(f"message {message.bare_id} exists already in session {session}")
        if message.ack is None:
            message = replace(message, ack=SERVER if message.from_me else DEVICE)
        self._keep(session, message)
        self._book.add({"session": session, "message": _plain(message)})
        return self._seq_of[session, message.bare_id]

    def get(self, session: str, bare_id: str) -> Message | None:
        return self._messages[session].get(bare_id)

    def seq(self, session: str, bare_id: str) -> int | None:
        """The message's number in its chat."""
        return self._seq_of.get((session, bare_id))

    def move(self, session: str, bare_id: str, level: int) -> bool:
        """Raise a message's ack. False: it stood there or higher, or is not known."""
        message = self._messages[session].get(bare_id)
        if message is None or (message.ack or 0) >= level:
            return False
        self._messages[session][bare_id] = replace(message, ack=level)
        self._book.add({"session": session, "bare_id": bare_id, "ack": level})
        return True

    def of(self, session: str, chats: set[str] | None = None) -> Iterator[Message]:
        """Messages of a session, oldest first; of these chats only, where given."""
        return (m for m in self._messages[session].values() if chats is None or m.chat in chats)

    def total(self, session: str) -> int:
        """How many messages the session ever had; it never falls, so ids made from it never repeat."""
        return self._totals[session]

    def forget(self, session: str) -> None:
        """Drop a session's messages, as a logout does."""
        self._messages.pop(session, None)
        self._book.add({"session": session, "forgotten": True})

    def clear(self) -> None:
        self._messages.clear()
        self._seqs.clear()
        self._totals.clear()
        self._seq_of.clear()
        self._book.clear()

    def close(self) -> None:
        self._book.close()

    def _keep(self, session: str, message: Message) -> None:
        self._messages[session][message.bare_id] = message
        self._totals[session] += 1
        self._seqs[session, message.chat] += 1
        self._seq_of[session, message.bare_id] = self._seqs[session, message.chat]

    def _load(self, entry: dict[str, Any]) -> None:
        session = entry["session"]
        if "message" in entry:
            self._keep(session, _message(entry["message"]))
        elif "ack" in entry:
            known = self._messages[session][entry["bare_id"]]
            self._messages[session][known.bare_id] = replace(known, ack=entry["ack"])
        else:
            self._messages.pop(session, None)


def _plain(message: Message) -> dict[str, Any]:
    plain = {name: getattr(message, name) for name in _FIELDS}
    for name in _NESTED:
        if plain[name] is not None:
            plain[name] = asdict(plain[name])
    return plain | {"at": message.at.isoformat(), "cards": [asdict(card) for card in message.cards]}


def _message(plain: dict[str, Any]) -> Message:
    read = {name: kind(**plain[name]) if plain[name] else None for name, kind in _NESTED.items()}
    cards = tuple(Card(**card) for card in plain["cards"])
    mentions = tuple(plain["mentions"])
    return Message(**{**plain, **read, "cards": cards, "mentions": mentions, "at": datetime.fromisoformat(plain["at"])})

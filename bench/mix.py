"""What customers send: signed webhooks of mixed kinds, engines, chats and tenants, each one known by its number.

The bodies are the WAHA simulator's, of each engine and kind once; what differs from one webhook to the next (id, person, text) is
put in where they hold a mark. Equal seeds give equal webhooks. A message's bare id ends in its number, so whoever hears
`message.received` knows which arrival it was.
"""

import hmac
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waha_simulator.payloads import (
    Card,
    Media,
    Person,
    Place,
    Quote,
    ack_of_own,
    incoming_contacts,
    incoming_location,
    incoming_media,
    incoming_text,
    own_text,
)
from waha_simulator.payloads.envelope import envelope

PHONES = 20_000
GROUPS_EACH = 20
"""Groups of a tenant."""
LID_EVERY = 20
"""Every so many of a tenant's customers are filed by WhatsApp under their @lid."""
ENGINES = ("WEBJS", "NOWEB", "GOWS", "WEBJS", "GOWS", "NOWEB", "WEBJS", "GOWS", "WEBJS", "NOWEB")
"""Of the tenants, in turns: one engine for each container of WAHA, so for each channel."""

MESSAGES = {
    "text": 0.62,
    "reply": 0.10,
    "image": 0.08,
    "voice": 0.05,
    "document": 0.02,
    "location": 0.01,
    "contact": 0.01,
    "group": 0.03,
}
"""What becomes `message.received`, as shares of all webhooks."""
OTHERS = {"reaction": 0.02, "edit": 0.01, "typed": 0.02, "read": 0.03}
"""What does not: reactions, edits, what the owner typed on the phone, and that it was read."""
KINDS = MESSAGES | OTHERS
READ_AFTER = 500
"""So many webhooks after it was typed, what the owner wrote is read."""
READ = 3

ASKS = ("price", "delivery")
"""Words that the rules of one tenant in ten look for, each in one text of seventeen."""
TEXTS = (
    "Hello, what is the price of the blue one in size 40 please?",
    "How long does delivery to Recife take, and what does it cost?",
    "Hi!",
    "ok",
    "Good morning, is anybody there? 🙂",
    "I wrote yesterday and nobody has answered me yet",
    "Thank you very much, that was fast 🙏",
    "Can I pay with PIX, or in three instalments by card?",
    "Não recebi o código de rastreio ainda, pode verificar para mim?",
    "Yes, the second one please. And two of the small ones if you still have them.",
    "The address is Rua das Laranjeiras 397, apto 802, Rio de Janeiro, and the bell does not work, so please call when you are there",
    "👍",
    "The parcel arrived today, but one of the cups is broken. I have taken photos of it and of the box, which was open on one side. "
    "Could you send another one, or give me back what I paid for it? The number of the order is 2026-118-4471.",
    "Are you open on Saturday?",
    "No, not that one",
    "Please call me tomorrow after ten, I am at work until then and cannot talk",
    "Bom dia! Vi o anúncio de vocês no Instagram e gostaria de saber mais sobre o curso de fotografia: horários, valores e se tem "
    "turma à noite. Obrigada!",
)
ME = Person(phone="5511955550000", lid="217000000009999", name="The Shop", device=7)

_ID, _PHONE, _LID, _TEXT, _GROUP, _QUOTED = "<id>", "<phone>", "<lid>", "<text>", "<group>@g.us", "<quoted>"


@dataclass(frozen=True)
class Door:
    """Where webhooks of one tenant are posted: path and key of its channel, and the session's name."""

    path: str
    key: str
    session: str


@dataclass(frozen=True)
class Webhook:
    """One body, and by which door it comes in."""

    number: int
    kind: str
    tenant: int
    body: bytes

    @property
    def is_message(self) -> bool:
        """Tell whether it becomes `message.received`."""
        return self.kind in MESSAGES


def bare_id(run: str, number: int) -> str:
    """Return WhatsApp's id of a message; `run` has eight hexadecimal digits."""
    return f"3A{run}{number:08X}"


def number_of(run: str, message_id: str) -> int | None:
    """Return the number of the arrival that a message's bare id tells; None where it is of another run."""
    return int(message_id[10:], 16) if message_id[2:10] == run else None


class Mix:
    """Makes webhooks. `met` is the run in which each customer wrote first: replies quote that message."""

    def __init__(self, doors: Sequence[Door], files: str, run: str, met: str, seed: int, at: datetime) -> None:
        """`files` is the address under which WAHA keeps media; `at` is when everything was written."""
        self._doors, self._files, self._run, self._met = doors, files, run, met
        self._random = random.Random(f"{seed} {run}")
        self._texts = [json.dumps(text, ensure_ascii=False)[1:-1].encode() for text in TEXTS]
        self._typed: deque[tuple[int, int]] = deque()
        self._kinds, self._weights = list(KINDS), list(KINDS.values())
        self.date(at)

    def date(self, at: datetime) -> None:
        """Let what follows be written at this time."""
        self._templates = {
            (engine, addressing, kind): _encoded(make(_Frame(engine, addressing, at, self._files)))
            for engine in set(ENGINES[: len(self._doors)])
            for addressing in ("phone", "lid")
            for kind, make in _BODIES.items()
        }

    def webhook(self, number: int) -> Webhook:
        """Return the next webhook."""
        kind = self._random.choices(self._kinds, self._weights)[0]
        phone = self._random.randrange(PHONES)
        if kind == "read":
            if not self._typed or self._typed[0][0] > number - READ_AFTER:
                kind = "text"
            else:
                typed, phone = self._typed.popleft()
                return self._made(number, kind, phone, bare_id(self._run, typed))
        elif kind == "typed":
            self._typed.append((number, phone))
        return self._made(number, kind, phone, bare_id(self._run, number))

    def first(self, number: int) -> Webhook:
        """Return the first message of customer number `number`."""
        return self._made(number, "text", number, bare_id(self._run, number))

    def _made(self, number: int, kind: str, phone: int, message_id: str) -> Webhook:
        tenant = phone % len(self._doors)
        addressing = "phone" if phone // len(self._doors) % LID_EVERY else "lid"
        template = self._templates[ENGINES[tenant % len(ENGINES)], addressing, kind]
        body = (
            template.replace(b"<id>", message_id.encode())
            .replace(b"<phone>", b"55119%08d" % phone)
            .replace(b"<lid>", b"2%014d" % phone)
            .replace(b"<session>", self._doors[tenant].session.encode())
            .replace(b"<text>", self._random.choice(self._texts))
        )
        if kind == "group":
            body = body.replace(b"<group>", b"1203630%02d%09d" % (tenant, self._random.randrange(GROUPS_EACH)))
        elif kind in ("reply", "reaction", "edit"):
            body = body.replace(b"<quoted>", bare_id(self._met, phone).encode())
        return Webhook(number, kind, tenant, body)


def signature(key: bytes, body: bytes) -> str:
    """Return what WAHA says of a body in `x-webhook-hmac`."""
    return hmac.digest(key, body, "sha512").hex()


@dataclass(frozen=True)
class _Frame:
    """What the bodies of one engine and way of addressing have in common; `files` is where WAHA keeps media."""

    engine: str
    addressing: str
    at: datetime
    files: str

    @property
    def customer(self) -> Person:
        return Person(phone=_PHONE, lid=_LID, name="Customer <phone>")

    @property
    def chat(self) -> str:
        return f"{_LID}@lid" if self.addressing == "lid" else f"{_PHONE}@c.us"

    def who(self, **more: Any) -> dict[str, Any]:
        shared = {"engine": self.engine, "session": "<session>", "me": ME, "customer": self.customer, "at": self.at}
        return {**shared, "addressing": self.addressing, "bare_id": _ID, **more}

    def media(self, kind: str, media: Media) -> dict[str, Any]:
        return incoming_media(kind=kind, media=media, **self.who())  # type: ignore[arg-type]

    def file(self, ending: str) -> str:
        return f"{self.files}/<session>/{_ID}.{ending}"


def _reply(frame: _Frame) -> dict[str, Any]:
    quote = Quote(bare_id=_QUOTED, author=frame.chat, text="Hi!", from_me=False)
    return incoming_text(text=_TEXT, quote=quote, **frame.who())


def _image(frame: _Frame) -> dict[str, Any]:
    return frame.media("image", Media("image/jpeg", 184_320, frame.file("jpeg"), width=1200, height=1600))


def _voice(frame: _Frame) -> dict[str, Any]:
    return frame.media("voice", Media("audio/ogg; codecs=opus", 24_576, frame.file("oga"), seconds=11))


def _document(frame: _Frame) -> dict[str, Any]:
    return frame.media("document", Media("application/pdf", 90_112, frame.file("pdf"), filename="order.pdf"))


def _location(frame: _Frame) -> dict[str, Any]:
    return incoming_location(place=Place(-22.9, -43.2, "Largo", "Rua das Laranjeiras 1"), **frame.who())


def _contact(frame: _Frame) -> dict[str, Any]:
    return incoming_contacts(cards=(Card("Ana Silva", "+55 11 98888-7777", "5511988887777"),), **frame.who())


def _typed(frame: _Frame) -> dict[str, Any]:
    return own_text(text="Of course, we look into it", **frame.who())


def _read(frame: _Frame) -> dict[str, Any]:
    return ack_of_own(level=READ, text="Of course, we look into it", **frame.who())


def _reaction(frame: _Frame) -> dict[str, Any]:
    """A payload as guide 11 has it; the simulator tells of none."""
    reaction = {"text": "👍", "messageId": f"false_{frame.chat}_{_QUOTED}"}
    return _change(frame, "message.reaction", {"to": None, "participant": None, "reaction": reaction})


def _edit(frame: _Frame) -> dict[str, Any]:
    return _change(frame, "message.edited", {"body": _TEXT, "hasMedia": False, "editedMessageId": _QUOTED, "_data": {}})


def _change(frame: _Frame, event: str, what: dict[str, Any]) -> dict[str, Any]:
    seconds = int(frame.at.timestamp())
    payload = {"id": f"false_{frame.chat}_{_ID}", "timestamp": seconds, "from": frame.chat, "fromMe": False, **what}
    return envelope(engine=frame.engine, event=event, session="<session>", me=ME, payload=payload, emitted_at=frame.at)


_BODIES: dict[str, Callable[[_Frame], dict[str, Any]]] = {
    "text": lambda frame: incoming_text(text=_TEXT, **frame.who()),
    "reply": _reply,
    "image": _image,
    "voice": _voice,
    "document": _document,
    "location": _location,
    "contact": _contact,
    "group": lambda frame: incoming_text(text=_TEXT, group=_GROUP, **frame.who()),
    "reaction": _reaction,
    "edit": _edit,
    "typed": _typed,
    "read": _read,
}


def _encoded(body: dict[str, Any]) -> bytes:
    body["id"] = f"evt_{_ID}"
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

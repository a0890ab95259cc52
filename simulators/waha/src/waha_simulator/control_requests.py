"""Reading control requests: every field has a type, what nobody reads is refused, and mistakes are named."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from waha_simulator.draws import message_id
from waha_simulator.payloads import KINDS, MEDIA_KINDS, Card, Media, Message, Person, Place, Quote
from waha_simulator.payloads.happenings import Addressing, Kind, group_identity
from waha_simulator.sessions import Session
from waha_simulator.simulator import Simulator

Json = dict[str, Any]
MIMETYPES = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg; codecs=opus",
    "document": "application/pdf",
    "sticker": "image/webp",
}
EXTENSIONS = {"image": "jpeg", "video": "mp4", "audio": "mp3", "voice": "oga", "document": "pdf", "sticker": "webp"}


class ControlError(Exception):
    """A control call that cannot be done: status and one sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Fields:
    """The fields of a request body. Reading marks them; `nothing_else` refuses what was not read."""

    def __init__(self, body: Json, where: str = "") -> None:
        self._body = body
        self._where = where
        self._read: set[str] = set()
        self._inner: list[Fields] = []

    def given(self, name: str) -> bool:
        return self._body.get(name) is not None

    def all(self) -> Json:
        self._read |= set(self._body)
        return self._body

    def nothing_else(self) -> None:
        unknown = sorted(set(self._body) - self._read)
        if unknown:
            raise ControlError(400, f"unknown: {', '.join(self._where + name for name in unknown)}")
        for inner in self._inner:
            inner.nothing_else()

    def inside(self, name: str) -> "Fields":
        value = self._get(name)
        if not isinstance(value, dict):
            raise ControlError(400, f"{self._where}{name} must be an object")
        inner = Fields(value, f"{self._where}{name}.")
        self._inner.append(inner)
        return inner

    def object(self, name: str) -> Json | None:
        value = self._get(name)
        if value is not None and not isinstance(value, dict):
            raise ControlError(400, f"{self._where}{name} must be an object")
        return value

    def objects(self, name: str) -> list["Fields"]:
        value = self._get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ControlError(400, f"{self._where}{name} must be a list of objects")
        inner = [Fields(item, f"{self._where}{name}.{index}.") for index, item in enumerate(value)]
        self._inner += inner
        return inner

    def text(self, name: str, default: str | None = "") -> str | None:
        """A text. With the default `""` it is required."""
        value = self._get(name)
        if value is None and default != "":
            return default
        if not isinstance(value, str) or not value:
            raise ControlError(400, f"{self._where}{name} must be a text")
        return value

    def texts(self, name: str) -> list[str]:
        value = self._get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ControlError(400, f"{self._where}{name} must be a list of texts")
        return value

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        value = self._get(name)
        value = default if value is None else value
        if value not in choices:
            raise ControlError(400, f"{self._where}{name} must be one of {', '.join(choices)}")
        return str(value)

    def number(self, name: str, default: float) -> float:
        value = self._get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ControlError(400, f"{self._where}{name} must be a number, at least 0")
        return float(value)

    def integer(self, name: str, default: int) -> int:
        value = self.number(name, default)
        if value != int(value):
            raise ControlError(400, f"{self._where}{name} must be a whole number")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self._get(name)
        value = default if value is None else value
        if not isinstance(value, bool):
            raise ControlError(400, f"{self._where}{name} must be true or false")
        return value

    def time(self, name: str) -> datetime:
        """An ISO time with its offset, or seconds since 1970; now where nothing is given."""
        value = self._get(name)
        if value is None:
            return datetime.now(UTC)
        try:
            at = datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else datetime.fromisoformat(value)
        except (TypeError, ValueError, OverflowError) as problem:
            raise ControlError(400, f"{self._where}{name} must be an ISO time or seconds since 1970") from problem
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def _get(self, name: str) -> Any:
        self._read.add(name)
        return self._body.get(name)


def working_session(simulator: Simulator, fields: Fields, name: str | None = None) -> Session:
    """The session named `session`, which has to be WORKING: nobody writes through another."""
    name = name or fields.text("session") or ""
    session = simulator.sessions.get(name)
    if session is None:
        raise ControlError(404, f"there is no session {name}")
    if session.me is None:
        raise ControlError(409, f"session {name} is {session.status}; it must be WORKING")
    return session


def person_from(fields: Fields) -> Person:
    phone, lid = fields.text("phone", None), fields.text("lid", None)
    phone = phone.lstrip("+").split("@")[0] if phone else None
    lid = lid.split("@")[0] if lid else None
    if not phone and not lid:
        raise ControlError(400, "a person needs a phone or a lid")
    return Person(phone, lid, fields.text("name", None) or "", fields.integer("device", 0))


def group_id(fields: Fields) -> str | None:
    group = fields.text("group", None)
    return None if group is None else group if group.endswith("@g.us") else f"{group}@g.us"


def message_from(
    simulator: Simulator, session: Session, fields: Fields, *, customer: Person | None, from_me: bool
) -> Message:
    """The message that a request describes. Its id is `message_id`, or follows from `seed`, or from the session's
    count.
    """
    group = group_id(fields)
    kind = cast(Kind, fields.choice("kind", KINDS, "text"))
    addressing = cast(Addressing, fields.choice("addressing", ("phone", "lid"), "phone"))
    chat = group or (customer.chat(addressing) if customer else "")
    seed = fields.integer("seed", 0)
    key = ("seed", seed) if seed else ("count", simulator.history.total(session.name))
    bare_id = fields.text("message_id", None) or message_id(
        "AC" if from_me else "3A", simulator.settings.seed, session.name, chat, *key
    )
    text = fields.text("text", None)
    if kind == "text" and not text:
        raise ControlError(400, "a text message needs a text")
    return Message(
        bare_id=bare_id,
        chat=chat,
        at=fields.time("at"),
        from_me=from_me,
        kind=kind,
        text=text,
        peer=None if group else customer,
        author=customer if group and not from_me else None,
        media=_media(simulator, session, fields, kind, bare_id) if kind in MEDIA_KINDS else None,
        place=_place(fields.inside("place")) if kind == "location" else None,
        cards=_cards(fields) if kind == "contact" else (),
        quote=_quote(simulator, session, chat, fields.text("reply_to", None)),
        mentions=tuple(fields.texts("mentions")),
        forwarded=fields.flag("forwarded", False),
        shows_other_identity=fields.flag("shows_other_identity", True),
    )


def _media(simulator: Simulator, session: Session, fields: Fields, kind: Kind, bare_id: str) -> Media:
    given = fields.inside("media") if fields.given("media") else Fields({})
    filename = given.text("filename", "document.pdf" if kind == "document" else None)
    extension = filename.rsplit(".", 1)[-1] if filename else EXTENSIONS[kind]
    url = f"{simulator.settings.media_base}/api/files/{session.name}/{bare_id}.{extension}"
    return Media(
        mimetype=given.text("mimetype", MIMETYPES[kind]) or MIMETYPES[kind],
        size=given.integer("size", 12_345),
        url=url if given.flag("downloaded", True) else None,
        filename=filename if kind == "document" else None,
        seconds=given.integer("seconds", 7),
        width=given.integer("width", 640),
        height=given.integer("height", 480),
    )


def _place(fields: Fields) -> Place:
    signed = fields.all()
    try:
        latitude, longitude = float(signed["latitude"]), float(signed["longitude"])
    except (KeyError, TypeError, ValueError) as problem:
        raise ControlError(400, "place needs latitude and longitude") from problem
    return Place(latitude, longitude, fields.text("name", None), fields.text("address", None))


def _cards(fields: Fields) -> tuple[Card, ...]:
    given = fields.objects("cards")
    if not given:
        raise ControlError(400, "a contact message needs cards")
    return tuple(Card(f.text("name") or "", f.text("phone") or "", f.text("whatsapp", None)) for f in given)


def _quote(simulator: Simulator, session: Session, chat: str, bare_id: str | None) -> Quote | None:
    if bare_id is None:
        return None
    known = simulator.history.get(session.name, bare_id)
    if known is None or session.paired is None:
        raise ControlError(404, f"session {session.name} has no message {bare_id} to reply to")
    writer = session.paired if known.from_me else known.author or known.peer or session.paired
    lid = chat.endswith("@lid")
    author = group_identity(writer) if known.is_group else writer.chat("lid" if lid else "phone")
    return Quote(known.bare_id, author, known.text or "", known.from_me)

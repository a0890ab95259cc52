"""Whole webhook bodies from one call each: pure functions, equal inputs give equal bodies. Fixtures of our own for
tests.
"""

from datetime import datetime
from types import ModuleType
from typing import Any, cast

from waha_simulator.draws import message_id
from waha_simulator.payloads import gows, noweb, webjs, wpp
from waha_simulator.payloads.envelope import DEFAULT_VERSION, ENGINES, envelope
from waha_simulator.payloads.happenings import (
    Ack,
    Addressing,
    Card,
    Json,
    Kind,
    Media,
    Message,
    Person,
    Place,
    Quote,
    Source,
    StatusChange,
)

MODULES: dict[str, ModuleType] = {"GOWS": gows, "NOWEB": noweb, "WEBJS": webjs, "WPP": wpp}


def engine_module(engine: str) -> Any:
    """The module that speaks this engine: `message_payload`, `ack_payload`, `send_answer`, `full_id`."""
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}; one of {', '.join(ENGINES)}")
    return MODULES[engine]


def message_payload(message: Message, *, engine: str, me: Person) -> Json:
    """A message without its envelope: also an item of the history."""
    return cast(Json, engine_module(engine).message_payload(message, me))


def full_id(message: Message, *, engine: str, me: Person) -> str:
    return cast(str, engine_module(engine).full_id(message, me))


def message_event(
    message: Message,
    *,
    engine: str,
    session: str,
    me: Person,
    event: str = "message.any",
    emitted_at: datetime | None = None,
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
    event_id: str | None = None,
) -> Json:
    """The webhook body of any message. `event` may be `message`, which repeats incoming messages under the same id."""
    return envelope(
        engine=engine,
        event=event,
        session=session,
        me=me,
        payload=message_payload(message, engine=engine, me=me),
        emitted_at=emitted_at or message.at,
        metadata=metadata,
        version=version,
        event_id=event_id,
    )


def ack_event(
    ack: Ack,
    *,
    engine: str,
    session: str,
    me: Person,
    emitted_at: datetime | None = None,
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
    event_id: str | None = None,
) -> Json:
    """The webhook body of a receipt: `message.ack.group` in groups, `message.ack` else."""
    return envelope(
        engine=engine,
        event="message.ack.group" if ack.is_group else "message.ack",
        session=session,
        me=me,
        payload=cast(Json, engine_module(engine).ack_payload(ack, me)),
        emitted_at=emitted_at or ack.at,
        metadata=metadata,
        version=version,
        event_id=event_id,
    )


def status_event(
    change: StatusChange,
    *,
    engine: str,
    session: str,
    me: Person | None,
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
    event_id: str | None = None,
) -> Json:
    """The webhook body of `session.status`. `me` is null unless the session is connected."""
    statuses = [{"status": status, "timestamp": at} for status, at in change.statuses[-3:]]
    payload = {"name": session, "status": change.status, "statuses": statuses, "data": change.data}
    return envelope(
        engine=engine,
        event="session.status",
        session=session,
        me=me,
        payload=payload,
        emitted_at=change.at,
        metadata=metadata,
        version=version,
        event_id=event_id,
    )


def incoming_message(
    *,
    engine: str,
    session: str,
    me: Person,
    customer: Person,
    at: datetime,
    kind: Kind = "text",
    text: str | None = None,
    media: Media | None = None,
    place: Place | None = None,
    cards: tuple[Card, ...] = (),
    quote: Quote | None = None,
    addressing: Addressing = "phone",
    group: str | None = None,
    mentions: tuple[str, ...] = (),
    forwarded: bool = False,
    shows_other_identity: bool = True,
    bare_id: str | None = None,
    event: str = "message.any",
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
) -> Json:
    """A customer wrote: directly, or into `group` (its `…@g.us` id). `addressing` lid: WhatsApp filed the chat under
    the lid.
    """
    message = Message(
        bare_id=bare_id or message_id("3A", session, customer, kind, text, media, place, cards, at),
        chat=group or customer.chat(addressing),
        at=at,
        kind=kind,
        text=text,
        peer=None if group else customer,
        author=customer if group else None,
        media=media,
        place=place,
        cards=cards,
        quote=quote,
        mentions=mentions,
        forwarded=forwarded,
        shows_other_identity=shows_other_identity,
    )
    return message_event(
        message, engine=engine, session=session, me=me, event=event, metadata=metadata, version=version
    )


def incoming_text(
    *, engine: str, session: str, me: Person, customer: Person, text: str, at: datetime, **more: Any
) -> Json:
    """A customer wrote a text. `more` as in `incoming_message`: addressing, group, quote, bare_id, version…"""
    return incoming_message(
        engine=engine, session=session, me=me, customer=customer, at=at, kind="text", text=text, **more
    )


def incoming_media(
    *,
    engine: str,
    session: str,
    me: Person,
    customer: Person,
    kind: Kind,
    media: Media,
    at: datetime,
    caption: str | None = None,
    **more: Any,
) -> Json:
    """A customer sent an image, video, audio, voice, document or sticker."""
    return incoming_message(
        engine=engine, session=session, me=me, customer=customer, at=at, kind=kind, media=media, text=caption, **more
    )


def incoming_location(
    *, engine: str, session: str, me: Person, customer: Person, place: Place, at: datetime, **more: Any
) -> Json:
    return incoming_message(
        engine=engine, session=session, me=me, customer=customer, at=at, kind="location", place=place, **more
    )


def incoming_contacts(
    *, engine: str, session: str, me: Person, customer: Person, cards: tuple[Card, ...], at: datetime, **more: Any
) -> Json:
    return incoming_message(
        engine=engine, session=session, me=me, customer=customer, at=at, kind="contact", cards=cards, **more
    )


def own_text(
    *,
    engine: str,
    session: str,
    me: Person,
    customer: Person | None,
    text: str,
    at: datetime,
    source: Source = "app",
    addressing: Addressing = "phone",
    group: str | None = None,
    quote: Quote | None = None,
    shows_other_identity: bool = True,
    bare_id: str | None = None,
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
) -> Json:
    """We wrote: `app` typed on the phone, `api` sent through WAHA. To `customer`, or into `group`."""
    if group is None and customer is None:
        raise ValueError("an own message needs a customer or a group")
    prefix = "3EB0" if source == "api" else "AC"
    message = Message(
        bare_id=bare_id or message_id(prefix, session, customer, group, text, at),
        chat=group or (customer.chat(addressing) if customer else ""),
        at=at,
        from_me=True,
        text=text,
        peer=None if group else customer,
        source=source,
        quote=quote,
        shows_other_identity=shows_other_identity,
    )
    return message_event(message, engine=engine, session=session, me=me, metadata=metadata, version=version)


def ack_of_own(
    *,
    engine: str,
    session: str,
    me: Person,
    customer: Person,
    bare_id: str,
    level: int | None,
    at: datetime,
    addressing: Addressing = "phone",
    group: str | None = None,
    receipt_ids: tuple[str, ...] = (),
    text: str = "",
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
) -> Json:
    """`customer` received, read or played our message. `text` is the acked message's, which WEBJS and WPP repeat."""
    chat = group or customer.chat(addressing)
    peer = None if group else customer
    message = Message(bare_id=bare_id, chat=chat, at=at, from_me=True, text=text, peer=peer, source="api")
    ack = Ack(
        bare_id=bare_id,
        chat=chat,
        level=level,
        at=at,
        peer=peer,
        reader=customer if group else None,
        receipt_ids=receipt_ids,
        message=message,
    )
    return ack_event(ack, engine=engine, session=session, me=me, metadata=metadata, version=version)


def session_status(
    *,
    engine: str,
    session: str,
    me: Person | None,
    status: str,
    at: datetime,
    statuses: tuple[tuple[str, int], ...] | None = None,
    data: Json | None = None,
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
) -> Json:
    """The session's status changed. `statuses`: (status, ms) of the last three; by default only this one."""
    trail = statuses or ((status, int(at.timestamp() * 1000)),)
    change = StatusChange(status=status, at=at, statuses=trail, data=data)
    return status_event(change, engine=engine, session=session, me=me, metadata=metadata, version=version)

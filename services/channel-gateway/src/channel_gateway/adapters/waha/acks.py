"""`message.ack` and `message.ack.group`: one class. Rules: guide 10.

The payload may be a whole message: it adds none.
"""

from types import MappingProxyType

from channel_gateway.adapters.waha.addresses import address, chat_type, is_person
from channel_gateway.adapters.waha.envelope import Envelope
from channel_gateway.adapters.waha.message_ids import parse_message_id
from channel_gateway.adapters.waha.reading import Node, flag, fold, line, number
from channel_gateway.adapters.waha.reception import SENDER_IN_FROM, Reception
from channel_gateway.domain.inbound import Acknowledgement, Ignored, Inbound, Untranslatable

LEVEL_NAMES = MappingProxyType({-1: "ERROR", 0: "PENDING", 1: "SERVER", 2: "DEVICE", 3: "READ", 4: "PLAYED"})
_LEVELS = {name: level for level, name in LEVEL_NAMES.items()}


def ack_level(payload: Node) -> int | None:
    """Return the level, by its number or else by its name; None for one that means nothing to us."""
    level = number(payload.get("ack"))
    if level is None:
        return _LEVELS.get((line(payload.get("ackname")) or "").upper())
    return int(level) if level in LEVEL_NAMES else None


def translate_ack(envelope: Envelope, payload: Node, reception: Reception) -> Inbound:
    """Return the acknowledgement, or why there is none."""
    message_id = parse_message_id(payload.get("id"))
    if message_id is None:
        return Untranslatable("message_id_missing")
    # The id's prefix first: in groups `fromMe` may be false for what is ours.
    from_me = message_id.from_me if message_id.from_me is not None else flag(payload.get("fromme"))
    if from_me is None:
        return Untranslatable("direction_unknown")
    chat = message_id.chat or _chat_beside_a_bare_id(payload, from_me, envelope, reception)
    if chat is None:
        return Untranslatable("chat_unknown")
    if (reason := reception.unwanted(chat)) is not None:
        return Ignored(reason)
    kind_of_chat = chat_type(chat)
    if kind_of_chat is None:
        return Untranslatable("chat_of_unknown_type")
    level = ack_level(payload)
    if level is None:
        return Ignored("ack_level_unknown")
    return Acknowledgement(
        provider_message_id=message_id.bare,
        provider_message_ref=message_id.reported,
        external_chat_id=chat,
        chat_type=kind_of_chat,
        from_me=from_me,
        level=level,
        level_name=LEVEL_NAMES[level],
        participant=_reader(payload) if kind_of_chat == "group" else None,
        at=envelope.sent_at or reception.received_at,
    )


def _chat_beside_a_bare_id(payload: Node, from_me: bool, envelope: Envelope, reception: Reception) -> str | None:
    """`from` is the chat on GOWS and NOWEB; on browser engines it may be ourselves, and `to` the chat."""
    sender, recipient = address(payload.get("from")), address(payload.get("to"))
    from_us = sender in envelope.me or (from_me and reception.engine in SENDER_IN_FROM)
    return (recipient or (None if sender in envelope.me else sender)) if from_us else sender


def _reader(payload: Node) -> str | None:
    """Return the member of a group who got or read the message. The id's author is the writer, never the reader."""
    data = fold(payload.get("_data"))
    receipt = fold(data.get("receipt"))
    for place in (payload.get("participant"), receipt.get("userjid"), data.get("sender"), data.get("participant")):
        known = address(place)
        if known is not None and is_person(known):
            return known
    return None

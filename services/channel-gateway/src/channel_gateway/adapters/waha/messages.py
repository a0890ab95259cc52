"""`message` and `message.any`: one class. Steps and rules: guide 7."""

from channel_gateway.adapters.waha.acks import ack_level
from channel_gateway.adapters.waha.addresses import address, chat_type, is_person, noise
from channel_gateway.adapters.waha.ads import read_attribution
from channel_gateway.adapters.waha.contents import find_content
from channel_gateway.adapters.waha.envelope import Envelope
from channel_gateway.adapters.waha.identities import Evidence, peer, read_evidence, writer
from channel_gateway.adapters.waha.message_ids import MessageId, parse_message_id
from channel_gateway.adapters.waha.reading import Node, flag, fold
from channel_gateway.adapters.waha.reception import CHAT_IN_FROM, SENDER_IN_FROM, Reception
from channel_gateway.adapters.waha.references import forwarded, mentions, quoted_id
from channel_gateway.adapters.waha.times import moment
from channel_gateway.domain.inbound import Ignored, Inbound, InboundMessage, Untranslatable


def translate_message(envelope: Envelope, payload: Node, reception: Reception) -> Inbound:
    """Return the message, or why there is none."""
    message_id = parse_message_id(payload.get("id"))
    if message_id is None:
        return Untranslatable("message_id_missing")
    data = fold(payload.get("_data"))
    evidence = read_evidence(data)
    from_me = _direction(payload, message_id, evidence, envelope.me)
    if from_me is None:
        return Untranslatable("direction_unknown")
    chat = _chat(payload, message_id, evidence, from_me, envelope.me, reception.engine)
    if chat is None:
        return Untranslatable("chat_unknown")
    if (reason := reception.unwanted(chat)) is not None:
        return Ignored(reason)
    kind_of_chat = chat_type(chat)
    if kind_of_chat is None:
        return Untranslatable("chat_of_unknown_type")
    if chat in envelope.me:
        return Ignored("chat_with_oneself")  # our own number must not become a contact
    found = find_content(payload, data)
    if found.content is None:
        return Ignored(found.reason or "nothing_to_show")
    member = None if from_me or is_person(chat) else _member(payload, message_id, evidence, reception.engine)
    if member is not None and (reason := noise(member)) is not None:
        return Ignored(reason)
    people = peer(chat, from_me, evidence, envelope.me) if is_person(chat) else writer(member, evidence, envelope.me)
    if not people and (kind_of_chat == "individual" or not from_me):
        return Untranslatable("writer_unknown")
    context = found.context
    return InboundMessage(
        provider_message_id=message_id.bare,
        provider_message_ref=message_id.reported,
        external_chat_id=chat,
        chat_type=kind_of_chat,
        from_me=from_me,
        identities=people,
        content=found.content,
        occurred_at=moment(payload.get("timestamp")) or envelope.sent_at or reception.received_at,
        source=None if not from_me else "api" if payload.get("source") == "api" else "phone",
        push_name=None if from_me or evidence.from_me else evidence.push_name or evidence.business_name,
        is_business=not from_me and evidence.business_name is not None,
        reply_to_provider_id=quoted_id(payload, context, data),
        mentions=mentions(context, data),
        forwarded=forwarded(context, data),
        attribution=None if from_me else read_attribution(context, data),
        ack_level=ack_level(payload) if from_me else None,
    )


def _direction(payload: Node, message_id: MessageId, evidence: Evidence, me: frozenset[str]) -> bool | None:
    for said in (flag(payload.get("fromme")), message_id.from_me, evidence.from_me):
        if said is not None:
            return said
    if address(payload.get("from")) in me:
        return True
    return False if address(payload.get("to")) in me else None


def _chat(
    payload: Node, message_id: MessageId, evidence: Evidence, from_me: bool, me: frozenset[str], engine: str | None
) -> str | None:
    """Return the chat: the id's, except where the id is bare or names ourselves.

    WAHA 2026.8.1 filed own messages under our own number while `_data` still named the customer (#2241).
    """
    chat = message_id.chat or _chat_beside_a_bare_id(payload, evidence.chat, from_me, me, engine)
    ours = me | evidence.ours
    misfiled = from_me and chat in ours and evidence.chat is not None and evidence.chat not in ours
    return evidence.chat if misfiled else chat


def _chat_beside_a_bare_id(
    payload: Node, raw: str | None, from_me: bool, me: frozenset[str], engine: str | None
) -> str | None:
    """Return the chat that `from` and `to` tell, which differs by engine; `raw` is what `_data` says."""
    if raw is not None and (not is_person(raw) or noise(raw)):
        return raw
    sender, recipient = address(payload.get("from")), address(payload.get("to"))
    if engine in CHAT_IN_FROM or not from_me:
        return sender or raw
    if engine in SENDER_IN_FROM or sender in me:
        return recipient or raw
    return raw


def _member(payload: Node, message_id: MessageId, evidence: Evidence, engine: str | None) -> str | None:
    """Return who wrote into a group. GOWS writes it into `to` as well, where browser engines have ourselves."""
    also = address(payload.get("to")) if engine == "GOWS" else None
    places = (address(payload.get("participant")), message_id.author, evidence.writer, also)
    return next((said for said in places if said is not None and (is_person(said) or noise(said))), None)

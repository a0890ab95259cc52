"""WEBJS (whatsapp-web.js): `from` is the sender, `to` the recipient, and the payload tells no other identity."""

from waha_simulator.draws import base64_of
from waha_simulator.payloads.happenings import (
    ACK_NAMES,
    SERVER,
    Ack,
    Json,
    Message,
    Person,
    Quote,
    group_identity,
    serialized,
    serialized_id,
)
from waha_simulator.payloads.parts import author_id, location, reply_to, writer

TYPES = {"text": "chat", "voice": "ptt", "contact": "vcard"}


def message_payload(message: Message, me: Person) -> Json:
    sender, recipient = ends(message, me)
    level = message.ack if message.ack is not None else SERVER
    payload: Json = {
        "id": full_id(message, me),
        "timestamp": message.seconds,
        "from": sender,
        "fromMe": message.from_me,
        "source": message.source,
        "to": recipient,
        "body": message.text or "",
        "hasMedia": message.media is not None,
        "media": _media(message),
        "ack": level,
        "ackName": ACK_NAMES[level],
        "location": location(message.place, message.place.name if message.place else None),
        "vCards": [card.vcard for card in message.cards],
        "replyTo": reply_to(message.quote, _quoted(message.quote)),
        "_data": raw(message, me, level),
    }
    if message.is_group:
        payload["participant"] = author_id(message, me)
    return payload


def full_id(message: Message, me: Person) -> str:
    return serialized(message, author_id(message, me))


def ends(message: Message, me: Person) -> tuple[str, str]:
    """Who wrote and where to. In a group `from` is the group for others' messages and me for ours; `to` is the group
    or me.
    """
    own = me.phone_id or me.lid_id or ""
    return (own, message.chat) if message.from_me else (message.chat, own)


def ack_payload(ack: Ack, me: Person) -> Json:
    """A whole message in direct chats; a receipt in groups, where `fromMe` is false although the id says `true_`."""
    if ack.is_group:
        reader = group_identity(ack.reader) if ack.reader else ""
        return {
            "id": serialized_id(ack.from_me, ack.chat, ack.bare_id, group_identity(me)),
            "from": ack.chat,
            "to": me.phone_id,
            "participant": reader,
            "fromMe": False,
            "ack": ack.level,
            "ackName": ACK_NAMES[ack.level],
            "_data": {
                "type": "receipt",
                "ids": [ack.bare_id],
                "participant": reader,
                "t": int(ack.at.timestamp()),
                "ack": ack.level,
            },
        }
    if ack.message is None:
        raise ValueError("a WEBJS ack of a direct chat repeats its message: give it")
    payload = message_payload(ack.message, me)
    payload |= {"ack": ack.level, "ackName": ACK_NAMES[ack.level]}
    payload["_data"] |= {"ack": ack.level}
    return payload


def send_answer(message: Message, me: Person) -> Json:
    """The message of whatsapp-web.js: `id` is an object, `from` and `to` are objects inside `_data`."""
    sender, recipient = ends(message, me)
    data = raw(message, me, 0)
    data |= {"from": _wid(sender), "to": _wid(recipient)}
    return {
        "_data": data,
        "id": data["id"],
        "ack": 0,
        "hasMedia": message.media is not None,
        "body": message.text or "",
        "type": data["type"],
        "timestamp": message.seconds,
        "from": sender,
        "to": recipient,
        "fromMe": True,
    }


def raw(message: Message, me: Person, level: int) -> Json:
    """WhatsApp Web's own model of the message."""
    sender, recipient = ends(message, me)
    identifier: Json = {
        "fromMe": message.from_me,
        "remote": message.chat,
        "id": message.bare_id,
        "_serialized": full_id(message, me),
    }
    if message.is_group:
        identifier["participant"] = author_id(message, me)
    data: Json = {
        "id": identifier,
        "viewed": False,
        "body": message.text or "",
        "type": web_type(message),
        "t": message.seconds,
        "notifyName": writer(message, me).name,
        "from": sender,
        "to": recipient,
        "ack": level,
        "invis": False,
        "isNewMsg": True,
        "star": False,
        "isFromTemplate": False,
        "links": [],
        "mentionedJidList": list(message.mentions),
        "isForwarded": message.forwarded,
        "groupMentions": [],
    }
    if message.is_group:
        data["author"] = author_id(message, me)
    return data | web_content(message)


def web_type(message: Message) -> str:
    if message.kind == "contact" and len(message.cards) > 1:
        return "multi_vcard"
    return TYPES.get(message.kind, message.kind)


def web_content(message: Message) -> Json:
    """The keys that WhatsApp Web adds by kind, for WEBJS and WPP alike."""
    added: Json = {}
    if message.media:
        media = message.media
        added = {
            "caption": message.text or "",
            "mimetype": media.mimetype,
            "size": media.size,
            "filehash": base64_of(32, message.bare_id, "sha"),
            "mediaKey": base64_of(32, message.bare_id, "key"),
            "directPath": f"/v/{message.bare_id.lower()}.enc",
            "isViewOnce": False,
        }
        if message.kind in ("video", "audio", "voice"):
            added["duration"] = str(media.seconds)
        if message.kind in ("image", "video", "sticker"):
            added |= {"width": media.width, "height": media.height}
        if message.kind == "document":
            added["filename"] = media.filename
    elif message.place:
        added = {"lat": message.place.latitude, "lng": message.place.longitude, "loc": message.place.name or ""}
    elif len(message.cards) == 1:
        added = {"body": message.cards[0].vcard, "vcardFormattedName": message.cards[0].name}
    elif message.cards:
        added = {"body": "", "vcardList": [{"displayName": c.name, "vcard": c.vcard} for c in message.cards]}
    if message.quote:
        quote = message.quote
        added |= {
            "quotedStanzaID": quote.bare_id,
            "quotedParticipant": quote.author,
            "quotedMsg": {"type": "chat", "body": quote.text},
        }
    return added


def _wid(identity: str) -> Json:
    user, server = identity.split("@")
    return {"server": server, "user": user, "_serialized": identity}


def _media(message: Message) -> Json | None:
    if message.media is None:
        return None
    media = message.media
    return {"url": media.url, "mimetype": media.mimetype, "filename": media.filename, "error": None}


def _quoted(quote: Quote | None) -> Json:
    return {"type": "chat", "body": quote.text} if quote else {}

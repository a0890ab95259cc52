"""NOWEB (Baileys): camelCase, `from` is always the chat, the other identity in `key.remoteJidAlt` and
`key.participantAlt`.
"""

from waha_simulator.draws import base64_of
from waha_simulator.payloads.happenings import (
    ACK_NAMES,
    DEVICE,
    PENDING,
    SERVER,
    Ack,
    Json,
    Message,
    Person,
    Quote,
    group_identity,
    jid,
    serialized,
    serialized_id,
)
from waha_simulator.payloads.parts import author_id, location, named, reply_to, writer


def message_payload(message: Message, me: Person) -> Json:
    level = message.ack if message.ack is not None else SERVER if message.from_me else DEVICE
    payload: Json = {
        "id": full_id(message, me),
        "timestamp": message.seconds,
        "from": message.chat,
        "fromMe": message.from_me,
        "source": message.source,
        "body": message.text or None,
        "hasMedia": message.media is not None,
        "media": _media(message),
        "ack": level,
        "ackName": ACK_NAMES[level],
        "location": location(message.place),
        "vCards": [card.vcard for card in message.cards] or None,
        "replyTo": reply_to(message.quote, _quoted(message.quote)),
        "_data": _data(message, me, level),
    }
    if message.is_group:
        payload |= {"to": message.chat, "participant": author_id(message, me)}
    return payload


def full_id(message: Message, me: Person) -> str:
    return serialized(message, author_id(message, me))


def ack_payload(ack: Ack, me: Person) -> Json:
    """Only five keys in direct chats. Group receipts map delivery to SERVER, as NOWEB does."""
    if not ack.is_group:
        return {
            "id": serialized_id(ack.from_me, ack.chat, ack.bare_id),
            "from": ack.chat,
            "fromMe": ack.from_me,
            "ack": ack.level,
            "ackName": ACK_NAMES[ack.level],
        }
    level = SERVER if ack.level == DEVICE else ack.level
    reader = group_identity(ack.reader) if ack.reader else ""
    return {
        "id": serialized_id(ack.from_me, ack.chat, ack.bare_id, me.phone_id),
        "from": ack.chat,
        "to": ack.chat,
        "participant": reader,
        "fromMe": ack.from_me,
        "ack": level,
        "ackName": ACK_NAMES[level],
        "_data": {
            "key": {"remoteJid": ack.chat, "id": ack.bare_id, "fromMe": ack.from_me, "participant": jid(reader)},
            "receipt": {"userJid": jid(reader), "receiptTimestamp": int(ack.at.timestamp())},
        },
    }


def send_answer(message: Message, me: Person) -> Json:
    """The raw Baileys message; the full id has to be put together from `key`."""
    empty = ("messageStubParameters", "labels", "userReceipt", "reactions", "pollUpdates", "eventResponses")
    return {
        **{name: [] for name in empty},
        "key": {"remoteJid": jid(message.chat), "fromMe": True, "id": message.bare_id},
        "message": content(message),
        "messageTimestamp": message.seconds,
        "status": 1,
    }


def content(message: Message) -> Json:
    """The WhatsApp message, protobuf names in JavaScript's style; long integers are strings."""
    context = _context(message)
    match message.kind:
        case "text" if not context:
            return {"conversation": message.text or ""}
        case "text":
            return {"extendedTextMessage": {"text": message.text or "", **context}}
        case "location" if message.place:
            place = message.place
            return {
                "locationMessage": {
                    "degreesLatitude": place.latitude,
                    "degreesLongitude": place.longitude,
                    **named(name=place.name, address=place.address),
                    **context,
                }
            }
        case "contact" if len(message.cards) == 1:
            card = message.cards[0]
            return {"contactMessage": {"displayName": card.name, "vcard": card.vcard, **context}}
        case "contact":
            cards = [{"displayName": card.name, "vcard": card.vcard} for card in message.cards]
            return {"contactsArrayMessage": {"displayName": f"{len(cards)} contacts", "contacts": cards, **context}}
        case _:
            return _media_content(message, context)


def _media_content(message: Message, context: Json) -> Json:
    media = message.media
    if media is None:
        raise ValueError(f"a message of kind {message.kind} needs media")
    file: Json = {
        "url": f"https://mmg.whatsapp.net/v/{message.bare_id.lower()}.enc",
        "mimetype": media.mimetype,
        "fileSha256": base64_of(32, message.bare_id, "sha"),
        "fileLength": str(media.size),
        "mediaKey": base64_of(32, message.bare_id, "key"),
        "fileEncSha256": base64_of(32, message.bare_id, "encrypted"),
        "directPath": f"/v/{message.bare_id.lower()}.enc",
        "mediaKeyTimestamp": str(message.seconds),
    }
    if message.text and message.kind in ("image", "video", "document"):
        file["caption"] = message.text
    if message.kind in ("image", "video", "sticker"):
        file |= {"height": media.height, "width": media.width}
    if message.kind in ("video", "audio", "voice"):
        file["seconds"] = media.seconds
    if message.kind in ("audio", "voice"):
        file["ptt"] = message.kind == "voice"
    if message.kind == "document":
        file |= {"title": media.filename or "", "fileName": media.filename or ""}
    if message.kind == "sticker":
        file |= {"isAnimated": False, "stickerSentTs": str(message.seconds * 1000)}
    key = {"voice": "audioMessage"}.get(message.kind, f"{message.kind}Message")
    inner = {key: {**file, **context}}
    if message.kind == "document" and message.text:
        return {"documentWithCaptionMessage": {"message": inner}}
    return inner


def _media(message: Message) -> Json | None:
    if message.media is None:
        return None
    return {"url": message.media.url, "mimetype": message.media.mimetype, "filename": message.media.filename}


def _context(message: Message) -> Json:
    context: Json = {}
    if message.quote:
        quote = message.quote
        quoted = {"conversation": quote.text}
        context |= {"stanzaId": quote.bare_id, "participant": jid(quote.author), "quotedMessage": quoted}
    if message.mentions:
        context["mentionedJid"] = [jid(mention) for mention in message.mentions]
    if message.forwarded:
        context |= {"forwardingScore": 1, "isForwarded": True}
    return {"contextInfo": context} if context else {}


def _key(message: Message, me: Person) -> Json:
    key: Json = {"remoteJid": jid(message.chat), "fromMe": message.from_me, "id": message.bare_id}
    if message.is_group:
        person = me if message.from_me else message.author or me
        author = group_identity(person)
        key |= {"participant": jid(author), "addressingMode": "lid" if author.endswith("@lid") else "pn"}
        if message.shows_other_identity and (other := person.other_than(author)):
            key["participantAlt"] = jid(other)
        return key
    if message.peer and message.shows_other_identity and (other := message.peer.other_than(message.chat)):
        key |= {"remoteJidAlt": jid(other), "addressingMode": "lid" if message.chat.endswith("@lid") else "pn"}
    return key


def _data(message: Message, me: Person, level: int) -> Json:
    return {
        "key": _key(message, me),
        "messageTimestamp": message.seconds,
        "pushName": writer(message, me).name,
        "broadcast": False,
        "status": max(level, PENDING) + 1,
        "message": content(message),
    }


def _quoted(quote: Quote | None) -> Json:
    return {"conversation": quote.text} if quote else {}

"""GOWS (whatsmeow): Go-style names, `from` is always the chat, the other identity in `SenderAlt` and `RecipientAlt`."""

from datetime import timedelta, timezone

from waha_simulator.draws import base64_of, fraction
from waha_simulator.payloads.happenings import (
    ACK_NAMES,
    DEVICE,
    ERROR,
    PLAYED,
    READ,
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

# Captured containers run in Brazil's time zone; an offset other than Z finds readers that drop it.
LOCAL_TIME = timezone(timedelta(hours=-3))
RECEIPT_TYPES = {DEVICE: "", READ: "read", PLAYED: "played", ERROR: "server-error"}
MEDIA_TYPES = {
    "voice": "ptt",
    "contact": "vcard",
    "text": "",
}


def message_payload(message: Message, me: Person) -> Json:
    author = author_id(message, me)
    payload: Json = {
        "id": full_id(message, me),
        "timestamp": message.seconds,
        "from": message.chat,
        "fromMe": message.from_me,
        "source": message.source,
        "to": author,
        "participant": author,
        "hasMedia": message.media is not None,
        "media": _media(message),
        "ack": _ack_level(message),
        "ackName": ACK_NAMES[_ack_level(message)],
        "location": location(message.place),
        "vCards": [card.vcard for card in message.cards] or None,
        "replyTo": reply_to(message.quote, _quoted(message.quote)),
        "_data": _data(message, me),
    }
    if message.text:
        payload["body"] = message.text
    return payload


def full_id(message: Message, me: Person) -> str:
    """In groups the author follows; our own end in `me.id` although the members are lids."""
    if not message.is_group:
        return serialized(message)
    return serialized(message, me.phone_id if message.from_me else author_id(message, me))


def ack_payload(ack: Ack, me: Person) -> Json:
    reader = group_identity(ack.reader) if ack.reader else None
    sender = jid(reader or (ack.chat if ack.from_me else me.phone_id), ack.reader.device if ack.reader else 0)
    return {
        "id": serialized_id(ack.from_me, ack.chat, ack.bare_id, me.phone_id if ack.is_group else None),
        "from": ack.chat,
        "to": reader if ack.is_group else None,
        "participant": reader if ack.is_group else None,
        "fromMe": ack.from_me,
        "ack": ack.level,
        "ackName": ACK_NAMES[ack.level],
        "_data": {
            "Chat": jid(ack.chat),
            "Sender": sender,
            "IsFromMe": not ack.from_me,
            "IsGroup": ack.is_group,
            "AddressingMode": "",
            "SenderAlt": "",
            "RecipientAlt": "",
            "BroadcastListOwner": "",
            "BroadcastRecipients": None,
            "MessageIDs": list(ack.receipt_ids or (ack.bare_id,)),
            "Timestamp": ack.at.astimezone(LOCAL_TIME).isoformat(timespec="seconds"),
            "Type": RECEIPT_TYPES.get(ack.level or 0, ""),
            "MessageSender": "" if ack.from_me else jid(ack.chat),
        },
    }


def send_answer(message: Message, me: Person) -> Json:
    return {"id": full_id(message, me), "_data": {"Info": _info(message, me), "Message": content(message)}}


def content(message: Message) -> Json:
    """The WhatsApp message, protobuf names in Go's style."""
    context = _context(message)
    match message.kind:
        case "text" if not context and _is_short_form(message):
            return {"conversation": message.text or ""}
        case "text":
            return {"extendedTextMessage": {"text": message.text or "", **context}}
        case "location" if message.place:
            place = {"degreesLatitude": message.place.latitude, "degreesLongitude": message.place.longitude}
            return {
                "locationMessage": {**place, **named(name=message.place.name, address=message.place.address), **context}
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
        "URL": f"https://mmg.whatsapp.net/v/{message.bare_id.lower()}.enc",
        "mimetype": media.mimetype,
        "fileSHA256": base64_of(32, message.bare_id, "sha"),
        "fileLength": media.size,
        "mediaKey": base64_of(32, message.bare_id, "key"),
        "fileEncSHA256": base64_of(32, message.bare_id, "encrypted"),
        "directPath": f"/v/{message.bare_id.lower()}.enc",
        "mediaKeyTimestamp": message.seconds,
    }
    if message.text and message.kind in ("image", "video", "document"):
        file["caption"] = message.text
    if message.kind in ("image", "video", "sticker"):
        file |= {"height": media.height, "width": media.width}
    if message.kind in ("video", "audio", "voice"):
        file["seconds"] = media.seconds
    if message.kind == "voice":
        file |= {"PTT": True, "waveform": base64_of(64, message.bare_id, "waveform")}
    if message.kind == "document":
        file |= {"title": media.filename or "", "fileName": media.filename or "", "contactVcard": False}
    if message.kind == "sticker":
        file["isAnimated"] = False
    key = {"voice": "audioMessage"}.get(message.kind, f"{message.kind}Message")
    return {key: {**file, **context}}


def _ack_level(message: Message) -> int:
    return message.ack if message.ack is not None else SERVER if message.from_me else DEVICE


def _media(message: Message) -> Json | None:
    if message.media is None:
        return None
    media: Json = {"url": message.media.url, "mimetype": message.media.mimetype}
    if message.kind == "document":
        media["filename"] = message.media.filename
    return media


def _context(message: Message) -> Json:
    context: Json = {}
    if message.quote:
        quote = message.quote
        quoted = {"conversation": quote.text}
        context |= {"stanzaID": quote.bare_id, "participant": jid(quote.author), "quotedMessage": quoted}
    if message.mentions:
        context["mentionedJID"] = [jid(mention) for mention in message.mentions]
    if message.forwarded:
        context |= {"forwardingScore": 1, "isForwarded": True}
    return {"contextInfo": context} if context else {}


def _is_short_form(message: Message) -> bool:
    """Phones send plain texts in two forms; half of the messages take each."""
    return fraction("form", message.bare_id) < 0.5


def _device_list(message: Message) -> Json:
    """A sibling of the content in most real messages, which readers have to step over."""
    lists = {
        "senderKeyHash": base64_of(10, message.bare_id, "sender"),
        "senderTimestamp": message.seconds - 86_400,
        "recipientKeyHash": base64_of(10, message.bare_id, "recipient"),
        "recipientTimestamp": message.seconds - 3_600,
    }
    return {"messageContextInfo": {"deviceListMetadata": lists, "deviceListMetadataVersion": 2}}


def _info(message: Message, me: Person) -> Json:
    sender, other, recipient_other, device = _identities(message, me)
    return {
        "Chat": jid(message.chat),
        "Sender": jid(sender, device),
        "IsFromMe": message.from_me,
        "IsGroup": message.is_group,
        "AddressingMode": "lid" if (sender or "").endswith("@lid") else "",
        "SenderAlt": jid(other, device),
        "RecipientAlt": jid(recipient_other),
        "BroadcastListOwner": "",
        "BroadcastRecipients": None,
        "ID": message.bare_id,
        "ServerID": 0,
        "Type": "text" if message.kind == "text" else "media",
        "PushName": writer(message, me).name,
        "Timestamp": message.at.astimezone(LOCAL_TIME).isoformat(timespec="seconds"),
        "Category": "",
        "Multicast": False,
        "MediaType": _media_type(message),
        "Edit": "",
        "MsgBotInfo": {"EditType": "", "EditTargetID": "", "EditSenderTimestampMS": "0001-01-01T00:00:00Z"},
        "MsgMetaInfo": {
            "TargetID": "",
            "TargetSender": "",
            "TargetChat": "",
            "DeprecatedLIDSession": None,
            "ThreadMessageID": "",
            "ThreadMessageSenderJID": "",
        },
        "VerifiedName": None,
        "DeviceSentMeta": None,
    }


def _identities(message: Message, me: Person) -> tuple[str | None, str | None, str | None, int]:
    """Sender, the sender's other identity, the recipient's other identity, the sender's device."""
    if message.from_me:
        # The phone itself has no device number; what WAHA sent carries the device of `me.jid`: that is how GOWS knows
        # the source.
        device = me.device if message.source == "api" else 0
        own = group_identity(me) if message.is_group or message.chat.endswith("@lid") else me.phone_id
        theirs = message.peer.other_than(message.chat) if message.peer and message.shows_other_identity else None
        return own, me.other_than(own or ""), theirs, device
    person = message.author if message.is_group else message.peer
    if person is None:
        return message.chat, None, None, 0
    sender = group_identity(person) if message.is_group else message.chat
    return sender, person.other_than(sender) if message.shows_other_identity else None, None, person.device


def _media_type(message: Message) -> str:
    if message.kind == "contact" and len(message.cards) > 1:
        return "contact_array"
    return MEDIA_TYPES.get(message.kind, message.kind)


def _data(message: Message, me: Person) -> Json:
    inner = content(message) | _device_list(message)
    return {
        "Info": _info(message, me),
        "Message": inner,
        "IsEphemeral": False,
        "IsViewOnce": False,
        "IsViewOnceV2": False,
        "IsViewOnceV2Extension": False,
        "IsDocumentWithCaption": message.kind == "document" and bool(message.text),
        "IsLottieSticker": False,
        "IsBotInvoke": False,
        "IsEdit": False,
        "SourceWebMsg": None,
        "UnavailableRequestID": "",
        "RetryCount": 0,
        "NewsletterMeta": None,
        "RawMessage": inner,
        "Status": _ack_level(message) + 1,
    }


def _quoted(quote: Quote | None) -> Json:
    return {"conversation": quote.text} if quote else {}

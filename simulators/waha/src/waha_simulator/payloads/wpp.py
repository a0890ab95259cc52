"""WPP (wppconnect): WEBJS's directions, but `_data` is wppconnect's message with a string id, `location` and `vCards`
are always
null, `replyTo.id` is a full id, and an ack is a short object whose `_data` repeats the message.

Source: WAHA's public WPP session (`toWAMessage`, `onAck`), read in 2026; WAHA's documentation has no WPP captures.
"""

from waha_simulator.payloads import webjs
from waha_simulator.payloads.happenings import (
    ACK_NAMES,
    PENDING,
    SERVER,
    Ack,
    Json,
    Message,
    Person,
    group_identity,
    serialized_id,
)
from waha_simulator.payloads.parts import author_id, reply_to, writer

full_id = webjs.full_id


def message_payload(message: Message, me: Person) -> Json:
    sender, recipient = webjs.ends(message, me)
    level = message.ack if message.ack is not None else SERVER
    return {
        "id": full_id(message, me),
        "timestamp": message.seconds,
        "from": sender,
        "fromMe": message.from_me,
        "source": message.source,
        "to": recipient,
        "participant": author_id(message, me),
        "body": message.text,
        "hasMedia": message.media is not None,
        "media": _media(message),
        "mediaUrl": None,
        "ack": level,
        "ackName": ACK_NAMES[level],
        "location": None,
        "vCards": None,
        "replyTo": _reply_to(message),
        "_data": raw(message, me, level),
    }


def ack_payload(ack: Ack, me: Person) -> Json:
    reader = group_identity(ack.reader) if ack.reader and ack.is_group else None
    model = raw(ack.message, me, ack.level or PENDING) if ack.message else {"ack": ack.level}
    return {
        "id": serialized_id(ack.from_me, ack.chat, ack.bare_id, group_identity(me) if ack.is_group else None),
        "from": ack.chat,
        "to": ack.chat if ack.from_me else me.phone_id,
        "participant": reader,
        "fromMe": ack.from_me,
        "ack": ack.level,
        "ackName": ACK_NAMES[ack.level],
        "_data": [model, ack.level, {}],
    }


def send_answer(message: Message, me: Person) -> Json:
    """A message of section 6 of WAHA's API, with a string id, still PENDING."""
    answer = message_payload(message, me)
    answer |= {"ack": PENDING, "ackName": ACK_NAMES[PENDING]}
    return answer


def raw(message: Message, me: Person, level: int) -> Json:
    """wppconnect's message: WhatsApp Web's model with ids as plain strings and the sender as an object."""
    data = webjs.raw(message, me, level)
    person = writer(message, me)
    sender = author_id(message, me) or (me.phone_id if message.from_me else message.chat)
    data |= {
        "id": full_id(message, me),
        "fromMe": message.from_me,
        "chatId": message.chat,
        "isGroupMsg": message.is_group,
        "isMedia": message.media is not None,
        "content": data["body"],
        "timestamp": message.seconds,
        "sender": {"id": sender, "pushname": person.name, "isMe": message.from_me, "isWAContact": True},
    }
    return data


def _media(message: Message) -> Json | None:
    if message.media is None:
        return None
    return {"url": message.media.url, "mimetype": message.media.mimetype, "filename": message.media.filename}


def _reply_to(message: Message) -> Json | None:
    quote = message.quote
    if quote is None:
        return None
    author = quote.author if message.is_group else None
    full = serialized_id(quote.from_me, message.chat, quote.bare_id, author)
    return reply_to(quote, {"type": "chat", "body": quote.text}, full)

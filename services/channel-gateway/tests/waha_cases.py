"""What WAHA may say, engine by engine, and what becomes of it: cases for tests, and the table in the README.

`tools/understanding.py` writes the table. A case that is added here is a row or cell there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from waha_bodies import EMITTED_AT_MS, Body, Waha
from waha_simulator.payloads import session_status

ENGINES = ("GOWS", "NOWEB", "WEBJS", "WPP")
BROWSERS = ("WEBJS", "WPP")
WAHA = Waha()


@dataclass(frozen=True)
class Case:
    """`becomes` is one of `a message: <content>`, `a receipt`, `the channel: <status>`, `kept`, `ignored: <reason>` and
    `parked: <reason>`; the channel is active beforehand."""

    event: str
    what: str
    engine: str
    body: Body
    becomes: str


FILE = {"url": "http://localhost:3000/api/files/shop/x.bin"}
CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Caio\nTEL;waid=5548933330000:+55 48 93333-0000\nEND:VCARD"
PLACE = {"degreesLatitude": -27.59, "degreesLongitude": -48.54, "name": "Mercado"}
POLL = {"name": "When?", "options": [{"optionName": "Mon"}, {"optionName": "Tue"}], "selectableOptionsCount": 0}
ROW = {"title": "Blue", "singleSelectReply": {"selectedRowId": "b"}}
FLOW = {"body": {"text": "Blue"}, "nativeFlowResponseMessage": {"paramsJson": '{"id": "b"}'}}
PIX = '{"currency": "BRL", "total_amount": {"value": 1990, "offset": 100}, "order": {"items": []}}'
SHOPPING = {"nativeFlowMessage": {"buttons": [{"name": "review_and_pay", "buttonParamsJson": PIX}]}}
CONTEXT = {"contextInfo": {"stanzaId": "ABC", "mentionedJid": [WAHA.caio_lid], "isForwarded": True}}
AD = {
    "entryPointConversionSource": "ctwa_ad",
    "externalAdReply": {"sourceType": "ad", "sourceId": "120", "ctwaClid": "clid", "title": "Sale"},
}

GO_NAMES = {
    "ptt": "PTT",
    "selectedRowId": "selectedRowID",
    "selectedButtonId": "selectedButtonID",
    "selectedId": "selectedID",
    "buttonParamsJson": "buttonParamsJSON",
    "paramsJson": "paramsJSON",
    "stanzaId": "stanzaID",
    "mentionedJid": "mentionedJID",
    "sourceId": "sourceID",
}
ONE_LEVEL_MORE = {"nativeFlowMessage": "InteractiveMessage", "nativeFlowResponseMessage": "InteractiveResponseMessage"}

# what it is, the content as protobuf (NOWEB's names), the same as a browser engine has it, the file, what it becomes
KINDS: tuple[tuple[str, Body | None, Body | None, str | None, str], ...] = (
    ("text", {"conversation": "hello"}, {}, None, "text"),
    ("text that quotes, mentions, forwards", {"extendedTextMessage": {"text": "hello", **CONTEXT}}, {}, None, "text"),
    (
        "text from an ad",
        {"extendedTextMessage": {"text": "hello", "contextInfo": AD}},
        {"ctwaContext": {"conversionSource": "FB_Ads", "sourceUrl": "https://fb.me/x"}},
        None,
        "text",
    ),
    ("image", {"imageMessage": {"mimetype": "image/jpeg"}}, {"type": "image"}, "image/jpeg", "image"),
    ("video", {"videoMessage": {"mimetype": "video/mp4"}}, {"type": "video"}, "video/mp4", "video"),
    ("gif", {"videoMessage": {"gifPlayback": True}}, {"type": "gif"}, "video/mp4", "video"),
    ("round video note", {"ptvMessage": {}}, {"type": "ptv"}, "video/mp4", "video"),
    ("audio", {"audioMessage": {"seconds": 3}}, {"type": "audio", "duration": "3"}, "audio/mpeg", "audio"),
    ("voice note", {"audioMessage": {"ptt": True}}, {"type": "ptt"}, "audio/ogg; codecs=opus", "voice"),
    ("document", {"documentMessage": {"fileName": "a.pdf"}}, {"type": "document"}, "application/pdf", "document"),
    (
        "photo sent as a file, with a caption",
        {"documentWithCaptionMessage": {"message": {"documentMessage": {"fileName": "a.jpg"}}}},
        {"type": "document", "filename": "a.jpg"},
        "image/jpeg",
        "document",
    ),
    ("sticker", {"stickerMessage": {}}, {"type": "sticker"}, "image/webp", "sticker"),
    (
        "animated sticker",
        {"lottieStickerMessage": {"message": {"stickerMessage": {"isLottie": True}}}},
        {"type": "sticker", "isAnimated": True},
        "application/was",
        "sticker",
    ),
    ("a file of unknown kind", None, None, "application/zip", "document"),
    ("place", {"locationMessage": PLACE}, {"type": "location", "lat": -27.59, "lng": -48.54}, None, "location"),
    (
        "live place",
        {"liveLocationMessage": PLACE},
        {"type": "location", "lat": -27.59, "lng": -48.54, "isLive": True},
        None,
        "location",
    ),
    ("contact card", {"contactMessage": {"vcard": CARD}}, {"type": "vcard", "body": CARD}, None, "contact"),
    (
        "contact cards",
        {"contactsArrayMessage": {"contacts": [{"vcard": CARD}, {"displayName": "Zé"}]}},
        {"type": "multi_vcard", "vcardList": [{"vcard": CARD}, {"displayName": "Zé"}]},
        None,
        "contact",
    ),
    (
        "poll",
        {"pollCreationMessage": POLL},
        {"type": "poll_creation", "pollName": "When?", "pollOptions": [{"name": "Mon"}]},
        None,
        "poll",
    ),
    ("poll of a later version", {"pollCreationMessageV7": POLL}, None, None, "poll"),
    ("poll in a wrapper", {"pollCreationMessageV4": {"message": {"pollCreationMessage": POLL}}}, None, None, "poll"),
    (
        "answer to a list",
        {"listResponseMessage": ROW},
        {"type": "list_response", "listResponse": ROW},
        None,
        "text + list reply",
    ),
    (
        "answer to buttons",
        {"buttonsResponseMessage": {"selectedButtonId": "b", "selectedDisplayText": "Blue"}},
        {"type": "buttons_response", "selectedButtonId": "b"},
        None,
        "text + button reply",
    ),
    (
        "answer to a template's buttons",
        {"templateButtonReplyMessage": {"selectedId": "b", "selectedDisplayText": "Blue"}},
        {"type": "template_button_reply", "selectedId": "b"},
        None,
        "text + template reply",
    ),
    ("answer to a flow", {"interactiveResponseMessage": FLOW}, None, None, "text + button reply"),
    ("order or payment", {"interactiveMessage": SHOPPING}, None, None, "unsupported: order"),
    ("catalogue order", {"orderMessage": {"orderId": "7"}}, {"type": "order"}, None, "unsupported: order"),
    ("list as sent", {"listMessage": {"title": "Menu"}}, {"type": "list"}, None, "list"),
    ("buttons as sent", {"buttonsMessage": {"contentText": "Sure?"}}, None, None, "buttons"),
    ("template as sent", {"templateMessage": {"hydratedTemplate": {}}}, None, None, "template"),
    (
        "view once",
        {"viewOnceMessageV2": {"message": {"imageMessage": {}}}},
        {"type": "image", "isViewOnce": True},
        "",
        "image",
    ),
    ("disappearing", {"ephemeralMessage": {"message": {"conversation": "hello"}}}, {}, None, "text"),
    (
        "item of an album",
        {"associatedChildMessage": {"message": {"imageMessage": {}}}},
        {"type": "image", "parentMsgKey": {"_serialized": "A"}},
        "image/jpeg",
        "image",
    ),
    ("a kind that is not known yet", {"hologramMessage": {"text": "hello"}}, {"type": "hologram"}, None, "unsupported"),
)
SILENT = (
    "place",
    "live place",
    "contact card",
    "contact cards",
    "poll",
    "poll of a later version",
    "poll in a wrapper",
)
"""Kinds without any text."""

NOT_OURS = (
    ("a story", "status@broadcast", "story"),
    ("a broadcast list", "1700000000@broadcast", "broadcast_list"),
    ("a newsletter", "120363000000000077@newsletter", "newsletter"),
    ("WhatsApp itself", "0@c.us", "system_number"),
    ("an assistant", "867051314767696@bot", "assistant"),
)
KEPT = (
    "message.reaction",
    "message.edited",
    "message.revoked",
    "message.waiting",
    "poll.vote",
    "poll.vote.failed",
    "event.response",
    "event.response.failed",
    "call.received",
    "call.accepted",
    "call.rejected",
    "group.v2.join",
    "group.v2.leave",
    "group.v2.update",
    "group.v2.participants",
    "group.v2.participants.join-request",
    "group.v2.participants.tag",
    "label.upsert",
    "label.deleted",
    "label.chat.added",
    "label.chat.deleted",
    "chat.archive",
    "presence.update",
    "an.event.that.is.not.known",
)
STATUSES = (
    ("STARTING", "connecting"),
    ("SCAN_QR_CODE", "connecting"),
    ("PASSKEY_REQUIRED", "connecting"),
    ("PASSKEY_CONFIRMATION_REQUIRED", "connecting"),
    ("WORKING", "active"),
    ("STOPPED", "disconnected"),
    ("FAILED", "error"),
    ("a word that is not known", "active"),
)


def cases() -> Iterator[Case]:
    """Yield every case; each body is one of its own channel."""
    yield from _kinds()
    yield from _directions()
    yield from _refused_messages()
    yield from _acks()
    yield from _session()
    for event in KEPT:
        for engine in ENGINES:
            yield Case(event, "", engine, WAHA.envelope(event, {"id": "x"}, engine), "kept")
    for event, reason in (("engine.event", "debug_event"), ("state.change", "deprecated_event")):
        for engine in ENGINES:
            yield Case(event, "", engine, WAHA.envelope(event, {"id": "x"}, engine), f"ignored: {reason}")
    for event in ("group.join", "group.leave"):
        for engine in ENGINES:
            yield Case(event, "", engine, WAHA.envelope(event, {"id": "x"}, engine), "ignored: deprecated_event")


def _kinds() -> Iterator[Case]:
    for what, content, web, mime_type, becomes in KINDS:
        extra: Body = {"body": None} if what in SILENT else {}
        if mime_type is not None:
            extra |= {"hasMedia": True, "media": FILE | {"mimetype": mime_type} if mime_type else None}
        if content is None and web is None:
            extra |= {"_data": {}}
        if content is not None or web is None:
            yield Case("message.any", what, "GOWS", WAHA.gows(_in_go(content), **extra), f"a message: {becomes}")
            yield Case("message.any", what, "NOWEB", WAHA.noweb(content, **extra), f"a message: {becomes}")
        if web is not None:
            body = WAHA.webjs(web, **extra)
            for engine in BROWSERS:
                yield Case("message.any", what, engine, _in(engine, body), f"a message: {becomes}")


def _directions() -> Iterator[Case]:
    makers = {"GOWS": WAHA.gows, "NOWEB": WAHA.noweb, "WEBJS": WAHA.webjs, "WPP": WAHA.webjs}
    groups = {"GOWS": WAHA.gows_group, "NOWEB": WAHA.noweb_group, "WEBJS": WAHA.webjs_group, "WPP": WAHA.webjs_group}
    for engine in ENGINES:
        for what, body in (
            ("own, typed on the phone", makers[engine](own=True)),
            ("own, of another program", makers[engine](own=True, source="api")),
            ("in a group", groups[engine]()),
            ("own, in a group", groups[engine](own=True)),
        ):
            yield Case("message.any", what, engine, _in(engine, body), "a message: text")
        yield Case(
            "message", "the same event", engine, _in(engine, makers[engine]()) | {"event": "message"}, "a message: text"
        )


def _refused_messages() -> Iterator[Case]:
    makers = {"GOWS": WAHA.gows, "NOWEB": WAHA.noweb, "WEBJS": WAHA.webjs, "WPP": WAHA.webjs}
    for engine in ENGINES:
        for what, chat, reason in NOT_OURS:
            body = makers[engine](id=f"false_{chat}_{WAHA.bare}", **{"from": chat})
            yield Case("message.any", what, engine, _in(engine, body), f"ignored: {reason}")
        me = makers[engine](own=True, id=f"true_{WAHA.shop}_{WAHA.bare}", _data={})
        yield Case("message.any", "to ourselves", engine, _in(engine, me), "ignored: chat_with_oneself")
        empty = makers[engine](body="", _data={})
        yield Case("message.any", "nothing to show", engine, _in(engine, empty), "ignored: nothing_to_show")
        nameless = makers[engine](id=None)
        yield Case("message.any", "without an id", engine, _in(engine, nameless), "parked: message_id_missing")
        hollow = _in(engine, makers[engine]()) | {"payload": None}
        yield Case("message.any", "without a payload", engine, hollow, "parked: payload_missing")
    for engine in ("GOWS", "NOWEB"):
        stub = makers[engine]({"protocolMessage": {"type": 0}}, body=None)
        yield Case("message.any", "a change of another message", engine, stub, "ignored: no_message")
    for engine in BROWSERS:
        notice = _in(engine, WAHA.webjs({"type": "e2e_notification"}, body=""))
        yield Case("message.any", "a notice of the system", engine, notice, "ignored: system_notice")


def _acks() -> Iterator[Case]:
    in_group = {"id": f"true_{WAHA.group}_{WAHA.bare}_{WAHA.shop}", "from": WAHA.group, "participant": WAHA.caio_lid}
    elsewhere = {"id": f"false_{WAHA.rosa}_{WAHA.bare}", "fromMe": False}
    for engine in ENGINES:
        for what, event, level, said, becomes in (
            ("each level", "message.ack", 3, {}, "a receipt"),
            ("an error", "message.ack", -1, {}, "a receipt"),
            ("its name only", "message.ack", None, {"ackName": "DEVICE"}, "a receipt"),
            ("an id without prefix", "message.ack", 2, {"id": f"{WAHA.rosa}_{WAHA.bare}"}, "a receipt"),
            ("we read on another device", "message.ack", 3, elsewhere, "a receipt"),
            ("an unknown level", "message.ack", 7, {}, "ignored: ack_level_unknown"),
            ("of a member", "message.ack.group", 3, in_group, "a receipt"),
        ):
            yield Case(event, what, engine, WAHA.ack(level, engine=engine, event=event, **said), becomes)
    whole = WAHA.webjs(own=True, ack=3)
    for engine in BROWSERS:
        yield Case(
            "message.ack", "with the whole message", engine, _in(engine, whole) | {"event": "message.ack"}, "a receipt"
        )


def _session() -> Iterator[Case]:
    at = datetime.fromtimestamp(EMITTED_AT_MS / 1000, UTC)
    for word, becomes in STATUSES:
        for engine in ENGINES:
            body = session_status(engine=engine, session="shop", me=None, status=word, at=at)
            yield Case("session.status", word, engine, body, f"the channel: {becomes}")


def _in(engine: str, body: Body) -> Body:
    return WAHA.wpp(body) if engine == "WPP" else body


def _in_go(content: Any) -> Any:
    """Return a content with Go's names, and the level more that Go has."""
    if isinstance(content, list):
        return [_in_go(item) for item in content]
    if not isinstance(content, dict):
        return content
    named = {GO_NAMES.get(key, key): _in_go(value) for key, value in content.items()}
    for key, level in ONE_LEVEL_MORE.items():
        if key in named:
            named[level] = {key[0].upper() + key[1:]: named.pop(key)}
    return named

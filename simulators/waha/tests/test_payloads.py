import json
from datetime import UTC, datetime
from typing import Any

import pytest
from waha_simulator.payloads import (
    ENGINES,
    KINDS,
    MEDIA_KINDS,
    Card,
    Media,
    Message,
    Person,
    Place,
    Quote,
    ack_of_own,
    incoming_contacts,
    incoming_location,
    incoming_media,
    incoming_message,
    incoming_text,
    message_payload,
    own_text,
    session_status,
)

AT = datetime(2026, 9, 1, 12, 30, 5, tzinfo=UTC)
ME = Person(phone="5511940001000", lid="990000000000001", name="Loja", device=7)
ZELIA = Person(phone="5521955550001", lid="880000000000001", name="Zélia", device=2)
GROUP = "120363111111111111@g.us"
QUOTE = Quote("3A11", "5511940001000@c.us", "Bom dia", from_me=True)


def text_of(engine: str, **more: Any) -> dict[str, Any]:
    return incoming_text(engine=engine, session="s", me=ME, customer=ZELIA, text="Olá ção", at=AT, **more)


def own_of(engine: str, **more: Any) -> dict[str, Any]:
    customer = None if "group" in more else ZELIA
    return own_text(engine=engine, session="s", me=ME, customer=customer, text="Oi", at=AT, **more)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_incoming_text_has_the_common_keys(engine: str) -> None:
    body = text_of(engine, bare_id="3A22", metadata={"channel": "c1"})
    payload = body["payload"]
    assert (body["event"], body["session"], body["metadata"]) == ("message.any", "s", {"channel": "c1"})
    assert body["id"].startswith("evt_") and len(body["id"]) == 30 and body["id"] == body["id"].lower()
    assert body["timestamp"] == 1_788_265_805_000
    assert payload["id"] == "false_5521955550001@c.us_3A22"
    assert payload["timestamp"] == 1_788_265_805
    assert (payload["fromMe"], payload["source"], payload["body"]) == (False, "app", "Olá ção")
    assert payload["from"] == "5521955550001@c.us"
    assert body["environment"]["engine"] == engine


def test_gows_tells_its_engine_only_in_the_environment() -> None:
    assert "engine" not in text_of("GOWS")
    assert [text_of(engine)["engine"] for engine in ("NOWEB", "WEBJS", "WPP")] == ["NOWEB", "WEBJS", "WPP"]


def test_what_is_told_of_me_differs_by_engine() -> None:
    told = {engine: set(text_of(engine)["me"]) for engine in ENGINES}
    assert told == {
        "GOWS": {"id", "pushName", "lid", "jid"},
        "NOWEB": {"id", "pushName", "lid"},
        "WEBJS": {"id", "pushName"},
        "WPP": {"id", "pushName", "lid"},
    }
    assert text_of("GOWS")["me"]["jid"] == "5511940001000:7@s.whatsapp.net"


def test_the_other_identity_of_a_customer_stands_where_the_engine_puts_it() -> None:
    gows = text_of("GOWS")["payload"]["_data"]["Info"]
    assert gows["Chat"] == "5521955550001@s.whatsapp.net"
    assert gows["Sender"] == "5521955550001:2@s.whatsapp.net"
    assert gows["SenderAlt"] == "880000000000001:2@lid"
    assert gows["PushName"] == "Zélia"
    by_lid = text_of("GOWS", addressing="lid")["payload"]
    assert by_lid["from"] == "880000000000001@lid"
    assert by_lid["_data"]["Info"]["SenderAlt"] == "5521955550001:2@s.whatsapp.net"
    noweb = text_of("NOWEB", addressing="lid")["payload"]["_data"]
    assert noweb["key"]["remoteJid"] == "880000000000001@lid"
    assert noweb["key"]["remoteJidAlt"] == "5521955550001@s.whatsapp.net"
    assert noweb["pushName"] == "Zélia"
    for engine in ("WEBJS", "WPP"):
        body = text_of(engine, addressing="lid")
        assert "5521955550001" not in json.dumps(body)
        assert body["payload"]["_data"]["notifyName"] == "Zélia"


def test_whatsapp_may_hide_the_other_identity() -> None:
    for engine in ENGINES:
        assert "880000000000001" not in json.dumps(text_of(engine, shows_other_identity=False))


def test_own_messages_carry_our_identity_as_sender_and_the_customers_as_recipient() -> None:
    gows = own_of("GOWS", addressing="lid")["payload"]["_data"]["Info"]
    assert gows["Sender"] == "990000000000001@lid"
    assert gows["SenderAlt"] == "5511940001000@s.whatsapp.net"
    assert gows["RecipientAlt"] == "5521955550001@s.whatsapp.net"
    assert gows["PushName"] == "Loja"
    noweb = own_of("NOWEB", addressing="lid")["payload"]["_data"]["key"]
    assert noweb["remoteJidAlt"] == "5521955550001@s.whatsapp.net"


def test_gows_tells_the_source_by_the_senders_device() -> None:
    phone, api = own_of("GOWS")["payload"], own_of("GOWS", source="api")["payload"]
    assert phone["source"] == "app" and phone["_data"]["Info"]["Sender"] == "5511940001000@s.whatsapp.net"
    assert api["source"] == "api" and api["_data"]["Info"]["Sender"] == "5511940001000:7@s.whatsapp.net"


@pytest.mark.parametrize("engine", ENGINES)
def test_from_and_to_of_own_direct_messages(engine: str) -> None:
    payload = own_of(engine, bare_id="AC1")["payload"]
    assert payload["id"] == "true_5521955550001@c.us_AC1"
    ends = (payload["from"], payload.get("to"))
    if engine in ("GOWS", "NOWEB"):
        assert ends == ("5521955550001@c.us", None)
    else:
        assert ends == ("5511940001000@c.us", "5521955550001@c.us")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_group_message_names_its_author(engine: str) -> None:
    payload = text_of(engine, group=GROUP, bare_id="3A33")["payload"]
    assert payload["id"] == f"false_{GROUP}_3A33_880000000000001@lid"
    assert (payload["from"], payload["participant"]) == (GROUP, "880000000000001@lid")
    if engine == "GOWS":
        assert payload["to"] == "880000000000001@lid"
        assert payload["_data"]["Info"]["SenderAlt"] == "5521955550001:2@s.whatsapp.net"
    if engine == "NOWEB":
        assert payload["to"] == GROUP
        assert payload["_data"]["key"]["participantAlt"] == "5521955550001@s.whatsapp.net"


def test_an_own_group_message_on_gows_ends_in_my_phone() -> None:
    assert own_of("GOWS", group=GROUP, bare_id="AC3")["payload"]["id"] == f"true_{GROUP}_AC3_5511940001000@c.us"
    assert own_of("NOWEB", group=GROUP, bare_id="AC3")["payload"]["id"] == f"true_{GROUP}_AC3_990000000000001@lid"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", MEDIA_KINDS)
def test_media_of_every_kind(engine: str, kind: Any) -> None:
    media = Media("some/type", 4321, url="http://waha/f", filename="a.bin" if kind == "document" else None, seconds=9)
    caption = "veja" if kind in ("image", "video", "document") else None
    payload = incoming_media(
        engine=engine, session="s", me=ME, customer=ZELIA, kind=kind, media=media, at=AT, caption=caption
    )["payload"]
    assert payload["hasMedia"] is True
    assert (payload["media"]["url"], payload["media"]["mimetype"]) == ("http://waha/f", "some/type")
    assert (payload.get("body") or None) == caption
    data = payload["_data"]
    if engine == "GOWS":
        assert ("filename" in payload["media"]) == (kind == "document")
        key = "audioMessage" if kind == "voice" else f"{kind}Message"
        assert data["Message"][key]["fileLength"] == 4321
        assert data["Message"][key].get("PTT", False) == (kind == "voice")
        assert data["Info"]["MediaType"] == ("ptt" if kind == "voice" else kind)
        assert data["RawMessage"] == data["Message"]
    elif engine == "NOWEB":
        message = data["message"]
        if kind == "document":
            message = message["documentWithCaptionMessage"]["message"]
        key = "audioMessage" if kind == "voice" else f"{kind}Message"
        assert message[key]["fileLength"] == "4321"
        assert message[key].get("ptt", False) == (kind == "voice")
    else:
        assert (data["type"], data["size"]) == ("ptt" if kind == "voice" else kind, 4321)


@pytest.mark.parametrize("engine", ENGINES)
def test_media_that_was_not_downloaded_has_no_url(engine: str) -> None:
    payload = incoming_media(
        engine=engine, session="s", me=ME, customer=ZELIA, kind="image", media=Media("image/jpeg", 1), at=AT
    )["payload"]
    assert payload["hasMedia"] is True and payload["media"]["url"] is None


@pytest.mark.parametrize("engine", ENGINES)
def test_places_and_cards(engine: str) -> None:
    place, card = Place(-22.9, -43.2, "Praça"), Card("Davi", "+55 21 95555-0002", "5521955550002")
    located = incoming_location(engine=engine, session="s", me=ME, customer=ZELIA, place=place, at=AT)["payload"]
    carded = incoming_contacts(engine=engine, session="s", me=ME, customer=ZELIA, cards=(card,), at=AT)["payload"]
    assert located["hasMedia"] is False
    if engine == "WPP":
        # WPP fills neither: only `_data` tells.
        assert (located["location"], carded["vCards"]) == (None, None)
        assert (located["_data"]["type"], located["_data"]["lat"]) == ("location", -22.9)
        assert (carded["_data"]["type"], carded["_data"]["body"]) == ("vcard", card.vcard)
        return
    assert (located["location"]["latitude"], located["location"]["longitude"]) == (-22.9, -43.2)
    assert carded["vCards"] == [card.vcard]
    assert "waid=5521955550002" in card.vcard


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reply_names_what_it_answers(engine: str) -> None:
    reply = text_of(engine, quote=QUOTE)["payload"]["replyTo"]
    assert reply["id"] == ("true_5521955550001@c.us_3A11" if engine == "WPP" else "3A11")
    assert (reply["participant"], reply["body"]) == ("5511940001000@c.us", "Bom dia")
    assert text_of(engine)["payload"]["replyTo"] is None


def test_mentions_and_the_forward_mark() -> None:
    more: dict[str, Any] = {"mentions": ("770000000000001@lid", "5521955550003@c.us"), "forwarded": True}
    gows = text_of("GOWS", group=GROUP, **more)["payload"]["_data"]["Message"]["extendedTextMessage"]["contextInfo"]
    assert gows["mentionedJID"] == ["770000000000001@lid", "5521955550003@s.whatsapp.net"]
    noweb = text_of("NOWEB", group=GROUP, **more)["payload"]["_data"]["message"]["extendedTextMessage"]["contextInfo"]
    assert noweb["mentionedJid"] == gows["mentionedJID"]
    assert gows["isForwarded"] is noweb["isForwarded"] is True
    webjs = text_of("WEBJS", group=GROUP, **more)["payload"]["_data"]
    assert (webjs["mentionedJidList"], webjs["isForwarded"]) == (list(more["mentions"]), True)


def test_plain_texts_come_in_both_of_whatsapps_forms() -> None:
    contents = [text_of("GOWS", bare_id=f"3A{n}")["payload"]["_data"]["Message"] for n in range(30)]
    forms = {next(key for key in content if key != "messageContextInfo") for content in contents}
    assert forms == {"conversation", "extendedTextMessage"}


def test_empty_text_and_missing_parts_differ_by_engine() -> None:
    image = Media("image/jpeg", 1)
    bodies = {
        engine: incoming_media(engine=engine, session="s", me=ME, customer=ZELIA, kind="image", media=image, at=AT)
        for engine in ENGINES
    }
    assert "body" not in bodies["GOWS"]["payload"]
    assert bodies["NOWEB"]["payload"]["body"] is None
    assert bodies["WEBJS"]["payload"]["body"] == ""
    assert bodies["WEBJS"]["payload"]["vCards"] == []
    assert "to" not in bodies["NOWEB"]["payload"]
    assert bodies["GOWS"]["payload"]["to"] is None


@pytest.mark.parametrize("engine", ENGINES)
def test_an_ack_of_a_direct_message(engine: str) -> None:
    body = ack_of_own(
        engine=engine,
        session="s",
        me=ME,
        customer=ZELIA,
        bare_id="3EB01",
        level=3,
        at=AT,
        receipt_ids=("3EB00", "3EB01"),
    )
    payload = body["payload"]
    assert body["event"] == "message.ack"
    assert (payload["id"], payload["ack"], payload["ackName"]) == ("true_5521955550001@c.us_3EB01", 3, "READ")
    assert payload["fromMe"] is True
    if engine == "GOWS":
        assert payload["_data"]["MessageIDs"] == ["3EB00", "3EB01"]
        assert payload["_data"]["Type"] == "read"
    if engine == "NOWEB":
        assert set(payload) == {"id", "from", "fromMe", "ack", "ackName"}
    if engine == "WEBJS":
        assert (payload["from"], payload["to"]) == ("5511940001000@c.us", "5521955550001@c.us")


@pytest.mark.parametrize("engine", ENGINES)
def test_an_ack_in_a_group_has_its_own_event_and_names_the_reader(engine: str) -> None:
    body = ack_of_own(engine=engine, session="s", me=ME, customer=ZELIA, bare_id="AC9", level=2, at=AT, group=GROUP)
    payload = body["payload"]
    assert body["event"] == "message.ack.group"
    assert payload["participant"] == "880000000000001@lid"
    assert payload["id"].startswith(f"true_{GROUP}_AC9_")
    # NOWEB maps a member's delivery to SERVER.
    assert payload["ack"] == (1 if engine == "NOWEB" else 2)


def test_a_session_status_has_me_only_while_working() -> None:
    trail = (("STARTING", 1), ("WORKING", 2))
    working = session_status(engine="NOWEB", session="s", me=ME, status="WORKING", at=AT, statuses=trail)
    failed = session_status(engine="NOWEB", session="s", me=None, status="FAILED", at=AT)
    assert working["payload"] == {
        "name": "s",
        "status": "WORKING",
        "statuses": [{"status": "STARTING", "timestamp": 1}, {"status": "WORKING", "timestamp": 2}],
        "data": None,
    }
    assert failed["me"] is None


def test_equal_inputs_give_equal_bodies_and_others_do_not() -> None:
    for engine in ENGINES:
        assert text_of(engine) == text_of(engine)
        other = incoming_text(engine=engine, session="s", me=ME, customer=ZELIA, text="outra", at=AT)
        assert other["id"] != text_of(engine)["id"]
        assert other["payload"]["id"] != text_of(engine)["payload"]["id"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_kind_is_json_in_every_engine(engine: str) -> None:
    media, card, place = Media("a/b", 1), Card("Davi", "0800 1"), Place(1.0, 2.0)
    for kind in KINDS:
        more: dict[str, Any] = {"media": media} if kind in MEDIA_KINDS else {}
        more |= {"cards": (card, card)} if kind == "contact" else {"place": place} if kind == "location" else {}
        body = incoming_message(
            engine=engine, session="s", me=ME, customer=ZELIA, at=AT, kind=kind, text="t", quote=QUOTE, **more
        )
        assert json.loads(json.dumps(body)) == body


def test_a_history_item_is_a_payload_with_its_ack() -> None:
    message = Message("3EB0A", "5521955550001@c.us", AT, from_me=True, text="x", peer=ZELIA, source="api", ack=3)
    for engine in ENGINES:
        item = message_payload(message, engine=engine, me=ME)
        assert (item["ack"], item["ackName"]) == (3, "READ")

"""Times, quotes, mentions, ads, acknowledgements, and what is not acted on."""

from datetime import UTC, datetime
from typing import Any

import pytest
from channel_gateway.adapters.waha.envelope import open_envelope
from channel_gateway.adapters.waha.message_ids import parse_message_id
from channel_gateway.adapters.waha.reading import NotJson
from channel_gateway.domain.inbound import Ignored, Untranslatable


@pytest.mark.parametrize(
    "written",
    [
        1_790_000_000,
        1_790_000_000.9,
        "1790000000",
        1_790_000_000_000,
        1_790_000_000_000_000,
        "2026-09-21T11:13:20-03:00",
        "2026-09-21T14:13:20Z",
    ],
)
def test_a_time_is_understood_in_every_unit(waha: Any, written: Any) -> None:
    assert waha.message(waha.gows(timestamp=written)).occurred_at == waha.sent_at


def test_seconds_are_told_from_milliseconds_by_their_size_alone(waha: Any) -> None:
    assert waha.message(waha.gows(timestamp=789_456_123)).occurred_at == datetime(1995, 1, 7, 5, 22, 3, tzinfo=UTC)


NO_TIMES = ("", "soon", "0001-01-01T00:00:00Z", "2026-09-21", "2026-09-21T14:13:20")


@pytest.mark.parametrize("written", [None, *NO_TIMES, True, -5, 0, float("inf"), 10**30, {}, []])
def test_without_a_time_the_envelopes_counts_and_without_that_the_receipt(waha: Any, written: Any) -> None:
    body = waha.gows(timestamp=written)
    assert waha.message(body).occurred_at == datetime(2026, 9, 21, 14, 13, 23, 456000, tzinfo=UTC)
    assert waha.message(body | {"timestamp": written}).occurred_at == waha.received_at


def test_a_quoted_message_is_named_by_its_bare_id_wherever_it_stands(waha: Any) -> None:
    assert waha.message(waha.gows(replyTo={"id": "ABC"})).reply_to_provider_id == "ABC"
    assert waha.message(waha.gows(replyTo={"id": f"false_{waha.rosa}_ABC"})).reply_to_provider_id == "ABC"
    context = {"stanzaID": "ABC", "participant": waha.rosa_lid}
    body = waha.gows({"extendedTextMessage": {"text": "yes", "contextInfo": context}})
    assert waha.message(body).reply_to_provider_id == "ABC"
    assert waha.message(waha.webjs({"quotedStanzaID": "ABC"})).reply_to_provider_id == "ABC"
    quoted = {"fromMe": True, "remote": waha.rosa, "id": "ABC"}
    assert waha.message(waha.webjs({"quotedMsgId": quoted})).reply_to_provider_id == "ABC"


def test_the_file_of_a_quoted_message_is_no_attachment(waha: Any) -> None:
    quoted = {"id": "ABC", "hasMedia": True, "media": {"url": "http://x/y.jpg", "mimetype": "image/jpeg"}}
    assert waha.message(waha.gows(replyTo=quoted)).content.type == "text"


def test_mentions_and_the_forward_mark(waha: Any) -> None:
    context = {"mentionedJID": [waha.caio_lid, "5548933330000:3@s.whatsapp.net", waha.caio_lid, 7, waha.group]}
    body = waha.gows_group({"extendedTextMessage": {"text": "x", "contextInfo": context | {"forwardingScore": 2}}})
    message = waha.message(body)
    assert message.mentions == (waha.caio_lid, waha.caio)
    assert message.forwarded
    browser = waha.message(waha.webjs({"mentionedJidList": [{"_serialized": waha.caio}], "isForwarded": True}))
    assert (browser.mentions, browser.forwarded) == ((waha.caio,), True)


AD = {
    "entryPointConversionSource": "ctwa_ad",
    "externalAdReply": {"sourceType": "ad", "sourceID": "120", "ctwaClid": "clid", "mediaType": 2, "title": "Sale"},
}


@pytest.mark.parametrize(
    "kind", ["extendedTextMessage", "imageMessage", "locationMessage", "interactiveResponseMessage"]
)
def test_an_ad_is_found_on_every_kind_of_message(waha: Any, kind: str) -> None:
    attribution = waha.message(waha.gows({"ephemeralMessage": {"message": {kind: {"contextInfo": AD}}}})).attribution
    assert attribution.to_wire() == {
        "from_ad": True,
        "conversion_source": "ctwa_ad",
        "ctwa_clid": "clid",
        "source_type": "ad",
        "source_id": "120",
        "title": "Sale",
        "media_type": "video",
    }


def test_an_ad_without_its_reply_is_still_an_ad_and_another_entry_is_none(waha: Any) -> None:
    def attribution(context: dict[str, Any], **payload: Any) -> Any:
        message = {"extendedTextMessage": {"text": "hi", "contextInfo": context}}
        return waha.message(waha.noweb(message, **payload)).attribution

    assert attribution({"ctwaPayload": "AAAA", "externalAdReply": {}}).from_ad
    assert not attribution({"ctwaPayload": "AAAA", "entryPointConversionSource": "click_to_chat_link"}).from_ad
    assert attribution({"conversionData": "AAAA"}).from_ad
    entry = attribution({"entryPointConversionSource": "global_search_new_chat", "conversionData": "AAAA"})
    assert (entry.from_ad, entry.conversion_source) == (False, "global_search_new_chat")
    assert attribution({"externalAdReply": {"title": "a link preview", "sourceUrl": "https://example.org"}}) is None


def test_an_own_message_carries_no_ad(waha: Any) -> None:
    body = waha.gows({"extendedTextMessage": {"text": "hi", "contextInfo": AD}}, own=True)
    assert waha.message(body).attribution is None


def test_own_messages_of_other_programs_say_api(waha: Any) -> None:
    assert waha.message(waha.gows(own=True, source="api")).source == "api"
    assert waha.message(waha.gows(source="api")).source is None


@pytest.mark.parametrize(
    ("level", "name", "understood"),
    [(-1, None, -1), (0, None, 0), (3, None, 3), ("2", "READ", 2), (4.0, None, 4), (None, "PLAYED", 4)],
)
def test_an_acknowledgement_has_its_level(waha: Any, level: Any, name: str | None, understood: int) -> None:
    ack = waha.acknowledgement(waha.ack(level, ackName=name))
    assert (ack.level, ack.from_me, ack.external_chat_id, ack.participant) == (understood, True, waha.rosa, None)
    assert ack.dedupe_key == f"ack:{waha.bare}:{understood}:"


@pytest.mark.parametrize("level", [None, 7, "x", True, 2.5])
def test_a_level_that_means_nothing_is_ignored(waha: Any, level: Any) -> None:
    assert waha.hear(waha.ack(level, ackName="UNKNOWN")) == Ignored("ack_level_unknown")


def test_what_we_read_on_another_device_is_not_ours(waha: Any) -> None:
    assert not waha.acknowledgement(waha.ack(id=f"false_{waha.rosa}_{waha.bare}", fromMe=False)).from_me


@pytest.mark.parametrize("event", ["message.ack", "message.ack.group"])
def test_a_group_acknowledgement_names_its_reader_and_goes_by_the_prefix(waha: Any, event: str) -> None:
    said = {"id": f"true_{waha.group}_{waha.bare}_{waha.shop}", "from": waha.group, "fromMe": False}
    ack = waha.acknowledgement(waha.ack(event=event, participant=waha.caio_lid, **said))
    assert (ack.from_me, ack.participant, ack.chat_type) == (True, waha.caio_lid, "group")
    receipt = waha.acknowledgement(
        waha.ack(event=event, _data={"receipt": {"userJid": "5548933330000:1@s.whatsapp.net"}}, **said)
    )
    assert receipt.participant == waha.caio
    tagged = waha.ack(event=event, engine="WEBJS", _data={"participant": waha.caio_lid}, **said)
    assert waha.acknowledgement(tagged).participant == waha.caio_lid
    assert receipt.dedupe_key != ack.dedupe_key


def test_an_acknowledgement_without_prefix_or_with_a_bare_id_is_understood(waha: Any) -> None:
    assert waha.acknowledgement(waha.ack(id=f"{waha.rosa}_{waha.bare}")).provider_message_id == waha.bare
    assert waha.acknowledgement(waha.ack(id=waha.bare)).external_chat_id == waha.rosa
    browser = waha.ack(id=waha.bare, to=waha.rosa, engine="WEBJS", **{"from": waha.shop})
    assert waha.acknowledgement(browser).external_chat_id == waha.rosa
    assert waha.acknowledgement(browser | {"me": None}).external_chat_id == waha.rosa
    assert waha.acknowledgement(waha.ack(id=waha.bare, engine="WPP")).external_chat_id == waha.rosa


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "not_an_object"),
        ("text", "not_an_object"),
        ({}, "event_missing"),
        ({"event": 5, "payload": {}}, "event_missing"),
        ({"event": "message"}, "payload_missing"),
        ({"event": "message.ack", "payload": [1]}, "payload_missing"),
        ({"event": "message.reaction", "payload": None}, "payload_missing"),
        ({"event": "session.status", "payload": {"name": "shop"}}, "status_missing"),
        ({"event": "message", "payload": {}}, "message_id_missing"),
        ({"event": "message", "payload": {"id": "x" * 300}}, "message_id_missing"),
        ({"event": "message", "payload": {"id": "ABC"}}, "direction_unknown"),
        ({"event": "message.ack", "payload": {"id": "ABC", "fromMe": True}}, "chat_unknown"),
        ({"event": "message", "payload": {"id": "false_x@future_ABC", "body": "x"}}, "chat_of_unknown_type"),
    ],
)
def test_what_cannot_be_understood_is_parked_with_its_reason(waha: Any, body: Any, reason: str) -> None:
    heard = waha.hear(body)
    assert isinstance(heard, Untranslatable)
    assert heard.reason == reason


def test_bytes_that_are_no_json_are_refused(waha: Any) -> None:
    for raw in (b"", b"hello", b'{"event": ', b"\xff\xfe", b'{"a": NaN}'):
        with pytest.raises(NotJson):
            waha.hear(raw)


def test_json_nested_beyond_reason_is_parked(waha: Any) -> None:
    assert isinstance(
        waha.hear(b'{"event":"message","payload":' + b"[" * 200_000 + b"]" * 200_000 + b"}"), Untranslatable
    )


def test_half_a_character_and_nul_are_repaired_and_the_rest_stays(waha: Any) -> None:
    raw = (
        b'{"event":"message","payload":{"id":"false_5548922220000@c.us_AB","body":"a\\ud83d b\\u0000c \\ud83d\\ude00"}}'
    )
    assert waha.message(raw).content.text == "a\ufffd b\ufffdc \U0001f600"
    assert waha.message(raw.replace(b"\\ud83d ", b"\xe1 ")).content.text == "a\ufffd b\ufffdc \U0001f600"


def test_the_envelope_is_opened_without_trusting_it() -> None:
    envelope = open_envelope({"event": "x", "engine": "noweb", "me": {"id": 5, "lid": "9:3@lid"}, "payload": None})
    assert (envelope.event, envelope.engine, envelope.me, envelope.payload) == (
        "x",
        "NOWEB",
        frozenset({"9@lid"}),
        None,
    )


@pytest.mark.parametrize(
    ("serialised", "bare", "chat", "author"),
    [
        ("true_5548922220000@c.us_AB", "AB", "5548922220000@c.us", None),
        ("false_12-34@g.us_AB_77@lid", "AB", "12-34@g.us", "77@lid"),
        ("false_1@newsletter_101_AB", "AB", "1@newsletter", None),
        ("false_status@broadcast_AB_1:5@c.us", "AB", "status@broadcast", "1@c.us"),
        ("a_b_c", "a_b_c", None, None),
        ({"fromMe": True, "remote": "1@c.us", "id": "AB"}, "AB", "1@c.us", None),
        ({"fromMe": False, "remote": "1@g.us", "id": "AB", "participant": "2@lid"}, "AB", "1@g.us", "2@lid"),
        ({"_serialized": "true_1@c.us_AB"}, "AB", "1@c.us", None),
    ],
)
def test_ids_are_taken_apart_at_the_right_places(
    serialised: Any, bare: str, chat: str | None, author: str | None
) -> None:
    found = parse_message_id(serialised)
    assert found is not None
    assert (found.bare, found.chat, found.author) == (bare, chat, author)


@pytest.mark.parametrize(
    "broken", ["", "true_", "false_1@c.us", "false_1@c.us_", "x@g.us_7@lid", 5, None, {}, {"id": 5}]
)
def test_what_holds_no_id_is_none(broken: Any) -> None:
    assert parse_message_id(broken) is None

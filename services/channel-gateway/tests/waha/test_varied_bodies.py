"""Whatever is missing, null, of a wrong type or new: nothing crashes, and no message gets a wrong person or time.

Own bodies are varied, and the reference samples too where they lie beside the repository.
"""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from channel_gateway.domain.inbound import (
    Acknowledgement,
    Ignored,
    Inbound,
    InboundMessage,
    Kept,
    Untranslatable,
)
from contracts.attribution import Attribution
from contracts.content import read_content
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Body = dict[str, Any]
Path_ = tuple[str | int, ...]

SAMPLES = Path(__file__).parents[4].parent / "shared" / "waha" / "samples"
ABSENT = object()
NOTHING = [ABSENT, None, "", [], {}]
WRONG_TYPES = [0, -1, 7, 1.5, 10**25, "x", "\0\ud83d", [1], [None], ["x"], {"a": 1}, {"low": 1, "high": "x"}]
OWN_BASES = 16
TIME_FIELDS = {("payload", "timestamp"), ("timestamp",)}
thoroughly = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)


@pytest.fixture(scope="session")
def bases(waha: Any) -> list[Body]:
    """Bodies of every engine and kind; those of the samples too where they are at hand."""
    vcard = "BEGIN:VCARD\nFN:Léa\nTEL;waid=5548955550000:+55\nEND:VCARD"
    ad = {
        "entryPointConversionSource": "ctwa_ad",
        "externalAdReply": {"sourceID": "1", "ctwaClid": "c", "mediaType": 1},
    }
    context = {"mentionedJID": [waha.caio_lid], "stanzaID": "ABC", "isForwarded": True} | ad
    own = [
        waha.gows({"extendedTextMessage": {"text": "hello", "contextInfo": context}}),
        waha.gows(
            {"imageMessage": {"mimetype": "image/png", "fileLength": 5}}, hasMedia=True, media={"url": "http://x/y"}
        ),
        waha.gows({"contactMessage": {"displayName": "Léa", "vcard": vcard}}, body=None, vCards=[vcard]),
        waha.gows({"locationMessage": {"degreesLatitude": 1.5, "degreesLongitude": 2.5}}, body=None),
        waha.gows(own=True),
        waha.gows_group({"extendedTextMessage": {"text": "hello", "contextInfo": context}}),
        waha.gows_group(own=True),
        waha.noweb(
            {
                "ephemeralMessage": {
                    "message": {"pollCreationMessageV3": {"name": "a", "options": [{"optionName": "b"}]}}
                }
            }
        ),
        waha.noweb(
            {"audioMessage": {"ptt": True, "seconds": 3}}, body=None, hasMedia=True, media={"mimetype": "audio/ogg"}
        ),
        waha.noweb({"listResponseMessage": {"title": "a", "singleSelectReply": {"selectedRowId": "b"}}}),
        waha.noweb(own=True),
        waha.webjs({"ctwaContext": {"sourceUrl": "https://fb.me/x"}, "mentionedJidList": [waha.caio]}),
        waha.webjs({"type": "location", "lat": 1, "lng": 2}, body=""),
        waha.webjs(own=True),
        waha.ack(),
        waha.ack(
            id=f"true_{waha.group}_{waha.bare}_{waha.shop}",
            participant=waha.caio_lid,
            fromMe=True,
            **{"from": waha.group},
        ),
    ]
    assert len(own) == OWN_BASES
    samples = (
        [json.loads(path.read_text()) for path in sorted(SAMPLES.glob("[!ah]*__*.json"))] if SAMPLES.exists() else []
    )
    return own + [body for body in samples if isinstance(body, dict)]


def paths_of(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Yield the way to everything inside a body."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from paths_of(child, (*at, key))


def put(body: Body, path: Path_, value: Any) -> None:
    """Put a value where the path leads, or take away what is there; nothing where the way is gone."""
    place: Any = body
    for step in path[:-1]:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(place, dict):
        place.pop(path[-1], None)
        if value is not ABSENT:
            place[path[-1]] = value
    elif isinstance(place, list) and value is not ABSENT and isinstance(path[-1], int) and path[-1] < len(place):
        place[path[-1]] = value


def check(heard: Inbound) -> None:
    """Whatever is heard can travel: UTF-8, no NUL, and a content that the contract reads."""
    assert isinstance(heard, InboundMessage | Acknowledgement | Kept | Ignored | Untranslatable)
    if not isinstance(heard, InboundMessage):
        return
    for media_id in ("m1",) if heard.content.media else (None,):
        wire = msgspec.json.encode(heard.content.to_wire(media_id))
        assert b"\\u0000" not in wire
        assert read_content(msgspec.Raw(wire)) is not None
    if heard.attribution:
        assert b"\\u0000" not in msgspec.json.encode(heard.attribution.to_wire())
        msgspec.convert(heard.attribution.to_wire(), Attribution)
    for written in (heard.provider_message_ref, heard.external_chat_id, heard.push_name, *heard.mentions):
        assert "\0" not in (written or "")
        (written or "").encode()
    assert heard.identities or (heard.from_me and heard.chat_type == "group")
    for person in heard.identities:
        assert person.value.partition("@")[2] == {"wa_pn": "c.us", "wa_lid": "lid"}[person.kind]


@thoroughly
@given(st.data())
def test_a_varied_body_is_never_given_to_another_person_or_time(
    waha: Any, bases: list[Body], data: st.DataObject
) -> None:
    base = data.draw(st.sampled_from(bases))
    before = waha.hear(base)
    body = copy.deepcopy(base)
    paths = list(paths_of(base))
    changed = data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=6))
    for path in changed:
        value = data.draw(st.sampled_from(NOTHING + WRONG_TYPES))
        put(body, path, value if value is ABSENT else copy.deepcopy(value))
        put(body, (*path[:-1], "somethingNew"), {"unknown": [1]})
    heard = waha.hear(body)
    check(heard)
    assert waha.hear(json.dumps(body).encode()) == heard, "raw bytes and decoded JSON mean the same"
    compare(before, heard, changed)


def test_each_single_field_may_be_anything(waha: Any, bases: list[Body]) -> None:
    for base in bases[:OWN_BASES]:
        before = waha.hear(base)
        for path in list(paths_of(base)):
            for value in NOTHING + WRONG_TYPES:
                body = without_sharing(base, path)
                put(body, path, value)
                heard = waha.hear(body)
                check(heard)
                compare(before, heard, [path])


def without_sharing(value: Any, path: Path_) -> Any:
    """Return a copy of a body in which what lies on the path is its own; the rest stays shared."""
    if not path:
        return value
    copied = copy.copy(value)
    copied[path[0]] = without_sharing(value[path[0]], path[1:])
    return copied


def compare(before: Inbound, heard: Inbound, changed: list[Path_]) -> None:
    """Nobody and no time appears that was not there before the change."""
    if isinstance(heard, InboundMessage):
        assert isinstance(before, InboundMessage), "a body that was no message became one"
        assert set(heard.identities) <= set(before.identities)
        assert heard.from_me is before.from_me
        assert heard.external_chat_id in {before.external_chat_id, *(person.value for person in before.identities)}
        assert heard.from_me or heard.push_name != "The Shop"
        if not TIME_FIELDS.intersection(changed) and ("payload",) not in changed:
            assert heard.occurred_at == before.occurred_at
    if isinstance(heard, Acknowledgement):
        assert isinstance(before, Acknowledgement)
        assert (heard.from_me, heard.external_chat_id) == (before.from_me, before.external_chat_id)


@thoroughly
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["event", "payload", "id", "_data", "Info", "key", "message", "body", "me"])
                | st.text(),
                inner,
            )
        ),
    )
)
def test_any_json_at_all_is_answered(waha: Any, body: Any) -> None:
    check(waha.hear(body))
    check(waha.hear({"event": "message", "payload": body}))
    check(waha.hear({"event": "message", "payload": {"id": "false_1@c.us_A", "body": "x", "_data": body}}))


UNITS = {
    "seconds": lambda second: second,
    "broken seconds": lambda second: second + 0.75,
    "milliseconds": lambda second: second * 1000 + 999,
    "broken milliseconds": lambda second: second * 1000 + 0.5,
    "microseconds": lambda second: second * 10**6 + 1,
    "nanoseconds": lambda second: second * 10**9 + 1,
    "digits": str,
    "digits of milliseconds": lambda second: str(second * 1000),
    "halves": lambda second: {"low": second & 0xFFFFFFFF, "high": second >> 32, "unsigned": True},
}


@thoroughly
@given(st.sampled_from(sorted(UNITS)), st.integers(1_230_768_000, 4_000_000_000))
def test_a_time_is_right_in_every_unit(waha: Any, unit: str, second: int) -> None:
    message = waha.message(waha.gows(timestamp=UNITS[unit](second)))
    assert message.occurred_at.replace(microsecond=0) == datetime.fromtimestamp(second, UTC)


@thoroughly
@given(
    prefix=st.sampled_from(["true_", "false_", ""]),
    digits=st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True),
    device=st.sampled_from(["", ":1", ":99"]),
    server=st.sampled_from(["c.us", "s.whatsapp.net", "lid"]),
    bare=st.from_regex(r"[0-9A-Za-z.\-]{1,64}", fullmatch=True),
)
def test_an_id_is_read_in_every_form(waha: Any, prefix: str, digits: str, device: str, server: str, bare: str) -> None:
    own = prefix == "true_"
    chat = f"{digits}@{'lid' if server == 'lid' else 'c.us'}"
    written = f"{prefix}{digits}{device}@{server}_{bare}"
    message = waha.message(waha.webjs(own=own, id=written, **({"to": chat} if own else {"from": chat})))
    assert (message.provider_message_id, message.external_chat_id, message.from_me) == (bare, chat, own)
    assert [(person.kind, person.value) for person in message.identities] == [
        ("wa_lid" if server == "lid" else "wa_pn", chat)
    ]


@thoroughly
@given(st.data())
def test_a_lid_without_a_linked_phone_never_gets_one(waha: Any, data: st.DataObject) -> None:
    digits = data.draw(st.from_regex(r"[1-9][0-9]{9,14}", fullmatch=True))
    lid = f"{digits}@lid"
    glued = data.draw(
        st.sampled_from([lid, f"{digits}@c.us", f"{digits}:3@s.whatsapp.net", digits, f"+{digits}", "", None])
    )
    chat = {"id": f"false_{lid}_{waha.bare}", "from": lid}
    for body in (
        waha.gows(info={"Chat": lid, "Sender": lid, "SenderAlt": glued}, **chat),
        waha.noweb(key={"remoteJid": lid, "remoteJidAlt": glued, "senderPn": glued}, **chat),
        waha.webjs({"from": glued, "author": glued}, **chat),
    ):
        assert [person.value for person in waha.message(body).identities] == [lid]

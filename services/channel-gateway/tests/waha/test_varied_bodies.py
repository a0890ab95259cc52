"""Whatever is missing, null, of a wrong type, new or somebody else's: nothing crashes, nothing is lost, and no message gets
a wrong person or time.

Bodies of our own are varied, and the reference samples too where they lie beside the repository.
"""

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from channel_gateway.adapters.waha.addresses import address
from channel_gateway.adapters.waha.message_ids import parse_message_id
from channel_gateway.domain.inbound import (
    Acknowledgement,
    Ignored,
    Inbound,
    InboundMessage,
    Kept,
    SessionReport,
    Untranslatable,
)
from contracts.attribution import Attribution
from contracts.content import read_content
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from waha_cases import cases

Body = dict[str, Any]
Path_ = tuple[str | int, ...]

SEED = int(os.environ.get("VARIED_SEED", "20261121"))
SAMPLES = Path(__file__).parents[4].parent / "shared" / "waha" / "samples"
ABSENT = object()
NOTHING = [ABSENT, None, "", [], {}]
WRONG_TYPES = [0, -1, 7, 1.5, 10**25, "x", "\0\ud83d", [1], [None], ["x"], {"a": 1}, {"low": 1, "high": "x"}]
PEOPLE = [
    "5548911110000@c.us",
    "900000000000001@lid",
    "5548922220000@s.whatsapp.net",
    "700000000000002:3@lid",
    "5548933330000:12@c.us",
    "120363999999999999@g.us",
    "status@broadcast",
    "0@c.us",
]
"""The shop's, Rosa's and Caio's addresses, a group, and what is nobody."""

TIME_FIELDS = {("payload", "timestamp"), ("timestamp",)}
thoroughly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)


@pytest.fixture(scope="session")
def own() -> list[Body]:
    """Each of our own cases on one engine, in turn."""
    by_case: dict[tuple[str, str], list[Body]] = {}
    for case in cases():
        by_case.setdefault((case.event, case.what), []).append(case.body)
    return [bodies[number % len(bodies)] for number, bodies in enumerate(by_case.values())]


@pytest.fixture(scope="session")
def bases(own: list[Body]) -> list[Body]:
    print(f"VARIED_SEED={SEED}")  # shown with every failure
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


def addresses_in(value: Any) -> set[str]:
    """Return every address that a body holds anywhere, alone or within a message id, in the form that we use."""
    if isinstance(value, dict):
        return set().union(*map(addresses_in, value.values()), {found for found in (address(value),) if found})
    if isinstance(value, list):
        return set().union(*map(addresses_in, value))
    whole = parse_message_id(value)
    return {found for found in (address(value), whole and whole.chat, whole and whole.author) if found}


def check(heard: Inbound, body: Any = None) -> None:
    """Whatever is heard has one of the five states, can travel, and names nobody but whom the body names."""
    assert isinstance(heard, InboundMessage | Acknowledgement | SessionReport | Kept | Ignored | Untranslatable)
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
    assert not (
        heard.from_me and (heard.push_name or heard.attribution or (heard.chat_type == "group" and heard.identities))
    )
    for person in heard.identities:
        assert person.value.partition("@")[2] == {"wa_pn": "c.us", "wa_lid": "lid"}[person.kind]
    assert len({person.kind for person in heard.identities}) == len(heard.identities)
    if heard.chat_type == "individual":
        assert heard.external_chat_id in {person.value for person in heard.identities}
    if isinstance(body, dict):
        named = {heard.external_chat_id, *(person.value for person in heard.identities), *heard.mentions}
        assert named <= addresses_in(body)
        whole = parse_message_id(body["payload"].get("id"))
        assert heard.from_me or whole is None or whole.chat in (None, heard.external_chat_id)
        me = body.get("me") if isinstance(body.get("me"), dict) else {}
        ours = {address(me.get(name)) for name in ("id", "lid", "jid")}
        assert not ours.intersection(person.value for person in heard.identities), "we are nobody's contact"


@seed(SEED)
@thoroughly
@given(st.data())
def test_a_varied_body_is_never_given_to_another_person_or_time(
    waha: Any, bases: list[Body], data: st.DataObject
) -> None:
    base = data.draw(st.sampled_from(bases))
    before = waha.hear(base)
    body = copy.deepcopy(base)
    changed = data.draw(st.lists(st.sampled_from(list(paths_of(base))), min_size=1, max_size=6))
    for path in changed:
        value = data.draw(st.sampled_from(NOTHING + WRONG_TYPES))
        put(body, path, value if value is ABSENT else copy.deepcopy(value))
        put(body, (*path[:-1], "somethingNew"), {"unknown": [1]})
    heard = waha.hear(body)
    check(heard, body)
    assert waha.hear(json.dumps(body).encode()) == heard, "raw bytes and decoded JSON mean the same"
    compare(before, heard, changed)


@seed(SEED)
@thoroughly
@given(st.data())
def test_whatever_people_a_body_names_and_wherever_nobody_else_and_never_we_are_the_contact(
    waha: Any, bases: list[Body], data: st.DataObject
) -> None:
    base = data.draw(st.sampled_from(bases))
    body = copy.deepcopy(base)
    named = [path for path in paths_of(base) if "@" in str(_at(base, path))]
    for path in data.draw(st.lists(st.sampled_from(named), min_size=1, max_size=4)) if named else ():
        put(body, path, data.draw(st.sampled_from(PEOPLE)))
    check(waha.hear(body), body)


def _at(body: Any, path: Path_) -> Any:
    for step in path:
        body = body[step]
    return body if isinstance(body, str) else None


def test_each_single_field_may_be_anything(waha: Any, own: list[Body]) -> None:
    for base in own:
        before = waha.hear(base)
        for path in list(paths_of(base)):
            for value in NOTHING + WRONG_TYPES[::3]:
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
        assert isinstance(before, InboundMessage | Ignored | Untranslatable), "another event became a message"
    if isinstance(heard, InboundMessage) and isinstance(before, InboundMessage):
        assert set(heard.identities) <= set(before.identities)
        assert heard.from_me is before.from_me
        assert heard.external_chat_id in {before.external_chat_id, *(person.value for person in before.identities)}
        assert heard.push_name != "The Shop"
        if not TIME_FIELDS.intersection(changed) and ("payload",) not in changed:
            assert heard.occurred_at == before.occurred_at
    if isinstance(heard, Acknowledgement):
        assert isinstance(before, Acknowledgement | Ignored)
        if isinstance(before, Acknowledgement):
            assert (heard.from_me, heard.external_chat_id) == (before.from_me, before.external_chat_id)
    if isinstance(heard, SessionReport):
        assert isinstance(before, SessionReport)
        assert heard.status == before.status or any(path[-1] == "status" for path in changed)


@seed(SEED)
@thoroughly
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["event", "payload", "id", "_data", "Info", "key", "message", "body", "me", "status"])
                | st.text(),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_at_all_is_answered(waha: Any, body: Any) -> None:
    check(waha.hear(body))
    for event in ("message", "message.ack", "session.status"):
        check(waha.hear({"event": event, "payload": body}))
    check(waha.hear({"event": "session.status", "me": body, "payload": {"status": "WORKING", "data": body}}))
    check(waha.hear({"event": "message", "payload": {"id": "false_1@c.us_A", "body": "x", "_data": body}}))

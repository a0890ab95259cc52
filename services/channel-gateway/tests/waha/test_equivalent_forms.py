"""The same thing said in other words is the same thing: ids and times in every form, empty values, the letter case of keys."""

import copy
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from channel_gateway.domain.inbound import Acknowledgement, Inbound, InboundMessage
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from waha_cases import cases

Body = dict[str, Any]

SEED = int(os.environ.get("VARIED_SEED", "20261121"))
SAMPLES = Path(__file__).parents[4].parent / "shared" / "waha" / "samples"
thoroughly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)

PHONE = re.compile(r"(?<![\w.])(\d+)(?::\d+)?@(?:c\.us|s\.whatsapp\.net)(?![\w.])", re.ASCII)
LID = re.compile(r"(?<![\w.])(\d+)(?::\d+)?@lid(?!\w)", re.ASCII)
ID = re.compile(r"(?:(?:true|false)_)?[\d-]+(?::\d+)?@[a-z.]+(?:_.*)?", re.ASCII)
NOTHINGS = (None, "", [])
UNITS: dict[str, Callable[[int], Any]] = {
    "seconds": lambda second: second,
    "broken seconds": lambda second: second + 0.75,
    "milliseconds": lambda second: second * 1000 + 999,
    "broken milliseconds": lambda second: second * 1000 + 0.5,
    "microseconds": lambda second: second * 10**6 + 1,
    "nanoseconds": lambda second: second * 10**9 + 1,
    "digits": str,
    "digits of milliseconds": lambda second: str(second * 1000),
    "written out": lambda second: datetime.fromtimestamp(second, UTC).isoformat(),
    "halves": lambda second: {"low": second & 0xFFFFFFFF, "high": second >> 32, "unsigned": True},
}


@pytest.fixture(scope="session")
def bodies() -> list[Body]:
    print(f"VARIED_SEED={SEED}")  # shown with every failure
    samples = [
        json.loads(path.read_text()) for path in sorted(SAMPLES.glob("[!ah]*__*.json")) if path.name != "expected.json"
    ]
    return [case.body for case in cases()] + [body for body in samples if isinstance(body, dict)]


def rewritten(value: Any, change: Callable[[str], str]) -> Any:
    """Return a body with every text that is an id, or the id of a message, in another form."""
    if isinstance(value, dict):
        return {key: rewritten(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [rewritten(item, change) for item in value]
    return change(value) if isinstance(value, str) and ID.fullmatch(value) else value


def respelled(value: Any, spell: Callable[[str], str], draw: Callable[[], Any]) -> Any:
    """Return a body with its keys in other letters, and with other empty values in the place of its empty ones."""
    if isinstance(value, dict):
        return {spell(key): respelled(item, spell, draw) for key, item in value.items()}
    if isinstance(value, list) and value:
        return [respelled(item, spell, draw) for item in value]
    return draw() if value in NOTHINGS and not isinstance(value, bool | int) else value


def meaning(heard: Inbound) -> Inbound:
    """Return what counts: how the provider wrote the id is kept as it was."""
    return heard._replace(provider_message_ref="") if isinstance(heard, InboundMessage | Acknowledgement) else heard


@seed(SEED)
@thoroughly
@given(
    st.data(),
    st.sampled_from(["c.us", "s.whatsapp.net"]),
    st.sampled_from(["", ":1", ":99"]),
    st.sampled_from(["", ":7"]),
)
def test_ids_mean_the_same_in_every_form(
    waha: Any, bodies: list[Body], data: st.DataObject, server: str, device: str, lid_device: str
) -> None:
    body = data.draw(st.sampled_from(bodies))
    other = rewritten(
        body, lambda text: LID.sub(rf"\g<1>{lid_device}@lid", PHONE.sub(rf"\g<1>{device}@{server}", text))
    )
    assert meaning(waha.hear(other)) == meaning(waha.hear(body))


@seed(SEED)
@thoroughly
@given(st.data(), st.sampled_from([str, str.lower, str.upper, str.title]))
def test_keys_in_other_letters_and_other_empty_values_mean_the_same(
    waha: Any, bodies: list[Body], data: st.DataObject, spell: Callable[[str], str]
) -> None:
    body = data.draw(st.sampled_from(bodies))
    other = respelled(body, spell, lambda: data.draw(st.sampled_from(NOTHINGS)))
    assert _told(waha.hear(other)) == _told(waha.hear(body))


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_every_body_means_the_same_with_its_keys_in_other_letters(
    waha: Any, bodies: list[Body], spell: Callable[[str], str]
) -> None:
    for body in bodies:
        assert _told(waha.hear(respelled(body, spell, lambda: None))) == _told(waha.hear(body)), body


def _told(heard: Inbound) -> dict[str, Any]:
    """Return what counts: what is not known is called as it was written."""
    return {name: value for name, value in _fields(heard).items() if name not in ("kind", "fingerprint")}


def _fields(heard: Inbound) -> dict[str, Any]:
    content = getattr(heard, "content", None)
    told = {name: getattr(heard, name) for name in heard.__slots__ if name != "content"}
    return told | ({name: getattr(content, name) for name in ("type", "text", "media")} if content else {})


@seed(SEED)
@thoroughly
@given(st.data(), st.sampled_from(sorted(UNITS)), st.integers(1_230_768_000, 4_000_000_000))
def test_a_time_is_right_in_every_unit(
    waha: Any, bodies: list[Body], data: st.DataObject, unit: str, second: int
) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from(bodies)))
    if isinstance(body.get("payload"), dict):
        body["payload"]["timestamp"] = UNITS[unit](second)
    heard = waha.hear(body)
    if isinstance(heard, InboundMessage):
        assert heard.occurred_at.replace(microsecond=0) == datetime.fromtimestamp(second, UTC)
    body["timestamp"] = UNITS[unit](second)
    heard = waha.hear(body)
    if isinstance(heard, Acknowledgement):
        assert heard.at.replace(microsecond=0) == datetime.fromtimestamp(second, UTC)


@seed(SEED)
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


@seed(SEED)
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

"""What may be sent: the same for people at the door and for wishes that are heard."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.errors import DomainError
from messaging.domain.arrival import Content
from messaging.domain.conversations import Chat
from messaging.domain.reaching import Address, Handle, Person, address_of
from messaging.domain.sending_channel import Choice, SendingChannel, choose, waiting_for
from messaging.domain.sending_rules import Circumstances, Quoted, refusal_of
from messaging.domain.wish import MARKETING, Wish

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WISH = Wish(
    tenant_id="t",
    project_id="p",
    message_id="m",
    content=Content("text", "hello"),
    sender_kind="agent",
    sender_id="a",
    source="manual",
    cause=None,
)
CHAT = Chat("t", "c", "p", "key", "w", "waha", "individual", "ana", "1@c.us", ["1@c.us"], None, last_inbound_at=NOON)
CHANNEL = SendingChannel("t", "w", "p", "waha", "active", None, False)
ANA = Person("t", "ana", "p", False, False, "+12025550143")
CASE = Circumstances(WISH, CHAT, CHANNEL, ANA, Address(external_chat_id="1@c.us"), None)


def case(**changes: Any) -> Circumstances:
    """Return the usual case with changes; those of `wish`, `channel` and `person` are given as dicts."""
    for part in ("wish", "channel", "person", "chat"):
        if isinstance(changes.get(part), dict):
            changes[part] = replace(getattr(CASE, part), **changes[part])
    return replace(CASE, **changes)


def test_nothing_speaks_against_a_usual_answer() -> None:
    assert refusal_of(CASE, NOON) is None


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (case(wish={"content": Content("image", "look")}), "not_supported_by_channel"),
        (case(wish={"content": Content("text", " \n ")}), "not_supported_by_channel"),
        (case(wish={"content": Content("text", "x" * 4097)}), "not_supported_by_channel"),
        (case(channel=None), "channel_disconnected"),
        (case(wish={"channels_in_question": 2}), "no_address"),
        (case(channel={"deleted": True}), "channel_disconnected"),
        (case(channel={"project_id": "another"}), "channel_disconnected"),
        (case(channel={"status": "inactive"}), "channel_disconnected"),
        (case(channel={"project_rests": True}), "channel_disconnected"),
        (case(channel={"status": "error"}), "channel_disconnected"),
        (case(person={"deleted": True}), "no_address"),
        (case(person={"project_id": "another"}), "no_address"),
        (case(address=None), "no_address"),
        (case(wish={"purpose": MARKETING}, person={"opted_out": True}), "opted_out"),
        (case(wish={"purpose": MARKETING}, person=None), "opted_out"),
        (case(wish={"purpose": "something new"}, person={"opted_out": True}), "opted_out"),
        (case(wish={"expires_at": NOON}), "expired"),
        (case(wish={"reply_to_message_id": "q"}), "not_supported_by_channel"),
        (case(wish={"reply_to_message_id": "q"}, quoted=Quoted("q", "other", "P", None)), "not_supported_by_channel"),
        (case(wish={"reply_to_message_id": "q"}, quoted=Quoted("q", "c", None, None)), "not_supported_by_channel"),
        (case(channel={"messaging_window_hours": 24}, chat={"last_inbound_at": None}), "window_closed"),
    ],
)
def test_what_is_refused_says_why(refused: Circumstances, code: str) -> None:
    refusal = refusal_of(refused, NOON)
    assert refusal is not None
    assert refusal.code == code
    assert refusal.detail


@pytest.mark.parametrize(
    "allowed",
    [
        case(person=None),
        case(person={"opted_out": True}),
        case(wish={"purpose": MARKETING}),
        case(wish={"purpose": MARKETING}, person=None, chat={"chat_type": "group"}),
        case(wish={"content": Content("text", "x" * 4096)}),
        case(wish={"reply_to_message_id": "q"}, quoted=Quoted("q", "c", "P", None)),
        *(
            case(channel={"status": status})
            for status in ("activating", "connecting", "disconnected", "tomorrow's", None)
        ),
    ],
)
def test_what_is_allowed(allowed: Circumstances) -> None:
    assert refusal_of(allowed, NOON) is None


@given(st.integers(1, 168), st.integers(-10_000, 10_000))
def test_the_window_is_open_for_exactly_its_hours_and_nothing_outlives_it(hours: int, seconds: int) -> None:
    found = case(channel={"messaging_window_hours": hours})
    now = NOON + timedelta(hours=hours, seconds=seconds)

    refusal = refusal_of(found, now)

    assert (refusal is None) is (seconds < 0)
    assert found.expires_at(now) <= NOON + timedelta(hours=hours)


@given(st.none() | st.integers(1, 10_000_000))
def test_everything_expires_within_a_week_and_after_a_day_unless_it_is_said(seconds: int | None) -> None:
    wanted = None if seconds is None else NOON + timedelta(seconds=seconds)

    at = case(wish={"expires_at": wanted}).expires_at(NOON)

    assert at == (NOON + timedelta(days=1) if wanted is None else min(wanted, NOON + timedelta(days=7)))


@pytest.mark.parametrize(("status", "waits"), [("active", False), (None, False), ("disconnected", True), ("odd", True)])
def test_a_channel_that_does_not_work_is_said_to_be_waited_for(status: str | None, waits: bool) -> None:
    found = waiting_for(status)
    assert (found is not None) is waits
    assert found is None or found[0] == "channel_disconnected"


def handle(kind: str, value: str, channel: str | None = "w", hour: int = 0) -> Handle:
    return Handle(channel, kind, value, NOON + timedelta(hours=hour))


@pytest.mark.parametrize(
    ("handles", "phone", "address"),
    [
        ([handle("wa_lid", "9@lid", hour=3), handle("wa_pn", "1@c.us")], None, Address(external_chat_id="1@c.us")),
        ([handle("wa_lid", "9@lid"), handle("wa_lid", "8@lid", hour=1)], "+1", Address(external_chat_id="8@lid")),
        ([handle("wa_pn", "1@c.us", "another")], "+12025550143", Address(phone="+12025550143")),
        ([handle("wa_pn", "1@c.us", None), handle("phone", "+3", None)], None, Address(phone="+3")),
        ([handle("wa_pn", "12025550143")], "+12025550143", Address(phone="+12025550143")),
        ([], None, None),
        ([handle("wa_pn", "1@c.us", "another")], None, None),
    ],
)
def test_a_person_is_reached_where_they_were_reported_otherwise_by_phone(
    handles: list[Handle], phone: str | None, address: Address | None
) -> None:
    assert address_of(Person("t", "ana", "p", False, False, phone, handles), "w") == address


@pytest.mark.parametrize(
    ("statuses", "meant", "out_of"),
    [
        (["active"], 0, 1),
        (["inactive", "active", "disconnected"], 1, 1),
        (["inactive", "disconnected"], 1, 1),
        (["inactive"], 0, 1),
        (["inactive", "active", "active"], 1, 2),
        (["disconnected", "connecting", "error"], 0, 2),
        (["error", "inactive"], 0, 2),
    ],
)
def test_without_a_name_the_channel_that_works_is_meant(statuses: list[str], meant: int, out_of: int) -> None:
    channels = [replace(CHANNEL, id=str(number), status=status) for number, status in enumerate(statuses)]
    assert choose(channels) == Choice(str(meant), out_of)


def test_without_any_channel_nothing_can_be_meant() -> None:
    with pytest.raises(DomainError, match="ambiguous_channel"):
        choose([])

"""Who is behind an address, under any order of messages and any cut into batches."""

import itertools
from datetime import UTC, datetime, timedelta

from contact.domain.address_book import AddressBook, Known, Sender, chat_key_of
from contact.domain.channel_identity import Identity
from hypothesis import given, settings
from hypothesis import strategies as st

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CHANNELS = ("channel-1", "channel-2")
TENANTS = ("tenant-1", "tenant-2")


def phone_of(person: int) -> Identity:
    return Identity("wa_pn", f"5511987650{person:03}@c.us")


def lid_of(person: int) -> Identity:
    return Identity("wa_lid", f"2170000000{person:03}@lid")


@st.composite
def senders(draw: st.DrawFn) -> list[tuple[int, Sender]]:
    """Messages of a few people; the phone is always shown, the hidden id sometimes."""
    messages = []
    for number in range(draw(st.integers(1, 25))):
        person = draw(st.integers(0, 4))
        identities = [phone_of(person), *([lid_of(person)] if draw(st.booleans()) else [])]
        sender = Sender(
            tenant_id=draw(st.sampled_from(TENANTS)),
            project_id="project",
            channel_id=draw(st.sampled_from(CHANNELS)),
            channel_type="waha",
            identities=tuple(draw(st.permutations(identities))),
            push_name=draw(st.sampled_from(["", "Ana", "Bruno"])),
            occurred_at=NOON + timedelta(seconds=number),
            evidence=f"event-{number}",
            heard=None,
        )
        messages.append((person, sender))
    return messages


def place_in_batches(messages: list[tuple[int, Sender]], size: int) -> list[Known]:
    """Place messages batch by batch; each batch begins with what the earlier ones left, as the database would tell it."""
    ids = (f"contact-{number}" for number in itertools.count())
    kept: list[tuple[Known, str, Identity]] = []
    placed: list[Known] = []
    for start in range(0, len(messages), size):
        book = AddressBook()
        for contact, channel, identity in kept:
            book.remember(contact, channel, identity)
        placed += [book.place(sender, lambda: next(ids)) for _, sender in messages[start : start + size]]
        kept += [(link.contact, link.sender.channel_id, link.identity) for link in book.links]
    return placed


@given(senders(), st.integers(1, 10))
@settings(max_examples=150, deadline=None)
def test_a_person_is_one_contact_of_their_tenant_however_messages_are_cut_into_batches(
    messages: list[tuple[int, Sender]], size: int
) -> None:
    placed = place_in_batches(messages, size)

    seen: dict[tuple[str, int], str] = {}
    for (person, sender), contact in zip(messages, placed, strict=True):
        assert contact.tenant_id == sender.tenant_id
        assert seen.setdefault((sender.tenant_id, person), contact.id) == contact.id
    assert len(set(seen.values())) == len(seen)


@given(senders())
@settings(max_examples=100, deadline=None)
def test_every_identity_is_linked_once_per_channel(messages: list[tuple[int, Sender]]) -> None:
    book = AddressBook()
    ids = (f"contact-{number}" for number in itertools.count())
    for _, sender in messages:
        book.place(sender, lambda: next(ids))

    keys = [(link.sender.tenant_id, link.sender.channel_id, link.identity) for link in book.links]
    assert len(keys) == len(set(keys))


def test_a_hidden_id_is_never_a_phone() -> None:
    assert lid_of(1).phone is None
    assert lid_of(1).match_key == lid_of(1).value


def test_the_chat_key_of_a_person_survives_a_change_of_address() -> None:
    by_phone = chat_key_of("channel-1", "individual", "5511987650001@c.us", "contact-1")
    by_lid = chat_key_of("channel-1", "individual", "2170000000001@lid", "contact-1")

    assert by_phone == by_lid == "channel-1:contact-1"

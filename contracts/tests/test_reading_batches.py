"""A batch message is read at once, and one by one where that fails: the outcome is the same."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.envelope import encode, first_event
from contracts.reading import Reader, UndecodableError, Unreadable
from hypothesis import given
from hypothesis import strategies as st
from kernel.ids import new_id

NOW = datetime(2026, 10, 12, 13, 45, tzinfo=UTC)
READER = Reader(ContactDeletedV1)


def an_event() -> Any:
    return json.loads(
        encode(
            first_event(
                ContactDeletedV1(contact_id=new_id(), at=NOW, version=1),
                id=new_id(),
                source="contact",
                subject="c",
                time=NOW,
                tenant_id=new_id(),
                project_id=None,
                partition_key="c",
                correlation_id=new_id(),
                actor="user:u",
            )
        )
    )


def spoilt(how: str) -> Any:
    event = an_event()
    match how:
        case "good":
            return event
        case "other type":
            return event | {"type": "contact.created.v1"}
        case "later version":
            return event | {"type": "contact.deleted.v2"}
        case "no id":
            return event | {"id": "x"}
        case "no data":
            return {key: value for key, value in event.items() if key != "data"}
    return [1]


KINDS = ["good", "other type", "later version", "no id", "no data", "no event"]


@given(st.lists(st.sampled_from(KINDS), max_size=8))
def test_a_bad_event_is_told_and_spoils_none_of_its_neighbours(kinds: list[str]) -> None:
    elements = [spoilt(kind) for kind in kinds]

    read = READER.read_all(json.dumps(elements).encode())

    assert [isinstance(each, Unreadable) for each in read] == [kind != "good" for kind in kinds]
    for element, each in zip(elements, read, strict=True):
        alone = READER.read(json.dumps(element).encode())
        if isinstance(each, Unreadable):
            assert isinstance(alone, Unreadable)
            assert (each.reason, each.event_type) == (alone.reason, alone.event_type)
        else:
            assert each == alone


@pytest.mark.parametrize("body", [b"", b"{}", b"[1", b"\xff", b"null"])
def test_what_is_no_list_is_undecodable(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        READER.read_all(body)

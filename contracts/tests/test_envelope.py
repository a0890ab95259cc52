"""The envelope: what every event carries, whatever it says."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.envelope import (
    BATCH_CONTENT_TYPE,
    MAX_EVENT_BYTES,
    Event,
    UnreadEvent,
    caused_event,
    encode,
    first_event,
)

NOW = datetime(2026, 10, 12, 13, 45, tzinfo=UTC)


def head() -> Event[Any]:
    return first_event(
        ContactDeletedV1(contact_id="c", at=NOW, version=1),
        id="e1",
        source="contact",
        subject="c",
        time=NOW,
        tenant_id="t",
        project_id="p",
        partition_key="c",
        correlation_id="k",
        actor="user:u",
        traceparent="00-a-b-01",
    )


def test_the_content_type_of_a_batch_never_changes() -> None:
    assert BATCH_CONTENT_TYPE == "application/cloudevents-batch+json"
    assert MAX_EVENT_BYTES == 262_144


def test_an_effect_carries_on_who_why_and_where_from() -> None:
    cause = head()
    effect = caused_event(
        cause,
        ContactDeletedV1(contact_id="c", at=NOW, version=2),
        id="e2",
        source="contact",
        subject="c",
        time=NOW,
        partition_key="c",
    )
    assert (effect.tenantid, effect.projectid, effect.correlationid) == ("t", "p", "k")
    assert (effect.actor, effect.hop, effect.traceparent) == ("user:u", 0, "00-a-b-01")
    assert (cause.causationid, effect.causationid) == (None, "e1")
    assert effect.type == "contact.deleted.v1"


@pytest.mark.parametrize("field", ["time", "at"])
def test_a_naive_time_is_refused(field: str) -> None:
    event = json.loads(encode(head()))
    naive = "2026-10-12T13:45:00"
    spoilt = {**event, "time": naive} if field == "time" else {**event, "data": {**event["data"], "at": naive}}
    with pytest.raises(msgspec.ValidationError, match="timezone"):
        msgspec.json.decode(json.dumps(spoilt), type=Event[ContactDeletedV1])


def test_a_negative_hop_is_refused() -> None:
    event = json.loads(encode(head()))
    with pytest.raises(msgspec.ValidationError, match="hop"):
        msgspec.json.decode(json.dumps({**event, "hop": -1}), type=UnreadEvent)


def test_fields_of_later_releases_are_ignored() -> None:
    event = json.loads(encode(head()))
    later = {**event, "dataschema": "x", "data": {**event["data"], "reason": "spam"}}
    assert msgspec.json.decode(json.dumps(later), type=Event[ContactDeletedV1]) == head()


def test_an_event_is_frozen() -> None:
    with pytest.raises(AttributeError):
        head().id = "other"  # type: ignore[misc]


def test_an_event_can_travel_unread(folder: Path) -> None:
    for file in (folder / "examples").glob("*/*.json"):
        event = msgspec.json.decode(file.read_bytes(), type=UnreadEvent)
        assert json.loads(encode(event)) == json.loads(file.read_bytes())

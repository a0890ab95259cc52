"""Every committed example of what we hear goes through the handler, and what is said can be read by its readers."""

from pathlib import Path
from typing import Any

import pytest
from billing.entrypoints.events import (
    on_automation_rule_executed,
    on_identity_tenant_created,
    on_message_received,
    on_message_sent,
)
from contracts.envelope import encode
from contracts.reading import Reader, Unreadable
from contracts.registry import payloads

FOLDER = Path(__file__).parents[4] / "contracts" / "examples"
COUNTED = {
    on_message_received.HEARS: "messages_received",
    on_message_sent.HEARS: "messages_sent",
    on_automation_rule_executed.HEARS: "automations_run",
}


def examples(heard: Any) -> list[Any]:
    found = [
        pytest.param(heard, path.read_bytes(), id=path.stem) for path in sorted((FOLDER / heard.TYPE).glob("*.json"))
    ]
    assert found, f"there are no examples of {heard.TYPE}"
    return found


@pytest.mark.parametrize(("heard", "example"), [each for heard in COUNTED for each in examples(heard)])
async def test_an_example_of_usage_is_counted(house: Any, heard: Any, example: bytes) -> None:
    event = Reader(heard).read(example)
    assert not isinstance(event, Unreadable), event

    assert await house.hears(event) == 1

    rows = await house.served.administrator.fetch("select metric from billing.usage_meters")
    metered = getattr(event.data, "source", None) != "phone"
    assert (COUNTED[heard] in {row["metric"] for row in rows}) is metered
    assert ("active_contacts" in {row["metric"] for row in rows}) is (heard is not on_automation_rule_executed.HEARS)
    assert await house.served.said() == []


@pytest.mark.parametrize(("heard", "example"), examples(on_identity_tenant_created.HEARS))
async def test_an_example_of_a_tenant_opens_an_account_that_can_be_read(house: Any, heard: Any, example: bytes) -> None:
    event = Reader(heard).read(example)
    assert not isinstance(event, Unreadable), event

    await house.hears(event)

    (said,) = await house.served.said()
    assert (said.type, said.causationid) == ("billing.account_created.v1", event.id)
    assert not isinstance(Reader(payloads()[said.type]).read(encode(said)), Unreadable)

"""Every body among the reference samples, posted to a door, becomes what the reference says, and nothing when repeated.

The samples are no part of the project.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[4].parent / "shared" / "waha" / "samples"
LATER_EVENTS: set[str] = set()

EXPECTED: dict[str, Any] = (
    json.loads((SAMPLES / "expected.json").read_text())["samples"] if (SAMPLES / "expected.json").exists() else {}
)
pytestmark = pytest.mark.skipif(not EXPECTED, reason="the reference samples are not on this machine (../shared/waha)")


def outcomes_of(name: str) -> set[str]:
    expected = EXPECTED[name]
    if expected["kind"] in LATER_EVENTS:
        return {"kept"}
    return {expected["outcome"], *expected.get("also_fine", ())}


async def left_behind(gateway: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await gateway.rows(
        "select (select count(*) from channel_gateway.outbox_events) as events,"
        " (select count(*) from channel_gateway.delivery_keys) as keys,"
        " (select sum(messages_received) from channel_gateway.channel_activity) as received,"
        " (select sum(messages_sent) from channel_gateway.channel_activity) as sent"
    )
    return found


async def test_every_sample_comes_to_what_is_expected_and_all_again_shuffled_change_nothing(gateway: Any) -> None:
    tenant = (await gateway.connect(allow_groups=True)).tenant
    channels = {name: await gateway.connect(tenant, allow_groups=True) for name in EXPECTED}
    wrong = {}
    for name, channel in channels.items():
        answer = await gateway.post(channel, (SAMPLES / name).read_bytes())
        assert answer.status_code == 200, (name, answer.text)
        (state,) = await gateway.states(channel)
        if state not in outcomes_of(name):
            wrong[name] = (state, outcomes_of(name))
    assert wrong == {}
    first = {name: (await gateway.states(channel))[0] for name, channel in channels.items()}
    before = await left_behind(gateway)
    again = list(channels)
    random.Random(20261121).shuffle(again)
    for name in again:
        answer = await gateway.post(channels[name], (SAMPLES / name).read_bytes())
        assert answer.status_code == 200
        states = await gateway.states(channels[name])
        assert states == [first[name], "duplicate" if first[name] == "applied" else first[name]], name
    assert await left_behind(gateway) == before


async def test_all_samples_of_one_message_come_to_one_message_at_one_door(gateway: Any) -> None:
    channel = await gateway.connect(allow_groups=True)
    applied = [name for name in EXPECTED if outcomes_of(name) == {"applied"} and EXPECTED[name]["stored"]]
    for name in applied:
        assert (await gateway.post(channel, (SAMPLES / name).read_bytes())).status_code == 200
    messages = {EXPECTED[name]["message_id"] for name in applied}
    said = [event["data"]["provider_message_id"] for event in await gateway.said()]
    assert len(said) == len(set(said))
    assert set(said) == messages

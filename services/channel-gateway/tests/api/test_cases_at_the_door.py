"""Every case of the table in the README, posted to a door of its own, becomes what it says; all again change nothing."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any

from waha_cases import Case, cases

CASES = list(cases())
EVENT_OF = {
    "a message": "channel.message_received.v1",
    "a receipt": "channel.message_acked.v1",
    "the channel": "channel.status_changed.v1",
}


def batched(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


async def posted(gateway: Any, pairs: Sequence[tuple[Case, Any]]) -> dict[str, list[str]]:
    """Post each case to its channel, many at a time; return what became of all deliveries, by channel."""
    for some in batched(pairs, 50):
        for answer in await asyncio.gather(*(gateway.post(channel, case.body) for case, channel in some)):
            assert answer.status_code == 200
    rows = await gateway.rows("select channel_id::text, state from channel_gateway.inbound_deliveries order by id")
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["channel_id"], []).append(row["state"])
    return found


async def said(gateway: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what was said, by channel and type: at most one of each."""
    events = [event for event_type in EVENT_OF.values() for event in await gateway.said(event_type)]
    found = {(event["data"]["channel_id"], event["type"]): event["data"] for event in events}
    assert len(found) == len(events)
    return found


async def test_each_case_becomes_what_the_table_says_and_all_again_shuffled_change_nothing(gateway: Any) -> None:
    pairs = list(zip(CASES, await gateway.activated(len(CASES)), strict=True))
    states = await posted(gateway, pairs)
    first = await said(gateway)
    for case, channel in pairs:
        word, _, detail = case.becomes.partition(": ")
        state = word if word in ("kept", "ignored", "parked") else "applied"
        assert states[channel.id] == [state], case
        mine = {event_type: data for (of, event_type), data in first.items() if of == channel.id}
        stays = (word, detail) == ("the channel", "active")
        assert set(mine) == ({EVENT_OF[word]} if word in EVENT_OF and not stays else set()), case
        if word == "a message":
            content = mine["channel.message_received.v1"]["content"]
            reply = content.get("interactive_reply")
            assert content["type"] == detail.partition(" + ")[0].partition(":")[0], case
            assert (reply is not None and f"{reply['kind']} reply") == (detail.partition(" + ")[2] or False), case
        if word == "the channel" and not stays:
            assert mine["channel.status_changed.v1"]["new"] == detail, case

    before = await left_behind(gateway)
    again = random.Random(20261121).sample(pairs, len(pairs))
    for channel_id, (state, repeated) in (await posted(gateway, again)).items():
        assert repeated == ("duplicate" if state == "applied" else state), channel_id
    assert await left_behind(gateway) == before


async def left_behind(gateway: Any) -> Any:
    """Return all that a repeat must not change."""
    return await gateway.rows(
        "select c.status, c.version, c.external_id, a.messages_received, a.messages_sent, s.status as provider_status,"
        " (select sum(events) from channel_gateway.outbox_bundles) as events,"
        " (select count(*) from channel_gateway.delivery_keys) as keys"
        " from channel_gateway.channels c"
        " join channel_gateway.channel_activity a on a.tenant_id = c.tenant_id and a.channel_id = c.id"
        " left join channel_gateway.provider_sessions s on s.tenant_id = c.tenant_id and s.channel_id = c.id"
        " order by c.id"
    )

"""Whose webhook is it: answered from memory for five seconds, and forgotten when something changes here."""

import asyncio
import uuid
from typing import Any

from channel_gateway.adapters import receiving_channels_in_postgres
from channel_gateway.adapters.receiving_channels_in_postgres import ReceivingChannelsInPostgres
from testkit.eventually import eventually


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Counting(ReceivingChannelsInPostgres):
    looks = 0

    async def _load(self, function: str, wanted: str) -> Any:
        self.looks += 1
        return await super()._load(function, wanted)


def channels_of(gateway: Any) -> tuple[Counting, Clock]:
    clock = Clock()
    return Counting(gateway.assembly.works.database, gateway.assembly.vault, now=clock), clock


async def test_a_channel_is_looked_up_once_for_all_who_ask_together_and_again_after_five_seconds(gateway: Any) -> None:
    channel = await gateway.connect()
    channels, clock = channels_of(gateway)
    found = await asyncio.gather(*(channels.of_webhook(channel.webhook_id) for _ in range(50)))
    assert {each.id for each in found if each} == {channel.id}
    assert found[0] is not None
    assert found[0].keys == (channel.secret.encode(),)
    assert channel.secret not in repr(found[0])
    clock.now = 4.9
    await channels.of_webhook(channel.webhook_id)
    assert channels.looks == 1
    clock.now = 5.1
    await channels.of_webhook(channel.webhook_id)
    assert channels.looks == 2


async def test_that_there_is_none_is_remembered_too_and_the_memory_is_bounded(gateway: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(receiving_channels_in_postgres, "MOST_KEPT", 3)
    channels, _ = channels_of(gateway)
    nobody = str(uuid.uuid4())
    assert await channels.of_webhook(nobody) is None
    assert await channels.of_webhook(nobody) is None
    assert channels.looks == 1
    for _ in range(3):
        await channels.of_webhook(str(uuid.uuid4()))
    await channels.of_webhook(nobody)
    assert channels.looks == 5


async def test_a_change_during_a_look_is_not_covered_up_by_what_was_read_before(gateway: Any) -> None:
    channel = await gateway.connect()
    channels, _ = channels_of(gateway)
    looking = asyncio.ensure_future(channels.of_webhook(channel.webhook_id))
    await eventually(lambda: channels.looks, every_s=0)
    channels.forget()
    later = asyncio.ensure_future(channels.of_webhook(channel.webhook_id))
    assert await looking is not None
    assert await later is not None
    await channels.of_webhook(channel.webhook_id)
    assert channels.looks == 2


async def test_the_finders_functions_say_nothing_of_removed_channels(gateway: Any) -> None:
    channel = await gateway.connect()
    await gateway.ask(channel.tenant, "DELETE", f"/crm/channels/{channel.id}")
    channels, _ = channels_of(gateway)
    assert await channels.of_webhook(channel.webhook_id) is None
    assert await channels.of_session(channel.session) == ()

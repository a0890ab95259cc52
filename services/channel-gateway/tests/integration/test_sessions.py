"""Two processes that hear about one session at the same time do not overwrite each other."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from channel_gateway.domain.inbound import SessionReport
from testkit.eventually import eventually

NOW = datetime.now(UTC)


def report(word: str, seconds: int) -> SessionReport:
    return SessionReport(word, NOW + timedelta(seconds=seconds), NOW + timedelta(seconds=seconds))


async def test_who_has_waited_for_another_sees_what_that_one_has_stored(gateway: Any) -> None:
    (channel,) = await gateway.activated(1)
    key = (channel.tenant.tenant_id, channel.id)
    locked = asyncio.Event()

    async def somebody_waits() -> bool:
        waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        return bool(await gateway.rows(waiting))

    async def hear(word: str, seconds: int) -> None:
        async with gateway.assembly.begin([key[0]]) as work:
            before = (await work.sessions.for_change([key]))[key]
            if not locked.is_set():
                locked.set()
                await eventually(somebody_waits)
            after = before.hear(report(word, seconds))
            if after is not before:
                await work.sessions.keep([after])

    async def hear_later(word: str, seconds: int) -> None:
        await locked.wait()
        await hear(word, seconds)

    await asyncio.gather(hear("STOPPED", 10), hear_later("WORKING", 5))
    (row,) = await gateway.rows("select status, told_at from channel_gateway.provider_sessions")
    assert tuple(row.values()) == ("STOPPED", NOW + timedelta(seconds=10))

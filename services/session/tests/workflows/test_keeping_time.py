"""The time test: sessions end by themselves, at their deadline, whatever becomes of Temporal, and many of them at once."""

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durable.settings import TemporalSettings
from durable.temporal import Temporal, TemporalAwayError
from session.workflows.turns import timekeeper_id
from telemetry.metrics import value_of
from testkit.eventually import eventually
from testkit.own_temporal import OwnTemporal
from testkit.plugin import DatabaseOf

DEADLINE = datetime(2020, 1, 1, 0, 30, tzinfo=UTC)
WITHIN_S = 60
SLEEP_S = 2
"""How long a timekeeper sleeps at most in tests that wait for it; 15 s otherwise."""
MUST_S = WITHIN_S - (15 - SLEEP_S)
MANY = 10_000


async def last_turn(temporal: Temporal, shard: int = 0) -> Any:
    """Return what a timekeeper says of its last turn, None before it can say anything."""
    try:
        async with temporal.reached(20) as client:
            return await client.get_workflow_handle(timekeeper_id(shard)).query("last_turn")
    except TemporalAwayError:
        return None


async def test_what_is_due_ends_by_itself_at_its_deadline(temporal: str, namespace: Temporal, working: Any) -> None:
    async with working(temporal, namespace.namespace) as keeper:
        await keeper.many_due(3)
        await eventually(lambda: keeper.ended_are(3), within_s=WITHIN_S, every_s=0.2)

        async def turned() -> Any:
            return await last_turn(namespace)

        turn = await eventually(turned, within_s=20, every_s=0.2)
        ended = await keeper.administrator.fetch("select distinct ended_at, end_reason from session.sessions")
        health = await keeper.served.blueprint.checks["temporal"]()

    assert [tuple(row) for row in ended] == [(DEADLINE, "inactivity_timeout")]
    assert (turn["held_back"], turn["next_due_at"], turn["sleep_s"]) == (False, None, 15)
    assert (health.status, health.metadata) == ("healthy", {"namespace": namespace.namespace})
    assert value_of("session_timer_lateness_seconds_count") >= 3


async def test_while_consumers_lag_nothing_ends_and_everything_does_afterwards(
    temporal: str, namespace: Temporal, working: Any
) -> None:
    async with working(temporal, namespace.namespace, TIMEKEEPER_MAX_SLEEP=1) as keeper:
        keeper.lag_s = 9
        await keeper.tell_lag_now()
        await keeper.many_due(5)

        async def held() -> bool:
            turn = await last_turn(namespace)
            return bool(turn and turn["held_back"])

        await eventually(held, within_s=WITHIN_S, every_s=0.2)
        assert await keeper.ended() == 0
        await eventually(lambda: value_of("timekeeper_held_seconds") > 0, within_s=WITHIN_S)
        assert value_of("timekeeper_turns_total", result="held_back") > 0
        keeper.lag_s = 0
        await eventually(lambda: keeper.ended_are(5), within_s=WITHIN_S, every_s=0.2)


async def test_a_timekeeper_of_another_number_of_shards_goes_and_the_right_ones_work(
    temporal: str, namespace: Temporal, working: Any, database_of: DatabaseOf
) -> None:
    database = await database_of("session", "session")
    async with working(temporal, namespace.namespace, database, TIMEKEEPER_SHARDS=2, TIMEKEEPER_MAX_SLEEP=1) as keeper:
        await keeper.many_due(20)
        await eventually(lambda: keeper.ended_are(20), within_s=WITHIN_S, every_s=0.2)

    async with working(temporal, namespace.namespace, database, TIMEKEEPER_SHARDS=1, TIMEKEEPER_MAX_SLEEP=1) as keeper:
        async with namespace.reached(WITHIN_S) as client:
            await client.get_workflow_handle(timekeeper_id(1)).result()
        for role in keeper.starters():
            await role.start_missing()
        keeper.made = 20
        await keeper.many_due(20)
        await eventually(lambda: keeper.ended_are(40), within_s=WITHIN_S, every_s=0.2)


async def test_temporal_away_messages_flow_and_on_its_return_everything_due_ends_within_a_minute(
    tmp_path: Path, working: Any, line: Any
) -> None:
    server = OwnTemporal(tmp_path)
    own = Temporal(TemporalSettings(server.address), "tests")
    async with working(server.address, server.namespace, line.database, TIMEKEEPER_MAX_SLEEP=SLEEP_S) as keeper:
        check = keeper.served.blueprint.checks["temporal"]
        await keeper.many_due(50)
        assert (await check()).status == "degraded"
        await messages_flow(line, 0)
        assert await keeper.ended() == 0
        async with server:
            took = await seconds_until(keeper, 50)
            assert took < MUST_S
            assert (await check()).status == "healthy"
            await eventually(lambda: last_turn(own), within_s=20, every_s=0.2)

            await server.kill()
            await keeper.many_due(50)
            await messages_flow(line, 10)
            assert (await check()).status == "degraded"
            assert await keeper.ended() == 50
            await server.start()
            took = await seconds_until(keeper, 100)
            assert took < MUST_S
    deadlines = await line.administrator.fetch("select distinct ended_at from session.sessions where status = 'ended'")
    assert [row["ended_at"] for row in deadlines] == [DEADLINE], "each at its own, however late"


async def test_ten_thousand_due_at_once_end_within_a_minute(temporal: str, namespace: Temporal, working: Any) -> None:
    async with working(temporal, namespace.namespace, TIMEKEEPER_MAX_SLEEP=SLEEP_S) as keeper:
        await eventually(lambda: last_turn(namespace), within_s=WITHIN_S, every_s=0.2)
        await keeper.many_due(MANY)
        took = await seconds_until(keeper, MANY)

    print(f"\n{MANY / took:.0f} sessions ended a second, {MUST_S / took:.1f} times faster than they must")
    assert took < MUST_S


async def messages_flow(line: Any, minutes: float) -> None:
    """See that messages open and resume a session now; it is not due."""
    now = (datetime.now(UTC) - line.noon).total_seconds() / 60
    said = await line.hears(line.message("00000000-0000-7000-8000-00000000000a", "live", at=now + minutes))
    assert said[-1].data.session_id is not None


async def seconds_until(keeper: Any, ended: int) -> float:
    """Wait until so many sessions have ended; return how long it took."""
    started = time.monotonic()
    await eventually(lambda: keeper.ended_are(ended), within_s=WITHIN_S + 30, every_s=0.1)
    return time.monotonic() - started


def test_a_process_without_temporal_does_not_load_it() -> None:
    program = "import sys, session.bootstrap; sys.exit('temporalio' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0

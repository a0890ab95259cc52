"""Lag is told as long as it is known, whatever happens to whoever keeps it."""

import asyncio
from datetime import datetime
from typing import Any, cast

import pytest
from bus.collector import Limits
from bus.consuming import Consuming
from runtime import lag
from runtime.lag import LagWatch
from testkit.eventually import eventually


class Lagging:
    """Consumers whose lag is first unknown, then none, then some."""

    def __init__(self) -> None:
        self.lags: list[float | None] = [None, 0.0, None, 7.5, 2.0]

    def lag_s(self, now: datetime) -> float | None:
        """Return the next."""
        assert now.tzinfo is not None
        return self.lags.pop(0) if self.lags else None


async def test_what_is_known_is_kept_and_what_is_not_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "EVERY_S", 0.001)
    kept: list[float] = []
    stopping = asyncio.Event()

    async def keep(lag_s: float) -> None:
        kept.append(lag_s)
        if lag_s == 7.5:
            raise ConnectionError("the database is away for a moment")

    watching = asyncio.create_task(LagWatch(cast(Any, Lagging()), keep).run(stopping))
    await eventually(lambda: len(kept) == 3)
    stopping.set()
    await watching

    assert kept == [0.0, 7.5, 2.0]


async def test_a_service_that_consumes_nothing_never_knows_its_lag() -> None:
    async def answers() -> bool:
        return True

    nothing: Any = None
    consuming = Consuming(
        "amqp://127.0.0.1:1/",
        [],
        nothing,
        Limits(partitions=1),
        classify=nothing,
        parked=nothing,
        describe=nothing,
        dependency_answers=answers,
    )

    assert consuming.lag_s(datetime.now().astimezone()) is None

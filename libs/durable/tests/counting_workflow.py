"""A workflow to try the worker with: it asks its activity three times, and begins anew after the second."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

CALLS: list[int] = []


@activity.defn(name="note")
async def note(number: int) -> int:
    """Note that we were called."""
    CALLS.append(number)
    return number


@workflow.defn(name="counts")
class Counts:
    """Counts to `until`, one run for each number."""

    @workflow.run
    async def run(self, numbers: list[int]) -> int:
        """Ask for the first number; the next run asks for the rest."""
        done = await workflow.execute_activity(
            "note", numbers[0], start_to_close_timeout=timedelta(seconds=5), result_type=int
        )
        if len(numbers) > 1:
            workflow.continue_as_new(numbers[1:])
        return done


@workflow.defn(name="waits")
class Waits:
    """Waits for ever."""

    @workflow.run
    async def run(self, _: str) -> None:
        """Wait."""
        await asyncio.sleep(86400)

"""The timekeeper: sleeps until the next deadline, then has an activity end what is over. One for each shard, for ever.

It carries no session and decides nothing: what it asks for is guarded in the database, so two of them do no harm.
Changing what it does step by step needs `workflow.patched`: the histories in tests/workflows are replayed.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from session.workflows.turns import APPLY_DUE, TIMEKEEPER, Keeping, TurnDone

TURNS = 500
HISTORY_EVENTS = 10_000
AFTER_FAILURE_S = 15.0


@workflow.defn(name=TIMEKEEPER)
class SessionTimekeeper:
    """Ends only when there is another number of shards."""

    def __init__(self) -> None:
        self._last_turn: TurnDone | None = None

    @workflow.run
    async def run(self, keeping: Keeping) -> None:
        """Take turns; begin anew before the history grows long."""
        for _ in range(TURNS):
            turn = await self._take_turn(keeping)
            if turn is not None and turn.dismissed:
                return
            sleep_s = AFTER_FAILURE_S if turn is None else turn.sleep_s
            if sleep_s > 0:
                await asyncio.sleep(sleep_s)
            if workflow.info().get_current_history_length() >= HISTORY_EVENTS:
                break
        workflow.continue_as_new(keeping)

    async def _take_turn(self, keeping: Keeping) -> TurnDone | None:
        """Return what became of it; None when a day of trying brought nothing."""
        try:
            self._last_turn = await workflow.execute_activity(
                APPLY_DUE,
                keeping,
                result_type=TurnDone,
                start_to_close_timeout=timedelta(seconds=10),
                schedule_to_close_timeout=timedelta(hours=24),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=1),
                    backoff_coefficient=2.0,
                    maximum_interval=timedelta(seconds=30),
                ),
            )
        except ActivityError:
            return None
        return self._last_turn

    @workflow.query
    def last_turn(self) -> TurnDone | None:
        """Return what became of the last turn of this run."""
        return self._last_turn

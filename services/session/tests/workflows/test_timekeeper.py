"""The timekeeper's own steps, with an activity that says what the test wants."""

from collections.abc import Callable

import pytest
from durable.temporal import Temporal
from kernel.ids import new_id
from session.workflows import timekeeper
from session.workflows.timekeeper import SessionTimekeeper
from session.workflows.turns import APPLY_DUE, TIMEKEEPER, Keeping, TurnDone
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

NOON = "2026-11-21T12:00:00+00:00"
NOTHING_DUE = TurnDone(NOON, {"end": 0}, None, held_back=False, sleep_s=0.01)
DISMISSED = TurnDone(NOON, {}, None, held_back=False, sleep_s=0, dismissed=True)


async def runs_until_dismissed(namespace: Temporal, turn: Callable[[int], TurnDone]) -> tuple[int, int]:
    """Run a timekeeper whose nth turn is `turn(n)`; return how many turns and how many runs it took."""
    taken = 0

    @activity.defn(name=APPLY_DUE)
    async def apply_due(keeping: Keeping) -> TurnDone:
        nonlocal taken
        assert keeping == Keeping(1, 3)
        taken += 1
        return turn(taken)

    queue, id = new_id(), new_id()
    async with namespace.reached(60) as client:
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[SessionTimekeeper],
            activities=[apply_due],
            workflow_runner=UnsandboxedWorkflowRunner(),  # where the test may change constants
        )
        async with worker:
            first = await client.start_workflow(TIMEKEEPER, Keeping(1, 3), id=id, task_queue=queue)
            await first.result()
        runs, run_id = 0, first.first_execution_run_id
        while run_id:
            runs += 1
            history = await client.get_workflow_handle(id, run_id=run_id).fetch_history()
            run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return taken, runs


async def test_it_begins_anew_before_its_history_grows_long(
    namespace: Temporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeper, "TURNS", 2)

    turns, runs = await runs_until_dismissed(namespace, lambda n: DISMISSED if n == 3 else NOTHING_DUE)

    assert (turns, runs) == (3, 2)


async def test_a_turn_that_failed_for_good_does_not_end_it(
    namespace: Temporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeper, "AFTER_FAILURE_S", 0.1)

    def turn(number: int) -> TurnDone:
        if number == 1:
            raise ApplicationError("a day of trying brought nothing", non_retryable=True)
        return DISMISSED

    assert (await runs_until_dismissed(namespace, turn))[0] == 2

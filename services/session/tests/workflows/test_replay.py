"""Histories of timekeepers that ran before go on with the code of today."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from durable.counting import Counted
from session.workflows.timekeeper import SessionTimekeeper
from session.workflows.turns import APPLY_DUE, TIMEKEEPER, Keeping, TurnDone
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

HISTORIES = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "histories").glob("*.json"))}


@workflow.defn(name=TIMEKEEPER)
class SleepsFirst:
    """A timekeeper whose steps have another order."""

    @workflow.run
    async def run(self, keeping: Keeping) -> None:
        """Sleep, then look."""
        await asyncio.sleep(1)
        await workflow.execute_activity(
            APPLY_DUE, keeping, result_type=TurnDone, start_to_close_timeout=timedelta(seconds=10)
        )


@pytest.mark.parametrize("recorded", HISTORIES)
async def test_a_recorded_timekeeper_goes_on(recorded: str) -> None:
    history = WorkflowHistory.from_json("recorded-timekeeper", HISTORIES[recorded])

    await Replayer(workflows=[SessionTimekeeper], interceptors=[Counted()]).replay_workflow(history)


async def test_a_timekeeper_of_other_steps_would_not() -> None:
    history = WorkflowHistory.from_json("recorded-timekeeper", HISTORIES["timekeeper_1"])

    with pytest.raises(workflow.NondeterminismError):
        await Replayer(workflows=[SleepsFirst], workflow_runner=UnsandboxedWorkflowRunner()).replay_workflow(history)


def test_a_recorded_history_names_no_machine_and_nobody() -> None:
    for text in HISTORIES.values():
        assert '"identity": "recorder"' in text
        assert "@" not in text
        assert "stackTrace" not in text

"""python record_history.py <host:port>: play every kind of turn to a timekeeper and keep its history for the replay test.

Run it again when the timekeeper's steps have changed on purpose, and keep the old file as long as old ones may still run.
"""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

from session.workflows.timekeeper import SessionTimekeeper
from session.workflows.turns import APPLY_DUE, TIMEKEEPER, Keeping, TurnDone
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

HISTORY = Path(__file__).parent / "histories" / "timekeeper_1.json"
QUEUE = "recording"
NOON = "2026-11-21T12:00:00+00:00"
TURNS = [
    TurnDone(NOON, {"end": 1000}, NOON, held_back=False, sleep_s=0),
    TurnDone(NOON, {"end": 3}, NOON, held_back=False, sleep_s=1),
    TurnDone(NOON, {"end": 0}, None, held_back=True, sleep_s=0.5),
    None,
    TurnDone(NOON, {"end": 0}, None, held_back=False, sleep_s=0.1),
    TurnDone(NOON, {}, None, held_back=False, sleep_s=0, dismissed=True),
]


async def record(host: str) -> str:
    """Return the history, whole."""
    turns = iter(TURNS)

    @activity.defn(name=APPLY_DUE)
    async def apply_due(_: Keeping) -> TurnDone:
        turn = next(turns)
        if turn is None:
            raise RuntimeError("the database is away")
        return turn

    client = await Client.connect(host, namespace="ventros-crm", identity="recorder")
    worker = Worker(
        client, task_queue=QUEUE, workflows=[SessionTimekeeper], activities=[apply_due], identity="recorder"
    )
    async with worker:
        handle = await client.start_workflow(
            TIMEKEEPER, Keeping(0, 2), id="recorded-timekeeper", task_queue=QUEUE, task_timeout=timedelta(seconds=10)
        )
        await handle.result()
    return without_stacks((await handle.fetch_history()).to_json())


def without_stacks(history: str) -> str:
    """Leave out where the recorder's own files lie."""
    return json.dumps(
        json.loads(history, object_hook=lambda part: {k: v for k, v in part.items() if k != "stackTrace"}), indent=1
    )


if __name__ == "__main__":
    HISTORY.write_text(asyncio.run(record(sys.argv[1])) + "\n")

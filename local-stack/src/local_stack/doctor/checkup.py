"""A workflow that does nothing but prove that workflows run. Imports nothing of ours: the sandbox imports it again."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn(name="doctor-echo")
async def echo(word: str) -> str:
    """Return what was said."""
    return word


@workflow.defn(name="doctor-checkup")
class Checkup:
    """Waits for a timer and an activity."""

    @workflow.run
    async def run(self, word: str) -> str:
        """Return what the activity returned."""
        await workflow.sleep(timedelta(milliseconds=10))
        return await workflow.execute_activity(echo, word, schedule_to_close_timeout=timedelta(seconds=10))

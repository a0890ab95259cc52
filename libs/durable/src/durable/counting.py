"""Counts what workflows and activities come to, around the worker's own calls."""

from datetime import UTC, datetime
from typing import Any

from temporalio import activity, workflow
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from durable import gauges


class Counted(Interceptor):
    """Put into every worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Count tries of activities."""
        return _CountedActivity(next)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """Count runs of workflows."""
        return _CountedWorkflow


class _CountedActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        name = activity.info().activity_type
        try:
            result = await super().execute_activity(input)
        except BaseException:
            gauges.ACTIVITIES.labels(name, "failed").inc()
            raise
        gauges.ACTIVITIES.labels(name, "completed").inc()
        return result


class _CountedWorkflow(WorkflowInboundInterceptor):
    """Runs inside the workflow, where a replay lives through everything again: only what is new is counted."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        about = workflow.info()
        if not workflow.unsafe.is_replaying():
            waited = (datetime.now(UTC) - about.start_time).total_seconds()  # the true clock: nothing depends on it
            gauges.LATENCY.labels(about.workflow_type).observe(max(0.0, waited))
        try:
            result = await super().execute_workflow(input)
        except workflow.ContinueAsNewError:
            self._count(about.workflow_type, "continued")
            raise
        except Exception:
            self._count(about.workflow_type, "failed")
            raise
        self._count(about.workflow_type, "completed")
        return result

    def _count(self, name: str, result: str) -> None:
        if not workflow.unsafe.is_replaying():
            gauges.WORKFLOWS.labels(name, result).inc()

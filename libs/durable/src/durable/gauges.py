"""What durable work tells Prometheus."""

from telemetry.metrics import counter, gauge, histogram

WORKFLOWS = counter("temporal_workflow_executions_total", "runs of workflows that ended here", ("workflow", "result"))
ACTIVITIES = counter(
    "temporal_activity_executions_total", "tries of activities that ended here", ("activity", "result")
)
LATENCY = histogram("temporal_workflow_latency_seconds", "run asked for to run begun", ("workflow",))
WAITING = gauge("temporal_starts_waiting", "workflow starts kept while Temporal is away")

"""What consuming tells Prometheus."""

from telemetry.metrics import counter, gauge, histogram

BATCH_SIZE = histogram(
    "batch_size", "events taken together", ("consumer",), buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
APPLY_DURATION = histogram("batch_apply_duration_seconds", "one batch, repeats included", ("consumer",))
LATENCY = histogram("event_latency_seconds", "event time to committed by the consumer", ("consumer",))
SPLITS = counter("batch_splits_total", "halvings after a deterministic failure", ("consumer",))
REPEATS = counter("batch_repeats_total", "whole transactions repeated in place", ("consumer", "class"))
DUPLICATES = counter("inbox_duplicates_total", "events met again", ("consumer",))
PARKED = counter("parked_events_total", "events parked", ("consumer", "reason"))
DEAD_LETTERS = counter("dead_letters_drained_total", "dead letters drained into the parked table", ("consumer",))
SETTLED = gauge("consumer_settled_timestamp_seconds", "when a batch was last settled", ("consumer",))
LAG = gauge("consumer_lag_seconds", "age of the oldest event that waits to be applied", ("consumer",))

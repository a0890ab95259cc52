"""What the outbox tells Prometheus."""

from telemetry.metrics import counter, gauge, histogram

LEADER = gauge("outbox_relay_leader", "1 where this process leads")
PENDING = gauge("outbox_pending", "rows committed, not confirmed")
LAG = gauge("outbox_lag_seconds", "age of the oldest pending row")
PUBLISHED = counter("outbox_published_total", "events confirmed by the broker", ("type",))
ERRORS = counter("outbox_publish_errors_total", "messages refused by the broker", ("type",))
DURATION = histogram("outbox_publish_duration_seconds", "claim to confirm, per message")
BATCH_SIZE = histogram("relay_batch_size", "events per message", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))

"""Who asked for something, for the events that tell of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A person or program outside. `actor` is `user:<id>`, `api_key:<id>`, `operator:<id>` or `system:<service>`."""

    tenant_id: str
    actor: str
    correlation_id: str
    traceparent: str | None = None

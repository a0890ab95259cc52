"""What the services count themselves, read from their metrics: how full batches were, and how far consumers are behind."""

from collections.abc import Callable, Iterator, Mapping

import httpx
from local_stack.process_table import SERVICES

Counted = dict[tuple[str, str], float]
"""(Service, sample with its labels) → value."""

MESSAGES, DOOR, CONSUMED, LAG = "relay_batch_size", "ingest_batch_size", "batch_size", "consumer_lag_seconds"


def counted(address: Callable[[str], str]) -> Counted:
    """Return every sample of every service as it is now; `address` tells where a port of the instance listens."""
    found: Counted = {}
    for service in SERVICES:
        text = httpx.get(f"{address(f'{service.port}_metrics')}/metrics", timeout=10, trust_env=False).text
        for line in text.splitlines():
            if not line.startswith("#"):
                sample, _, value = line.rpartition(" ")
                found[service.name, sample] = float(value)
    return found


def lag_s(now: Counted) -> float:
    """Return the age of the oldest event that any consumer has not applied."""
    return max((value for (_, sample), value in now.items() if sample.startswith(LAG)), default=0.0)


def events_per_message(before: Counted, after: Counted) -> dict[str, float]:
    """Return the events of one broker message, by who published it, and of `all`."""
    sums: dict[str, list[float]] = {}
    for service, _, events, batches in _grown(MESSAGES, before, after):
        for name in (service, "all"):
            total = sums.setdefault(name, [0.0, 0.0])
            total[0] += events
            total[1] += batches
    return {name: round(events / batches, 1) for name, (events, batches) in sums.items()}


def rows_per_transaction(before: Counted, after: Counted) -> dict[str, float]:
    """Return the webhooks that the door wrote in one transaction, and the events that each consumer applied in one."""
    found = {}
    for name in (DOOR, CONSUMED):
        for service, consumer, events, batches in _grown(name, before, after):
            found["door" if name == DOOR else f"{service}.{consumer}"] = round(events / batches, 1)
    return found


def _grown(
    name: str, before: Mapping[tuple[str, str], float], after: Counted
) -> Iterator[tuple[str, str, float, float]]:
    """Yield what a histogram grew by: service, consumer where there is one, sum and count."""
    for (service, sample), count in after.items():
        if not sample.startswith((f"{name}_count{{", f"{name}_count ")) and sample != f"{name}_count":
            continue
        summed = sample.replace("_count", "_sum", 1)
        batches = count - before.get((service, sample), 0.0)
        if batches > 0:
            consumer = sample.partition('consumer="')[2].partition('"')[0]
            yield service, consumer, after[service, summed] - before.get((service, summed), 0.0), batches

"""Traces where they are configured, nothing where they are not."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import tracing

INCOMING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Tracing into memory, nothing sampled by itself."""
    memory = InMemorySpanExporter()
    tracing.configure_tracing("contact", "1", None, ratio=0.0, exporter=memory)
    yield memory
    tracing.shut_down_tracing()
    tracing.configure_tracing("contact", "1", None)


def finished(exporter: InMemorySpanExporter) -> list[str]:
    tracing._provider.force_flush()
    return [span.name for span in exporter.get_finished_spans()]


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    code = (
        "import sys; from telemetry import tracing; tracing.configure_tracing('a', '1', None)\n"
        f"token = tracing.continue_trace('{INCOMING}')\n"
        f"with tracing.span('x') as s: assert s is None and tracing.current_traceparent() == '{INCOMING}'\n"
        "with tracing.start_batch_span('x', [None]) as s: assert s is None\n"
        "tracing.leave_trace(token); assert tracing.current_traceparent() is None\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_span_continues_the_callers_trace(exporter: InMemorySpanExporter) -> None:
    token = tracing.continue_trace(INCOMING)
    with tracing.span("GET /x", tenant_id="t"):
        inner = tracing.current_traceparent()
        assert tracing.current_ids()["trace_id"] == INCOMING.split("-")[1]
    tracing.leave_trace(token)
    assert inner is not None and inner.split("-")[1] == INCOMING.split("-")[1] and inner != INCOMING
    assert finished(exporter) == ["GET /x"]


def test_a_batch_is_one_span_with_a_link_to_each_event(exporter: InMemorySpanExporter) -> None:
    with tracing.start_batch_span("batch", [INCOMING, None, "rubbish", UNSAMPLED, INCOMING]) as batch:
        assert batch is not None
        assert len(batch.links) == 2  # type: ignore[attr-defined]


def test_a_failed_span_is_kept_although_it_was_not_sampled(exporter: InMemorySpanExporter) -> None:
    token = tracing.continue_trace(UNSAMPLED)
    with tracing.span("fine"):
        pass
    with pytest.raises(ValueError), tracing.span("bad"):
        raise ValueError
    tracing.leave_trace(token)
    assert finished(exporter) == ["bad"]

"""Traces: OpenTelemetry where an endpoint is set, nothing at all where none is.

The SDK is imported only when it is configured: it is slow to load. Without it, the `traceparent` of the caller is still
carried on, so that a chain of services stays one trace for whoever records it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Link, Span, Tracer

_continued: ContextVar[str | None] = ContextVar("traceparent", default=None)
_tracer: "Tracer | None" = None
_provider: Any = None

MAX_LINKS = 128


def configure_tracing(
    service: str, version: str, endpoint: str | None, ratio: float = 0.05, *, exporter: "SpanExporter | None" = None
) -> None:
    """Export spans by OTLP over HTTP to `endpoint`; None means no tracing. `exporter` stands in for it in tests.

    `ratio` of new traces is kept, by the parent's decision where there is one; failed spans and those over 1 s always.
    """
    global _tracer, _provider
    if endpoint is None and exporter is None:
        _tracer = _provider = None
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from telemetry.sampling import KeepWhatMatters, keep_or_record

    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{(endpoint or '').rstrip('/')}/v1/traces")
    resource = Resource.create({"service.name": service, "service.version": version})
    _provider = TracerProvider(resource=resource, sampler=keep_or_record(ratio))
    _provider.add_span_processor(KeepWhatMatters(exporter))
    _tracer = _provider.get_tracer("ventros")


def shut_down_tracing() -> None:
    """Export what waits, within a few seconds. Blocking: call it when everything else has ended."""
    if _provider is not None:
        _provider.force_flush(3000)
        _provider.shutdown()


def continue_trace(traceparent: str | None) -> "Token[str | None]":
    """Make `traceparent` (W3C) the parent of what follows; give the token to `leave_trace` afterwards."""
    return _continued.set(traceparent)


def leave_trace(token: "Token[str | None]") -> None:
    """Undo `continue_trace`."""
    _continued.reset(token)


def current_traceparent() -> str | None:
    """Return the `traceparent` that events and calls to our own services carry on."""
    if _tracer is not None:
        from opentelemetry import trace

        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return _continued.get()


def current_ids() -> dict[str, str]:
    """Return `trace_id` and `span_id` for the logs, or nothing."""
    traceparent = current_traceparent()
    if traceparent is None or traceparent.count("-") != 3:
        return {}
    _, trace_id, span_id, _ = traceparent.split("-")
    return {"trace_id": trace_id, "span_id": span_id}


@contextmanager
def span(name: str, **attributes: Any) -> "Iterator[Span | None]":
    """Run a block as a span, child of the present one or of the continued trace. Without tracing it yields None."""
    if _tracer is None:
        yield None
        return
    from opentelemetry import trace

    parent = None
    if not trace.get_current_span().get_span_context().is_valid:
        parent = _context_of(_continued.get())
    with _tracer.start_as_current_span(name, context=parent, attributes=_dotted(attributes)) as started:
        yield started


@contextmanager
def start_batch_span(name: str, traceparents: Sequence[str | None], **attributes: Any) -> "Iterator[Span | None]":
    """Run a block as one span with a link to each event's trace: a batch has many causes and no single parent."""
    if _tracer is None:
        yield None
        return
    from opentelemetry.context import Context

    links = [link for each in dict.fromkeys(traceparents) if (link := _link_to(each)) is not None][:MAX_LINKS]
    with _tracer.start_as_current_span(name, context=Context(), links=links, attributes=_dotted(attributes)) as started:
        yield started


def _context_of(traceparent: str | None) -> Any:
    if traceparent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _link_to(traceparent: str | None) -> "Link | None":
    from opentelemetry import trace

    context = trace.get_current_span(_context_of(traceparent)).get_span_context() if traceparent else None
    return trace.Link(context) if context is not None and context.is_valid else None


def _dotted(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in attributes.items() if value is not None}

"""Which spans are kept: the sampled ones, and those that failed or took long, whatever the sampler said.

Imported only where tracing is configured.
"""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags

SLOW_NS = 1_000_000_000


class _RecordWhatIsDropped(Sampler):
    """Asks another sampler; what that one drops is recorded, so that it can still be kept when it ends badly."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(self, *args: object, **kwargs: object) -> SamplingResult:
        result = self._inner.should_sample(*args, **kwargs)  # type: ignore[arg-type]
        if result.decision is Decision.DROP:
            return SamplingResult(Decision.RECORD_ONLY, result.attributes, result.trace_state)
        return result

    def get_description(self) -> str:
        return f"RecordWhatIsDropped({self._inner.get_description()})"


def keep_or_record(ratio: float) -> Sampler:
    """Return the sampler: the parent's decision, else `ratio` of the traces; the rest is only recorded."""
    return _RecordWhatIsDropped(ParentBased(TraceIdRatioBased(ratio)))


class KeepWhatMatters(SpanProcessor):
    """Exports in batches, off the event loop, what was sampled, what failed and what was slow."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._batch = BatchSpanProcessor(exporter)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._batch.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is not None and not context.trace_flags.sampled:
            failed = span.status.status_code is StatusCode.ERROR
            if not failed and (span.end_time or 0) - (span.start_time or 0) < SLOW_NS:
                return
            span = _as_sampled(span, context)
        self._batch.on_end(span)

    def shutdown(self) -> None:
        self._batch.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 3000) -> bool:
        return self._batch.force_flush(timeout_millis)


def _as_sampled(span: ReadableSpan, context: SpanContext) -> ReadableSpan:
    sampled = SpanContext(
        context.trace_id, context.span_id, context.is_remote, TraceFlags(TraceFlags.SAMPLED), context.trace_state
    )
    return ReadableSpan(
        name=span.name,
        context=sampled,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )

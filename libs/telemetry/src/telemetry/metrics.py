"""Prometheus metrics: one registry per process, `service` and `process` on every sample, children cached.

Families are constants of the module that counts: `SENT = counter("sent_total", "…", ("kind",))`; then
`SENT.labels("text").inc()`.
Labels come from closed sets only: never an id, a tenant, an address or a phone.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.samples import Sample

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 10.0, 30.0)
"""Buckets of every histogram of seconds."""

ITEMS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Buckets of histograms of counts."""

CONTENT_TYPE = CONTENT_TYPE_LATEST

M = TypeVar("M", Counter, Gauge, Histogram)

disable_created_metrics()  # type: ignore[no-untyped-call]
_registry = CollectorRegistry(auto_describe=False)
_families: dict[str, "Family[Any]"] = {}
_constants: dict[str, str] = {}


class Family(Generic[M]):
    """The children of one metric, by their label values."""

    def __init__(self, metric: M) -> None:
        self._metric: M = metric
        self._children: dict[tuple[str, ...], M] = {}

    def labels(self, *values: str) -> M:
        """Return the child with these label values, in the order in which the labels were declared."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child


def counter(name: str, description: str, labels: Sequence[str] = ()) -> Any:
    """Return a counter, or with `labels` its family. Asked twice for one name, it returns the same."""
    return _made(Counter, name, description, labels)


def gauge(name: str, description: str, labels: Sequence[str] = ()) -> Any:
    """Return a gauge, or with `labels` its family."""
    return _made(Gauge, name, description, labels)


def histogram(name: str, description: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = SECONDS) -> Any:
    """Return a histogram, or with `labels` its family."""
    return _made(Histogram, name, description, labels, buckets=buckets)


def _made(kind: type[M], name: str, description: str, labels: Sequence[str], **options: Any) -> Any:
    known = _families.get(name)
    if known is None:
        metric = kind(name, description, tuple(labels), registry=_registry, **options)
        known = _families[name] = Family(metric)
    elif not isinstance(known._metric, kind) or known._metric._labelnames != tuple(labels):
        raise ValueError(f"the metric {name} is defined twice and differently")
    return known if labels else known._metric


def configure_metrics(service: str, version: str, process: str = "run", revision: str = "") -> None:
    """Set the labels that every sample carries, and `build_info`. Call once, at start."""
    _constants.update(service=service, process=process)
    gauge("build_info", "1, with what runs here", ("version", "revision")).labels(version, revision).set(1)
    if "process" not in _families:
        ProcessCollector(registry=_registry)
        _families["process"] = Family(Gauge("process_observed", "1", registry=None))


def render() -> bytes:
    """Return the Prometheus text of this process."""
    return generate_latest(_Labelled())


def value_of(name: str, **labels: str) -> float:
    """Return the present value of a sample (0 when it does not exist yet): for tests and health."""
    return _registry.get_sample_value(name, labels) or 0.0


class _Labelled(CollectorRegistry):
    """The registry as it is scraped: every sample carries the process's own labels."""

    def __init__(self) -> None:
        super().__init__(auto_describe=False)

    def collect(self) -> Iterator[Metric]:
        for metric in _registry.collect():
            metric.samples = [_with_constants(sample) for sample in metric.samples]
            yield metric


def _with_constants(sample: Sample) -> Sample:
    return sample._replace(labels={**_constants, **sample.labels})

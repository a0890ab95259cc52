"""The factory of metrics and what a scrape shows."""

import pytest
from telemetry import metrics


def test_every_sample_carries_service_and_process() -> None:
    metrics.configure_metrics("contact", "1.2.3")
    family = metrics.counter("toys_total", "toys", ("kind",))
    family.labels("ball").inc(2)
    text = metrics.render().decode()
    assert 'toys_total{kind="ball",process="run",service="contact"} 2.0' in text
    assert 'build_info{process="run",revision="",service="contact",version="1.2.3"} 1.0' in text
    assert "process_resident_memory_bytes{" in text
    assert "_created" not in text


def test_children_are_made_once_and_one_name_is_one_metric() -> None:
    family = metrics.counter("balls_total", "balls", ("kind",))
    assert family.labels("a") is family.labels("a")
    assert metrics.counter("balls_total", "balls", ("kind",)) is family
    with pytest.raises(ValueError, match="defined twice"):
        metrics.gauge("balls_total", "balls")


def test_seconds_share_their_buckets() -> None:
    metrics.histogram("naps_seconds", "naps").observe(0.3)
    text = metrics.render().decode()
    assert 'naps_seconds_bucket{le="0.2"' in text and 'le="0.4"' in text and 'le="30.0"' in text

"""Which of the events that rules could hear are kept."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_automation.domain.sampling import MOST_AT_ONCE, PER_MINUTE, Sampling

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ONE, OTHER = ("tenant", "one"), ("tenant", "other")


def test_a_quiet_project_keeps_everything() -> None:
    sampling = Sampling()
    for minute in range(100):
        assert sampling.pick([ONE] * PER_MINUTE, NOON + timedelta(minutes=minute)) == list(range(PER_MINUTE))


def test_of_a_burst_the_newest_are_kept_and_other_projects_lose_nothing() -> None:
    sampling = Sampling()
    batch = [ONE] * (MOST_AT_ONCE + 100) + [OTHER]
    assert sampling.pick(batch, NOON) == list(range(100, MOST_AT_ONCE + 101))
    assert sampling.pick([ONE, OTHER], NOON) == [1]
    assert sampling.pick([ONE] * 50, NOON + timedelta(minutes=1)) == list(range(40, 50))


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 600), st.integers(0, 300)), max_size=20))
def test_a_project_never_keeps_more_than_its_store_and_what_flows_in(batches: list[tuple[float, int]]) -> None:
    sampling, now, kept = Sampling(), NOON, 0
    for pause_s, size in batches:
        now += timedelta(seconds=pause_s)
        kept += len(sampling.pick([ONE] * size, now))
    assert kept <= MOST_AT_ONCE + (now - NOON).total_seconds() / 60 * PER_MINUTE + 1

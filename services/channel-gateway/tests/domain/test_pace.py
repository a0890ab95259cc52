"""A channel's pace: what token buckets promise, whatever is asked of them and when."""

import random
from datetime import UTC, datetime, timedelta

from channel_gateway.domain.channel import DEFAULT_PACE
from channel_gateway.domain.pace import Bucket, pace_of
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@given(
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 50),
    asks=st.lists(st.tuples(st.floats(0, 30), st.integers(0, 60)), max_size=60),
)
def test_never_more_than_the_burst_and_what_has_been_earned_since(
    per_minute: int, burst: int, asks: list[tuple[float, int]]
) -> None:
    bucket = Bucket(60 / per_minute, burst)
    next_at: datetime | None = None
    taken: list[tuple[datetime, int]] = []
    now = NOW
    for pause_s, wanted in asks:
        now += timedelta(seconds=pause_s)
        count = min(wanted, bucket.left(next_at, now))
        assert 0 <= count <= burst
        next_at = bucket.taken(count, next_at, now, random.random)
        taken.append((now, count))
    for position, (since, _) in enumerate(taken):
        for until, _ in taken[position:]:
            sent = sum(count for at, count in taken if since <= at <= until)
            assert sent <= burst + (until - since).total_seconds() * per_minute / 60 + 1e-6


@given(burst=st.integers(1, 20), every_s=st.floats(0.1, 10), ahead=st.integers(1, 40))
def test_the_wait_is_exactly_until_one_more_may_go(burst: int, every_s: float, ahead: int) -> None:
    bucket = Bucket(every_s, burst)
    next_at = NOW + timedelta(seconds=every_s * ahead)
    wait_s = bucket.wait_s(next_at, NOW)
    assert bucket.left(next_at, NOW + timedelta(seconds=wait_s + 0.001)) >= 1
    if wait_s > 0.01:
        assert bucket.left(next_at, NOW + timedelta(seconds=wait_s - 0.005)) == 0


@given(seed=st.integers())
def test_jitter_changes_each_distance_and_not_the_rate(seed: int) -> None:
    rand = random.Random(seed).random
    bucket = Bucket(3.0, 1, jitter=0.4)
    distances = []
    at = NOW
    for _ in range(300):
        after = bucket.taken(1, at, at, rand)
        distances.append((after - at).total_seconds())
        at = after
    assert all(1.8 - 1e-6 <= each <= 4.2 + 1e-6 for each in distances)
    assert len({round(each, 3) for each in distances}) > 100
    assert 2.8 < sum(distances) / len(distances) < 3.2


def test_a_number_on_waha_sends_20_a_minute_by_itself_and_60_for_people() -> None:
    pace = pace_of(DEFAULT_PACE)
    assert (pace.automated.every_s, pace.automated.burst, pace.automated.jitter) == (3.0, 5, 0.4)
    assert (pace.high.every_s, pace.high.burst) == (1.0, 20)

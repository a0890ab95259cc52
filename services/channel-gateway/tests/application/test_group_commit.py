"""Who waits together is written together, and nobody pays for a neighbour's bad data."""

import asyncio
import random
import time
from collections.abc import Sequence

import pytest
from channel_gateway.application.group_commit import GroupCommit, Pace
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel.errors import DomainError
from kernel.failures import Failure


class AwayError(Exception):
    """The database is not there."""


class MetError(Exception):
    """Two transactions met."""


class BadError(Exception):
    """The data cannot be stored."""


def classify(error: BaseException) -> Failure:
    kinds = {AwayError: Failure.INFRASTRUCTURE, MetError: Failure.CONFLICT}
    return kinds.get(type(error), Failure.DETERMINISTIC)


class Store:
    """Writes numbers; what is in `bad` spoils its whole batch."""

    def __init__(self, *, bad: set[int] | None = None, takes_s: float = 0.0, failing: list[Exception] | None = None):
        self.bad = bad or set()
        self.takes_s = takes_s
        self.failing = failing or []
        self.committed: list[list[int]] = []
        self.attempts = 0
        self.salvaged: list[int] = []

    async def write(self, items: Sequence[int]) -> list[str]:
        self.attempts += 1
        await asyncio.sleep(self.takes_s)
        if self.failing:
            raise self.failing.pop(0)
        if self.bad.intersection(items):
            raise BadError
        self.committed.append(list(items))
        return [f"wrote {item}" for item in items]

    async def salvage(self, item: int, error: BaseException) -> str:
        self.salvaged.append(item)
        return f"kept {item}"

    def commits(self, **pace: float) -> GroupCommit[int, str]:
        return GroupCommit(
            self.write,
            self.salvage,
            classify=classify,
            weigh=lambda _: 1,
            pace=Pace(**pace),  # type: ignore[arg-type]
        )


async def test_one_alone_waits_for_nobody() -> None:
    store = Store()
    commits = store.commits(wait_s=5.0)
    started = time.monotonic()
    assert [await commits.join(number) for number in range(3)] == ["wrote 0", "wrote 1", "wrote 2"]
    assert time.monotonic() - started < 4
    assert store.committed == [[0], [1], [2]]


async def test_what_comes_while_a_batch_is_written_is_the_next_batch() -> None:
    store = Store(takes_s=0.02)
    commits = store.commits(rest_s=0)
    outcomes = await asyncio.gather(*(commits.join(number) for number in range(100)))
    assert outcomes == [f"wrote {number}" for number in range(100)]
    late = asyncio.gather(*(commits.join(number) for number in range(100, 110)))
    await asyncio.sleep(0.005)
    more = asyncio.gather(*(commits.join(number) for number in range(110, 150)))
    await asyncio.gather(late, more)
    assert [len(batch) for batch in store.committed] == [100, 10, 40]
    assert [number for batch in store.committed for number in batch] == list(range(150))


async def test_a_rest_ends_when_all_who_wait_for_an_answer_are_here() -> None:
    takes_s = 0.6
    store = Store(takes_s=takes_s)
    commits = store.commits(rest_s=10, quiet_s=0.01)

    async def posts_twice(number: int) -> None:
        await commits.join(number)
        await commits.join(number + 100)

    started = time.monotonic()
    await asyncio.gather(*(posts_twice(number) for number in range(16)))
    assert [len(batch) for batch in store.committed] == [16, 16]
    assert time.monotonic() - started < 2.7 * takes_s  # the whole rest, as long as it wrote, would make it 3


async def test_a_rest_goes_on_while_somebody_comes() -> None:
    store = Store(takes_s=0.3)
    commits = store.commits(rest_s=10, quiet_s=0.1)
    first = [asyncio.ensure_future(commits.join(number)) for number in range(2)]
    await asyncio.wait(first)
    later = []
    for number in range(2, 8):
        later.append(asyncio.ensure_future(commits.join(number)))
        await asyncio.sleep(0.02)
    await asyncio.gather(*later)
    assert store.committed == [[0, 1], [2, 3, 4, 5, 6, 7]]


async def test_a_batch_is_cut_by_number_and_by_weight() -> None:
    store = Store()
    commits = store.commits(most=30)
    await asyncio.gather(*(commits.join(number) for number in range(100)))
    assert [len(batch) for batch in store.committed] == [30, 30, 30, 10]
    heavy = Store()
    by_weight: GroupCommit[int, str] = GroupCommit(
        heavy.write, heavy.salvage, classify=classify, weigh=lambda item: item, pace=Pace(most_bytes=100)
    )
    await asyncio.gather(*(by_weight.join(weight) for weight in (60, 50, 50, 500, 1)))
    assert heavy.committed == [[60], [50, 50], [500], [1]]


async def test_nobody_is_answered_before_the_commit() -> None:
    store = Store(takes_s=0.05)
    waiting = asyncio.ensure_future(store.commits().join(1))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await waiting
    assert store.committed == [[1]]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.sets(st.integers(0, 39)))
def test_bad_ones_fail_alone_and_the_others_are_written_once_in_order(number: int, bad: set[int]) -> None:
    async def run() -> None:
        store = Store(bad=bad)
        commits = store.commits()
        outcomes = await asyncio.gather(*(commits.join(item) for item in range(number)))
        expected = [f"kept {item}" if item in bad else f"wrote {item}" for item in range(number)]
        assert outcomes == expected
        written = [item for batch in store.committed for item in batch]
        assert written == [item for item in range(number) if item not in bad]
        assert store.salvaged == sorted(bad & set(range(number)))

    asyncio.run(run())


async def test_one_that_cannot_even_be_salvaged_is_refused_alone() -> None:
    store = Store(bad={3})

    async def salvage(item: int, error: BaseException) -> str:
        raise BadError

    commits: GroupCommit[int, str] = GroupCommit(
        store.write, salvage, classify=classify, weigh=lambda _: 1, pace=Pace()
    )
    outcomes = await asyncio.gather(*(commits.join(item) for item in range(6)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, DomainError)]
    assert [each.code for each in refused] == ["dependency_unavailable"]
    assert isinstance(outcomes[3], DomainError)


async def test_a_conflict_is_repeated_whole_and_never_halved() -> None:
    store = Store(failing=[MetError(), MetError(), MetError()])
    outcomes = await asyncio.gather(*(commits.join(item) for commits in [store.commits()] for item in range(4)))
    assert len(outcomes) == 4
    assert store.committed == [[0, 1, 2, 3]]
    assert store.attempts == 4


async def test_a_lost_connection_is_tried_once_more_and_a_database_that_is_away_refuses_all() -> None:
    store = Store(failing=[AwayError()])
    assert await store.commits().join(1) == "wrote 1"
    away = Store(failing=[AwayError(), AwayError()])
    commits = away.commits()
    outcomes = await asyncio.gather(*(commits.join(item) for item in range(5)), return_exceptions=True)
    assert all(isinstance(each, DomainError) and each.code == "dependency_unavailable" for each in outcomes)
    assert all(isinstance(each, DomainError) and each.facts["retry_after"] for each in outcomes)
    assert (away.committed, away.salvaged, away.attempts) == ([], [], 2)
    assert await commits.join(9) == "wrote 9"  # it is back


async def test_a_database_that_does_not_answer_keeps_nobody_waiting() -> None:
    store = Store(takes_s=60)
    commits = store.commits(deadline_s=0.2)
    started = time.monotonic()
    first = asyncio.ensure_future(commits.join(1))
    await asyncio.sleep(0.1)
    behind = asyncio.ensure_future(commits.join(2))
    outcomes = await asyncio.gather(first, behind, return_exceptions=True)
    assert all(isinstance(each, DomainError) for each in outcomes)
    assert time.monotonic() - started < 5
    store.takes_s = 0
    assert await commits.join(3) == "wrote 3"


async def test_who_hung_up_does_not_disturb_the_others() -> None:
    store = Store(takes_s=0.02)
    commits = store.commits()
    joins = [asyncio.ensure_future(commits.join(item)) for item in range(5)]
    await asyncio.sleep(0.005)
    joins[2].cancel()
    outcomes = await asyncio.gather(*joins, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in outcomes] == [False, False, True, False, False]
    assert store.committed == [[0, 1, 2, 3, 4]]


async def test_too_much_waiting_is_refused_at_once() -> None:
    store = Store(takes_s=0.05)
    commits: GroupCommit[int, str] = GroupCommit(
        store.write, store.salvage, classify=classify, weigh=lambda _: 40 * 1024 * 1024, pace=Pace()
    )
    outcomes = await asyncio.gather(*(commits.join(item) for item in range(4)), return_exceptions=True)
    assert [isinstance(each, DomainError) for each in outcomes] == [False, True, True, True]


async def test_under_load_the_first_to_come_back_waits_for_the_others() -> None:
    """Sixty who ask again as soon as they are answered: not one commit for the first and one for the rest."""
    store = Store(takes_s=0.004)
    commits = store.commits()
    draw = random.Random(7)

    async def ask_and_ask_again(number: int) -> None:
        for turn in range(10):
            await commits.join(number * 100 + turn)
            await asyncio.sleep(draw.random() * 0.001)

    await asyncio.gather(*(ask_and_ask_again(number) for number in range(60)))
    sizes = [len(batch) for batch in store.committed]
    assert sum(sizes) == 600
    assert len(sizes) < 35, sizes


async def test_after_a_large_batch_those_who_were_answered_and_those_who_waited_are_written_together() -> None:
    """Two groups of thirty would take turns for ever, each waiting for the other's commit."""

    async def largest_of_two_groups(rest_s: float) -> int:
        store = Store(takes_s=0.008)
        commits = store.commits(rest_s=rest_s)

        async def ask_and_ask_again(number: int) -> None:
            await asyncio.sleep(0.004 * (number % 2))
            for turn in range(6):
                await commits.join(number * 100 + turn)
                await asyncio.sleep(0.003)

        await asyncio.gather(*(ask_and_ask_again(number) for number in range(60)))
        return max(len(batch) for batch in store.committed)

    assert await largest_of_two_groups(rest_s=0) == 30
    assert await largest_of_two_groups(rest_s=0.01) == 60


@pytest.mark.parametrize("answered", [0, 1])
async def test_the_flusher_ends_when_nobody_waits(answered: int) -> None:
    commits = Store().commits()
    for number in range(answered):
        await commits.join(number)
    await asyncio.sleep(0.01)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("group commit")]

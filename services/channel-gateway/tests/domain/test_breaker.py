"""A server that fails is left alone, and tried carefully afterwards."""

from channel_gateway.domain.breaker import OPEN_S, PROBES, Breaker


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def play(breaker: Breaker, *ill: bool) -> None:
    for each in ill:
        breaker.started()
        breaker.ended(ill=each)


def test_it_opens_at_sixty_percent_of_ten_calls() -> None:
    few, some, many = Breaker(Clock()), Breaker(Clock()), Breaker(Clock())
    play(few, *[True] * 9)
    play(some, *[False] * 5, *[True] * 5)
    play(many, *[False] * 4, *[True] * 6)
    assert [breaker.state for breaker in (few, some, many)] == ["closed", "closed", "open"]
    assert (some.may_start(7), many.may_start(7)) == (7, 0)


def test_a_server_that_has_just_come_back_is_not_left_alone() -> None:
    breaker = Breaker(Clock())
    play(breaker, *[True] * 9, False)
    assert breaker.state == "closed"
    play(breaker, True)
    assert breaker.state == "open"


def test_old_failures_count_for_nothing() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    play(breaker, *[True] * 9)
    clock.now += 61
    play(breaker, True)
    assert breaker.state == "closed"


def test_after_thirty_seconds_it_is_tried_with_five_calls() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    play(breaker, *[True] * 10)
    clock.now += OPEN_S
    assert (breaker.state, breaker.may_start(20)) == ("half_open", PROBES)
    for _ in range(PROBES):
        breaker.started()
    assert breaker.may_start(20) == 0
    for _ in range(PROBES):
        breaker.ended(ill=False)
    assert (breaker.state, breaker.may_start(20)) == ("closed", 20)


def test_one_bad_probe_opens_it_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    play(breaker, *[True] * 10)
    clock.now += OPEN_S
    play(breaker, False, True)
    assert breaker.state == "open"
    clock.now += OPEN_S
    assert breaker.may_start(20) == PROBES

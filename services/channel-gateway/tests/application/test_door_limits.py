"""How much one channel and one address may take of the door, by a clock that the tests hold."""

import pytest
from channel_gateway.application.door_limits import MOST_COUNTED, DoorLimits, Window
from kernel.errors import DomainError


class Watch:
    """What time it is."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def test_a_window_lets_so_many_through_and_then_says_how_long_to_wait() -> None:
    window = Window(3, 60)
    assert [window.count("a", 100.0) for _ in range(3)] == [0, 0, 0]
    assert (window.count("a", 112.5), window.full_s("a", 112.5)) == (48, 48)
    assert (window.count("b", 112.5), window.full_s("b", 112.5)) == (0, 0)
    assert (window.full_s("a", 160.0), window.count("a", 160.0), window.full_s("a", 160.0)) == (0, 0, 0)


def test_who_comes_beyond_those_that_are_counted_shares_one_count() -> None:
    window = Window(2, 60)
    assert {window.count(str(number), 100.0) for number in range(MOST_COUNTED)} == {0}
    assert [window.count(name, 100.0) for name in ("new", "newer", "newest")] == [0, 0, 60]
    assert window.count("7", 100.0) == 0
    assert window.count("newest", 160.0) == 0


def test_a_channel_has_a_ceiling_for_a_minute_and_one_for_a_second() -> None:
    watch = Watch()
    limits = DoorLimits(minute=Window(5, 60), burst=Window(3, 1), unsigned=Window(1, 60), now=watch)

    def wait_of(channel: str) -> int:
        try:
            limits.count_genuine(channel)
        except DomainError as error:
            assert error.code == "rate_limited"
            return int(error.facts["retry_after"])
        return 0

    assert [wait_of("a") for _ in range(4)] == [0, 0, 0, 1]
    assert wait_of("b") == 0
    watch.s += 1
    assert [wait_of("a") for _ in range(3)] == [0, 0, 59]


def test_only_strangers_count_by_their_address() -> None:
    limits = DoorLimits(minute=Window(5, 60), burst=Window(5, 1), unsigned=Window(1, 60), now=lambda: 100.0)
    limits.look_at_unsigned("192.0.2.1")
    limits.count_stranger("192.0.2.1")
    limits.look_at_unsigned("192.0.2.2")
    for refused in (limits.look_at_unsigned, limits.count_stranger):
        with pytest.raises(DomainError, match="not genuine"):
            refused("192.0.2.1")

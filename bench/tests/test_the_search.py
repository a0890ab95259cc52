"""The search finds the highest rate that holds, from wherever it begins."""

import pytest
from search import highest


@pytest.mark.parametrize("truth", [37.0, 812.0, 2150.0, 9000.0])
@pytest.mark.parametrize("begin", [50.0, 2000.0])
def test_within_five_per_cent(truth: float, begin: float) -> None:
    found = highest(lambda rate: rate <= truth, begin)
    assert truth / 1.05 <= found <= truth


def test_a_line_that_carries_nothing_is_said_so() -> None:
    with pytest.raises(SystemExit, match="not even"):
        highest(lambda rate: False, 1000)

"""Partitions are part of the wire. The expected numbers come from coreutils, not from our code:

`printf %s KEY | b2sum | cut -c1-16`, read as a hexadecimal number, modulo the partitions.
"""

import pytest
from contracts.partition import partition_of

VECTORS = [
    # key, partition of 2, of 4, of 8
    ("a", 1, 1, 1),
    ("01980f3e-0010-7000-8000-000000000010:12025550143@c.us", 0, 2, 2),
    ("01980f3e-0010-7000-8000-000000000010:01980f3e-0011-7000-8000-000000000011", 1, 3, 3),
    ("120363041234567890@g.us", 1, 1, 5),
    ("João 💚", 0, 0, 0),
    ("中文:84710983302541@lid", 1, 3, 3),
    ("", 1, 3, 3),
]


@pytest.mark.parametrize(("key", "of_two", "of_four", "of_eight"), VECTORS)
def test_a_key_lies_where_every_release_expects_it(key: str, of_two: int, of_four: int, of_eight: int) -> None:
    assert [partition_of(key, partitions) for partitions in (2, 4, 8)] == [of_two, of_four, of_eight]


def test_many_chats_spread_evenly() -> None:
    counts = [0] * 8
    for number in range(8_000):
        counts[partition_of(f"channel:{number}", 8)] += 1
    assert min(counts) > 900, counts

"""What a search text may mean."""

import pytest
from contact.domain.search_text import folded, words_of, words_within
from contact.domain.sought import Sought, beginning
from hypothesis import given
from hypothesis import strategies as st

names = st.text(st.characters(categories=["L", "N", "P", "Zs", "S"]), min_size=1, max_size=60)


@given(names)
def test_every_word_of_a_name_is_found_at_its_beginning_or_within(name: str) -> None:
    for word in words_of(name):
        assert folded(name).startswith(word) or word in words_within(name)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_range_holds_exactly_what_begins_with_the_text(text: str, other: str) -> None:
    low, high = beginning(text)

    assert low <= text + other < high or "\U0010ffff" in other
    if not other.startswith(text):
        assert not low <= other < high


@given(st.text(max_size=300))
def test_folding_fits_an_index(text: str) -> None:
    assert len(folded(text).encode()) <= 1020


def test_the_longest_ligature_does_not_lengthen_a_name_beyond_what_an_index_holds() -> None:
    assert len(folded("\ufdfa" * 255)) == 255


@pytest.mark.parametrize("text", ["José ÁLVARES", "jose alvares", "JOSE\u0301 a\u0301lvares"])
def test_case_and_accents_do_not_matter(text: str) -> None:
    assert words_of(text) == ["jose", "alvares"]


@pytest.mark.parametrize("typed", ["+55 11 98765-4321", "5511987654321", "(11) 98765-4321", "11 8765-4321"])
def test_a_phone_is_sought_with_and_without_country_and_ninth_digit(typed: str) -> None:
    assert "5511987654321" in Sought.of(typed).phones


@pytest.mark.parametrize("typed", ["ana", "12", "room 101", "a1b2c3"])
def test_what_is_no_phone_is_not_sought_among_phones(typed: str) -> None:
    assert Sought.of(typed).phones == ()
    assert Sought.of(typed).phone_end is None

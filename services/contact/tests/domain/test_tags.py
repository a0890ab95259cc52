"""Tags are a set: case does not tell two apart, and each stays as it was first written."""

import pytest
from contact.domain.tags import MOST_TAGS, read_tag, read_tags, replaced, retagged, tag_key
from hypothesis import given
from hypothesis import strategies as st
from kernel.errors import DomainError

# Written by hand, so that the rule is not compared with itself: spellings of one tag stand together.
SAME = [
    ["VIP", "vip", "Vip"],
    ["São Paulo", "SÃO PAULO", "sa\u0303o paulo"],
    ["Straße", "STRASSE"],
    ["новый", "НОВЫЙ"],
    ["Sao Paulo"],
    ["lead"],
]
IDENTITY = {spelling: number for number, same in enumerate(SAME) for spelling in same}
IDENTITY["são paulo"] = IDENTITY["São Paulo"]  # composed, as it is stored
spellings = st.sampled_from(list(IDENTITY))
changes = st.lists(st.tuples(st.booleans(), spellings), max_size=40)


@given(changes)
def test_any_sequence_of_adding_and_removing_leaves_what_a_set_would_hold_as_first_written(
    steps: list[tuple[bool, str]],
) -> None:
    tags: tuple[str, ...] = ()
    expected: dict[int, str] = {}  # in the order of arrival

    for adding, text in steps:
        tag, which = read_tag(text, "/tag"), IDENTITY[text]
        change = retagged(tags, add=[tag]) if adding else retagged(tags, remove=[tag])
        assert change.is_change is (adding is (which not in expected))
        if adding:
            expected.setdefault(which, tag)
        else:
            expected.pop(which, None)
        tags = change.tags
        assert tags == tuple(expected.values())


@given(st.lists(spellings, max_size=8), st.lists(spellings, max_size=8))
def test_what_came_and_what_went_is_the_difference(before: list[str], wanted: list[str]) -> None:
    tags, others = read_tags(before, "/tags"), read_tags(wanted, "/tags")
    had, wants = [IDENTITY[tag] for tag in tags], [IDENTITY[tag] for tag in others]
    assert (had, wants) == (
        list(dict.fromkeys(IDENTITY[tag] for tag in before)),
        list(dict.fromkeys(IDENTITY[tag] for tag in wanted)),
    )

    change = replaced(tags, others)

    assert [IDENTITY[tag] for tag in change.tags] == wants
    assert {IDENTITY[tag] for tag in change.added} == set(wants) - set(had)
    assert {IDENTITY[tag] for tag in change.removed} == set(had) - set(wants)
    assert set(change.tags) - set(change.added) <= set(tags), "who stays keeps the spelling"
    assert retagged(tags, add=change.added, remove=change.removed).is_change is change.is_change


@given(st.text(min_size=1, max_size=64))
def test_a_tag_that_is_accepted_is_stored_as_it_will_be_read(text: str) -> None:
    try:
        tag = read_tag(text, "/tag")
    except DomainError:
        return
    assert read_tag(tag, "/tag") == tag
    assert tag_key(tag_key(tag)) == tag_key(tag)
    assert tag == tag.strip()


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "too_short"), (" \t ", "too_short"), ("x" * 65, "too_long"), ("a\nb", "bad_format"), ("a\x00", "bad_format")],
)
def test_what_is_no_tag_is_refused_by_its_field(text: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        read_tag(text, "/add/3")

    assert [(each.pointer, each.code) for each in refused.value.fields] == [("/add/3", code)]


def test_a_contact_carries_a_hundred_tags_and_no_more() -> None:
    hundred = tuple(f"tag {number}" for number in range(MOST_TAGS))

    assert retagged(hundred[:-1], add=[hundred[-1]]).tags == hundred
    assert not retagged(hundred, add=["TAG 7"]).is_change
    assert len(retagged(hundred, add=["new"], remove=["tag 1"]).tags) == MOST_TAGS
    with pytest.raises(DomainError, match="too_many"):
        retagged(hundred, add=["new"])

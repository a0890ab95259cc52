"""What we know of a contact does not depend on the order in which it was heard."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pipeline_automation.domain.known_contact import (
    Change,
    FieldChange,
    KnownContact,
    LifeChange,
    Snapshot,
    TagChange,
)

WISH = st.one_of(
    st.tuples(st.just("name"), st.sampled_from("ABC")),
    st.tuples(st.sampled_from(("add", "remove")), st.sampled_from(("vip", "VIP", "new", "lost"))),
    st.tuples(st.sampled_from(("one", "two")), st.sampled_from((None, 1, "x"))),
    st.tuples(st.just("deleted"), st.booleans()),
)


def history(wishes: list[tuple[str, Any]]) -> Iterator[Change]:
    """Tell a contact's story as its owner does: one version more for each change."""
    name, tags, fields = "Ana", dict[str, str](), dict[str, Any]()
    yield Snapshot(version=1, name=name)
    for version, (what, value) in enumerate(wishes, start=2):
        if what == "name":
            name = value
            yield Snapshot(version=version, name=name, tags=tuple(tags.values()), custom_fields=dict(fields))
        elif what == "add":
            tags.setdefault(value.casefold(), value)
            yield TagChange(version, tags[value.casefold()], present=True)
        elif what == "remove":
            tags.pop(value.casefold(), None)
            yield TagChange(version, value, present=False)
        elif what == "deleted":
            yield LifeChange(version, deleted=value)
        else:
            fields = {key: each for key, each in {**fields, what: value}.items() if each is not None}
            yield FieldChange(version, what, value)


def seen(contact: KnownContact) -> tuple[Any, ...]:
    assert contact.snapshot is not None
    return contact.snapshot.name, set(contact.tags), contact.custom_fields, contact.life.deleted


@given(data=st.data(), wishes=st.lists(WISH, max_size=12))
def test_any_order_of_arrival_with_repeats_ends_in_the_same_contact(data: st.DataObject, wishes: list[Any]) -> None:
    told = list(history(wishes))
    in_order = KnownContact(tenant_id="t", project_id="p", id="c")
    for change in told:
        in_order.hear(change)
    expected = dict[str, str]()
    for change in told:
        if isinstance(change, TagChange):
            expected.pop(change.tag.casefold(), None)
            expected |= {change.tag.casefold(): change.tag} if change.present else {}

    shuffled = KnownContact(tenant_id="t", project_id="p", id="c")
    for change in data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=4)))):
        shuffled.hear(change)

    assert {tag.casefold() for tag in in_order.tags} == set(expected)
    assert seen(shuffled) == seen(in_order)


def test_single_changes_wait_for_the_description_of_their_contact() -> None:
    contact = KnownContact(tenant_id="t", project_id="p", id="c")
    contact.hear(TagChange(5, "vip", present=True))
    contact.hear(TagChange(2, "old", present=True))

    contact.hear(Snapshot(version=3, name="Ana", tags=("new",)))

    assert contact.tags == ("new", "vip")
    assert list(contact.later_tags) == ["vip"]

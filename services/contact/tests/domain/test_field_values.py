"""Values of custom fields: what each type takes, what it refuses, and that what was taken stays what it is."""

import json
import math
from typing import Any

import pytest
from contact.domain.custom_field import Definition, changed_keys, first_values, new_definition, values_after
from contact.domain.field_values import LARGEST_INTEGER, TYPES
from hypothesis import given
from hypothesis import strategies as st
from kernel.errors import DomainError

OPTIONS = ("small", "medium", "large")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ACCEPTED: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=200),
    "number": st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.dates().map(lambda day: day.isoformat())
    | st.datetimes().map(lambda time: time.isoformat(timespec="milliseconds") + "-03:00"),
    "json": st.lists(st.integers(-5, 5)) | st.dictionaries(st.text(max_size=8), st.booleans()) | st.text(max_size=20),
    "url": st.from_regex(r"https?://[a-z]{1,10}\.example(/[a-z]{0,10})?(\?q=[a-z]{1,5})?", fullmatch=True),
    "email": st.from_regex(r"[A-Za-z.+]{1,20}@[a-z]{1,10}\.[a-z]{2,5}", fullmatch=True),
    "phone": st.from_regex(r"\(?[1-9][1-9]\)? ?9[0-9]{4}-?[0-9]{4}", fullmatch=True).filter(str.isascii),
    "select": st.sampled_from(OPTIONS),
    "multi_select": st.lists(st.sampled_from(OPTIONS), max_size=5),
    "label": st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=50),
}
assert set(ACCEPTED) == set(TYPES)


def a_field(type: str, **more: Any) -> Definition:
    options = {"options": list(OPTIONS)} if type in ("select", "multi_select") else {}
    return new_definition({"key": "field", "type": type, **options, **more})


@given(st.sampled_from(TYPES).flatmap(lambda type: st.tuples(st.just(type), ACCEPTED[type])))
def test_a_value_of_its_type_is_taken_and_reads_back_the_same(case: tuple[str, Any]) -> None:
    type, given_value = case

    value = a_field(type).value_of(given_value, "/value")

    assert json.loads(json.dumps(value)) == value
    assert a_field(type).value_of(value, "/value") == value


@given(st.sampled_from(TYPES), json_values)
def test_any_json_is_taken_in_the_shape_of_the_type_or_refused_by_its_pointer(type: str, given_value: Any) -> None:
    try:
        value = a_field(type).value_of(given_value, "/value")
    except DomainError as refusal:
        assert refusal.code == "validation_failed"
        assert all(each.pointer.startswith("/value") for each in refusal.fields)
        return
    shapes: dict[str, Any] = {"number": int | float, "boolean": bool, "multi_select": list, "json": object}
    assert isinstance(value, shapes.get(type, str))
    assert not (type == "number" and isinstance(value, bool))
    assert not (type == "number" and not math.isfinite(value))


@pytest.mark.parametrize(
    ("type", "value", "code"),
    [
        ("text", 5, "wrong_type"),
        ("text", "x" * 10_001, "too_long"),
        ("number", "5", "wrong_type"),
        ("number", True, "wrong_type"),
        ("number", 2**53, "out_of_range"),
        ("boolean", 1, "wrong_type"),
        ("boolean", "true", "wrong_type"),
        ("date", "04/03/2026", "bad_format"),
        ("date", "2026-02-30", "bad_format"),
        ("date", "2026-03-04T05:06:07", "bad_format"),
        ("json", ["x" * 17_000], "too_long"),
        ("json", {"deep": [2**60]}, "out_of_range"),
        ("url", "example.com", "bad_format"),
        ("url", "javascript:alert(1)", "bad_format"),
        ("url", "https://exa mple.com", "bad_format"),
        ("email", "nobody", "bad_format"),
        ("phone", "not a number", "bad_format"),
        ("select", "huge", "not_in_enum"),
        ("select", ["small"], "wrong_type"),
        ("multi_select", "small", "wrong_type"),
        ("label", "two\nlines", "bad_format"),
        ("label", " ", "too_short"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_reason(type: str, value: Any, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        a_field(type).value_of(value, "/custom_fields/field")

    assert [(each.pointer, each.code) for each in refused.value.fields] == [("/custom_fields/field", code)]


def test_values_are_stored_in_one_form() -> None:
    assert a_field("email").value_of(" Ana@Example.COM ", "/value") == "ana@example.com"
    assert a_field("phone").value_of("(11) 98765-4321", "/value") == "+5511987654321"
    assert a_field("multi_select").value_of(["large", "small", "large"], "/value") == ["large", "small"]


@pytest.mark.parametrize(
    ("given_definition", "pointer", "code"),
    [
        ({"key": "Size", "type": "text"}, "/key", "bad_format"),
        ({"key": "9lives", "type": "text"}, "/key", "bad_format"),
        ({"key": "lead_score", "type": "number"}, "/key", "not_allowed"),
        ({"key": "size", "type": "select"}, "/options", "missing"),
        ({"key": "size", "type": "multi_select", "options": []}, "/options", "missing"),
        ({"key": "size", "type": "text", "options": ["a"]}, "/options", "not_allowed"),
        ({"key": "size", "type": "select", "options": ["a", " a "]}, "/options/1", "not_unique"),
        ({"key": "size", "type": "select", "options": ["a"], "default_value": "b"}, "/default_value", "not_in_enum"),
        ({"key": "size", "type": "number", "default_value": "5"}, "/default_value", "wrong_type"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(given_definition: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        new_definition(given_definition)

    assert [(each.pointer, each.code) for each in refused.value.fields] == [(pointer, code)]


def test_a_default_must_fit_the_options_as_they_are_afterwards() -> None:
    size = a_field("select", default_value="small")

    with pytest.raises(DomainError):
        size.changed_by({"options": ["medium"]})
    assert size.changed_by({"options": ["medium"], "default_value": None}).options == ("medium",)


def test_null_clears_a_value_and_a_required_one_cannot_be_cleared() -> None:
    defined = {"size": a_field("text"), "code": a_field("text", required=True)}
    before = {"size": "L", "code": "7"}

    assert values_after(defined, before, {"size": None}) == {"code": "7"}
    assert values_after({"size": defined["size"]}, {"size": "L"}, None) == {}
    with pytest.raises(DomainError, match="rule_violated"):
        values_after(defined, before, {"code": None})
    with pytest.raises(DomainError, match="rule_violated"):
        values_after(defined, before, None)


def test_a_new_contact_gets_defaults_and_must_have_what_is_required() -> None:
    defined = {"size": a_field("text", default_value="M"), "code": a_field("text", required=True)}

    assert first_values(defined, {"code": "7"}) == {"size": "M", "code": "7"}
    assert first_values(defined, {"code": "7", "size": None}) == {"code": "7"}
    with pytest.raises(DomainError) as refused:
        first_values(defined, {"size": "L"})
    assert [(each.pointer, each.code) for each in refused.value.fields] == [("/custom_fields/code", "missing")]


def test_true_is_not_one() -> None:
    assert changed_keys({"a": [True], "b": 1}, {"a": [1], "b": 1, "c": None}) == ["a", "c"]

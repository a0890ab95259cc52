"""One table of cases for both ways to write a condition, and the rules that hold for all of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_automation.adapters.expressions_in_cel import ExpressionsInCel
from pipeline_automation.domain.comparison import CODE_OF, OPERATORS, compare
from pipeline_automation.domain.conditions import Tree, evaluate
from pipeline_automation.domain.facts import Facts, nothing_known, path_of

CEL = ExpressionsInCel()
PIPELINE = "00000000-0000-7000-8000-0000000000b1"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def facts_with(**contact: Any) -> Facts:
    values = {root: dict(inner) for root, inner in nothing_known("message.received").values.items()}
    values["contact"] |= contact
    values["message"]["text"] = values["trigger"]["text"] = "Olá, quero comprar"
    values["trigger"]["message_count"] = 5
    return Facts(values)


ANA = facts_with(
    name="Ana",
    email=None,
    tags=["VIP", "lead"],
    created_at=NOON,
    opted_out=False,
    custom={"plan": "gold", "age": 5, "score": 7.5, "code": "42", "born": "2000-01-31"},
    pipeline={PIPELINE: {"status_id": "s1", "value": 100, "hours_in_status": 3.5}},
)

CASES = [
    # field, operator, value, holds, the same as an expression
    ("contact.name", "eq", "ANA", True, "lower(contact.name) == 'ana'"),
    ("contact.name", "equals", "Bia", False, "lower(contact.name) == 'bia'"),
    ("contact.name", "ne", "ana", False, "lower(contact.name) != 'ana'"),
    ("contact.name", "not_equals", "Bia", True, "lower(contact.name) != 'bia'"),
    ("contact.name", "contains", "N", True, "lower(contact.name).contains('n')"),
    ("contact.name", "in", ["Bia", "aNA"], True, "lower(contact.name) in ['bia', 'ana']"),
    ("contact.name", "in", ["Bia"], False, "lower(contact.name) in ['bia']"),
    ("contact.name", "gt", "A", False, None),
    ("contact.email", "eq", "a@example.org", False, "contact.email == 'a@example.org'"),
    ("contact.email", "ne", "a@example.org", True, "contact.email != 'a@example.org'"),
    ("contact.email", "contains", "example", False, "contact.email != null && contact.email.contains('example')"),
    ("contact.email", "in", ["a"], False, "contact.email in ['a']"),
    ("contact.email", "gt", 5, False, "contact.email != null && contact.email > 5"),
    ("contact.tags", "contains", "vip", True, "contact.tags.exists(t, lower(t) == 'vip')"),
    ("contact.tags", "contains", "vi", False, "contact.tags.exists(t, lower(t) == 'vi')"),
    ("contact.tags", "eq", ["lead", "vip", "VIP"], True, None),
    ("contact.tags", "eq", ["vip"], False, "size(contact.tags) == 1 && 'VIP' in contact.tags"),
    ("contact.tags", "ne", ["vip"], True, "size(contact.tags) != 1"),
    ("contact.tags", "eq", "vip", False, "contact.tags == 'vip'"),
    ("contact.tags", "ne", "vip", True, "contact.tags != 'vip'"),
    ("contact.opted_out", "eq", False, True, "contact.opted_out == false"),
    ("contact.opted_out", "eq", 0, False, "contact.opted_out == 0"),
    ("contact.opted_out", "ne", 0, True, "contact.opted_out != 0"),
    ("contact.custom.age", "eq", 5.0, True, "contact.custom.age == 5.0"),
    ("custom_fields.age", "gte", 5, True, "contact.custom.age >= 5"),
    ("contact.custom.age", "greater_than", 4.5, True, "contact.custom.age > 4.5"),
    ("contact.custom.score", "lt", 7, False, "contact.custom.score < 7"),
    ("contact.custom.score", "less_than_or_equal", 7.5, True, "contact.custom.score <= 7.5"),
    ("contact.custom.code", "eq", 42, True, "int(contact.custom.code) == 42"),
    ("contact.custom.code", "gt", 41, True, "int(contact.custom.code) > 41"),
    ("contact.custom.code", "gt", "41", False, None),
    ("contact.custom.plan", "gt", 1, False, None),
    ("contact.custom.missing", "eq", "x", False, "has(contact.custom.missing) && contact.custom.missing == 'x'"),
    ("contact.custom.missing", "ne", "x", True, "!has(contact.custom.missing) || contact.custom.missing != 'x'"),
    ("contact.created_at", "gte", "2026-11-21T09:00:00-03:00", True, "contact.created_at >= timestamp('2026-11-21T12:00:00Z')"),
    ("contact.created_at", "eq", "2026-11-21T12:00:00Z", True, "contact.created_at == timestamp('2026-11-21T12:00:00Z')"),
    ("contact.created_at", "lt", "2026-11-21", False, "contact.created_at < timestamp('2026-11-21T00:00:00Z')"),
    ("contact.created_at", "gt", "no date", False, None),
    (f"contact.pipeline.{PIPELINE}.status_id", "eq", "s1", True, f"contact.pipeline['{PIPELINE}'].status_id == 's1'"),
    ("status_id", "eq", "s1", True, f"contact.pipeline['{PIPELINE}'].status_id == 's1'"),
    (f"contact.pipeline.{PIPELINE}.hours_in_status", "gt", 3, True, f"contact.pipeline['{PIPELINE}'].hours_in_status > 3"),
    ("message.text", "contains", "COMPRAR", True, "lower(message.text).contains('comprar')"),
    ("text", "contains", "vender", False, "trigger.text.contains('vender')"),
    ("trigger.message_count", "eq", 5, True, "trigger.message_count == 5"),
    ("session.status", "eq", "active", False, "session.status == 'active'"),
    ("time.hour", "gte", 0, False, "time.hour != null && time.hour >= 0"),
]  # fmt: skip


def holds(field: str, operator: str, value: Any, facts: Facts = ANA) -> bool:
    tree = Tree("message.received", PIPELINE)
    group = tree.read([{"field": field, "operator": operator, "value": value}])
    assert tree.errors == []
    return evaluate(group, facts).matched


@pytest.mark.parametrize(("field", "operator", "value", "expected", "expression"), CASES)
def test_tree_and_expression_agree(field: str, operator: str, value: Any, expected: bool, expression: str) -> None:
    assert holds(field, operator, value) is expected
    if expression is not None:
        assert CEL.flaw_of(expression, "message.received") is None
        verdict = CEL.compile(expression).evaluate(ANA)
        assert (verdict.matched, verdict.error) == (expected, None)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["5", "5.0", " 7 ", "ana", "ANA", "2026-11-21", "2026-11-21T12:00:00Z", "-1"]),
)
FACTS = st.one_of(SCALARS, st.lists(SCALARS, max_size=4), st.datetimes(timezones=st.just(UTC)))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=4))
NAMES = st.sampled_from(sorted(CODE_OF))


@settings(deadline=None)
@given(NAMES, VALUES)
def test_what_is_missing_makes_only_ne_true(name: str, value: Any) -> None:
    assert compare(CODE_OF[name], None, value)[0] is (CODE_OF[name] == "ne")


@settings(deadline=None)
@given(FACTS, VALUES)
def test_ne_is_always_the_opposite_of_eq(actual: Any, value: Any) -> None:
    assert compare("ne", actual, value)[0] is not compare("eq", actual, value)[0]


@settings(deadline=None)
@given(FACTS, VALUES)
def test_two_things_are_never_both_less_and_greater(actual: Any, value: Any) -> None:
    results = [compare(operator, actual, value)[0] for operator in ("lt", "gt", "eq")]
    assert sum(results) <= 1
    assert compare("gte", actual, value)[0] >= compare("gt", actual, value)[0]


@settings(deadline=None)
@given(NAMES, FACTS, VALUES)
def test_whatever_is_compared_gives_an_answer(name: str, actual: Any, value: Any) -> None:
    result, note = compare(CODE_OF[name], actual, value)
    assert result in (True, False)
    assert note is None or result is (CODE_OF[name] == "ne")


def as_expression(operator: str, value: Any) -> str:
    """Return what a comparison of `contact.custom.it` means, written as an expression; types are known to fit."""
    it, literal = "contact.custom.it", json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        it, literal = f"lower({it})", json.dumps(value.casefold(), ensure_ascii=False)
    elif isinstance(value, float):
        literal = repr(value) if "." in repr(value) or "e" in repr(value) else f"{value!r}.0"
    signs: Mapping[str, str] = {"eq": "==", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    words = f"{it}.contains({literal})" if operator == "contains" else f"{it} {signs[operator]} {literal}"
    known = "has(contact.custom.it) && contact.custom.it != null"
    return f"!({known}) || {words}" if operator == "ne" else f"{known} && {words}"


PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\\\"'"), max_size=6)
NUMBERS = st.one_of(st.integers(-1000, 1000), st.floats(-1000, 1000, allow_nan=False))


@settings(deadline=None)
@given(
    st.one_of(
        st.tuples(st.sampled_from(["eq", "ne", "contains"]), st.none() | PLAIN, PLAIN),
        st.tuples(st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), st.none() | NUMBERS, NUMBERS),
    )
)
def test_comparisons_mean_the_same_as_expressions(case: tuple[str, Any, Any]) -> None:
    operator, actual, value = case
    facts = facts_with(custom={} if actual is None else {"it": actual})
    verdict = CEL.compile(as_expression(operator, value)).evaluate(facts)
    assert (verdict.matched, verdict.error) == (holds("contact.custom.it", operator, value, facts), None)


LEAF = st.tuples(
    st.sampled_from(["contact.name", "contact.email", "contact.tags", "contact.custom.age"]),
    st.sampled_from(["eq", "ne", "contains"]),
    st.sampled_from(["ana", "vip", 5]),
).map(lambda leaf: dict(zip(("field", "operator", "value"), leaf, strict=True)))
GROUPS = st.recursive(
    LEAF,
    lambda inner: st.fixed_dictionaries(
        {"logic": st.sampled_from(["AND", "OR"]), "conditions": st.lists(inner, min_size=1, max_size=3)}
    ),
    max_leaves=12,
)


def depth(condition: Mapping[str, Any]) -> int:
    return 1 + max(map(depth, condition["conditions"])) if "logic" in condition else 0


def meaning(condition: Mapping[str, Any]) -> bool:
    if "logic" in condition:
        results = [meaning(each) for each in condition["conditions"]]
        return all(results) if condition["logic"] == "AND" else any(results)
    return holds(condition["field"], condition["operator"], condition["value"])


@settings(deadline=None)
@given(st.lists(GROUPS, max_size=4))
def test_groups_join_their_conditions_and_every_leaf_keeps_its_result(conditions: list[Any]) -> None:
    tree = Tree("message.received", PIPELINE)
    group = tree.read(conditions)
    if max(map(depth, conditions), default=0) > 3:
        assert [error.code for error in tree.errors].count("too_long") >= 1
        return

    verdict = evaluate(group, ANA)

    assert verdict.matched is all(meaning(each) for each in conditions)
    assert _leaves(verdict.conditions) == _leaves(conditions)
    for leaf in _flat(verdict.conditions):
        assert leaf["result"] is holds(leaf["field"], leaf["operator"], leaf["value"])


def _flat(conditions: Any) -> list[Any]:
    return [leaf for each in conditions for leaf in (_flat(each["conditions"]) if "logic" in each else [each])]


def _leaves(conditions: Any) -> list[Any]:
    return [(leaf["field"], leaf["operator"], leaf["value"]) for leaf in _flat(conditions)]


def test_a_result_says_what_was_there_and_why_types_did_not_fit() -> None:
    tree = Tree("message.received", None)
    group = tree.read([{"field": "contact.name", "operator": "gt", "value": 3}])
    (leaf,) = evaluate(group, ANA).conditions
    assert leaf == {
        "field": "contact.name",
        "operator": "gt",
        "value": 3,
        "actual": "Ana",
        "result": False,
        "note": "types_differ",
    }


@pytest.mark.parametrize(
    ("condition", "pointer", "code"),
    [
        ({"field": "contact.shoe_size", "operator": "eq", "value": 1}, "/conditions/0/field", "not_found"),
        ({"field": "trigger.new_status_id", "operator": "eq", "value": "x"}, "/conditions/0/field", "not_found"),
        ({"field": "status_id", "operator": "eq", "value": "x"}, "/conditions/0/field", "not_found"),
        ({"field": "contact.name", "operator": "like", "value": "x"}, "/conditions/0/operator", "not_in_enum"),
        ({"field": "contact.name", "operator": "in", "value": "x"}, "/conditions/0/value", "wrong_type"),
        ({"field": "contact.name", "operator": "gt", "value": [1]}, "/conditions/0/value", "wrong_type"),
        ({"field": "contact.name", "operator": "eq"}, "/conditions/0/value", "missing"),
        ({"operator": "eq", "value": 1}, "/conditions/0/field", "missing"),
        ({"logic": "XOR", "conditions": []}, "/conditions/0/logic", "not_in_enum"),
        ({"logic": "OR", "conditions": []}, "/conditions/0/conditions", "missing"),
        ({"logic": "OR", "conditions": [], "field": "x"}, "/conditions/0/field", "unknown_field"),
    ],
)
def test_what_is_wrong_with_a_condition_is_pointed_at(condition: Any, pointer: str, code: str) -> None:
    tree = Tree("message.received", None)
    tree.read([condition])
    assert (pointer, code) in [(error.pointer, error.code) for error in tree.errors]


def test_there_are_fifty_conditions_at_most() -> None:
    leaf = {"field": "contact.name", "operator": "eq", "value": "x"}
    tree = Tree("message.received", None)
    tree.read([leaf] * 50)
    assert tree.errors == []
    tree.read([leaf])
    assert [error.code for error in tree.errors] == ["too_long"]


def test_a_parameter_goes_before_the_status_in_the_rules_pipeline() -> None:
    assert path_of("status_id", "contact.entered_pipeline", PIPELINE) == ("trigger", "status_id")
    assert path_of("status_id", "message.received", PIPELINE) == ("contact", "pipeline", PIPELINE, "status_id")


def test_instants_are_compared_whatever_their_offset() -> None:
    assert compare("eq", NOON, (NOON - timedelta(hours=3)).replace(tzinfo=None).isoformat() + "-03:00") == (True, None)
    assert set(OPERATORS) == {"eq", "ne", "gt", "gte", "lt", "lte", "contains", "in"}

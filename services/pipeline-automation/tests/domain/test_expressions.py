"""Expressions that tenants write: found out when saved, with the place; never slow, whatever they hold."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_automation.adapters.expressions_in_cel import ExpressionsInCel
from pipeline_automation.domain.expression_text import LONGEST, flaws, offset_of, position_at
from pipeline_automation.domain.facts import Facts, nothing_known

CEL = ExpressionsInCel()


def facts(text: str = "é" * 4096, tags: int = 100) -> Facts:
    values: Any = {root: dict(inner) for root, inner in nothing_known("message.received").values.items()}
    values["message"]["text"] = values["trigger"]["text"] = text
    values["contact"]["tags"] = [f"tag {number}" for number in range(tags)]
    return Facts(values)


@pytest.mark.parametrize(
    ("expression", "line", "column", "words"),
    [
        ("message.text ==", 1, 16, "mismatched input end"),
        ("contact.name == 'x' &&\n  foo.bar == 1", 2, 3, "no variable foo"),
        ("contact.name == 'x' &&\n  (contact.email", 2, 17, "missing ')'"),
        ("contact.nmae == 'x'", 1, 9, "no contact.nmae"),
        ("trigger.new_status_id == 'x'", 1, 9, "no trigger.new_status_id"),
        ("message.text = 'x'", 1, 14, "token recognition"),
        ("'open", 1, 1, "token recognition"),
        ("message.text.startWith('x')", 1, 14, "no function startWith"),
        ("message.text.matches('a+')", 1, 14, "regular expressions"),
        ("contact.tags.map(t, t) == []", 1, 14, "lists are not built"),
        ("contact.tags.exists(a, contact.tags.exists(b, a == b))", 1, 37, "loop inside a loop"),
        ("contact.name", 1, 1, "true or false expected"),
        ("1 + 1", 1, 1, "true or false expected"),
        ("", 1, 1, "mismatched input end"),
        ("(" * 500, 1, 1, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(expression: str, line: int, column: int, words: str) -> None:
    flaw = CEL.flaw_of(expression, "message.received")
    assert flaw is not None
    place = position_at(expression, flaw.offset)
    assert (place.line, place.column) == (line, column)
    assert words in flaw.words


@pytest.mark.parametrize(
    "expression",
    [
        "true",
        "message.text.contains('foo(bar) // matches(')",
        "has(contact.custom.plan) && contact.custom.plan in ['gold', \"silver\"]",
        "contact.tags.exists(t, t == 'vip') || contact.tags.all(t, t != 'x')",
        "trigger.is_new_contact == true // a comment of matches()",
        "time.hour >= 9 && time.hour < 18 && !(time.weekday in [0, 6])",
        "contact.created_at > timestamp('2026-01-01T00:00:00Z') ? true : contact.opted_out == false",
        "lower(r'A\\B') == 'a\\\\b'",
    ],
)
def test_sound_expressions_are_taken(expression: str) -> None:
    assert CEL.flaw_of(expression, "message.received") is None


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("message.text.contains('x')", "contains"),
        ("contact.custom.plan == 'gold'", "KeyError"),
        ("contact.name > 5", "TypeError"),
        ("1 / int(session.message_count == null ? '0' : '1') == 1", "ZeroDivisionError"),
        ("contact.custom", "neither true nor false"),
    ],
)
def test_an_error_while_evaluating_is_a_verdict(expression: str, error: str) -> None:
    verdict = CEL.compile(expression).evaluate(nothing_known("message.received"))
    assert not verdict.matched
    assert verdict.error is not None
    assert error in verdict.error


def test_each_expression_reads_the_facts_at_hand() -> None:
    """What an earlier expression, or an earlier event, had taken over of them makes no difference."""
    of_message, of_both = (
        CEL.compile(each) for each in ("message.text == 'a'", "size(contact.tags) == 1 && message.text == 'a'")
    )
    one, other = facts("a", tags=1), facts("b", tags=1)
    for condition, at_hand, matches in (
        (of_message, one, True),
        (of_both, one, True),
        (of_both, other, False),
        (of_message, one, True),
    ):
        verdict = condition.evaluate(at_hand)
        assert verdict.error is None
        assert verdict.matched is matches


HOSTILE = [
    "[" + "1," * 99 + "1].all(x, " + " && ".join(["x == 1"] * 150) + ")",
    "contact.tags.all(t, " + " && ".join(["lower(message.text) != t"] * 19) + ")",
    "contact.tags.exists(t, message.text + message.text + message.text + message.text + t == 'x')",
    "contact.tags.exists_one(t, " + "(" * 60 + "t == 'x'" + ")" * 60 + ")",
    "message.text" + " + message.text" * 20 + " == ''",
    "-" * 1900 + "1 == 1",
    "!" * 1900 + "true",
    "message" + ".text" * 300 + " == ''",
]


@pytest.mark.parametrize("expression", HOSTILE)
def test_whatever_passes_is_evaluated_quickly(expression: str) -> None:
    assert len(expression) <= LONGEST
    if CEL.flaw_of(expression, "message.received") is not None:
        return
    condition, worst = CEL.compile(expression), facts()
    condition.evaluate(worst)
    began = time.thread_time()
    condition.evaluate(worst)
    assert time.thread_time() - began < 0.3


@pytest.mark.parametrize(
    "expression",
    [
        "['aaaaaaaaaa']" + ".map(x, x + x)" * 30 + "[0] == ''",
        "[" + "1," * 101 + "1].all(x, x == 1)",
        "[" + "message.text," * 90 + "''].filter(x, size(x + x + x) > 2) == []",
        " || ".join(["contact.tags.exists(t, t == 'x')"] * 6),
        "message.text" + " + 'x'" * 21 + " == ''",
        " && ".join(["size(message.text) > 1"] * 21),
        "message.text.matches('\\\\w{200}')",
        "[1,2].all(x, [1,2].all(y, [1,2].all(z, x == y)))",
    ],
)
def test_what_could_grow_without_end_is_refused(expression: str) -> None:
    assert CEL.flaw_of(expression, "message.received") is not None


WORDS = st.sampled_from(
    ["message", ".text", ".exists(", "t", ",", "(", ")", "[", "]", "'", '"', "\\", "&&", "||", "!", "==", "in", "1", "1.5", "null",
     "\n", "//", "é", "contact", ".tags", "timestamp(", "duration('1s')", "{", "}", ":", "?", "-", "lower(", "b'\\xff'", "0x", "9e999",
     "type(", "has(", "int(", "🙂", "\0", "r'", "%", "uint(", "18446744073709551615u", "-9223372036854775808"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_is_taken_or_refused_and_what_is_taken_gives_a_verdict(expression: str) -> None:
    flaw = CEL.flaw_of(expression, "message.received")
    if flaw is not None:
        assert 0 <= flaw.offset <= len(expression)
        return
    verdict = CEL.compile(expression).evaluate(facts("text", tags=2))
    assert verdict.matched in (True, False)


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(0, 60))
def test_places_and_offsets_tell_the_same(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    place = position_at(text, offset)
    assert offset_of(text, place.line, place.column) == offset


def test_flaws_are_found_in_the_order_of_the_text() -> None:
    assert [flaw.offset for flaw in flaws("foo == bar.baz()", "message.received")] == [0, 7, 11]

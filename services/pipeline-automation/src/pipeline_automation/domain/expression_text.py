"""What an expression may be made of, told from its text before anything is evaluated.

The language itself ends every program, but knows no limit of steps: loops inside loops, growing lists and regular expressions
(200 ms to compile one) could keep everybody waiting. So: few loops, none inside another, none that build lists, no regular
expressions, and only what is known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline_automation.domain.facts import ROOTS, names_below

LONGEST = 2000
MOST_LOOPS, MOST_CALLS, MOST_ELEMENTS, MOST_SUMS = 5, 20, 100, 20

VARIABLES = frozenset(("trigger", *ROOTS))
LOOPS = frozenset(("exists", "exists_one", "all"))
FUNCTIONS = LOOPS | {
    *("has", "size", "contains", "startsWith", "endsWith", "lower", "type"),
    *("int", "uint", "double", "string", "timestamp", "duration"),
    *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
    *("getHours", "getMinutes", "getSeconds"),
}
"""`lower(text)` is ours: text without case."""
_WORDS = frozenset(("true", "false", "null", "in"))
_TYPES = frozenset(("int", "uint", "double", "string", "bool", "list", "map", "null_type", "timestamp", "duration"))

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>(?:[rR]|[bB]|[rR][bB]|[bB][rR])?(?:\"\"\".*?\"\"\"|'''.*?'''))
    |(?P<raw>[rR]'[^'\n]*'|[rR]"[^"\n]*")
    |(?P<quoted>[bB]?(?:'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, and where: `offset` in characters from 0."""

    offset: int
    words: str


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text: line and column from 1, offset from 0."""

    line: int
    column: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


def position_at(text: str, offset: int) -> Position:
    """Return the line and column of an offset."""
    before = text[:offset]
    return Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1, offset)


def offset_of(text: str, line: int, column: int) -> int:
    """Return the offset of a line and column, never outside of the text."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    return max(0, min(starts[min(line, len(starts)) - 1] + column - 1, len(text)))


def flaws(text: str, trigger: str) -> list[Flaw]:
    """Return what the expression of a rule with this trigger may not hold; whether it is one the compiler says."""
    tokens = [
        _Token(str(found.lastgroup), found[0], found.start())
        for found in _TOKEN.finditer(text)
        if found.lastgroup != "space"
    ]
    bound = _bound_names(tokens)
    return [*_unknown(tokens, bound, trigger), *_too_much(tokens)]


def _unknown(tokens: Sequence[_Token], bound: frozenset[str], trigger: str) -> Iterator[Flaw]:
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text in _WORDS:
            continue
        before, after = _text_at(tokens, index - 1), _text_at(tokens, index + 1)
        if after == "(":
            if token.text == "matches":
                yield Flaw(token.offset, "regular expressions are not available; use contains, startsWith or endsWith")
            elif token.text in ("map", "filter"):
                yield Flaw(token.offset, "lists are not built here; use exists, exists_one or all")
            elif token.text not in FUNCTIONS:
                yield Flaw(token.offset, f"there is no function {token.text[:50]}")
        elif before == "." or token.text in bound | _TYPES:
            continue
        elif token.text not in VARIABLES:
            yield Flaw(
                token.offset, f"there is no variable {token.text[:50]}; there are {', '.join(sorted(VARIABLES))}"
            )
        elif after == "." and index + 2 < len(tokens):
            name, known = tokens[index + 2], names_below(token.text, trigger)
            if name.text not in known:
                yield Flaw(name.offset, f"there is no {token.text}.{name.text[:50]}; there are {', '.join(known)}")


def _too_much(tokens: Sequence[_Token]) -> Iterator[Flaw]:
    loops = calls = elements = sums = 0
    open_brackets: list[bool] = []
    for index, token in enumerate(tokens):
        is_call = token.kind == "name" and _text_at(tokens, index + 1) == "("
        if is_call and token.text in LOOPS and any(open_brackets):
            yield Flaw(token.offset, "a loop inside a loop")
        if token.text == "(" and token.kind == "sign":
            open_brackets.append(index > 0 and tokens[index - 1].text in LOOPS)
        elif token.text == ")" and token.kind == "sign" and open_brackets:
            open_brackets.pop()
        loops += is_call and token.text in LOOPS
        calls += is_call
        elements += token.kind == "sign" and token.text == ","
        sums += token.kind == "sign" and token.text == "+"
        for count, most, what in (
            (loops, MOST_LOOPS, "loops"),
            (calls, MOST_CALLS, "function calls"),
            (elements, MOST_ELEMENTS, "elements of lists"),
            (sums, MOST_SUMS, "sums"),
        ):
            if count > most:
                yield Flaw(token.offset, f"at most {most} {what}")
                return


def _bound_names(tokens: Sequence[_Token]) -> frozenset[str]:
    """Return the names that loops give to the element at hand."""
    return frozenset(
        name.text
        for loop, bracket, name in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if loop.text in LOOPS and bracket.text == "(" and name.kind == "name"
    )


def _text_at(tokens: Sequence[_Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) and tokens[index].kind == "sign" else ""

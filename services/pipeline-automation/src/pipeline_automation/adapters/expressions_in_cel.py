"""Expressions of rules, in Common Expression Language.

The library brings a command line with it (half a second, 30 MB), so it is imported when the first expression is compiled.
"""

import re
from typing import TYPE_CHECKING, Any

from pipeline_automation.domain.conditions import Verdict, shown
from pipeline_automation.domain.expression_text import Flaw, flaws, offset_of
from pipeline_automation.domain.facts import Facts, nothing_known

if TYPE_CHECKING:
    import cel

_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")
_EXPECTING = re.compile(r" expecting \{.*\}")


class ExpressionsInCel:
    """Compiles expressions. One for the whole process: it remembers the event at hand, for all rules that look at it."""

    def __init__(self) -> None:
        self._facts: Facts | None = None
        self._context: Any = None

    def flaw_of(self, expression: str, trigger: str) -> Flaw | None:
        """Return the first thing that is wrong with the expression of a rule, None where it compiles and tells yes or no."""
        import cel

        try:
            program = cel.compile(expression)
        except ValueError as error:
            return _flaw(expression, str(error))
        found = flaws(expression, trigger)
        if found:
            return min(found, key=lambda flaw: flaw.offset)
        try:
            answer = program.execute(self._context_of(nothing_known(trigger)))
        except Exception:  # it needs facts to be evaluated at all: the event will tell
            return None
        return None if isinstance(answer, bool) else Flaw(0, "true or false expected")

    def compile(self, expression: str) -> "CelExpression":
        """Return the condition; the expression was found to be sound when it was saved."""
        import cel

        return CelExpression(expression, cel.compile(expression), self)

    def evaluate(self, program: "cel.Program", facts: Facts) -> object:
        """Return what a program says of the facts, whatever type that is."""
        if self._facts is not facts:
            self._facts, self._context = facts, self._context_of(facts)
        return program.execute(self._context)

    def _context_of(self, facts: Facts) -> Any:
        import cel

        return cel.Context(variables=dict(facts.values), functions={"lower": _lower})


class CelExpression:
    """One compiled expression."""

    def __init__(self, text: str, program: "cel.Program", engine: ExpressionsInCel) -> None:
        self._text = text
        self._program = program
        self._engine = engine

    def evaluate(self, facts: Facts) -> Verdict:
        """Return whether the facts match; an error while evaluating is a verdict of its own."""
        try:
            answer = self._engine.evaluate(self._program, facts)
        # The library raises KeyError, TypeError, ValueError, RuntimeError, OverflowError, ZeroDivisionError and whatever comes.
        except Exception as error:
            return self._failed(f"{type(error).__name__}: {error}"[:300])
        if not isinstance(answer, bool):
            return self._failed("the answer is neither true nor false")
        return Verdict(answer, [{"expression": shown(self._text), "result": answer}])

    def _failed(self, words: str) -> Verdict:
        return Verdict(False, [{"expression": shown(self._text), "result": False, "note": words}], error=words)


def _flaw(expression: str, told: str) -> Flaw:
    found = _PLACE.search(told)
    if "Recursion limit" in told:
        return Flaw(0, "nested too deeply")
    if found is None:
        return Flaw(0, "not an expression")
    offset = offset_of(expression, int(found[1]), int(found[2]))
    return Flaw(offset, _EXPECTING.sub("", found[3]).replace("'<EOF>'", "end")[:200])


def _lower(text: object) -> str | None:
    return text.casefold() if isinstance(text, str) else None

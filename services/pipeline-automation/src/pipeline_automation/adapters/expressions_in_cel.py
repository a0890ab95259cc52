"""Expressions of rules, in Common Expression Language.

The library brings a command line with it (half a second, 30 MB), so it is imported when the first expression is compiled.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from pipeline_automation.domain.conditions import Verdict, shown
from pipeline_automation.domain.expression_text import VARIABLES, Flaw, flaws, offset_of
from pipeline_automation.domain.facts import Facts, nothing_known

if TYPE_CHECKING:
    import cel

_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")
_EXPECTING = re.compile(r" expecting \{.*\}")


class ExpressionsInCel:
    """Compiles expressions. One for the whole process: it remembers the event at hand, for all rules that look at it.

    What the library takes over of it is what they read: all would take a hundred times as long as the evaluation.
    """

    def __init__(self) -> None:
        self._facts: Facts | None = None
        self._context: Any = None
        self._taken: set[str] = set()

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
            answer = self.evaluate(program, VARIABLES, nothing_known(trigger))
        except Exception:  # it needs facts to be evaluated at all: the event will tell
            return None
        return None if isinstance(answer, bool) else Flaw(0, "true or false expected")

    def compile(self, expression: str) -> "CelExpression":
        """Return the condition; the expression was found to be sound when it was saved."""
        import cel

        return CelExpression(expression, cel.compile(expression), self)

    def evaluate(self, program: "cel.Program", variables: Collection[str], facts: Facts) -> object:
        """Return what a program that reads these variables says of the facts, whatever type that is."""
        if self._facts is not facts:
            import cel

            self._facts, self._context = facts, cel.Context(functions={"lower": _lower})
            self._taken.clear()
        for variable in variables:
            if variable not in self._taken:
                self._context.add_variable(variable, facts.values[variable])
                self._taken.add(variable)
        return program.execute(self._context)


class CelExpression:
    """One compiled expression."""

    def __init__(self, text: str, program: "cel.Program", engine: ExpressionsInCel) -> None:
        self._text = text
        self._program = program
        self._variables = sorted(VARIABLES.intersection(program.variables()))
        self._engine = engine

    def evaluate(self, facts: Facts) -> Verdict:
        """Return whether the facts match; an error while evaluating is a verdict of its own."""
        try:
            answer = self._engine.evaluate(self._program, self._variables, facts)
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

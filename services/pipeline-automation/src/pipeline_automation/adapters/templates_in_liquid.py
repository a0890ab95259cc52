"""Templates of messages, in Liquid, with every limit set: tenants write them.

Only the tags and filters named here exist. Loops, nesting, output, variables of a template's own and time are limited; a variable
without a value fails the message, since a raw placeholder or a gap must never go out.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext
from liquid.builtin import content, illegal, output
from liquid.builtin.filters.misc import default
from liquid.builtin.filters.string import capitalize, downcase, truncate, upcase
from liquid.builtin.tags import assign_tag, case_tag, comment_tag, for_tag, if_tag, unless_tag
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError, UndefinedError
from liquid.undefined import FalsyStrictUndefined

from pipeline_automation.adapters.liquid_filters import format_date, format_money, format_phone, url_encode
from pipeline_automation.domain.errors import UnrenderableError
from pipeline_automation.domain.expression_text import Flaw
from pipeline_automation.domain.template_variables import LONGEST_TEXT, names_for, variable_exists

MOST_MILLISECONDS = 50

TAGS = (
    *(content.Literal, output.Output, illegal.Illegal),
    *(if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag, for_tag.ForTag, for_tag.BreakTag, for_tag.ContinueTag),
    *(assign_tag.AssignTag, comment_tag.CommentTag),
)
FILTERS: Mapping[str, Any] = {
    "default": default,
    "upcase": upcase,
    "downcase": downcase,
    "capitalize": capitalize,
    "truncate": truncate,
    "date": format_date,
    "money": format_money,
    "phone": format_phone,
    "url_encode": url_encode,
}


class _OutOfTimeError(ResourceLimitError):
    """The template took too long."""


class _TimedContext(RenderContext):
    """Looks at the clock with every variable and every round of a loop, which is what a template spends its time on."""

    __slots__ = ("_deadline",)

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._deadline = time.thread_time() + MOST_MILLISECONDS / 1000

    def get(self, *arguments: Any, **more: Any) -> object:
        if time.thread_time() > self._deadline:
            raise _OutOfTimeError(f"more than {MOST_MILLISECONDS} ms", token=None)
        return super().get(*arguments, **more)


class _TimedTemplate(BoundTemplate):
    context_class = _TimedContext


class _Environment(Environment):
    block_nesting_limit = 5
    context_depth_limit = 10
    loop_iteration_limit = 100
    local_namespace_limit = 65_536
    output_stream_limit = 8_192
    template_class = _TimedTemplate

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in TAGS:
            self.add_tag(tag)
        for name, function in FILTERS.items():
            self.add_filter(name, function)


class TemplatesInLiquid:
    """Parses templates; one for the whole process."""

    def __init__(self) -> None:
        self._environment = _Environment(undefined=FalsyStrictUndefined)

    def flaw_of(self, template: str, trigger: str) -> Flaw | None:
        """Return the first thing that is wrong with a template of a rule with this trigger."""
        try:
            parsed = self._environment.from_string(template)
            return min(_flaws(parsed, trigger), key=lambda flaw: flaw.offset, default=None)
        except LiquidError as error:
            offset = error.token.start_index if error.token is not None else 0
            return Flaw(max(offset, 0), str(error.message)[:200])
        except RecursionError:
            return Flaw(0, "nested too deeply")

    def parse(self, template: str) -> "LiquidTemplate":
        """Return a template that was found to be sound when it was saved."""
        return LiquidTemplate(self._environment.from_string(template))


class LiquidTemplate:
    """One parsed template."""

    def __init__(self, template: BoundTemplate) -> None:
        self._template = template

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text; raise UnrenderableError where there is none to send."""
        try:
            text = self._template.render(values)
        except UndefinedError as error:
            raise UnrenderableError("missing_variable", str(error.message)[:200]) from None
        except ResourceLimitError as error:
            raise UnrenderableError("template_too_expensive", str(error.message)[:200]) from None
        except (LiquidError, LiquidSyntaxError) as error:
            raise UnrenderableError("template_failed", str(error.message)[:200]) from None
        # Whatever strange values do to a filter of the library is that template's failure, not ours.
        except Exception as error:
            raise UnrenderableError("template_failed", type(error).__name__) from None
        if not text.strip():
            raise UnrenderableError("blank_message", "nothing but space")
        if len(text) > LONGEST_TEXT:
            raise UnrenderableError("message_too_long", f"more than {LONGEST_TEXT} characters")
        return text


def _flaws(template: BoundTemplate, trigger: str) -> Iterator[Flaw]:
    found = template.analyze()
    for name, spans in found.filters.items():
        if name not in FILTERS:
            yield Flaw(spans[0].index, f"there is no filter {name[:50]}; there are {', '.join(FILTERS)}")
    for variables in found.globals.values():
        for variable in variables:
            if not variable_exists(variable.segments, trigger):
                words = f"there is no variable {str(variable)[:60]}; there are {', '.join(names_for(trigger))}"
                yield Flaw(variable.span.index, words)

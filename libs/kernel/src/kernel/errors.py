"""The one error base: what a use case refuses, in words that HTTP and consumers both understand."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that needs attention: JSON pointer into the body, `?name` of a query field, or `#Header`."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal with a stable code, such as `not_found` or `invalid_state`.

    `facts` are shown to the caller beside the code (`existing_id`, `current_state`, …) and never hold secrets.
    """

    def __init__(self, code: str, detail: str = "", *, fields: tuple[FieldError, ...] = (), **facts: Any) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.fields = fields
        self.facts = facts

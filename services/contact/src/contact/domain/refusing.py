"""How input is refused: with the field's name, so that whoever sent it can mend it."""

from kernel.errors import DomainError, FieldError


def refused(pointer: str, code: str, detail: str) -> DomainError:
    """Return the refusal of one field; `pointer` is a JSON pointer into the body (`/phone`) or `?name` of a query field."""
    return DomainError("validation_failed", "1 field needs attention", fields=(FieldError(pointer, code, detail),))

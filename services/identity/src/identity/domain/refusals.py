"""How a single field is refused."""

from kernel.errors import DomainError, FieldError


def refused(field: str, code: str, detail: str) -> DomainError:
    """Return the refusal of one body field; `code` is a field code such as `not_allowed`."""
    return DomainError("validation_failed", "1 field needs attention", fields=(FieldError(f"/{field}", code, detail),))

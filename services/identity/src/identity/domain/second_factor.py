"""A second factor: what a user has beside the password."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Asked for only once it was shown to work. `last_step` is the last whose code was taken."""

    secret: bytes = field(repr=False)
    confirmed: bool
    last_step: int

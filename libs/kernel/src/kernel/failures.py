"""Four classes of failure, and what each asks of whoever met it."""

from enum import Enum


class Failure(Enum):
    """Why a batch could not be applied."""

    INFRASTRUCTURE = "infrastructure"
    """Something that we need is away: keep the work and repeat all of it in place, with back-off. Nothing is wrong with the data."""

    CONFLICT = "conflict"
    """Two transactions met (deadlock, serialisation): repeat all of it, as often as they meet. Nothing is wrong with the data."""

    RACE = "race"
    """Somebody made the same unique thing first: the second look finds it. What still fails after some looks is a fault of the data."""

    DETERMINISTIC = "deterministic"
    """It will fail again: halve the batch until the poisonous event stands alone, and park that one."""

"""The settings of session: how long silence lasts where nobody says, and how its timekeepers run."""

from dataclasses import dataclass

from durable.settings import TemporalSettings, read_temporal_settings
from kernel.settings import Environment

from session.domain.timeouts import DEFAULT_MINUTES, LEAST_MINUTES, MOST_MINUTES


@dataclass(frozen=True)
class SessionSettings:
    """Read once at start. Without Temporal deadlines stand in their rows, and only the next message ends a session."""

    default_timeout_minutes: int
    temporal: TemporalSettings | None
    shards: int
    max_sleep_s: float
    max_lag_s: float


def read_session_settings(env: Environment) -> SessionSettings:
    """Read what only session has; problems are noted in `env`."""
    return SessionSettings(
        default_timeout_minutes=env.integer(
            "SESSION_DEFAULT_TIMEOUT_MINUTES", DEFAULT_MINUTES, least=LEAST_MINUTES, most=MOST_MINUTES
        ),
        temporal=read_temporal_settings(env),
        shards=env.integer("TIMEKEEPER_SHARDS", 1, least=1, most=256),
        max_sleep_s=env.seconds("TIMEKEEPER_MAX_SLEEP", 15),
        max_lag_s=env.seconds("TIMEKEEPER_MAX_LAG", 5),
    )

"""How a process reaches Temporal."""

from dataclasses import dataclass

from kernel.settings import Environment

NAMESPACE = "ventros-crm"


@dataclass(frozen=True)
class TemporalSettings:
    """`host` is `host:port`."""

    host: str
    namespace: str = NAMESPACE


def read_temporal_settings(env: Environment) -> TemporalSettings | None:
    """Read where Temporal is; None where an installation has none, and what waits for it waits."""
    host = env.optional("TEMPORAL_HOST")
    namespace = env.text("TEMPORAL_NAMESPACE", NAMESPACE)
    if host is None:
        return None
    if not host.rpartition(":")[2].isdigit():
        env.problem("TEMPORAL_HOST must be host:port")
    return TemporalSettings(host, namespace)

"""The settings that every service has. What is a service's own stands in its `settings.py`."""

import base64
from dataclasses import dataclass

from kernel.settings import Environment

AES_KEY_BYTES = 32
ENVIRONMENTS = ("production", "development", "test")


@dataclass(frozen=True)
class HttpSettings:
    """Where a process listens."""

    host: str
    port: int
    metrics_port: int


@dataclass(frozen=True)
class DatabaseSettings:
    """How the roles of a service reach their schema."""

    app_url: str
    relay_url: str
    pool_size: int
    acquire_timeout_s: float
    statement_timeout_s: float
    lock_timeout_s: float
    idle_in_transaction_timeout_s: float


@dataclass(frozen=True)
class BusSettings:
    """How events travel. `partitions` is fixed when the installation is made."""

    url: str
    partitions: int
    prefetch: int
    batch_events: int
    batch_bytes: int
    replica: int
    replicas: int
    outbox_poll_s: float
    outbox_gather_s: float
    outbox_days: int
    inbox_days: int


@dataclass(frozen=True)
class ServiceSettings:
    """Read once at start."""

    env: str
    version: str
    instance: str
    log_level: str
    log_format: str
    otlp_endpoint: str | None
    trace_ratio: float
    shutdown_grace_s: float
    crash_at: str | None
    internal_token_public_keys: str
    sealing_key: bytes | None
    http: HttpSettings
    database: DatabaseSettings
    bus: BusSettings


def _first_key(env: Environment) -> bytes | None:
    """Return the key in use of `ENCRYPTION_AES_KEY` (`id:base64[,id:base64…]`, the first is in use)."""
    text = env.optional("ENCRYPTION_AES_KEY")
    if text is None:
        return None
    try:
        key = base64.b64decode(text.split(",")[0].partition(":")[2], validate=True)
    except ValueError:
        key = b""
    if len(key) != AES_KEY_BYTES:
        env.problem("ENCRYPTION_AES_KEY must hold `id:` and 32 bytes in base64")
    return key


def read_service_settings(env: Environment) -> ServiceSettings:
    """Read what every service needs; problems are noted in `env`, whose `check()` the caller calls."""
    name = env.text("ENV", "production")
    level = env.text("LOG_LEVEL", "info")
    if name not in ENVIRONMENTS:
        name = "production"  # unknown is refused every freedom
    if name == "production" and level == "debug":
        env.problem("LOG_LEVEL=debug is refused in production")
    return ServiceSettings(
        env=name,
        version=env.text("SERVICE_VERSION", "0.0.0"),
        instance=env.text("HOSTNAME", "local"),
        log_level=level,
        log_format=env.one_of("LOG_FORMAT", "json", ("json", "console")),
        otlp_endpoint=env.optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
        trace_ratio=env.seconds("OTEL_TRACES_SAMPLER_ARG", 0.05),
        shutdown_grace_s=env.seconds("SHUTDOWN_GRACE", 25),
        crash_at=env.optional("CRASH_AT"),
        internal_token_public_keys=env.text("INTERNAL_TOKEN_PUBLIC_KEYS"),
        sealing_key=_first_key(env),
        http=HttpSettings(
            host=env.text("HOST", "127.0.0.1"),
            port=env.integer("PORT", 8080, least=1, most=65535),
            metrics_port=env.integer("METRICS_PORT", 9090, least=1, most=65535),
        ),
        database=DatabaseSettings(
            app_url=env.text("DATABASE_URL"),
            relay_url=env.text("DATABASE_RELAY_URL"),
            pool_size=env.integer("DB_MAX_OPEN", 10, least=2, most=100),
            acquire_timeout_s=env.seconds("DB_ACQUIRE_TIMEOUT", 2),
            statement_timeout_s=env.seconds("DB_STATEMENT_TIMEOUT", 10),
            lock_timeout_s=env.seconds("DB_LOCK_TIMEOUT", 3),
            idle_in_transaction_timeout_s=env.seconds("DB_IDLE_IN_TX_TIMEOUT", 5),
        ),
        bus=BusSettings(
            url=env.text("RABBITMQ_URL"),
            partitions=env.integer("BUS_PARTITIONS", least=1, most=64),
            prefetch=env.integer("BUS_PREFETCH", 8, least=1, most=16),
            batch_events=env.integer("BUS_BATCH_MAX", 500, least=1, most=5000),
            batch_bytes=env.integer("BUS_BATCH_MAX_BYTES", 4 * 1024 * 1024, least=262144),
            replica=env.integer("REPLICA_INDEX", 0),
            replicas=env.integer("REPLICAS", 1, least=1),
            outbox_poll_s=env.seconds("OUTBOX_POLL_INTERVAL", 1),
            outbox_gather_s=env.seconds("OUTBOX_GATHER", 0.05),
            outbox_days=env.integer("OUTBOX_RETENTION_DAYS", 30, least=1),
            inbox_days=env.integer("INBOX_RETENTION_DAYS", 14, least=14),
        ),
    )

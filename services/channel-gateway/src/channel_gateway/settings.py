"""What this service reads from the environment beyond what every service does."""

from dataclasses import dataclass

from kernel.settings import Environment

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Read once at start. `webhook_base_url` is where WAHA reaches the door; `encryption_keys` is a secret."""

    encryption_keys: str
    app_base_url: str
    webhook_base_url: str
    outbound_allowed_hosts: tuple[str, ...]
    ingest_batch_max: int
    ingest_batch_wait_s: float
    max_webhook_bytes: int
    delivery_days: int


def read_settings(env: Environment) -> Settings:
    """Read; problems are noted in `env`, whose `check()` the caller calls."""
    app_base_url = env.text("APP_BASE_URL", "http://localhost:8080").rstrip("/")
    return Settings(
        encryption_keys=env.text("ENCRYPTION_AES_KEY"),
        app_base_url=app_base_url,
        webhook_base_url=env.text("WEBHOOK_BASE_URL", app_base_url).rstrip("/"),
        outbound_allowed_hosts=env.words("OUTBOUND_ALLOWED_HOSTS"),
        ingest_batch_max=env.integer("INGEST_BATCH_MAX", 500, least=1, most=5000),
        ingest_batch_wait_s=env.integer("INGEST_BATCH_WAIT", 2, most=100) / 1000,
        max_webhook_bytes=env.integer("MAX_WEBHOOK_BYTES", 10 * MEBIBYTE, least=1024, most=64 * MEBIBYTE),
        delivery_days=env.integer("DELIVERY_RETENTION_DAYS", 7, least=1, most=365),
    )

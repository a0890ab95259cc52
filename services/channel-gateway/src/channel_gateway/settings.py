"""What this service reads from the environment beyond what every service does."""

from dataclasses import dataclass, field

from kernel.settings import Environment
from web.client_addresses import ClientAddresses

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class SendSettings:
    """How sends leave; seconds. `paced` False: as fast as it goes, for tests and measurements.

    `looks_s`: when evidence for a send without an outcome is looked for; after `repeat_after` looks in vain one with a reserved
    id is sent again. `hold_s`: how long its chat waits.
    """

    paced: bool = True
    parallel: int = 8
    lease_s: float = 15.0
    answer_s: float = 30.0
    looks_s: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 900.0)
    repeat_after: int = 3
    hold_s: float = 60.0


@dataclass(frozen=True)
class DoorSettings:
    """How much one channel and one address may take of the door. `trusted_proxies` may say whom they speak for."""

    channel_most: int = 12_000
    channel_window_s: int = 60
    channel_burst: int = 1000
    unsigned_most: int = 60
    unsigned_window_s: int = 60
    trusted_proxies: tuple[str, ...] = ()


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
    sending: SendSettings = field(default_factory=SendSettings)
    door: DoorSettings = field(default_factory=DoorSettings)


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
        sending=_read_send_settings(env),
        door=_read_door_settings(env),
    )


def _read_door_settings(env: Environment) -> DoorSettings:
    usual = DoorSettings()
    trusted = env.words("TRUSTED_PROXIES")
    try:
        ClientAddresses(trusted)
    except ValueError:
        env.problem("TRUSTED_PROXIES must hold addresses or networks")
        trusted = ()
    return DoorSettings(
        channel_most=env.integer("RATE_LIMIT_WEBHOOK_MAX", usual.channel_most, least=1),
        channel_window_s=env.integer("RATE_LIMIT_WEBHOOK_WINDOW", usual.channel_window_s, least=1, most=86_400),
        channel_burst=env.integer("RATE_LIMIT_WEBHOOK_BURST_MAX", usual.channel_burst, least=1),
        unsigned_most=env.integer("RATE_LIMIT_UNSIGNED_MAX", usual.unsigned_most, least=1),
        unsigned_window_s=env.integer("RATE_LIMIT_UNSIGNED_WINDOW", usual.unsigned_window_s, least=1, most=86_400),
        trusted_proxies=trusted,
    )


def _read_send_settings(env: Environment) -> SendSettings:
    usual = SendSettings()
    try:
        looks_s = tuple(float(each) for each in env.words("SEND_LOOKS")) or usual.looks_s
    except ValueError:
        looks_s = ()
    if not looks_s or any(later <= earlier for earlier, later in zip((0.0, *looks_s), looks_s, strict=False)):
        env.problem("SEND_LOOKS must hold rising numbers of seconds")
        looks_s = usual.looks_s
    return SendSettings(
        paced=env.flag("SEND_PACE", usual.paced),
        parallel=env.integer("SEND_PARALLEL", usual.parallel, least=1, most=100),
        lease_s=max(env.seconds("SEND_LEASE", usual.lease_s), 1.0),
        answer_s=max(env.seconds("SEND_ANSWER", usual.answer_s), 0.1),
        looks_s=looks_s,
        repeat_after=min(env.integer("SEND_REPEAT_AFTER", usual.repeat_after, least=1), len(looks_s)),
        hold_s=env.seconds("SEND_HOLD", usual.hold_s),
    )

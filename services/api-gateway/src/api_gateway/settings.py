"""What the gateway reads from the environment, once, at start."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from kernel.settings import Environment
from web.pem_keys import keys_of_pem

ENVIRONMENTS = ("production", "development", "test")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
SERVICES = ("identity", "contact", "session", "messaging", "pipeline-automation", "billing", "channel-gateway")


@dataclass(frozen=True)
class RateSettings:
    """How many requests per window, by class; and the windows in seconds."""

    auth: int
    auth_window_s: int
    standard: int
    standard_window_s: int
    tenant: int
    tenant_window_s: int
    anonymous: int
    anonymous_window_s: int
    expensive: int = 10
    expensive_window_s: int = 60


@dataclass(frozen=True)
class GatewaySettings:
    """Everything."""

    env: str
    version: str
    instance: str
    log_level: str
    log_format: str
    otlp_endpoint: str | None
    trace_ratio: float
    shutdown_grace_s: float
    host: str
    port: int
    metrics_port: int
    base_url: str
    services: dict[str, str]
    rabbitmq_url: str = field(repr=False)
    internal_token_private_key: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    docs: bool
    cors_origins: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    rates: RateSettings
    most_json_bytes: int
    most_webhook_bytes: int
    request_timeout_s: float


def read_settings(env: Environment) -> GatewaySettings:
    """Read the settings; problems are noted in `env`, whose `check()` the caller calls."""
    name = env.text("ENV", "production")
    if name not in ENVIRONMENTS:
        name = "production"  # unknown is refused every freedom
    level = env.text("LOG_LEVEL", "info")
    if name == "production" and level == "debug":
        env.problem("LOG_LEVEL=debug is refused in production")
    base_url = _address(env, "APP_BASE_URL", None if name == "production" else "http://localhost:8080")
    return GatewaySettings(
        env=name,
        version=env.text("SERVICE_VERSION", "0.0.0"),
        instance=env.text("HOSTNAME", "local"),
        log_level=level,
        log_format=env.one_of("LOG_FORMAT", "json", ("json", "console")),
        otlp_endpoint=env.optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
        trace_ratio=env.seconds("OTEL_TRACES_SAMPLER_ARG", 0.05),
        shutdown_grace_s=env.seconds("SHUTDOWN_GRACE", 25),
        host=env.text("HOST", "127.0.0.1"),
        port=env.integer("PORT", 8080, least=1, most=65535),
        metrics_port=env.integer("METRICS_PORT", 9090, least=1, most=65535),
        base_url=base_url,
        services={each: _address(env, f"{each.upper().replace('-', '_')}_URL") for each in SERVICES},
        rabbitmq_url=env.text("RABBITMQ_URL"),
        internal_token_private_key=_private_key(env),
        redis_url=_redis_url(env),
        docs=env.flag("DOCS_ENABLED", name != "production"),
        cors_origins=_origins(env),
        trusted_proxies=env.words("TRUSTED_PROXIES"),
        allowed_hosts=env.words("ALLOWED_HOSTS") or _hosts_of(base_url, name),
        rates=_rates(env, name),
        most_json_bytes=env.integer("MAX_JSON_BYTES", 1024 * 1024, least=1024),
        most_webhook_bytes=env.integer("MAX_WEBHOOK_BYTES", 10 * 1024 * 1024, least=1024),
        request_timeout_s=env.seconds("REQUEST_TIMEOUT", 30),
    )


def _rates(env: Environment, name: str) -> RateSettings:
    def window(setting: str) -> int:
        return env.integer(f"RATE_LIMIT_{setting}_WINDOW", 60, least=1, most=86_400)

    return RateSettings(
        auth=env.integer("RATE_LIMIT_AUTH_MAX", 10, least=1),
        auth_window_s=window("AUTH"),
        standard=env.integer("RATE_LIMIT_AUTHENTICATED_MAX", 1000, least=1),
        standard_window_s=window("AUTHENTICATED"),
        # The smallest plan's, until plans name their own.
        tenant=env.integer("RATE_LIMIT_TENANT_MAX", 100 if name == "production" else 1000, least=1),
        tenant_window_s=window("TENANT"),
        anonymous=env.integer("RATE_LIMIT_GLOBAL_MAX", 1000, least=1),
        anonymous_window_s=window("GLOBAL"),
        expensive=env.integer("RATE_LIMIT_EXPENSIVE_MAX", 10, least=1),
        expensive_window_s=window("EXPENSIVE"),
    )


def _redis_url(env: Environment) -> str | None:
    """Where limits are shared: REDIS_URL, or put together; None where there is no Redis."""
    url = env.optional("REDIS_URL")
    host, port = env.optional("REDIS_HOST"), env.integer("REDIS_PORT", 6379, least=1, most=65535)
    password = env.optional("REDIS_PASSWORD")
    if url is None and host is not None:
        return f"redis://{f':{quote(password, safe=str())}@' if password else ''}{host}:{port}"
    if url is not None and (urlsplit(url).scheme not in ("redis", "rediss") or not urlsplit(url).hostname):
        env.problem("REDIS_URL must be an address such as redis://localhost:6379")
    return url


def _private_key(env: Environment) -> str:
    text = env.text("INTERNAL_TOKEN_PRIVATE_KEY")
    try:
        is_private = not text or "d" in keys_of_pem(text)[0]
    except ValueError:
        is_private = False
    if not is_private:
        env.problem("INTERNAL_TOKEN_PRIVATE_KEY must hold an Ed25519 private key in PEM")
    return text


def _address(env: Environment, name: str, default: str | None = None) -> str:
    text = env.text(name, default).rstrip("/")
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        env.problem(f"{name} must be an address such as http://localhost:8080")
    return text


def _origins(env: Environment) -> tuple[str, ...]:
    origins = env.words("CORS_ALLOWED_ORIGINS")
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
            env.problem("CORS_ALLOWED_ORIGINS must name exact origins such as https://app.example.com")
    return origins


def _hosts_of(base_url: str, name: str) -> tuple[str, ...]:
    own = urlsplit(base_url).hostname or ""
    return (own,) if name == "production" else tuple({own, *LOOPBACK_NAMES})

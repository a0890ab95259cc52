"""What identity reads from its environment, beside what every service reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kernel.settings import Environment

from identity.adapters.sealing import read_keys
from identity.adapters.smtp_post import SmtpServer
from identity.domain.lifetimes import Lifetimes


@dataclass(frozen=True)
class MailSettings:
    """Where mails go: to a server or, outside production, into a folder. `home` is where their links lead."""

    home: str
    smtp: SmtpServer | None
    folder: Path | None


@dataclass(frozen=True)
class Settings:
    """Read once at start."""

    jwt_private_keys: str = field(repr=False)
    issuer: str
    lifetimes: Lifetimes
    cheap_passwords: bool
    mail: MailSettings
    sealing_keys: Mapping[str, bytes] = field(repr=False)


def read_settings(env: Environment) -> Settings:
    """Read the settings; raise SettingsError with everything that is wrong."""
    cheap = env.one_of("PASSWORD_HASH_COST", "full", ("full", "low")) == "low"
    if cheap and env.text("ENV", "production") != "test":
        env.problem("PASSWORD_HASH_COST=low is refused where ENV is not test")
    issuer = env.text("APP_BASE_URL").rstrip("/")
    settings = Settings(
        jwt_private_keys=env.text("JWT_PRIVATE_KEY"),
        issuer=issuer,
        lifetimes=Lifetimes(
            access_minutes=env.integer("JWT_ACCESS_MINUTES", 15, least=1, most=60),
            refresh_days=env.integer("JWT_REFRESH_DAYS", 30, least=1, most=90),
        ),
        cheap_passwords=cheap,
        mail=_mail(env, issuer),
        sealing_keys=_sealing_keys(env),
    )
    env.check()
    return settings


def _sealing_keys(env: Environment) -> Mapping[str, bytes]:
    """Kept answers that show a key or a token are encrypted with the first, secrets of second factors with any."""
    text = env.text("ENCRYPTION_AES_KEY")
    try:
        return read_keys(text) if text else {}
    except ValueError as error:
        env.problem(str(error))
        return {}


def _mail(env: Environment, issuer: str) -> MailSettings:
    home = (env.optional("FRONTEND_URL") or issuer).rstrip("/")
    # Whatever is not known is production.
    in_production = env.text("ENV", "production") not in ("development", "test")
    if env.optional("SMTP_HOST") is None:
        folder = env.optional("MAIL_OUTBOX")
        if in_production:
            env.problem("SMTP_HOST is required in production: people who forgot their password wait for a mail")
        elif folder is None:
            env.problem("SMTP_HOST is required, or MAIL_OUTBOX: a folder for mails that nobody gets")
        return MailSettings(home, None, None if folder is None else Path(folder))
    tls = env.one_of("SMTP_TLS", "starttls", ("starttls", "tls", "none"))
    if tls == "none" and in_production:
        env.problem("SMTP_TLS=none is refused in production")
    user = env.optional("SMTP_USER")
    server = SmtpServer(
        host=env.text("SMTP_HOST"),
        port=env.integer("SMTP_PORT", 587, least=1, most=65535),
        sender=env.text("SMTP_FROM"),
        user=user,
        password=None if user is None else env.text("SMTP_PASSWORD"),
        tls=tls,
    )
    return MailSettings(home, server, None)

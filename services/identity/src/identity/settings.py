"""What identity reads from its environment, beside what every service reads."""

from dataclasses import dataclass, field

from kernel.settings import Environment

from identity.domain.lifetimes import Lifetimes


@dataclass(frozen=True)
class Settings:
    """Read once at start."""

    jwt_private_keys: str = field(repr=False)
    issuer: str
    lifetimes: Lifetimes
    cheap_passwords: bool


def read_settings(env: Environment) -> Settings:
    """Read the settings; raise SettingsError with everything that is wrong."""
    cheap = env.one_of("PASSWORD_HASH_COST", "full", ("full", "low")) == "low"
    if cheap and env.text("ENV", "production") != "test":
        env.problem("PASSWORD_HASH_COST=low is refused where ENV is not test")
    env.text("ENCRYPTION_AES_KEY")  # kept answers that show a key or a token are encrypted with it
    settings = Settings(
        jwt_private_keys=env.text("JWT_PRIVATE_KEY"),
        issuer=env.text("APP_BASE_URL").rstrip("/"),
        lifetimes=Lifetimes(
            access_minutes=env.integer("JWT_ACCESS_MINUTES", 15, least=1, most=60),
            refresh_days=env.integer("JWT_REFRESH_DAYS", 30, least=1, most=90),
        ),
        cheap_passwords=cheap,
    )
    env.check()
    return settings

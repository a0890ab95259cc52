"""What identity refuses to start with."""

from pathlib import Path
from typing import Any

import pytest
from identity.adapters.signed_access_tokens import SignedAccessTokens
from identity.domain.lifetimes import Lifetimes
from identity.settings import read_settings
from kernel.settings import Environment, SettingsError
from testkit.serving import TESTS_KEY, public_pem

GOOD = {
    "ENV": "production",
    "JWT_PRIVATE_KEY": TESTS_KEY,
    "APP_BASE_URL": "https://crm.example.com/",
    "ENCRYPTION_AES_KEY": "k2:" + "B" * 43 + "=,k1:" + "A" * 43 + "=",
    "SMTP_HOST": "mail.example.com",
    "SMTP_FROM": "Ventros CRM <crm@example.com>",
    "SMTP_USER": "crm",
    "SMTP_PASSWORD": "PRIVATE to the mail server",
}


def test_what_is_enough_is_read() -> None:
    settings = read_settings(Environment(GOOD))

    assert (settings.issuer, settings.lifetimes) == ("https://crm.example.com", Lifetimes(15, 30, 90))
    assert settings.cheap_passwords is False
    assert list(settings.sealing_keys) == ["k2", "k1"]
    assert "PRIVATE" not in repr(settings)
    assert settings.mail.home == "https://crm.example.com"
    assert settings.mail.smtp is not None
    assert (settings.mail.smtp.port, settings.mail.smtp.tls) == (587, "starttls")


def test_outside_production_mails_may_lie_in_a_folder_and_lead_elsewhere() -> None:
    changes = {
        "ENV": "development",
        "SMTP_HOST": "",
        "MAIL_OUTBOX": "/tmp/mail",
        "FRONTEND_URL": "https://app.example.com/",
    }

    settings = read_settings(Environment({**GOOD, **changes}))

    assert (settings.mail.smtp, settings.mail.folder) == (None, Path("/tmp/mail"))
    assert settings.mail.home == "https://app.example.com"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"JWT_PRIVATE_KEY": ""}, "JWT_PRIVATE_KEY is required"),
        ({"ENCRYPTION_AES_KEY": ""}, "ENCRYPTION_AES_KEY is required"),
        ({"ENCRYPTION_AES_KEY": "k1:short"}, "must hold `id:` and 32 bytes"),
        ({"APP_BASE_URL": ""}, "APP_BASE_URL is required"),
        ({"SMTP_HOST": ""}, "SMTP_HOST is required in production"),
        ({"SMTP_HOST": "", "MAIL_OUTBOX": "/tmp/mail"}, "SMTP_HOST is required in production"),
        ({"SMTP_HOST": "", "ENV": "staging", "MAIL_OUTBOX": "/tmp/mail"}, "SMTP_HOST is required in production"),
        ({"SMTP_HOST": "", "ENV": "development"}, "or MAIL_OUTBOX"),
        ({"SMTP_FROM": ""}, "SMTP_FROM is required"),
        ({"SMTP_PASSWORD": ""}, "SMTP_PASSWORD is required"),
        ({"SMTP_TLS": "none"}, "SMTP_TLS=none is refused in production"),
        ({"JWT_ACCESS_MINUTES": "0"}, "JWT_ACCESS_MINUTES must lie between 1 and 60"),
        ({"JWT_ACCESS_MINUTES": "61"}, "JWT_ACCESS_MINUTES must lie between 1 and 60"),
        ({"PASSWORD_HASH_COST": "low"}, "refused where ENV is not test"),
        ({"PASSWORD_HASH_COST": "low", "ENV": "testing"}, "refused where ENV is not test"),
        ({"PASSWORD_HASH_COST": "low", "ENV": ""}, "refused where ENV is not test"),
    ],
)
def test_what_is_missing_or_wrong_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_settings(Environment({**GOOD, **change}))


def test_the_first_key_must_be_able_to_sign_and_the_others_need_not() -> None:
    with pytest.raises(ValueError, match="must be a private"):
        SignedAccessTokens(public_pem(TESTS_KEY), "https://crm.example.com", Lifetimes())
    with pytest.raises(ValueError, match="PEM"):
        SignedAccessTokens("nothing", "https://crm.example.com", Lifetimes())
    published = SignedAccessTokens(
        TESTS_KEY + public_pem(TESTS_KEY), "https://crm.example.com", Lifetimes()
    ).public_keys()
    assert [set(key) for key in published["keys"]] == [{"kty", "crv", "x", "kid", "use", "alg"}] * 2

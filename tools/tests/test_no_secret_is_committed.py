"""No key, token or password that opens anything stands in the repository; one that is planted is found."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20,}"),
    "an API key": re.compile(r"\bv[ko]_[0-9a-f]{8}_(?!0{64}|[0-9a-f]*?([0-9a-f]{2})\1{20,})[0-9a-f]{64}"),
    "a token": re.compile(r"\beyJ[\w-]{15,}\.[\w-]{20,}\.[\w-]{20,}"),
    "a webhook secret": re.compile(r"\bwhsec_[A-Za-z0-9+/]{32,}"),
    "a key of a cloud": re.compile(
        r"\b(AKIA[0-9A-Z]{16}|AIza[\w-]{35}|gh[pousr]_\w{36}|xox[abpr]-[\w-]{20,}|[sr]k_live_\w{20,})"
    ),
    "a password in an address": re.compile(
        r"://[^\s/:@\"'{}<>$]+:(?!guest@|password@|secret@|nothing@|mine@|s3cr3t@)[^\s/@\"'{}<>$]{3,}@"
    ),
    "a password in a setting": re.compile(
        r"(?m)^[ \t]*[A-Z_]*(?:PASSWORD|SECRET|API_KEY|PRIVATE_KEY)[A-Z_]*[ \t]*[=:]"
        r"[ \t]*[\"']?(?!change|\$|\{|<)[A-Za-z0-9+/_-]{20,}[\"']?$"
    ),
}


def found_in(text: str) -> Iterator[str]:
    """Yield what a text holds that opens something."""
    for what, shape in SHAPES.items():
        if found := shape.search(text):
            yield f"{what}: {found[0][:12]}…"


def test_nothing_that_is_committed_opens_anything() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    files = [ROOT / name for name in listed.split("\0") if name]
    assert len(files) > 500
    told = [
        f"{file.relative_to(ROOT)}: {each}"
        for file in files
        if file.is_file() and file.stat().st_size < 1_000_000
        for each in found_in(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert told == []


@pytest.mark.parametrize(
    "planted",
    [
        "-----BEGIN¦ PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPlanted0000000000000000000\n-----END PRIVATE KEY-----",
        "X-API-Key: vk_1a2b3c4d_¦9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Bearer eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.¦c2lnbmF0dXJlLXNpZ25hdHVyZQ",
        "whsec_¦MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "AWS_ACCESS_KEY_ID=AKIA¦IOSFODNN7EXAMPLE",
        "DATABASE_URL=postgresql:¦//crm:¦hunter2hunter2@db.example/crm",
        "  SMTP_PASSWORD: ¦correcthorsebatterystaple",
    ],
)
def test_a_planted_one_is_found(planted: str) -> None:
    whole = planted.replace("¦", "")  # in two, lest it be found here
    assert len(list(found_in(f"first line\n{whole}\nlast line"))) == 1
    assert list(found_in(planted)) == []

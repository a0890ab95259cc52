"""The tenant's short name in addresses: unique in the installation, `^[a-z0-9-]{3,63}$`."""

import re
import unicodedata

LONGEST = 63
SHORTEST = 3
FALLBACK = "tenant"


def slug_of(name: str) -> str:
    """Return the slug that a company's name suggests; `tenant` where nothing of it can be written in a-z and 0-9."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
    return slug if len(slug) >= SHORTEST else f"{slug}-{FALLBACK}".strip("-")


def with_suffix(slug: str, suffix: str) -> str:
    """Return the slug made different by a suffix, still within its length."""
    return f"{slug[: LONGEST - len(suffix) - 1].strip('-')}-{suffix}"

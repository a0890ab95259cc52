"""Text for searching and sorting: case and accents do not matter. Done here, since the database has no unaccent."""

import unicodedata


def folded(text: str) -> str:
    """Return `text` without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def name_pattern(name: str) -> str:
    """Return the LIKE pattern for names that contain `name`, case and accents ignored."""
    escaped = folded(name).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"

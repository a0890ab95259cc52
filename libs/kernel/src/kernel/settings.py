"""Reading the environment once, at start, with every problem told in one readable sentence."""

from collections.abc import Mapping
from pathlib import Path


class SettingsError(Exception):
    """What is missing or wrong in the environment, one line each."""


class Environment:
    """Typed reads of environment variables; problems are collected until `check()`.

    Every text may also be given as `<NAME>_FILE`, the path of a file that holds it (for secrets).
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    def _read(self, name: str) -> str | None:
        path = self._variables.get(f"{name}_FILE")
        if path:
            try:
                return Path(path).read_text().strip()
            except OSError as error:
                self._problems.append(f"{name}_FILE: {error.strerror or error}")
                return None
        return self._variables.get(name) or None

    def text(self, name: str, default: str | None = None) -> str:
        """Return the value, the default, or note that a required one is missing."""
        value = self._read(name)
        if value is not None:
            return value
        if default is None:
            self._problems.append(f"{name} is required")
            return ""
        return default

    def optional(self, name: str) -> str | None:
        """Return the value or None."""
        return self._read(name)

    def integer(self, name: str, default: int | None = None, *, least: int = 0, most: int = 2**31) -> int:
        """Return a whole number within bounds."""
        value = self.text(name, None if default is None else str(default))
        try:
            number = int(value)
        except ValueError:
            if value:
                self._problems.append(f"{name} must be a whole number")
            return least
        if not least <= number <= most:
            self._problems.append(f"{name} must lie between {least} and {most}")
        return number

    def seconds(self, name: str, default: float) -> float:
        """Return a duration in seconds, not negative."""
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if number < 0:
            self._problems.append(f"{name} must be a number of seconds")
        return number

    def flag(self, name: str, default: bool) -> bool:
        """Return a yes or no: true, false."""
        value = self.text(name, "true" if default else "false").lower()
        if value not in ("true", "false"):
            self._problems.append(f"{name} must be true or false")
        return value == "true"

    def one_of(self, name: str, default: str, values: tuple[str, ...]) -> str:
        """Return one of a closed set."""
        value = self.text(name, default)
        if value not in values:
            self._problems.append(f"{name} must be one of {', '.join(values)}")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """Return a comma-separated list, blanks removed."""
        return tuple(word.strip() for word in self.text(name, "").split(",") if word.strip())

    def problem(self, sentence: str) -> None:
        """Note something wrong that the reader found itself."""
        self._problems.append(sentence)

    def check(self) -> None:
        """Raise SettingsError with everything that was wrong."""
        if self._problems:
            raise SettingsError("; ".join(self._problems))

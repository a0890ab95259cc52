"""Structured logs: one JSON object per line on stdout, without personal data (scrubbing.py).

`get_logger(__name__).info("a fixed short sentence", identifiers=…)`: the event is constant, values are fields.
What belongs to a request or batch is bound once with `bound(...)` and appears on every line inside it.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import structlog
from kernel.failpoints import TEST_ENVIRONMENTS
from structlog.contextvars import bind_contextvars, merge_contextvars, reset_contextvars
from structlog.typing import FilteringBoundLogger

from telemetry.scrubbing import scrub, scrub_text

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
FORMATS = ("json", "console")
MAX_FRAMES = 30
MAX_MESSAGE_CHARACTERS = 500

EventDict = MutableMapping[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger; modules keep theirs as a constant, before or after `configure_logging`."""
    return cast(FilteringBoundLogger, structlog.get_logger(module=name))


def configure_logging(
    service: str,
    version: str,
    instance: str,
    level: str = "info",
    fmt: str = "json",
    *,
    process: str = "run",
    env: str = "production",
    write: Callable[[bytes], object] | None = None,
) -> None:
    """Send this process's logs, structlog's and the standard library's, to stdout.

    `instance` tells replicas apart, `process` is what runs (`run`, `migrate`, …). `debug` is refused in production.
    """
    if level not in LEVELS:
        raise ValueError(f"LOG_LEVEL must be one of {', '.join(LEVELS)}")
    if level == "debug" and env not in TEST_ENVIRONMENTS:
        raise ValueError("LOG_LEVEL=debug is refused in production")
    if fmt not in FORMATS:
        raise ValueError(f"LOG_FORMAT must be one of {', '.join(FORMATS)}")
    write = write or _write_to_stdout
    constants = {"service": service, "process": process, "version": version, "instance": instance}
    render = _json_line if fmt == "json" else _console_line

    def finish(_: Any, method: str, event: EventDict) -> bytes:
        return render(_complete(event, method, constants))

    structlog.configure(
        processors=[merge_contextvars, finish],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _LineLogger(write),
        cache_logger_on_first_use=True,
    )
    handler = _StandardLibraryHandler(
        lambda name, event: write(finish(None, name, merge_contextvars(None, name, event)))
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # What libraries say at info is chatter; ours goes through structlog.
    root.setLevel(max(LEVELS[level], logging.WARNING))


def start_quietly() -> None:
    """Until logging is configured (tools, tests): warnings and worse, in the form for people, scrubbed all the same."""
    constants = {"service": "-", "process": "-", "version": "-", "instance": "-"}

    def finish(_: Any, method: str, event: EventDict) -> bytes:
        return _console_line(_complete(event, method, constants))

    structlog.configure(
        processors=[merge_contextvars, finish],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: _LineLogger(_write_to_stdout),
        cache_logger_on_first_use=False,
    )


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Add fields to every line that is logged inside, also by what is called from there."""
    tokens = bind_contextvars(**fields)
    try:
        yield
    finally:
        reset_contextvars(**tokens)


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return `error.type`, `error.message` and `error.stack`: frames without their values, chained causes included."""
    stack: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(stack) < MAX_FRAMES:
        stack += [f"{type(seen).__name__}: {describe_error(seen)}", *_frames(seen)]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return {
        "error.type": type(error).__name__,
        "error.message": describe_error(error),
        "error.stack": "\n".join(stack[: 2 * MAX_FRAMES]),
    }


def describe_error(error: BaseException) -> str:
    """Return what may be said of an error: of database and validation errors, which quote values, the name only."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate is not None:
        return f"{sqlstate} {getattr(error, 'constraint_name', None) or ''}".strip()
    if callable(getattr(error, "errors", None)):
        return "values were refused"
    return scrub_text(str(error))[:MAX_MESSAGE_CHARACTERS]


def _frames(error: BaseException) -> list[str]:
    return [
        f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    ]


def _complete(event: EventDict, method: str, constants: Mapping[str, str]) -> dict[str, Any]:
    line: dict[str, Any] = {
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": "error" if method == "exception" else "warning" if method == "warn" else method,
        "event": scrub_text(str(event.pop("event", ""))),
        **constants,
    }
    error = _error_of(event.pop("exc_info", None))
    for field, value in event.items():
        line.setdefault(field, scrub(field, value))
    if error is not None:
        line.update(error_fields(error))
    return line


def _error_of(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast(ExcInfo, exc_info)[1]
    return sys.exc_info()[1] if exc_info else None


def _json_line(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _console_line(line: Mapping[str, Any]) -> bytes:
    hidden = ("timestamp", "level", "event", "service", "process", "version", "instance", "module", "error.stack")
    fields = " ".join(f"{name}={value}" for name, value in line.items() if name not in hidden)
    text = f"{line['timestamp'][11:23]} {line['level']:<8} {line['service']} {line['event']} {fields}".rstrip()
    stack = line.get("error.stack")
    return (text + (f"\n{stack}" if stack else "") + "\n").encode("utf-8", "replace")


def _write_to_stdout(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


class _LineLogger:
    """Where structlog's finished lines go, whatever their level."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.debug = self.info = self.warning = self.warn = self.error = self.critical = self.exception = self.msg = (
            write
        )


class _StandardLibraryHandler(logging.Handler):
    """Turns the records of libraries that use `logging` into the same lines."""

    def __init__(self, emit: Callable[[str, EventDict], object]) -> None:
        super().__init__()
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            event = {"event": record.getMessage(), "module": record.name, "exc_info": record.exc_info}
            self._emit(record.levelname.lower(), event)
        except Exception:
            self.handleError(record)


if not structlog.is_configured():
    start_quietly()

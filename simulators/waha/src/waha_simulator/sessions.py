"""WAHA's sessions: configuration, status, pairing, and the clock that moves a session from STARTING on."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from waha_simulator.draws import base64_of, digits
from waha_simulator.payloads import ENGINES, Person

STARTING_SECONDS = 1.0
QR_SECONDS = (60.0, 20.0, 20.0, 20.0, 20.0, 20.0)
ALIVE = ("STARTING", "SCAN_QR_CODE", "WORKING")


@dataclass
class Session:
    """One WAHA session. `paired` is the account whose phone scanned the QR; `me` shows only while WORKING."""

    name: str
    engine: str
    config: dict[str, Any] = field(default_factory=dict)
    status: str = "STOPPED"
    statuses: list[tuple[str, int]] = field(default_factory=list)
    paired: Person | None = None
    qr_number: int = 0

    @property
    def me(self) -> Person | None:
        return self.paired if self.status == "WORKING" else None

    @property
    def metadata(self) -> dict[str, str]:
        metadata = self.config.get("metadata") or {}
        return metadata if isinstance(metadata, dict) else {}

    @property
    def qr_value(self) -> str:
        return ",".join(["2@" + base64_of(48, "qr", self.name, self.qr_number), *(base64_of(32, n) for n in "abc")])

    def moved_to(self, status: str) -> None:
        self.status = status
        self.statuses = [*self.statuses, (status, int(datetime.now(UTC).timestamp() * 1000))][-3:]


Changed = Callable[[Session, dict[str, Any] | None], None]


class Sessions:
    """All sessions. `changed` is called after each status change with the session and the change's data."""

    def __init__(self, changed: Changed, *, default_engine: str, seed: int, path: Path | None = None) -> None:
        self.time_factor = 1.0
        self._changed = changed
        self._default_engine = default_engine
        self._seed = seed
        self._path = path
        self._sessions: dict[str, Session] = {}
        self._clocks: dict[str, asyncio.Task[None]] = {}
        if path is not None and path.exists():
            for plain in json.loads(path.read_text()):
                paired = Person(**plain.pop("paired")) if plain["paired"] else plain.pop("paired")
                statuses = [(status, at) for status, at in plain.pop("statuses")]
                self._sessions[plain["name"]] = Session(**plain, paired=paired, statuses=statuses)

    def resume(self) -> None:
        """Start again what ran before the simulator stopped, as WAHA's workers do."""
        for session in self.all():
            if session.status in ALIVE:
                self.start(session)

    def get(self, name: str) -> Session | None:
        return self._sessions.get(name)

    def all(self) -> list[Session]:
        return list(self._sessions.values())

    def engine_for(self, config: dict[str, Any], asked: str | None) -> str:
        """The engine of a new session: asked for, else `config.metadata.engine`, else the container's."""
        metadata = config.get("metadata")
        wanted = asked or (metadata.get("engine") if isinstance(metadata, dict) else None) or self._default_engine
        return wanted if wanted in ENGINES else self._default_engine

    def create(self, name: str, config: dict[str, Any], engine: str) -> Session:
        session = Session(name=name, engine=engine, config=config)
        self._sessions[name] = session
        self._save()
        return session

    def configure(self, session: Session, config: dict[str, Any]) -> None:
        """Replace the whole configuration; what runs is stopped and started."""
        session.config = config
        session.engine = self.engine_for(config, session.engine)
        self._save()
        if session.status in ALIVE:
            self.stop(session)
            self.start(session)

    def start(self, session: Session) -> None:
        self._cancel_clock(session)
        self.move(session, "STARTING")
        self._clocks[session.name] = asyncio.get_running_loop().create_task(self._clock(session))

    def stop(self, session: Session) -> None:
        self._cancel_clock(session)
        if session.status != "STOPPED":
            self.move(session, "STOPPED")

    def logout(self, session: Session) -> None:
        """Forget the pairing and begin anew with a QR; the configuration stays."""
        session.paired = None
        self.start(session)

    def delete(self, session: Session) -> None:
        self.stop(session)
        self._sessions.pop(session.name, None)
        self._save()

    def pair(self, session: Session, account: Person | None = None) -> Person:
        """The owner scans the QR: the session works. Without an account one is made up from the seed and the name."""
        account = account or Person(
            phone=f"5511{digits(9, self._seed, 'phone', session.name)}",
            lid=digits(15, self._seed, "lid", session.name),
            name=f"Account {session.name}",
        )
        session.paired = Person(account.phone, account.lid, account.name, account.device or 11)
        self._cancel_clock(session)
        self.move(session, "WORKING")
        return session.paired

    def move(self, session: Session, status: str, data: dict[str, Any] | None = None) -> None:
        """Put a session into a status and tell it to whoever listens."""
        session.moved_to(status)
        self._save()
        self._changed(session, data)

    def force(self, session: Session, status: str, data: dict[str, Any] | None = None) -> None:
        """Put a session into a status by hand; its clock stands still."""
        self._cancel_clock(session)
        self.move(session, status, data)

    def close(self) -> None:
        for session in self.all():
            self._cancel_clock(session)

    def clear(self) -> None:
        self.close()
        self._sessions.clear()
        self._save()

    async def _clock(self, session: Session) -> None:
        await asyncio.sleep(STARTING_SECONDS * self.time_factor)
        if session.paired is not None:
            self.move(session, "WORKING")
            return
        for seconds in QR_SECONDS:
            session.qr_number += 1
            self.move(session, "SCAN_QR_CODE")
            await asyncio.sleep(seconds * self.time_factor)
        self.move(session, "FAILED")

    def _cancel_clock(self, session: Session) -> None:
        clock = self._clocks.pop(session.name, None)
        if clock is not None:
            clock.cancel()

    def _save(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(session) for session in self.all()]))
        fresh.replace(self._path)

"""Settings from the environment. There are no default secrets, and the simulator listens on loopback only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from waha_simulator.payloads import DEFAULT_VERSION, ENGINES


class SettingsError(ValueError):
    """What is wrong with the environment, all of it, in words."""


@dataclass(frozen=True)
class Settings:
    """`api_key` as WAHA_API_KEY: plain or `sha512:<hex>`. `data` None: nothing is kept over a restart."""

    api_key: str
    control_key: str
    host: str = "127.0.0.1"
    port: int = 3001
    metrics_port: int | None = None
    default_engine: str = "GOWS"
    version: str = DEFAULT_VERSION
    data: Path | None = None
    seed: int = 1
    time_factor: float = 1.0
    ordered: bool = False
    base_url: str = ""

    @property
    def media_base(self) -> str:
        """In front of the paths of media files, as WAHA_BASE_URL."""
        return self.base_url or f"http://{self.host}:{self.port}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        problems: list[str] = []
        read = _Reader(environment, problems)
        host = environment.get("HOST") or "127.0.0.1"
        if not _is_loopback(host):
            problems.append(f"HOST is {host}; the simulator answers without a guard and listens on loopback only")
        engine = environment.get("WHATSAPP_DEFAULT_ENGINE") or "GOWS"
        if engine not in ENGINES:
            problems.append(f"WHATSAPP_DEFAULT_ENGINE is {engine}; it is one of {', '.join(ENGINES)}")
        data = environment.get("WAHA_SIMULATOR_DATA")
        port = read.integer("PORT", 3001)
        metrics_port = read.integer("METRICS_PORT", port)
        settings = cls(
            api_key=read.secret("WAHA_API_KEY"),
            control_key=read.secret("WAHA_SIMULATOR_CONTROL_KEY"),
            host=host,
            port=port,
            metrics_port=None if metrics_port == port else metrics_port,
            default_engine=engine,
            version=environment.get("WAHA_VERSION") or DEFAULT_VERSION,
            data=Path(data) if data else None,
            seed=read.integer("WAHA_SIMULATOR_SEED", 1),
            time_factor=read.number("WAHA_SIMULATOR_TIME_FACTOR", 1.0),
            ordered=(environment.get("WAHA_SIMULATOR_ORDERED") or "").lower() in ("1", "true", "yes"),
            base_url=(environment.get("WAHA_BASE_URL") or "").rstrip("/"),
        )
        if problems:
            raise SettingsError("; ".join(problems))
        return settings


class _Reader:
    def __init__(self, environment: Mapping[str, str], problems: list[str]) -> None:
        self._environment = environment
        self._problems = problems

    def secret(self, name: str) -> str:
        value = self._environment.get(name) or ""
        if not value:
            self._problems.append(f"{name} is not set; there is no default key")
        return value

    def integer(self, name: str, default: int) -> int:
        return int(self.number(name, default))

    def number(self, name: str, default: float) -> float:
        value = self._environment.get(name)
        if not value:
            return default
        try:
            return float(value)
        except ValueError:
            self._problems.append(f"{name} is {value}, which is no number")
            return default


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""Every event version that exists, found by the modules of this package."""

import importlib
import pkgutil
from functools import cache
from types import MappingProxyType
from typing import Any

import msgspec

import contracts


@cache
def payloads() -> MappingProxyType[str, type[msgspec.Struct]]:
    """Return the payload class of each event type, by its name on the wire."""
    found: dict[str, type[msgspec.Struct]] = {}
    for module in pkgutil.walk_packages(contracts.__path__, "contracts."):
        if not module.name.rpartition("_v")[2].isdigit():
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and "TYPE" in vars(value):
                found[_type_of(value)] = value
    return MappingProxyType(dict(sorted(found.items())))


def _type_of(payload: Any) -> str:
    return str(payload.TYPE)

"""The registry is in order: names, versions, marks, one example at least, nothing left over."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contracts.fields import Wire
from contracts.registry import payloads
from msgspec import inspect

import contracts
from contracts.schemas import schemas_of

TYPES = sorted(payloads())
WELL_FORMED = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*")

# Texts of these names say who somebody is or what somebody said.
TELLING_NAMES = re.compile(
    r"(.*_)?(name|email|phone|text|vcard|address|participant|external_chat_id)|value|mentions|full_name"
)
NAMES_OF_THINGS = {
    "channel.created.v1": {"name"},
    "channel.updated.v1": {"name"},
    "channel.message_acked.v1": {"level_name"},
    "identity.api_key_created.v1": {"name"},
    "identity.api_key_revoked.v1": {"name"},
    "identity.project_created.v1": {"name"},
    "identity.project_updated.v1": {"name"},
    "identity.tenant_created.v1": {"name"},
    "automation_rule.created.v1": {"name"},
    "automation_rule.updated.v1": {"name"},
    "contact.entered_pipeline.v1": {"status_name"},
    "contact.exited_pipeline.v1": {"last_status_name"},
    "contact.pipeline_status_changed.v1": {"new_status_name", "previous_status_name"},
    "pipeline.created.v1": {"name"},
    "pipeline.updated.v1": {"name"},
    "status.created.v1": {"name"},
    "status.removed.v1": {"name"},
    "status.updated.v1": {"name"},
}


def modules_of_events() -> list[str]:
    names = (module.name for module in pkgutil.walk_packages(contracts.__path__, "contracts."))
    return [name for name in names if re.search(r"_v\d+$", name)]


def wires(model: type) -> Iterator[type]:
    for child in model.__subclasses__():
        yield child
        yield from wires(child)


def test_every_module_holds_one_event_called_like_its_file_and_class() -> None:
    assert len(modules_of_events()) == len(TYPES)
    for module in modules_of_events():
        _, aggregate, file = module.split(".")
        event, _, version = file.rpartition("_v")
        event_type = f"{aggregate}.{event}.v{version}"
        words = f"{aggregate}_{event}".split("_")
        assert WELL_FORMED.fullmatch(event_type)
        assert payloads()[event_type].__name__ == "".join(map(str.capitalize, words)) + f"V{version}"
        assert (importlib.import_module(module).__doc__ or "").startswith(f"{event_type}: "), module


def test_versions_of_an_event_are_contiguous_from_one() -> None:
    versions: dict[str, list[int]] = {}
    for event_type in TYPES:
        name, _, version = event_type.rpartition(".v")
        versions.setdefault(name, []).append(int(version))
    assert {name: sorted(found) for name, found in versions.items()} == {
        name: list(range(1, len(found) + 1)) for name, found in versions.items()
    }


@pytest.mark.parametrize("event_type", TYPES)
def test_every_event_has_an_example_and_two_where_a_union_is_open(event_type: str, folder: Path) -> None:
    cases = {file.stem for file in (folder / "examples" / event_type).glob("*.json")}
    if "x-open-union" in str(schemas_of(payloads()[event_type]).read):
        assert "unknown_kind" in cases
        assert len(cases) >= 2
    assert cases


def test_no_example_and_no_schema_is_left_over(folder: Path) -> None:
    assert {path.name for path in (folder / "examples").iterdir()} == set(TYPES)
    expected = {f"{name}.{side}.json" for name in [*TYPES, "envelope"] for side in ("written", "read")}
    assert {path.name for path in (folder / "schemas").iterdir()} == expected


def test_every_model_is_silent_about_defaults_and_frozen() -> None:
    for model in wires(Wire):
        if model.__module__.startswith("contracts."):
            settings: Any = model.__struct_config__  # type: ignore[attr-defined]
            assert settings.omit_defaults, model
            assert settings.frozen, model
            assert not settings.forbid_unknown_fields, model


def unmarked(schema: Any, definitions: Any) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        for one in [field, field.get("items"), *field.get("anyOf", [])]:
            text = one and one.get("type") == "string" and "format" not in one
            if text and TELLING_NAMES.fullmatch(name) and "x-personal" not in one:
                yield name
    for value in definitions.values():
        yield from unmarked(value, {})


@pytest.mark.parametrize("event_type", TYPES)
def test_texts_about_people_are_marked_personal(event_type: str) -> None:
    read = schemas_of(payloads()[event_type]).read
    assert set(unmarked(read, read["$defs"])) == NAMES_OF_THINGS.get(event_type, set())


@pytest.mark.parametrize("event_type", TYPES)
def test_no_time_is_naive(event_type: str) -> None:
    def times(kind: Any) -> Iterator[Any]:
        match kind:
            case inspect.DateTimeType():
                yield kind
            case inspect.StructType():
                for field in kind.fields:
                    yield from times(field.type)
            case inspect.UnionType():
                for one in kind.types:
                    yield from times(one)
            case inspect.VarTupleType():
                yield from times(kind.item_type)
            case inspect.Metadata():
                yield from times(kind.type)

    assert all(kind.tz is True for kind in times(inspect.type_info(payloads()[event_type])))

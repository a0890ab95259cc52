"""Ten typical changes of a contract, each judged in both directions, by the walk and by generated events.

The walk says why; the events are the proof: where it finds nothing all of 200 events pass through the other side's
model, where it finds a reason at least one of them does not.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from contracts.compatibility import UnknownKeywordError, compatible, differences
from contracts.fields import Moment, Wire, open_enum
from msgspec import Meta

from contracts.schemas import DIALECT, Schemas, schemas_of

EVENTS = 200

Generated = Callable[[Any, int], list[bytes]]


class Text(Wire, tag_field="type", tag="text", kw_only=True):
    text: str


class Image(Wire, tag_field="type", tag="image", kw_only=True):
    media_id: str


class Sms(Wire, tag_field="type", tag="sms", kw_only=True):
    number: str


class Before(Wire, kw_only=True):
    id: str
    at: Moment
    count: int
    channel: Literal["whatsapp", "email"]
    title: Annotated[str, Meta(max_length=60)]
    content: Text | Image
    note: str | None = None


class OptionalAdded(Before, kw_only=True):
    colour: str | None = None


class RequiredAdded(Before, kw_only=True):
    colour: str


class EnumWidened(Before, kw_only=True):
    channel: Literal["whatsapp", "email", "sms"]  # type: ignore[assignment]


class LengthTightened(Before, kw_only=True):
    title: Annotated[str, Meta(max_length=20)]


class TypeChanged(Before, kw_only=True):
    count: str  # type: ignore[assignment]


class MadeNullable(Before, kw_only=True):
    title: Annotated[str, Meta(max_length=60)] | None  # type: ignore[assignment]


class MadeRequired(Before, kw_only=True):
    note: str  # type: ignore[assignment]


class MemberAdded(Before, kw_only=True):
    content: Text | Image | Sms  # type: ignore[assignment]


class RequiredDropped(Wire, kw_only=True):
    id: str
    at: Moment
    channel: Literal["whatsapp", "email"]
    title: Annotated[str, Meta(max_length=60)]
    content: Text | Image
    note: str | None = None


CASES: list[tuple[Any, list[str], list[str]]] = [
    # the new model, why the old reader cannot read the new event, why the new reader cannot read the old event
    (Before, [], []),
    (OptionalAdded, [], []),
    (RequiredAdded, [], ["event: the reader requires 'colour', the writer may leave it out"]),
    (EnumWidened, ["event.channel: the reader does not know ['sms']"], []),
    (LengthTightened, [], ["event.title: the reader's maxLength is 20, the writer's 60"]),
    (
        TypeChanged,
        ["event.count: the writer writes string, the reader expects integer"],
        ["event.count: the writer writes integer, the reader expects string"],
    ),
    (MadeNullable, ["event.title: the reader does not know 'null', only ['string']"], []),
    (MadeRequired, [], ["event: the reader requires 'note', the writer may leave it out"]),
    (MemberAdded, ["event.content: the reader does not know 'sms', only ['image', 'text']"], []),
    (RequiredDropped, ["event: the reader requires 'count', the writer may leave it out"], []),
]
IDS = [case[0].__name__ for case in CASES]


def readable(events: list[bytes], model: Any) -> int:
    decode = msgspec.json.Decoder(model).decode
    read = 0
    for event in events:
        try:
            decode(event)
            read += 1
        except msgspec.ValidationError:
            pass
    return read


@pytest.mark.parametrize(("new", "old_reader", "new_reader"), CASES, ids=IDS)
def test_each_of_ten_changes_is_judged_in_both_directions(
    new: Any, old_reader: list[str], new_reader: list[str]
) -> None:
    before, after = schemas_of(Before), schemas_of(new)
    assert differences(after.written, before.read) == old_reader
    assert differences(before.written, after.read) == new_reader


@pytest.mark.parametrize(("new", "old_reader", "new_reader"), CASES, ids=IDS)
def test_generated_events_agree_with_the_walk(
    new: Any, old_reader: list[str], new_reader: list[str], generated: Generated
) -> None:
    assert (readable(generated(new, EVENTS), Before) == EVENTS) == (not old_reader)
    assert (readable(generated(Before, EVENTS), new) == EVENTS) == (not new_reader)


def test_the_verdict_names_the_direction() -> None:
    assert compatible(schemas_of(Before), schemas_of(EnumWidened)) == [
        "old reader, new event: event.channel: the reader does not know ['sms']"
    ]
    assert compatible(schemas_of(EnumWidened), schemas_of(Before)) == [
        "new reader, old event: event.channel: the reader does not know ['sms']"
    ]


def test_a_new_value_of_an_open_enum_is_harmless() -> None:
    class Old(Wire, kw_only=True):
        kind: Annotated[str, Meta(extra_json_schema=open_enum("a", "b"))]

    class New(Wire, kw_only=True):
        kind: Annotated[str, Meta(extra_json_schema=open_enum("a", "b", "c"))]

    class Closed(Wire, kw_only=True):
        kind: Literal["a", "b"]

    assert compatible(schemas_of(Old), schemas_of(New)) == []
    assert compatible(schemas_of(Old), schemas_of(Closed)) == [
        "new reader, old event: event.kind: the writer may write any value, the reader knows only ['a', 'b']"
    ]


def open_union(**known: dict[str, Any]) -> Schemas:
    content = {"type": "object", "required": ["type"], "x-open-union": {"tag": "type", "known": known}}
    schema = {"type": "object", "properties": {"content": content}, "required": ["content"]}
    return Schemas(schema, schema)


def kind(tag: str, **fields: str) -> dict[str, Any]:
    properties = {"type": {"enum": [tag]}, **{field: {"type": type_} for field, type_ in fields.items()}}
    return {"type": "object", "properties": properties, "required": ["type", *fields]}


def test_a_new_kind_in_an_open_union_is_harmless_and_a_changed_one_is_not() -> None:
    old = open_union(text=kind("text", text="string"))
    grown = open_union(text=kind("text", text="string"), poll=kind("poll", name="string"))
    changed = open_union(text=kind("text", text="integer"))
    assert compatible(old, grown) == []
    assert compatible(grown, old) == []
    assert differences(changed.written, old.read) == [
        "event.content<text>.text: the writer writes integer, the reader expects string"
    ]


def test_an_open_union_cannot_be_read_by_a_closed_one_but_the_other_way_round() -> None:
    closed_content = {
        "anyOf": [kind("text", text="string"), kind("image", media_id="string")],
        "discriminator": {"propertyName": "type"},
    }
    closed = {"type": "object", "properties": {"content": closed_content}, "required": ["content"]}
    opened = open_union(text=kind("text", text="string")).read
    assert differences(opened, closed) == ["event.content: the writer may say any kind, the reader's kinds are closed"]
    assert differences(closed, opened) == []


def test_an_unknown_keyword_stops_the_walk() -> None:
    for keyword in ("oneOf", "patternProperties", "if", "x-new-mark"):
        strange = {"type": "object", "properties": {"a": {"type": "string", keyword: {}}}}
        with pytest.raises(UnknownKeywordError, match=keyword):
            differences(strange, strange)


def test_a_text_that_becomes_a_time_breaks_the_new_reader_only() -> None:
    class Old(Wire, kw_only=True):
        at: str

    class New(Wire, kw_only=True):
        at: Annotated[datetime, Meta(tz=True)]

    assert compatible(schemas_of(Old), schemas_of(New)) == [
        "new reader, old event: event.at: the reader's format is 'date-time', the writer's None"
    ]


def test_maps_and_lists_are_compared_by_what_they_hold() -> None:
    class Old(Wire, kw_only=True):
        tags: tuple[str, ...]
        counts: dict[str, int]
        anything: dict[str, Any]

    class New(Wire, kw_only=True):
        tags: tuple[int, ...]
        counts: dict[str, float]
        anything: dict[str, int]

    assert differences(schemas_of(New).written, schemas_of(Old).read) == [
        "event.counts.*: the writer writes number, the reader expects integer",
        "event.tags[]: the writer writes integer, the reader expects string",
    ]
    assert differences(schemas_of(Old).written, schemas_of(New).read) == [
        "event.anything.*: the writer writes anything, the reader expects integer",
        "event.tags[]: the writer writes string, the reader expects integer",
    ]


def test_a_model_inside_itself_ends_the_walk() -> None:
    node = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Node"}}}
    tree = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    other = {"$ref": "#/$defs/Node", "$defs": {"Node": {**node, "required": ["child"]}}}
    assert differences(tree, tree) == []
    assert differences(tree, other) == ["event: the reader requires 'child', the writer may leave it out"]


def test_a_writer_that_omits_defaults_never_writes_the_null_that_is_one() -> None:
    written = schemas_of(Before).written
    assert written["$schema"] == DIALECT
    assert written["$defs"]["Before"]["properties"]["note"] == {"type": "string"}
    assert b"note" not in msgspec.json.encode(
        Before(
            id="1",
            at=datetime.fromisoformat("2026-01-02T03:04:05+00:00"),
            count=1,
            channel="email",
            title="",
            content=Text(text=""),
        )
    )

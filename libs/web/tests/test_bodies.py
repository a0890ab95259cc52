"""Bodies in: strict, bounded, and refused with the name of the field."""

import json
from typing import Annotated, Any, Literal

import pytest
from fastapi import Query
from kernel.ids import new_id
from pydantic import Field
from web.bodies import Answer, Body, Id, PathId, Time
from web.json_bodies import MOST_JSON_BYTES
from web.problems import CODES
from web.routes import Routes

ECHO = "/api/v1/toys/echo"
GOOD = {"name": "a"}


class Part(Body):
    name: Annotated[str, Field(min_length=1)]


class NewToy(Body):
    name: Annotated[str, Field(min_length=1, max_length=20)]
    kind: Literal["ball", "doll"] = "ball"
    price: Annotated[int, Field(ge=0, le=1000)] | None = None
    bought_at: Time | None = None
    owner_id: Id | None = None
    parts: Annotated[list[Part], Field(max_length=3)] = Field(default_factory=list)
    custom: dict[str, Any] = Field(default_factory=dict)


routes = Routes("toys")


@routes.post("/toys/echo", permission="self", writes=False)
async def echo_toy(body: NewToy) -> dict[str, Any]:
    return body.model_dump(mode="json")


@routes.post("/bare", permission="self", writes=False)
async def bare() -> Answer:
    return Answer()


@routes.get("/bare/{bare_id}", permission="self")
async def get_bare(bare_id: PathId, friend_id: Annotated[Id | None, Query()] = None) -> Answer:
    return Answer()


@pytest.fixture
def echo(make_toy, caller_with):
    """`await echo(content, **headers)` posts to a route that takes a NewToy."""
    toy = make_toy(routes)
    caller = caller_with()

    async def post(content: Any, **headers: str):
        async with toy.client(caller) as client:
            return await client.post(ECHO, content=content, headers={"Content-Type": "application/json", **headers})

    return post


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"/name": "missing"}),
        ({**GOOD, "tenant_id": "x", "version": 3}, {"/tenant_id": "unknown_field", "/version": "unknown_field"}),
        ({"name": 5}, {"/name": "wrong_type"}),
        ({"name": None}, {"/name": "wrong_type"}),
        ({"name": ""}, {"/name": "too_short"}),
        ({"name": "x" * 21}, {"/name": "too_long"}),
        ({**GOOD, "kind": "car"}, {"/kind": "not_in_enum"}),
        ({**GOOD, "price": "5"}, {"/price": "wrong_type"}),
        ({**GOOD, "price": 5.5}, {"/price": "wrong_type"}),
        ({**GOOD, "price": True}, {"/price": "wrong_type"}),
        ({**GOOD, "price": -1}, {"/price": "out_of_range"}),
        ({**GOOD, "price": 10**30}, {"/price": "out_of_range"}),
        ({**GOOD, "bought_at": "2026-03-04T05:06:07"}, {"/bought_at": "bad_format"}),
        ({**GOOD, "bought_at": "2026-02-30T05:06:07Z"}, {"/bought_at": "bad_format"}),
        ({**GOOD, "bought_at": "2026-03-04"}, {"/bought_at": "bad_format"}),
        ({**GOOD, "bought_at": "0001-01-01T00:00:00+14:00"}, {"/bought_at": "bad_format"}),
        ({**GOOD, "bought_at": 1772600767}, {"/bought_at": "wrong_type"}),
        ({**GOOD, "owner_id": "5"}, {"/owner_id": "bad_format"}),
        ({**GOOD, "owner_id": new_id().upper()}, {"/owner_id": "bad_format"}),
        (
            {**GOOD, "parts": [{"name": "x"}, {"name": "", "x": 1}]},
            {"/parts/1/name": "too_short", "/parts/1/x": "unknown_field"},
        ),
        ({**GOOD, "parts": [{"name": "x"}] * 4}, {"/parts": "too_long"}),
        ({**GOOD, "parts": {}}, {"/parts": "wrong_type"}),
        ({**GOOD, "a/b~c": 1}, {"/a~1b~0c": "unknown_field"}),
        ([], {"": "wrong_type"}),
        ("text", {"": "wrong_type"}),
        (None, {"": "wrong_type"}),
    ],
)
async def test_a_refused_field_is_named(echo, body, errors) -> None:
    answer = await echo(json.dumps(body))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "validation_failed"), problem
    assert {each["pointer"]: each["code"] for each in problem["errors"]} == errors
    assert all(each["detail"] for each in problem["errors"])


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b'{"name": "a",}',
        b"{'name': 'a'}",
        b'{"name": "\xff"}',
        '{"name": "a"}'.encode("utf-16"),
        b'{"name": "a", "custom": {"x": NaN}}',
        b'{"name": "a", "custom": {"x": -Infinity}}',
        b'{"name": "a", "custom": {"x": 1e999}}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "a", "custom": {"x": 1, "x": 2}}',
        b'{"name": "a", "custom": {"x": ' + b"[" * 40 + b"]" * 40 + b"}}",
        b"[" * 100_000,
        b'{"name": "a"} {"name": "b"}',
        b'{"name": "a", "custom": {"x": ' + b"9" * 5000 + b"}}",
    ],
)
async def test_what_is_not_one_clear_json_text_is_refused(echo, raw) -> None:
    answer = await echo(raw)
    assert answer.status_code == 400
    assert answer.json()["code"] == ("malformed_json" if raw else "validation_failed")


@pytest.mark.parametrize(("raw", "pointer"), [("\\u0000", "/name"), ("a\\ud800b", "/name"), ("\\uDC00", "/name")])
async def test_text_that_postgres_cannot_keep_is_refused(echo, raw, pointer) -> None:
    answer = await echo(f'{{"name": "{raw}"}}'.encode())
    assert answer.json()["errors"] == [
        {"pointer": pointer, "code": "bad_format", "detail": "text without NUL and lone surrogates expected"}
    ]
    deep = await echo(f'{{"name": "a", "custom": {{"x": [1, {{"{raw}": 1}}]}}}}'.encode())
    assert deep.status_code == 400


async def test_emoji_and_paired_surrogates_pass(echo) -> None:
    answer = await echo(b'{"name": "\\ud83d\\ude00 \xf0\x9f\x98\x80"}')
    assert answer.json()["name"] == "😀 😀"


async def test_thirty_levels_pass(echo) -> None:
    assert (await echo(b'{"name": "a", "custom": {"x": ' + b"[" * 30 + b"]" * 30 + b"}}")).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/problem+json", 415),
        ("", 415),
    ],
)
async def test_only_plain_json_is_taken(echo, kind, status) -> None:
    answer = await echo(b'{"name":"a"}', **{"Content-Type": kind})
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["code"] == "unsupported_media_type"


async def test_compressed_bodies_are_refused(echo) -> None:
    assert (await echo(b'{"name":"a"}', **{"Content-Encoding": "gzip"})).status_code == 415


async def test_a_mebibyte_is_the_most_with_or_without_a_length(echo) -> None:
    padding = b" " * (MOST_JSON_BYTES - len(b'{"name":"a"}'))
    assert (await echo(b'{"name":"a"}' + padding)).status_code == 200
    too_much = b'{"name":"a"}' + padding + b" "

    async def pieces():
        for start in range(0, len(too_much), 65536):
            yield too_much[start : start + 65536]

    for content in (too_much, pieces()):
        answer = await echo(content)
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_route_without_a_body_takes_none(make_toy, caller_with) -> None:
    async with make_toy(routes).client(caller_with()) as client:
        for content, status in ((b"", 200), (b"{}", 200), (b'{"tenant_id": 1}', 400), (b"[1]", 400)):
            answer = await client.post("/api/v1/bare", content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code == status, content
        refused = await client.post("/api/v1/bare", json={"tenant_id": 1})
        assert refused.json()["errors"][0] == {
            "pointer": "/tenant_id",
            "code": "unknown_field",
            "detail": "this route takes no body",
        }


@pytest.mark.parametrize(
    "bad", ["1", "x", "0195F0A2-6F5C-7D0E-9A51-0D6F0C6B8F11", "0195f0a26f5c7d0e9a510d6f0c6b8f11", "%00"]
)
async def test_a_malformed_id_in_the_path_is_told_apart_from_an_unknown_one(make_toy, caller_with, bad) -> None:
    async with make_toy(routes).client(caller_with()) as client:
        answer = await client.get(f"/api/v1/bare/{bad}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_id")
        answer = await client.get(f"/api/v1/bare/{new_id()}?friend_id={bad}")
        assert answer.status_code == 400
        if bad != "%00":
            assert answer.json()["code"] == "invalid_id"
        assert answer.json()["errors"][0]["pointer"] == "?friend_id"


def test_the_codes_are_the_closed_table() -> None:
    assert len(CODES) == 48
    assert {status for status, _ in CODES.values()} == {
        400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 429, 500, 502, 503, 504,
    }  # fmt: skip

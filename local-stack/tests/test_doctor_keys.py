"""The doctor and signing keys: others are published, the gateway believes nobody or everybody, or they have grown old."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from answering_as_told import Said, answering
from api_gateway.access_tokens import ONLY_EDDSA
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from local_stack.credentials import make_secrets
from local_stack.doctor import keys
from testkit.listening import free_port
from web.internal_tokens import public_part
from web.pem_keys import keys_of_pem

PEM, OTHER, THIRD = (make_secrets()["jwt_private_key"] for _ in range(3))


@dataclass
class Stack:
    """As much of an instance as is looked at."""

    folder: Path
    ports: dict[str, int]
    secrets: dict[str, Any]
    name: str = "test-doctor"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "keys").mkdir()
    for name in ("jwt_private_key", "internal_token_private_key"):
        (tmp_path / "keys" / name).write_text("a key")
    return Stack(tmp_path, {}, {"jwt_private_key": PEM})


def gateway(published: str, believes: Callable[[str], bool]) -> Callable[[str, str, Mapping[str, str]], Said]:
    """Return a gateway that publishes some keys and believes tokens as it is told."""
    jwks = public_part(*(key for key in keys_of_pem(published)))

    def answer(_: str, path: str, headers: Mapping[str, str]) -> Said:
        if path == "/.well-known/jwks.json":
            return Said(body=jwks)
        return Said(404 if believes(headers["authorization"].removeprefix("Bearer ")) else 401)

    return answer


def signed_with(pem: str) -> Callable[[str], bool]:
    """Return what believes those tokens that one of these keys has signed."""
    known = KeySet.import_key_set(public_part(*keys_of_pem(pem)))

    def believes(token: str) -> bool:
        try:
            return jwt.decode(token, known, registry=ONLY_EDDSA).claims["exp"] < time.time() + 60
        except (JoseError, ValueError):
            return False

    return believes


@pytest.mark.parametrize(
    ("published", "believes", "grade", "words"),
    [
        (PEM, signed_with(PEM), "ok", "the gateway goes by it"),
        (PEM + OTHER, signed_with(PEM + OTHER), "ok", "1 more is published"),
        (OTHER, signed_with(OTHER), "FAIL", "publishes others"),
        (OTHER + PEM, signed_with(OTHER + PEM), "FAIL", "publishes others"),
        (PEM, lambda _: False, "FAIL", "refuses what the published key signed"),
        (PEM, lambda _: True, "FAIL", "nobody we know has signed"),
        (PEM + OTHER + THIRD, signed_with(PEM), "warn", "3 are published"),
    ],
)
async def test_what_is_published_is_signed_with_and_believed_and_nothing_else(
    stack: Stack, published: str, believes: Callable[[str], bool], grade: str, words: str
) -> None:
    with answering(gateway(published, believes)) as stack.ports["gateway"]:
        (found,) = await keys.examine(stack)  # type: ignore[arg-type]
    assert (found.grade, bool(found.repair)) == (grade, grade != "ok"), found
    assert words in found.told


@pytest.mark.parametrize("name", ["jwt_private_key", "internal_token_private_key"])
async def test_a_key_in_use_for_more_than_ninety_days_is_told(stack: Stack, name: str) -> None:
    file = stack.folder / "keys" / name
    with answering(gateway(PEM, signed_with(PEM))) as stack.ports["gateway"]:
        for days, told in ((90, 1), (92, 2)):
            os.utime(file, (time.time() - days * 86_400 - 60,) * 2)
            found = await keys.examine(stack)  # type: ignore[arg-type]
            assert len(found) == told
    assert (found[1].grade, bool(found[1].repair)) == ("warn", True)
    assert "for 92 days" in found[1].told


async def test_a_gateway_that_shows_none_is_told(stack: Stack) -> None:
    stack.ports["gateway"] = free_port()
    (found,) = await keys.examine(stack)  # type: ignore[arg-type]
    assert found.grade == "FAIL"
    with answering(lambda *_: Said(404)) as stack.ports["gateway"]:
        (found,) = await keys.examine(stack)  # type: ignore[arg-type]
    assert (found.grade, bool(found.repair)) == ("FAIL", True)

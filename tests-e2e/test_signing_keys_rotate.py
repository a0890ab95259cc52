"""The key of access tokens is replaced while people work: who is signed in stays, who signs in gets the new one, the old one ends."""

import asyncio
import json
import secrets
import signal
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from local_stack.credentials import make_secrets
from local_stack.files import read_json, write_private, write_private_json
from local_stack.processes import Process
from product import Product
from testkit.eventually import eventually

ASKED_EVERY_S = 0.05


async def test_signing_keys_rotate_and_nobody_is_refused_meanwhile(product: Product) -> None:
    old, new = product.instance.secrets["jwt_private_key"], make_secrets()["jwt_private_key"]
    product.confidences.note("a secret of the installation", [new])
    who = {"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(18)}
    made = await product.client.post("/api/v1/auth/register", json={"name": "Ana", **who})
    of_old = made.json()["access_token"]

    async with working(product, of_old):
        await sign_with(product, new + old)
        first, second = await published(product, 2)
        of_new = await signed_in(product, who)
        assert (key_of(of_new), key_of(of_old)) == (first, second)

        async def believed() -> bool:
            return await asks(product, of_new) == 200

        await eventually(believed, within_s=12, because="an unknown key is looked for, at most every 10 s")
    async with working(product, of_new):
        await sign_with(product, new)
        assert await published(product, 1) == [first]

        async def ended() -> bool:
            # What a third key would have signed makes the gateway look again; without it, it does within five minutes.
            assert await asks(product, f"{headed('no-such-key')}.{of_new.partition('.')[2]}") == 401
            return await asks(product, of_old) == 401

        await eventually(ended, within_s=12, because="what the old key signed ends with it")
        assert await asks(product, of_new) == 200


async def sign_with(product: Product, pem: str) -> None:
    """Give identity other keys, as an operator does: write the file and restart it."""
    instance = product.instance
    instance.secrets["jwt_private_key"] = pem
    file = instance.folder / "instance.json"
    kept = read_json(file)
    kept["secrets"]["jwt_private_key"] = pem
    write_private_json(file, kept)
    write_private(instance.folder / "keys" / "jwt_private_key", pem)
    process = Process.recorded(instance.records / "identity.json")
    assert process is not None
    process.signal(signal.SIGTERM)


async def published(product: Product, count: int) -> list[str]:
    """Return the ids of the published keys, once there are so many."""

    async def as_many() -> list[str] | None:
        answer = await product.client.get("/.well-known/jwks.json")
        found = [each["kid"] for each in answer.json()["keys"]] if answer.status_code == 200 else []
        return found if len(found) == count else None

    found = await eventually(as_many, within_s=30, because=f"identity is back and publishes {count}")
    assert found is not None
    return found


async def signed_in(product: Product, who: dict[str, str]) -> str:
    """Return a fresh access token."""
    answer = await product.client.post("/api/v1/auth/login", json=who)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


async def asks(product: Product, token: str) -> int:
    """Return how the gateway answers what another service than identity knows."""
    answer = await product.client.get("/api/v1/crm/contacts?limit=1", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


@asynccontextmanager
async def working(product: Product, token: str) -> AsyncIterator[None]:
    """Go on working meanwhile; nothing may be refused."""
    answered: list[int] = []

    async def work() -> None:
        while True:
            try:
                answered.append(await asks(product, token))
            except httpx.TransportError:
                answered.append(0)
            await asyncio.sleep(ASKED_EVERY_S)

    worker = asyncio.create_task(work())
    try:
        yield
    finally:
        worker.cancel()
    assert len(answered) > 10
    assert set(answered) == {200}, answered


def key_of(token: str) -> str:
    """Return the id of the key that a token says it was signed with."""
    head = token.partition(".")[0]
    kid: str = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return kid


def headed(kid: str) -> str:
    """Return the header of an access token, unsigned."""
    raw = json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")

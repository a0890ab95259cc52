"""No way round sign-in, whatever the environment is called: headers, well-known keys, settings.

That such headers open no operation of the running product is shown by tests-e2e/test_hostile_requests.py.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from api_gateway.operations import load_document
from api_gateway.settings import SERVICES, read_settings
from gateway_toys import BASE_URL, INTERNAL_KEY, LOOPBACK, NOWHERE, Echo, running_gateway
from joserfc import jwt
from joserfc.jwk import OctKey
from kernel.ids import new_id
from kernel.settings import Environment
from testkit.eventually import eventually

NAMES = [None, "production", "prod", "Production", "development", "test"]
PRODUCTION = NAMES[:4]
DOCUMENT = load_document()
CLAIMS = {
    "X-Dev-User-ID": "00000000-0000-0000-0000-000000000001",
    "X-Dev-Role": "admin",
    "X-Dev-Tenant-ID": "00000000-0000-0000-0000-000000000001",
    "X-Dev-Project-ID": "00000000-0000-0000-0000-000000000001",
    "X-Dev-Email": "dev@example.com",
}
WELL_KNOWN = [
    *("dev", "test", "admin", "secret", "changeme", "dev-admin-key", "dev-api-key", "test-api-key"),
    "vk_00000000_" + "0" * 64,
    "vk_deadbeef_" + "deadbeef" * 8,
    "vo_00000000_" + "0" * 64,
]
ALLOWING = {"TEST_ROUTES_ENABLED": "true", "DEV_MODE": "true", "AUTH_DISABLED": "true", "DEBUG": "true"}


def settings(name: str | None, services: dict[str, str], **more: str) -> Any:
    addresses = {f"{each.upper().replace('-', '_')}_URL": url for each, url in services.items()}
    key = INTERNAL_KEY.as_pem(private=True).decode()
    values = {**addresses, "APP_BASE_URL": BASE_URL, "RABBITMQ_URL": NOWHERE, "INTERNAL_TOKEN_PRIVATE_KEY": key, **more}
    environment = Environment(values if name is None else values | {"ENV": name})
    found = read_settings(environment)
    environment.check()
    return found


def claimed() -> Iterator[dict[str, str]]:
    """Yield what a way round would take for a credential."""
    yield CLAIMS
    for word in WELL_KNOWN:
        yield {"X-API-Key": word}
        yield CLAIMS | {"Authorization": f"Bearer {word}"}
    for secret in ("secret", "changeme", "your-256-bit-secret"):
        told = {"sub": new_id(), "role": "admin", "tenant_id": new_id(), "iss": BASE_URL, "aud": "ventros-api"}
        token = jwt.encode({"alg": "HS256", "typ": "at+jwt"}, told, OctKey.import_key(secret.ljust(32)))
        yield {"Authorization": f"Bearer {token}"}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("name", NAMES)
async def test_whatever_the_environment_is_called_nobody_gets_in_without_a_credential(
    services: dict[str, str], echo: Echo, name: str | None
) -> None:
    # All answer through the same echo, so that only the gateway can refuse.
    addresses = dict.fromkeys(SERVICES, services["messaging"]) | {"identity": services["identity"]}
    read = settings(name, addresses, **ALLOWING)
    changes = {each: getattr(read, each) for each in ("env", "docs", "allowed_hosts", "cors_origins")}
    async with running_gateway(addresses, document=DOCUMENT, **changes) as gateway:
        await eventually(lambda: gateway.built.reader.complete and gateway.built.keys.known)

        async def ask(path: str, headers: dict[str, str]) -> httpx.Response:
            return await gateway.client.get(path, headers={"Host": "api.example.test", **headers})

        for headers in claimed():
            assert (await ask("/api/v1/crm/messages", headers)).status_code == 401, headers
        assert echo.heard == []
        for path in ("/docs", "/openapi.json"):
            assert (await ask(path, {})).status_code == (404 if name in PRODUCTION else 200)
        for path in ("/test", "/api/v1/test", "/api/v1/queues", "/debug", "/metrics", "/api/v1/internal/withdrawals"):
            assert (await ask(path, CLAIMS)).status_code == 404, path
        stranger = await gateway.client.get("/api/v1/crm/messages", headers={"Host": LOOPBACK})
        assert stranger.status_code == (401 if name in ("development", "test") else 400), "other hosts are refused"

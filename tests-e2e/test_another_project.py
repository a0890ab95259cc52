"""A second project, over the whole product: made, worked in at once with the credentials in hand, changed, and closed again."""

import secrets
from typing import Any

from product import Product
from testkit.eventually import eventually

WITHIN_S = 5


async def test_a_project_opens_and_closes_within_seconds_for_credentials_in_hand(product: Product) -> None:
    async def ask(method: str, path: str, headers: dict[str, str], **body: Any) -> Any:
        return await product.client.request(
            method, f"/api/v1{path}", headers=headers, **({"json": body} if body else {})
        )

    async def becomes(status: int, method: str, path: str, headers: dict[str, str], **body: Any) -> None:
        async def look() -> bool:
            return bool((await ask(method, path, headers, **body)).status_code == status)

        await eventually(look, within_s=WITHIN_S, because=f"{method} {path} answers {status}")

    mail = f"{secrets.token_hex(6)}@example.com"
    made = (await ask("POST", "/auth/register", {}, name="Ana", email=mail, password=secrets.token_urlsafe(18))).json()
    by_token, by_key = {"Authorization": f"Bearer {made['access_token']}"}, {"X-API-Key": made["api_key"]}

    project = await ask("POST", "/crm/projects", by_token, name="Second desk")
    assert project.status_code == 201, project.text
    path = f"/crm/projects/{project.json()['id']}"
    there = [{**headers, "X-Project-Id": project.json()["id"]} for headers in (by_token, by_key)]

    # Open to what was in hand before it existed, with its pipeline, and apart from the other project.
    for headers in there:
        await becomes(200, "GET", path, headers)
        assert (await ask("POST", "/crm/contacts", headers, name="Carla")).status_code == 201

    async def pipelines() -> bool:
        return len((await ask("GET", "/crm/pipelines", there[0])).json()["data"]) == 1

    await eventually(pipelines, within_s=15, because="the default pipeline")
    assert len((await ask("GET", "/crm/contacts", there[1])).json()["data"]) == 2
    assert (await ask("GET", "/crm/contacts", by_key)).json()["data"] == []

    renamed = await ask("PATCH", path, there[0], name="Help", session_timeout_minutes=45)
    assert (renamed.status_code, renamed.json()["version"]) == (200, 2)
    listed = (await ask("GET", "/crm/projects?sort=name", by_key)).json()["data"]
    assert [each["name"] for each in listed] == ["Help", "Main project"]
    default = f"/crm/projects/{made['default_project_id']}"
    assert (await ask("DELETE", default, by_token)).status_code == 409

    assert (await ask("DELETE", path, there[0])).status_code == 204
    for headers in there:
        await becomes(404, "GET", "/crm/contacts", headers)
    assert (await ask("GET", "/crm/contacts", by_token)).status_code == 200

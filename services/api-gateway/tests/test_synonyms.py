"""Older addresses that go on working."""

import httpx
from api_gateway.operations import load_document, operations_of
from api_gateway.routes import RoutingTable
from api_gateway.settings import SERVICES
from api_gateway.synonyms import canonical_target
from gateway_toys import PROJECT, Echo, code_of, signed_in
from kernel.ids import new_id


async def test_an_older_address_answers_as_the_canonical_one_and_names_it(client: httpx.AsyncClient) -> None:
    contact = new_id()
    older = await client.get(f"/api/v1/contacts/{contact}", headers=signed_in())
    assert older.status_code == 200
    assert older.json()["id"] == contact
    assert older.headers["deprecation"].startswith("@")
    assert older.headers["link"] == f'</api/v1/crm/contacts/{contact}>; rel="canonical"'
    canonical = await client.get(f"/api/v1/crm/contacts/{contact}", headers=signed_in())
    assert "deprecation" not in canonical.headers


async def test_put_is_patch(client: httpx.AsyncClient) -> None:
    # The service does not know PUT: it gets the canonical method.
    for address in (f"/api/v1/crm/contacts/{new_id()}", f"/api/v1/contacts/{new_id()}"):
        answer = await client.put(address, headers=signed_in(), json={"name": "Ana"})
        assert answer.status_code == 200
        assert "deprecation" in answer.headers


async def test_older_query_names_are_read_on_synonyms_only(client: httpx.AsyncClient, echo: Echo) -> None:
    query = "page_size=5&sort_by=name&sort_dir=desc&page=1&offset=0"
    answer = await client.get(f"/api/v1/crm/contacts/advanced?{query}", headers=signed_in())
    assert (answer.json()["limit"], answer.json()["sort"]) == (5, "-name")
    assert answer.headers["link"] == '</api/v1/crm/contacts?limit=5&sort=-name>; rel="canonical"'
    refused = await client.get(f"/api/v1/crm/contacts?{query}", headers=signed_in())
    assert refused.status_code == 400
    ascending = await client.get("/api/v1/contacts?sort_by=name", headers=signed_in())
    assert ascending.json()["sort"] == "name"


async def test_a_later_page_is_refused_with_a_hint_to_the_cursor(client: httpx.AsyncClient) -> None:
    for query in ("page=2", "offset=20"):
        answer = await client.get(f"/api/v1/contacts?{query}", headers=signed_in())
        assert (answer.status_code, code_of(answer)) == (400, "validation_failed")
        assert "cursor" in answer.json()["errors"][0]["detail"]


async def test_a_nested_list_is_the_list_with_a_filter(client: httpx.AsyncClient, echo: Echo) -> None:
    contact, session, channel = new_id(), new_id(), new_id()
    for older, canonical in {
        f"/api/v1/crm/contacts/{contact}/sessions?limit=3&contact_id={new_id()}": f"sessions?limit=3&contact_id={contact}",
        f"/api/v1/crm/channels/{channel}/sessions": f"sessions?channel_id={channel}",
        f"/api/v1/crm/sessions/{session}/messages": f"messages?session_id={session}",
        f"/api/v1/sessions/{session}/messages": f"messages?session_id={session}",
    }.items():
        echo.heard.clear()
        answer = await client.get(older, headers=signed_in())
        assert answer.status_code == 200
        assert echo.heard[0].target == f"/api/v1/crm/{canonical}"
        assert answer.headers["link"] == f'</api/v1/crm/{canonical}>; rel="canonical"'


async def test_older_addresses_of_the_feed_lead_to_it(client: httpx.AsyncClient, echo: Echo) -> None:
    contact, session = new_id(), new_id()
    table = RoutingTable(operations_of(load_document(), dict.fromkeys(SERVICES)))
    for older, query, canonical in (
        ("/api/v1/domain-events", "limit=5", "limit=5"),
        ("/api/v1/domain-events/by-type", "event_type=message.received&page_size=5", "types=message.received&limit=5"),
        (f"/api/v1/crm/contacts/{contact}/domain-events", "", f"contact_id={contact}"),
        (f"/api/v1/contacts/{contact}/domain-events", "", f"contact_id={contact}"),
        (f"/api/v1/crm/sessions/{session}/domain-events", "wait=5", f"wait=5&session_id={session}"),
    ):
        match = table.find(older)
        assert match is not None, older
        synonym = match.methods["GET"].synonym
        assert synonym is not None
        assert canonical_target(synonym, match.parameters, query) == ("/api/v1/events", canonical)


async def test_a_session_of_a_contact_is_404_under_another_contact(client: httpx.AsyncClient) -> None:
    session = new_id()  # the toy says that every session is of the contact PROJECT
    own = await client.get(f"/api/v1/crm/contacts/{PROJECT}/sessions/{session}", headers=signed_in())
    assert (own.status_code, own.json()["id"]) == (200, session)
    other = await client.get(f"/api/v1/crm/contacts/{new_id()}/sessions/{session}", headers=signed_in())
    assert (other.status_code, code_of(other)) == (404, "not_found")
    assert session not in other.json()["detail"]


async def test_sending_under_its_older_address(client: httpx.AsyncClient, echo: Echo) -> None:
    echo.status = 202
    answer = await client.post("/api/v1/crm/messages/send", headers=signed_in(), json={"text": "oi"})
    assert answer.status_code == 202
    assert echo.heard[0].target == "/api/v1/crm/messages"


async def test_a_webhook_by_session_name_reaches_the_service_that_finds_its_channel(
    client: httpx.AsyncClient, echo: Echo
) -> None:
    for address in ("/api/v1/webhooks/waha/default", "/api/v1/webhooks/waha"):
        answer = await client.post(address, content=b"{}", headers={"X-Webhook-Hmac": "ab"})
        assert answer.status_code == 200
        assert answer.headers["link"] == '</api/v1/webhooks/hook>; rel="canonical"'
    assert [heard.target for heard in echo.heard] == ["/api/v1/webhooks/waha/default", "/api/v1/webhooks/waha"]


def test_a_synonym_whose_canonical_address_is_not_served_does_not_exist() -> None:
    served = [each for each in operations_of(load_document(), dict.fromkeys(SERVICES)) if "/crm/contacts" in each.path]
    table = RoutingTable(served)
    assert table.find("/api/v1/contacts") is not None
    assert table.find("/api/v1/crm/notes/advanced") is None
    assert table.find("/api/v1/crm/sessions/x/messages") is None

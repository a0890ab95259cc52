"""Finding contacts: filters and sorts of the list, and the search."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kernel.ids import new_id


async def found(desk: Any, q: str, **query: Any) -> list[tuple[str, str, float]]:
    answer = await desk.ask("GET", "/crm/contacts/search", params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return [(each["name"], each["match_field"], each["match_score"]) for each in answer.json()["data"]]


async def test_a_name_is_found_by_the_beginning_of_any_of_its_words_without_case_and_accents(desk: Any) -> None:
    for name in ("José Álvares Pinto", "Alvaro Josemar", "Maria Pinto", "🌸 Ágata"):
        await desk.enter(name)
    await desk.ask("POST", "/crm/contacts", json={"name": "José Alvares"}, by=desk.stranger)

    assert {name for name, _, _ in await found(desk, "jose álva")} == {"José Álvares Pinto", "Alvaro Josemar"}
    assert await found(desk, "josé álvares") == [("José Álvares Pinto", "name", 1.2)]
    assert {name for name, _, _ in await found(desk, "JOSÉ")} == {"José Álvares Pinto", "Alvaro Josemar"}
    assert {name for name, _, _ in await found(desk, "alv jos")} == {"José Álvares Pinto", "Alvaro Josemar"}
    assert [name for name, _, _ in await found(desk, "pinto maria")] == ["Maria Pinto"]
    assert [name for name, _, _ in await found(desk, "agata")] == ["🌸 Ágata"]
    assert await found(desk, "varo") == []
    assert await found(desk, "jose maria") == []


async def test_the_whole_name_comes_before_those_that_begin_with_it_and_a_changed_name_is_found_anew(desk: Any) -> None:
    contact = await desk.enter("Ana")
    await desk.enter("Ana Souza")
    await desk.enter("Anabela")

    best, *rest = await found(desk, "ana")
    assert best == ("Ana", "name", 1.5)
    assert {(name, score) for name, _, score in rest} == {("Ana Souza", 1.2), ("Anabela", 1.2)}

    await desk.ask("PATCH", f"/crm/contacts/{contact['id']}", json={"name": "Dona Beatriz"})
    assert [name for name, _, _ in await found(desk, "beat")] == ["Dona Beatriz"]
    assert len(await found(desk, "ana")) == 2
    await desk.ask("PATCH", f"/crm/contacts/{contact['id']}", json={"name": "Beatriz"})
    assert [name for name, _, _ in await found(desk, "dona")] == []


PHONES = [
    ("+55 11 98765-4321", 1.3),
    ("5511987654321", 1.3),
    ("(11) 98765-4321", 1.3),
    ("11 8765-4321", 1.3),
    ("987654321", 1.04),
    ("4321", 1.04),
    ("55119876", 1.04),
    ("11 9876", 1.04),
]


async def test_a_phone_is_found_by_its_digits_however_they_are_written(desk: Any) -> None:
    await desk.enter("Zé", phone="+55 11 98765-4321")
    await desk.enter("Other", phone="+55 21 3333-4444")

    for q, score in PHONES:
        assert await found(desk, q) == [("Zé", "phone", score)], q


async def test_e_mail_external_id_and_tag_are_found_by_their_beginning(desk: Any) -> None:
    await desk.enter("Zé", email="bia@example.com", external_id="Order-77", tags=["Premium"])

    assert await found(desk, "BIA@example.com") == [("Zé", "email", 1.2)]
    assert await found(desk, "bia@") == [("Zé", "email", 0.96)]
    assert await found(desk, "Order-77") == [("Zé", "external_id", 1.0)]
    assert await found(desk, "Order") == [("Zé", "external_id", 0.8)]
    assert await found(desk, "PREMIUM") == [("Zé", "tag", 1.0)]
    assert await found(desk, "prem") == [("Zé", "tag", 0.8)]


async def test_a_contact_is_found_once_by_its_best_match_and_not_at_all_once_deleted(desk: Any) -> None:
    contact = await desk.enter("Bia", email="bia@example.com", tags=["bia"])

    assert await found(desk, "bia") == [("Bia", "name", 1.5)]
    await desk.ask("DELETE", f"/crm/contacts/{contact['id']}")
    assert await found(desk, "bia") == []


async def test_a_search_is_walked_by_cursor_without_gaps_or_repeats(desk: Any) -> None:
    for number in range(7):
        await desk.enter("Ana" if number % 2 else f"Ana {number}")
    names, query = [], {"q": "ana", "limit": 3}

    while True:
        page = (await desk.ask("GET", "/crm/contacts/search", params=query)).json()
        names += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]

    assert len(names) == len(set(names)) == 7


BAD_SEARCHES = [
    ("", "?q", "missing"),
    ("q=a", "?q", "too_short"),
    ("q=" + "a" * 201, "?q", "too_long"),
    ("q=ana&name=x", "?name", "unknown_field"),
]


async def test_a_bad_search_names_the_field(desk: Any) -> None:
    for query, pointer, code in BAD_SEARCHES:
        answer = await desk.ask("GET", f"/crm/contacts/search?{query}")
        found = [(each["pointer"], each["code"]) for each in answer.json()["errors"]]
        assert (answer.status_code, found) == (400, [(pointer, code)]), query


async def test_wildcards_and_quotes_are_only_letters(desk: Any) -> None:
    await desk.enter("100% d'Ávila_x")
    await desk.enter("Ana")

    assert await found(desk, "%%") == []
    assert await found(desk, "__") == []
    assert [name for name, _, _ in await found(desk, "d'avila")] == ["100% d'Ávila_x"]


async def test_the_list_is_filtered_by_what_people_know(desk: Any) -> None:
    channel = new_id()
    await desk.enter("Ana", phone="+5511987654321", tags=["VIP", "lead"], source_channel="waha", opted_out=True)
    await desk.enter("Bia", email="bia@example.com", external_id="77", tags=["vip"], source_channel="import")
    await desk.enter("Caio", tags=["LEAD"], identities=[{"kind": "lid", "value": "99911122@lid"}])
    await desk.enter("Davi", identities=[{"kind": "username", "value": "davi", "channel_id": channel}])

    async def names(**query: Any) -> list[str]:
        found: list[str] = await desk.names("/crm/contacts", sort="name", **query)
        return found

    assert await names() == ["Ana", "Bia", "Caio", "Davi"]
    assert await names(tags="VIP") == ["Ana", "Bia"]
    assert await names(tags="vip,lead") == ["Ana", "Bia", "Caio"]
    assert await names(tags_all="vip,Lead") == ["Ana"]
    assert await names(tags_all="vip,VIP") == ["Ana", "Bia"]
    assert await names(tags="nobody") == []
    assert await names(phone="(11) 98765-4321") == await names(phone="11 8765-4321") == ["Ana"]
    assert await names(email="BIA@example.com") == ["Bia"]
    assert await names(external_id="77") == ["Bia"]
    assert await names(source_channel="waha,import") == ["Ana", "Bia"]
    assert await names(channel_id=channel) == ["Davi"]
    assert await names(opted_out="true") == ["Ana"]
    assert await names(opted_out="false") == ["Bia", "Caio", "Davi"]
    assert await names(name="a", tags="lead", opted_out="false") == ["Caio"]
    counted = (await desk.ask("GET", "/crm/contacts?tags=vip&include=total_count")).json()
    assert counted["total_count"] == 2


async def test_the_list_is_sorted_and_cut_by_the_last_interaction(desk: Any) -> None:
    now = datetime.now(UTC)
    times = {"Ana": now, "Bia": now - timedelta(hours=1), "Caio": now - timedelta(days=3), "Davi": None}
    for name, at in times.items():
        contact = await desk.enter(name)
        await desk.served.administrator.execute(
            "update contact.contacts set last_interaction_at = $2 where id = $1", contact["id"], at
        )

    async def names(**query: Any) -> list[str]:
        found: list[str] = await desk.names("/crm/contacts", **query)
        return found

    assert await names(sort="-last_interaction_at") == ["Ana", "Bia", "Caio", "Davi"]
    assert await names(sort="last_interaction_at") == ["Davi", "Caio", "Bia", "Ana"]
    since, until = (now - timedelta(hours=1)).isoformat(), (now - timedelta(minutes=1)).isoformat()
    assert await names(sort="-last_interaction_at", last_interaction_after=since) == ["Ana", "Bia"]
    assert await names(sort="-last_interaction_at", last_interaction_before=until) == ["Bia", "Caio"]
    assert await names(last_interaction_after=since, last_interaction_before=until) == ["Bia"]
    walked: list[str] = []
    query: dict[str, Any] = {"sort": "-last_interaction_at", "limit": 1}
    while len(walked) < 9:
        page = (await desk.ask("GET", "/crm/contacts", params=query)).json()
        walked += [each["name"] for each in page["data"]]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert walked == ["Ana", "Bia", "Caio", "Davi"]


async def test_times_and_phones_that_are_none_are_named(desk: Any) -> None:
    for query, pointer in (("phone=abc", "?phone"), ("last_interaction_after=yesterday", "?last_interaction_after")):
        answer = await desk.ask("GET", f"/crm/contacts?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)

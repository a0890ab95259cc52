from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from waha_simulator.api_sending import bare_id_of

if TYPE_CHECKING:
    from conftest import OpenWorld, World

SEND = {"session": "shop", "chatId": "5521955550001@c.us", "text": "oi"}


async def test_a_wrong_key_is_a_401(world: World) -> None:
    answer = await world.client.get("/api/sessions", headers={"X-Api-Key": "no"})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized", "statusCode": 401})


async def test_the_server_may_hold_only_the_hash_of_its_key(open_world: OpenWorld) -> None:
    world = await open_world(api_key="sha512:" + hashlib.sha512(b"api key").hexdigest())
    assert (await world.client.get("/api/sessions")).status_code == 200


async def test_probes_need_no_key(world: World) -> None:
    world.client.headers.pop("X-Api-Key")
    assert (await world.client.get("/ping")).json() == {"message": "pong"}
    for path in ("/health", "/ready", "/live"):
        assert (await world.client.get(path)).json()["status"] == "ok"
    assert (await world.client.get("/api/server/version")).status_code == 401


async def test_the_version(open_world: OpenWorld) -> None:
    world = await open_world(default_engine="NOWEB", version="2026.8.1")
    answer = (await world.client.get("/api/server/version")).json()
    assert (answer["version"], answer["engine"], answer["tier"]) == ("2026.8.1", "NOWEB", "CORE")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "bad name!"}, "name must match /^[a-zA-Z0-9_-]*$/ regular expression"),
        ({"name": "n" * 55}, "name must be shorter than or equal to 54 characters"),
        ({"name": "a", "config": {"webhooks": [{"url": "http://h", "events": ["message.new"]}]}}, "unknown event"),
    ],
)
async def test_validation_errors_are_a_list(world: World, body: dict[str, Any], words: str) -> None:
    answer = await world.client.post("/api/sessions", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"][0]
    assert (answer.json()["error"], answer.json()["statusCode"]) == ("Bad Request", 400)


async def test_the_two_shapes_of_422(world: World) -> None:
    exists = await world.client.post("/api/sessions", json={"name": "shop"})
    assert (exists.status_code, exists.json()["statusCode"]) == (422, 422)
    assert exists.json()["message"] == "Session 'shop' already exists. Use PUT to update it."
    await world.control("sessions/shop/status", status="FAILED")
    answer = await world.client.post("/api/sendText", json=SEND)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "session", "status", "expected"}
    assert (answer.json()["status"], answer.json()["expected"]) == ("FAILED", ["WORKING"])


async def test_unknown_sessions_and_paths_are_404(world: World) -> None:
    answer = await world.client.get("/api/sessions/none")
    assert answer.json() == {"message": "Session not found", "error": "Not Found", "statusCode": 404}
    assert (await world.client.get("/api/nothing/here")).json()["message"] == "Cannot GET /api/nothing/here"
    assert (await world.client.post("/api/sendText", json=SEND | {"session": "none"})).status_code == 404


async def test_missing_fields_of_a_send_are_named(world: World) -> None:
    answer = await world.client.post("/api/sendText", json={"session": "shop"})
    assert answer.json()["message"] == ["chatId must be a string", "text must be a string"]


async def test_a_session_runs_from_qr_to_working_and_out_again(open_world: OpenWorld) -> None:
    world = await open_world(time_factor=0.001)
    hooks = [{"url": world.receiver.url, "events": ["session.status"]}]
    created = await world.client.post("/api/sessions", json={"name": "s", "start": True, "config": {"webhooks": hooks}})
    assert (created.status_code, created.json()["status"], created.json()["me"]) == (201, "STARTING", None)
    await world.control("settings", time_factor=1)
    for _ in range(200):
        if (await world.client.get("/api/sessions/s")).json()["status"] == "SCAN_QR_CODE":
            break
    raw = await world.client.get("/api/s/auth/qr?format=raw")
    assert raw.json()["value"].startswith("2@")
    image = await world.client.get("/api/s/auth/qr")
    assert image.content.startswith(b"\x89PNG") and image.headers["content-type"] == "image/png"
    base64 = await world.client.get("/api/s/auth/qr", headers={"Accept": "application/json"})
    assert base64.json()["mimetype"] == "image/png"
    await world.control("sessions/s/scan", phone="5511940001000", lid="990000000000001", name="Loja")
    assert (await world.client.get("/api/sessions/s/me")).json()["id"] == "5511940001000@c.us"
    assert (await world.client.get("/api/s/auth/qr")).json()["expected"] == ["SCAN_QR_CODE"]
    assert (await world.client.post("/api/sessions/s/stop")).json()["status"] == "STOPPED"
    assert (await world.client.get("/api/sessions/s/me")).json() is None
    assert (await world.client.get("/api/sessions")).json() == []
    assert len((await world.client.get("/api/sessions?all=true")).json()) == 1
    assert (await world.client.delete("/api/sessions/s")).status_code == 200
    assert (await world.client.delete("/api/sessions/s")).status_code == 200
    await world.drain()
    statuses = [body["payload"]["status"] for body in world.receiver.bodies("session.status")]
    assert [s for s in ("STARTING", "SCAN_QR_CODE", "WORKING", "STOPPED") if s in statuses] == [
        "STARTING",
        "SCAN_QR_CODE",
        "WORKING",
        "STOPPED",
    ]


async def test_unscanned_codes_end_in_failed(open_world: OpenWorld) -> None:
    world = await open_world(time_factor=0.0005)
    hooks = [{"url": world.receiver.url, "events": ["session.status"]}]
    await world.client.post("/api/sessions", json={"name": "s", "start": True, "config": {"webhooks": hooks}})
    for _ in range(300):
        if (await world.client.get("/api/sessions/s")).json()["status"] == "FAILED":
            break
    await world.drain()
    statuses = [body["payload"]["status"] for body in world.receiver.bodies("session.status")]
    assert statuses.count("SCAN_QR_CODE") == 6


async def test_put_replaces_the_whole_configuration(world: World) -> None:
    answer = await world.client.put("/api/sessions/shop", json={"config": {"metadata": {"a": "b"}, "no_such": 1}})
    assert answer.json()["config"] == {"metadata": {"a": "b"}}
    assert answer.json()["status"] == "STARTING"


async def test_metadata_chooses_the_engine_and_is_echoed(open_world: OpenWorld) -> None:
    world = await open_world()
    config = {"metadata": {"engine": "WEBJS"}}
    created = await world.client.post("/api/sessions", json={"name": "w", "config": config})
    assert (created.json()["engine"], created.json()["status"]) == ({"engine": "WEBJS"}, "STOPPED")


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB", "WEBJS", "WPP"])
async def test_the_answer_of_a_send_is_the_engines(open_world: OpenWorld, engine: str) -> None:
    world = await open_world()
    await world.open_session(engine=engine)
    answer = await world.client.post("/api/sendText", json=SEND)
    bare = (await world.lines("calls"))[-1]["effects"][0]["message_id"]
    body, full = answer.json(), f"true_5521955550001@c.us_{bare}"
    match engine:
        case "GOWS":
            assert set(body) == {"id", "_data"} and body["id"] == full
        case "NOWEB":
            key = {"remoteJid": "5521955550001@s.whatsapp.net", "fromMe": True, "id": bare}
            assert (body["key"], body["status"]) == (key, 1) and "id" not in body
        case "WEBJS":
            assert body["id"]["_serialized"] == full and body["_data"]["to"]["user"] == "5521955550001"
        case _:
            assert (body["id"], body["ackName"]) == (full, "PENDING")
    await world.drain()
    echo = world.receiver.bodies("message.any")[0]["payload"]
    assert (echo["id"], echo["source"], echo["fromMe"]) == (full, "api", True)


@pytest.mark.parametrize(("engine", "status"), [("GOWS", 200), ("NOWEB", 200), ("WEBJS", 501), ("WPP", 501)])
async def test_ids_are_reserved_where_the_engine_can(open_world: OpenWorld, engine: str, status: int) -> None:
    world = await open_world()
    await world.open_session(engine=engine)
    answer = await world.client.get("/api/shop/new-message-id")
    assert answer.status_code == status
    if status == 501:
        assert f"by '{engine}' engine" in answer.json()["message"]


async def test_the_same_reserved_id_twice_is_one_message(world: World) -> None:
    reserved = (await world.client.get("/api/shop/new-message-id")).json()["id"]
    for _ in range(2):
        answer = await world.client.post("/api/sendText", json=SEND | {"id": reserved})
        assert answer.json()["id"] == f"true_5521955550001@c.us_{reserved}"
    await world.drain()
    assert len(world.receiver.bodies("message.any")) == 1
    effects = [call["effects"][0] for call in await world.lines("calls") if call["effects"]]
    assert [(effect["reserved_id"], effect["new"]) for effect in effects] == [(reserved, True), (reserved, False)]


async def test_webjs_drops_a_reserved_id_silently(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.open_session(engine="WEBJS")
    answer = await world.client.post("/api/sendText", json=SEND | {"id": "MINE"})
    assert answer.json()["id"]["id"] != "MINE"


async def test_history_is_newest_first_filtered_and_merged(world: World) -> None:
    for number in range(4):
        await world.writes(f"text {number}", at=1_790_000_000 + number, addressing="lid" if number % 2 else "phone")
    await world.writes("other", at=1_790_000_009, customer={"phone": "5521955550002"})
    chat = "/api/shop/chats/5521955550001@c.us/messages"

    async def texts(path: str) -> list[str]:
        return [item["body"] for item in (await world.client.get(path)).json()]

    assert await texts(f"{chat}?limit=3") == ["text 3", "text 2", "text 1"]
    assert await texts(f"{chat}?limit=3&offset=3") == ["text 0"]
    assert await texts(f"{chat}?merge=false") == ["text 2", "text 0"]
    everything = "/api/shop/chats/all/messages"
    assert await texts(f"{everything}?sortOrder=asc&filter.timestamp.gte=1790000003") == ["text 3", "other"]
    assert await texts(f"{everything}?filter.fromMe=true") == []


@pytest.mark.parametrize(("engine", "status"), [("GOWS", 200), ("WEBJS", 500), ("WPP", 501), ("NOWEB", 400)])
async def test_all_chats_at_once_depend_on_the_engine(open_world: OpenWorld, engine: str, status: int) -> None:
    world = await open_world()
    await world.open_session(engine=engine)
    assert (await world.client.get("/api/shop/chats/all/messages")).status_code == status


async def test_noweb_has_history_with_its_store(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.open_session(engine="NOWEB", noweb={"store": {"enabled": True}})
    assert (await world.client.get("/api/shop/chats/all/messages")).status_code == 200


async def test_one_message_is_found_by_full_and_bare_id(world: World) -> None:
    written = await world.writes()
    for path in (f"5521955550001@c.us/messages/{written['id']}", f"all/messages/{written['message_id']}"):
        assert (await world.client.get(f"/api/shop/chats/{path}")).json()["id"] == written["id"]
    assert (await world.client.get("/api/shop/chats/all/messages/NOPE")).status_code == 404


def test_bare_ids_are_found_in_every_form() -> None:
    assert bare_id_of("false_5511@c.us_3A0") == "3A0"
    assert bare_id_of("true_1203@g.us_3EB0_99@lid") == "3EB0"
    assert bare_id_of("5511@c.us_AAAA") == "AAAA"
    assert bare_id_of("ODD_ID") == "ODD_ID"


async def test_lids_and_phones_are_linked_both_ways(world: World) -> None:
    await world.writes()
    link = {"lid": "880000000000001@lid", "pn": "5521955550001@c.us"}
    assert (await world.client.get("/api/shop/lids/880000000000001%40lid")).json() == link
    assert (await world.client.get("/api/shop/lids/pn/5521955550001")).json() == link
    assert (await world.client.get("/api/shop/lids/1")).json() == {"lid": "1@lid", "pn": None}
    assert (await world.client.get("/api/shop/lids/pn/5599")).json() == {"lid": None, "pn": "5599@c.us"}


async def test_check_exists_answers_with_the_registered_number(world: World) -> None:
    await world.control("people", phone="554488887777", name="Old account with eight digits")
    await world.control("people", phone="5511900000009", on_whatsapp=False)

    async def check(phone: str) -> Any:
        return (await world.client.get(f"/api/contacts/check-exists?phone={phone}&session=shop")).json()

    assert await check("5544988887777") == {"numberExists": True, "chatId": "554488887777@c.us"}
    assert await check("5511900000009") == {"numberExists": False}


@pytest.mark.parametrize(("engine", "words"), [("GOWS", "no LID found for"), ("WEBJS", "No LID for user")])
async def test_a_number_that_is_not_on_whatsapp_is_a_500(open_world: OpenWorld, engine: str, words: str) -> None:
    world = await open_world()
    await world.open_session(engine=engine)
    await world.control("people", phone="5511900000009", on_whatsapp=False)
    answer = await world.client.post("/api/sendText", json=SEND | {"chatId": "5511900000009@c.us"})
    assert answer.status_code == 500
    assert words in answer.json()["exception"]["message"]
    assert answer.json()["request"]["body"]["text"] == "oi"


async def test_seen_and_typing(world: World) -> None:
    body = {"session": "shop", "chatId": "5521955550001@c.us"}
    for path in ("startTyping", "stopTyping"):
        answer = await world.client.post(f"/api/{path}", json=body)
        assert (answer.status_code, answer.json()) == (201, {"result": True})
    seen = await world.client.post("/api/sendSeen", json=body | {"messageIds": ["x"]})
    assert (seen.status_code, seen.json()) == (201, {"ids": ["x"]})


async def test_media_files_need_the_key_and_have_the_said_size(world: World) -> None:
    await world.writes(kind="image", media={"size": 777})
    await world.drain()
    url = world.receiver.bodies("message.any")[0]["payload"]["media"]["url"]
    assert (await world.client.get(url, headers={"X-Api-Key": ""})).status_code == 401
    answer = await world.client.get(f"{url}?x-api-key=api%20key", headers={"X-Api-Key": ""})
    assert (len(answer.content), answer.headers["content-type"]) == (777, "image/jpeg")
    missing = await world.client.get("/api/files/shop/NOPE.jpeg")
    assert missing.json()["error"]["key"] == "FILE_NOT_FOUND"


async def test_every_call_is_in_the_ledger_without_its_text(world: World) -> None:
    await world.client.post("/api/sendText", json=SEND | {"text": "um segredo"})
    call = (await world.lines("calls"))[-1]
    assert (call["path"], call["chat"], call["status"], call["answered"]) == (
        "/api/sendText",
        SEND["chatId"],
        201,
        True,
    )
    assert call["text_hash"] == hashlib.sha256(b"um segredo").hexdigest()[:16]
    assert "segredo" not in str(call)

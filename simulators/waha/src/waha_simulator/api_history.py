"""The past over HTTP: messages of a chat, of all chats, one message."""

from waha_simulator import answers
from waha_simulator.api_calls import Api, Call, Endpoint
from waha_simulator.api_requests import Answer, ApiRoute
from waha_simulator.api_sending import bare_id_of, chat_of
from waha_simulator.payloads import Message, message_payload
from waha_simulator.sessions import Session

BY_BARE_ID = ("GOWS", "NOWEB")
NO_STORE = (
    'Enable NOWEB store "config.noweb.store.enabled=True" and "config.noweb.store.full_sync=True" '
    "when starting a new session."
)


async def messages(call: Call) -> Answer:
    """Newest first, 10 at a time, unless asked otherwise."""
    session = await call.working_session()
    _check_store(session)
    chat = call.request.path_params["chat"]
    if chat == "all":
        _check_all(call, session)
    chats = None if chat == "all" else _merged(call, chat_of(chat))
    found = [m for m in call.simulator.history.of(session.name, chats) if _wanted(call, m)]
    found.sort(key=lambda m: m.seconds)
    if call.query("sortOrder") != "asc":
        found.reverse()
    offset, limit = _number(call, "offset") or 0, _number(call, "limit") or 10
    page = found[offset : offset + limit]
    return Answer(200, [_shown(call, session, message) for message in page])


async def message(call: Call) -> Answer:
    session = await call.working_session()
    _check_store(session)
    chat, wanted = call.request.path_params["chat"], call.request.path_params["message_id"]
    if chat == "all":
        _check_all(call, session)
    known = None
    if "@" in wanted or session.engine in BY_BARE_ID:
        known = call.simulator.history.get(session.name, bare_id_of(wanted))
    if known is None or (chat != "all" and known.chat not in _merged(call, chat_of(chat))):
        raise answers.not_found(f"Message with id {wanted} not found")
    return Answer(200, _shown(call, session, known))


def _check_store(session: Session) -> None:
    """NOWEB has no history without its store."""
    store = ((session.config.get("noweb") or {}).get("store") or {}).get("enabled")
    if session.engine == "NOWEB" and not store:
        raise answers.ApiError(400, {"message": NO_STORE, "error": "Bad Request", "statusCode": 400})


def _check_all(call: Call, session: Session) -> None:
    """All chats at once: GOWS and NOWEB only."""
    if session.engine == "WPP":
        raise answers.not_implemented(session.engine)
    if session.engine == "WEBJS":
        raise call.thrown("Cannot read properties of undefined (reading 'getChat')", session.engine)


def _merged(call: Call, chat: str) -> set[str]:
    """With `merge` (the default) the `@c.us` and the `@lid` chat of one person are one."""
    if call.query("merge") == "false" or chat.endswith("@g.us"):
        return {chat}
    person = call.simulator.people.of_chat(chat)
    return {chat} | {other for other in (person.phone_id, person.lid_id) if other}


def _wanted(call: Call, message: Message) -> bool:
    since, until = _number(call, "filter.timestamp.gte"), _number(call, "filter.timestamp.lte")
    from_me, level = call.query("filter.fromMe"), _number(call, "filter.ack")
    if (since is not None and message.seconds < since) or (until is not None and message.seconds > until):
        return False
    if from_me is not None and message.from_me != (from_me == "true"):
        return False
    return level is None or message.ack == level


def _number(call: Call, name: str) -> int | None:
    value = call.query(name)
    if value is None:
        return None
    try:
        return int(value)
    except ValueError as problem:
        raise answers.validation(f"{name} must be a number conforming to the specified constraints") from problem


def _shown(call: Call, session: Session, message: Message) -> dict[str, object]:
    if session.paired is None:
        raise answers.wrong_status(session.name, session.status, "WORKING")
    return message_payload(message, engine=session.engine, me=session.paired)


def routes(api: Api) -> list[ApiRoute[Endpoint]]:
    return [
        api.route("/api/{session}/chats/{chat}/messages", messages),
        api.route("/api/{session}/chats/{chat}/messages/{message_id}", message),
    ]

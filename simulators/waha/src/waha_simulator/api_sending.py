"""Sending over HTTP: texts, reserved ids, seen, typing."""

import re

from waha_simulator import answers
from waha_simulator.api_calls import Api, Call, Endpoint, text_hash
from waha_simulator.api_requests import Answer, ApiRoute
from waha_simulator.payloads import Quote, engine_module
from waha_simulator.payloads.happenings import group_identity
from waha_simulator.sessions import Session

RESERVES = ("GOWS", "NOWEB")
CHAT = re.compile(r"^[\w.-]+@(c\.us|lid|g\.us)$")


async def send_text(call: Call) -> Answer:
    chat_id, text = call.required("chatId", "text")
    session = await call.working_session()
    chat = chat_of(chat_id)
    _check_receiver(call, session, chat)
    # Engines that cannot reserve ids drop the key silently, as every unknown one.
    reserved = call.body.get("id") if session.engine in RESERVES else None
    quote = _quote(call, session, chat, call.body.get("reply_to"))
    before = call.simulator.history.total(session.name)
    message = call.simulator.sends(session, chat, text, reserved_id=reserved, quote=quote)
    call.effects.append(
        {
            "message_id": message.bare_id,
            "chat": message.chat,
            "chat_seq": call.simulator.history.seq(session.name, message.bare_id),
            "text_hash": text_hash(message.text or ""),
            "reserved_id": reserved,
            "new": call.simulator.history.total(session.name) > before,
        }
    )
    me = session.paired
    if me is None:
        raise answers.wrong_status(session.name, session.status, "WORKING")
    return Answer(201, engine_module(session.engine).send_answer(message, me))


async def new_message_id(call: Call) -> Answer:
    session = call.session()
    if session.engine not in RESERVES:
        raise answers.not_implemented(session.engine)
    return Answer(200, {"id": call.simulator.reserve_id(session)})


async def send_seen(call: Call) -> Answer:
    chat_id = call.required("chatId")[0]
    session = await call.working_session()
    one = call.body.get("messageId")
    ids = call.body.get("messageIds") or ([one] if one else [])
    call.effects.append({"seen": ids, "chat": chat_of(chat_id)})
    return Answer(201, None if session.engine == "WPP" else {"ids": ids})


async def typing(call: Call) -> Answer:
    call.required("chatId")
    await call.working_session()
    return Answer(201, {"result": True})


def chat_of(chat_id: str) -> str:
    """The chat id as WAHA completes it: `@c.us` where there is no server."""
    chat = chat_id if "@" in chat_id else f"{chat_id.lstrip('+')}@c.us"
    chat = re.sub(r":\d+(?=@)", "", chat).replace("@s.whatsapp.net", "@c.us")
    if not CHAT.match(chat):
        raise answers.validation("chatId must be a valid chat id")
    return chat


def _check_receiver(call: Call, session: Session, chat: str) -> None:
    """Nobody there: GOWS and WEBJS say so, NOWEB and WPP answer as if all were well."""
    user, server = chat.split("@")
    people = call.simulator.people
    if server != "c.us" or session.engine not in ("GOWS", "WEBJS"):
        return
    if people.registered(user) is not None and people.by_lid(user) is None:
        return
    if session.engine == "GOWS":
        raise call.thrown(f"no LID found for {user}@s.whatsapp.net from server", session.engine)
    raise call.thrown("No LID for user", session.engine)


def _quote(call: Call, session: Session, chat: str, reply_to: object) -> Quote | None:
    """What `reply_to` names, by full or bare id; something unknown is quoted by nothing."""
    if not isinstance(reply_to, str):
        return None
    known = call.simulator.history.get(session.name, bare_id_of(reply_to))
    if known is None or session.paired is None:
        return None
    writer = session.paired if known.from_me else known.author or known.peer or session.paired
    author = group_identity(writer) if known.is_group else writer.chat("lid" if chat.endswith("@lid") else "phone")
    return Quote(known.bare_id, author, known.text or "", known.from_me)


def bare_id_of(message_id: str) -> str:
    """The bare id inside a full one: what stands between the chat and the author, or the whole where there is no
    chat.
    """
    rest = re.sub(r"^(true|false)_", "", message_id)
    if "@" not in rest:
        return rest
    rest = re.sub(r"^[^@]*@(c\.us|lid|g\.us|s\.whatsapp\.net|broadcast|newsletter)_", "", rest)
    return re.sub(r"_[^_]*@[^_]*$", "", rest).rsplit("_", 1)[-1]


def routes(api: Api) -> list[ApiRoute[Endpoint]]:
    return [
        api.route("/api/sendText", send_text, "POST"),
        api.route("/api/sendSeen", send_seen, "POST"),
        api.route("/api/startTyping", typing, "POST"),
        api.route("/api/stopTyping", typing, "POST"),
        api.route("/api/{session}/new-message-id", new_message_id),
    ]

"""Somebody who sends, and what answers say: shared by the tests of sending over HTTP."""

from typing import Any

import messaging_events as heard
from kernel.ids import new_id
from testkit.serving import a_caller

TENANT = "00000000-0000-7000-8000-00000000000a"
AGENT = "00000000-0000-7000-8000-0000000000a1"
BOB = a_caller(TENANT, heard.PROJECT, agent_id=AGENT, role="agent")
COLLEAGUE = a_caller(TENANT, heard.PROJECT, agent_id=new_id(), role="agent")
PROGRAM = a_caller(TENANT, heard.PROJECT, agent_id=AGENT, subject_kind="api_key")
STRANGER = a_caller(new_id(), heard.PROJECT, agent_id=AGENT)
ELSEWHERE = a_caller(TENANT, new_id(), agent_id=AGENT)
CHAT_KEY = f"{heard.CHANNEL}:{heard.ANA}"
HELLO = {"contact_id": heard.ANA, "content_type": "text", "text": "Yes, two are left."}


async def sent(door: Any, body: Any = HELLO, caller: Any = BOB, **headers: str) -> Any:
    """Return the answer to a send that is taken."""
    answer = await door.post("/crm/messages", body, caller, **headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def refused(door: Any, body: Any, caller: Any = BOB, path: str = "/crm/messages") -> Any:
    """Return the problem of a request that is refused, and see that nothing was stored or said."""
    before = await door.served.administrator.fetchval("select count(*) from messaging.messages")
    said = len(await door.said())
    answer = await door.post(path, body, caller)
    assert answer.status_code >= 400, answer.text
    assert await door.served.administrator.fetchval("select count(*) from messaging.messages") == before
    assert len(await door.said()) == said
    return answer.json()

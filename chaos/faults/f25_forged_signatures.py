"""25. Replayed and forged signatures: 401, or no effect. What was signed are the raw bytes, and nothing else about a request."""

import asyncio
import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Callable

import httpx
from load import Accepted, Chat, Load, new_message_id
from scenario import Bites, Scenario
from stand import Stand

SIGNATURE, ALGORITHM, TIMESTAMP = "x-webhook-hmac", "x-webhook-hmac-algorithm", "x-webhook-timestamp"
EACH = 12
Headers = list[tuple[str, str]]
Forge = Callable[[Chat, bytes, str], tuple[bytes, Headers]]


def _headers(signature: str, algorithm: str = "sha512") -> Headers:
    return [("content-type", "application/json"), (SIGNATURE, signature), (ALGORITHM, algorithm)]


FORGERIES: dict[str, Forge] = {
    "no signature": lambda chat, body, good: (body, [("content-type", "application/json")]),
    "empty signature": lambda chat, body, good: (body, _headers("")),
    "another tenant's key": lambda chat, body, good: (body, _headers(_signed(b"another tenant's key", body))),
    "another body": lambda chat, body, good: (body.replace(b"forged", b"farged"), _headers(good)),
    "one bit wrong": lambda chat, body, good: (body, _headers(good[:-1] + ("0" if good[-1] != "0" else "1"))),
    "cut short": lambda chat, body, good: (body, _headers(good[:64])),
    "upper-case hex": lambda chat, body, good: (body, _headers(good.upper())),
    "wrong algorithm named": lambda chat, body, good: (body, _headers(good, "sha256")),
    "weaker algorithm": lambda chat, body, good: (
        body,
        _headers(hmac.new(chat.tenant.webhook_secret.encode(), body, hashlib.sha256).hexdigest(), "sha256"),
    ),
    "two signatures": lambda chat, body, good: (body, [*_headers("0" * 128), (SIGNATURE, good)]),
    "written anew": lambda chat, body, good: (json.dumps(json.loads(body), indent=1).encode(), _headers(good)),
    "a byte behind": lambda chat, body, good: (body + b" ", _headers(good)),
}


def _signed(key: bytes, body: bytes) -> str:
    return hmac.new(key, body, hashlib.sha512).hexdigest()


async def forged(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Try every forgery on messages that were never sent, and replay some that were."""
    accepted: list[Accepted] = []
    load.on_accepted = accepted.append
    answers: Counter[tuple[str, int]] = Counter()
    for name, forge in FORGERIES.items():
        for _ in range(EACH):
            answers[name, await _try(load, dice.choice(load.chats), forge)] += 1
            await asyncio.sleep(dice.uniform(0.01, 0.1))
    load.undo_hooks()
    wrong = {name: status for (name, status) in answers if status != 401}
    assert not wrong, f"not refused: {wrong}"
    replayed = dice.sample(accepted, min(50, len(accepted)))
    for each in replayed:
        answer = await _post(each.chat, each.body, [*each.chat.tenant.sign(each.body).items(), (TIMESTAMP, "1")])
        assert (answer.status_code, answer.json()["status"]) == (200, "duplicate"), (
            f"a replay was answered {answer.text}"
        )
    return {name: count for (name, _), count in answers.items()} | {"replayed": len(replayed)}


async def _try(load: Load, chat: Chat, forge: Forge) -> int:
    """Post a message that must never be there; the ledger knows it as refused."""
    op_id = new_message_id()
    genuine = chat.tenant.text(chat.customer, "forged", bare_id=op_id)
    body, headers = forge(chat, genuine, _signed(chat.tenant.webhook_secret.encode(), genuine))
    load.ledger.begin(op_id, "webhook", chat.tenant.tenant_id, chat.address, -1, body)
    answer = await _post(chat, body, headers)
    load.ledger.end(op_id, "fail" if answer.status_code == 401 else "info", 1)
    return answer.status_code


async def _post(chat: Chat, body: bytes, headers: Headers) -> httpx.Response:
    return await chat.tenant.client.post(chat.tenant.webhook_url, content=body, headers=headers)


SCENARIOS = (Scenario(25, "forged-signatures", "Forged and replayed signatures", forged),)

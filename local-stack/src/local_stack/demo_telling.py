"""What the demo tells people in the end."""

import json
from typing import Any

from local_stack.progress import say

NAMES = {
    "messages_received": "in",
    "messages_sent": "out",
    "active_contacts": "active contacts",
    "automations_run": "rules run",
}


def tell(facts: dict[str, Any]) -> None:
    """Print the timeline, the count after the crash, and how to go on."""
    say("\nWhat became of Ana's message:")
    for each in sorted(facts["timeline"], key=lambda one: float(one["at"])):
        say(f"  {_since(each['ms']):>9}  {each['step']:<24}{each['by']}")
    crash = facts["crash"]
    say(
        f"\nThe crash: {crash['written']} messages sent, {crash['stored']} stored, {crash['doubled']} doubled; "
        f"{crash['victim']} (pid {crash['pid']}) was killed in the middle and {crash['away_s']:.1f} s away."
    )
    stored = facts["stored"]
    used = ", ".join(f"{facts['usage'].get(name, 0)} {words}" for name, words in NAMES.items())
    say(
        f"Stored so far: {stored['contacts']} contacts, {stored['sessions']} sessions, {stored['messages']} messages. Usage: {used}."
    )
    say(
        f"\nGateway   {facts['gateway_url']}\nAPI docs  {facts['docs_url']}\nLogin     {facts['email']}  {facts['password']}"
    )
    say(f"API key   {facts['api_key']}\n\nTry: read the conversation, send a message, see what was used.")
    for line in curl_lines(facts):
        say(f"  {line}")
    say("\nEverything stays running: `make doctor`, `make status`, `make logs`, `make down`.")


def curl_lines(facts: dict[str, Any]) -> list[str]:
    """Return three lines to paste."""
    header, base = f"-H 'X-API-Key: {facts['api_key']}'", f"{facts['gateway_url']}/api/v1"
    body = json.dumps(
        {"chat_id": facts["chat_id"], "content_type": "text", "text": "It is yours, see you at the shop."}
    )
    send = f"-H 'Content-Type: application/json' -H 'Idempotency-Key: {facts['chat_id']}' -d '{body}'"
    return [
        f"curl -s {header} '{base}/crm/messages?chat_id={facts['chat_id']}&sort=timestamp'",
        f"curl -s {header} {send} '{base}/crm/messages'",
        f"curl -s {header} '{base}/billing/usage?group_by=day'",
    ]


def _since(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"

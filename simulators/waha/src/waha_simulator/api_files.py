"""Media files over HTTP: bytes made from the message, kept for WAHA's 180 seconds."""

from datetime import UTC, datetime

from waha_simulator import answers
from waha_simulator.api_calls import Api, Call, Endpoint
from waha_simulator.api_requests import Answer, ApiRoute
from waha_simulator.draws import digest

LIFETIME_SECONDS = 180


async def file(call: Call) -> Answer:
    """As many bytes as the message says; they only look like a file. Gone after 180 s, as WAHA's local storage."""
    session = call.session()
    message = call.simulator.history.get(session.name, call.request.path_params["name"].split(".")[0])
    if message is None or message.media is None:
        raise answers.file_not_found()
    age = (datetime.now(UTC) - message.at).total_seconds()
    if age > LIFETIME_SECONDS * call.simulator.time_factor:
        raise answers.file_not_found()
    block = digest("file", message.bare_id)
    content = (block * (message.media.size // len(block) + 1))[: message.media.size]
    return Answer(200, content, message.media.mimetype)


def routes(api: Api) -> list[ApiRoute[Endpoint]]:
    return [api.route("/api/files/{session}/{name}", file)]

"""WAHA about itself: version, ping, health. And the probes of our own supervisor."""

from waha_simulator.api_calls import Api, Call, Endpoint
from waha_simulator.api_requests import Answer, ApiRoute
from waha_simulator.payloads import environment


async def version(call: Call) -> Answer:
    settings = call.simulator.settings
    return Answer(200, environment(settings.default_engine, settings.version))


async def ping(call: Call) -> Answer:
    return Answer(200, {"message": "pong"})


async def health(call: Call) -> Answer:
    space = {"status": "ok", "path": "/data/whatsapp-files", "diskPath": "/", "free": 1 << 36, "threshold": 100 << 20}
    return Answer(200, {"status": "ok", "info": {"mediaFiles.space": space}, "error": {}, "details": {}})


def routes(api: Api) -> list[ApiRoute[Endpoint]]:
    return [
        api.route("/api/server/version", version),
        api.route("/ping", ping, open_to_all=True),
        *(api.route(path, health, open_to_all=True) for path in ("/health", "/ready", "/live")),
    ]

"""People over HTTP: is a phone on WhatsApp, and which lid belongs to which phone."""

from waha_simulator import answers
from waha_simulator.api_calls import Api, Call, Endpoint
from waha_simulator.api_requests import Answer, ApiRoute
from waha_simulator.payloads import Person


async def check_exists(call: Call) -> Answer:
    await call.working_session()
    phone = (call.query("phone") or "").split("@")[0].lstrip("+")
    if not phone.isdigit():
        raise answers.validation("phone must be a string")
    registered = call.simulator.people.registered(phone)
    if registered is None:
        return Answer(200, {"numberExists": False})
    return Answer(200, {"numberExists": True, "chatId": f"{registered}@c.us"})


async def lids(call: Call) -> Answer:
    call.session()
    return Answer(200, [_link(person) for person in call.simulator.people.known_lids()])


async def phone_of_lid(call: Call) -> Answer:
    """An unknown lid is a 200 with the other side null."""
    call.session()
    lid = call.request.path_params["lid"].split("@")[0]
    known = call.simulator.people.by_lid(lid)
    return Answer(200, {"lid": f"{lid}@lid", "pn": known.phone_id if known else None})


async def lid_of_phone(call: Call) -> Answer:
    call.session()
    phone = call.request.path_params["phone"].split("@")[0].lstrip("+")
    known = call.simulator.people.by_phone(phone)
    return Answer(200, {"lid": known.lid_id if known else None, "pn": f"{phone}@c.us"})


def _link(person: Person) -> dict[str, str | None]:
    return {"lid": person.lid_id, "pn": person.phone_id}


def routes(api: Api) -> list[ApiRoute[Endpoint]]:
    return [
        api.route("/api/contacts/check-exists", check_exists),
        api.route("/api/{session}/lids", lids),
        api.route("/api/{session}/lids/pn/{phone}", lid_of_phone),
        api.route("/api/{session}/lids/{lid}", phone_of_lid),
    ]

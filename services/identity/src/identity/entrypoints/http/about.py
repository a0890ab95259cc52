"""How one signs in, who one is, and the keys that tokens are verified with."""

from collections.abc import Callable

from outbox.work import UnitOfWork
from web.caller import Caller, TheCaller
from web.routes import Routes
from web.works import Work

from identity.application.show_profile import show_profile
from identity.application.update_profile import update_profile
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.domain.password_rule import SHORTEST
from identity.entrypoints.http.asking import person_of
from identity.entrypoints.http.schemas import ChangingProfile, InfoAnswer, KeySetAnswer, ProfileAnswer, ProjectOfProfile

WorkOf = Callable[[UnitOfWork], IdentityWork]


def about_routes(work_of: WorkOf, means: Means) -> Routes:
    """Return the reads of signing in."""
    routes = Routes("sign-in", prefix="/auth")

    @routes.get("/info", permission="public")
    async def info() -> InfoAnswer:
        """Tell how one signs in."""
        return InfoAnswer(
            methods=["bearer_jwt", "api_key"],
            headers=["Authorization", "X-API-Key"],
            access_token_minutes=means.lifetimes.access_minutes,
            password_min_length=SHORTEST,
        )

    @routes.get("/profile", permission="self")
    async def profile(work: Work, caller: TheCaller) -> ProfileAnswer:
        """Tell who one is."""
        return await shown_to(caller, work_of(work))

    @routes.patch("/profile", permission="self", object_type="user")
    async def change_profile(body: ChangingProfile, work: Work, caller: TheCaller) -> ProfileAnswer:
        """Change one's own name, language or zone."""
        own = work_of(work)
        person = await person_of(caller, own)
        await update_profile(person.user_id, body.given(), by=caller.cause, work=own)
        return await shown_to(caller, own)

    return routes


async def shown_to(caller: Caller, work: IdentityWork) -> ProfileAnswer:
    """Return the profile of whoever calls."""
    person = await person_of(caller, work)
    shown = await show_profile(person, caller.tenant_id, caller.project_id, work=work)
    return ProfileAnswer(
        user_id=shown.user.id,
        email=shown.user.email,
        name=shown.user.name,
        role=caller.role,
        tenant_id=shown.user.tenant_id,
        owner=caller.owner,
        projects=[
            ProjectOfProfile(project_id=each.project_id, name=each.name, role=each.role) for each in shown.projects
        ],
        permissions=sorted(caller.permissions),
        agent_id=shown.agent_id,
        language=shown.user.language,
        timezone=shown.user.timezone,
        second_factor=shown.second_factor,
    )


def key_set_routes(means: Means) -> Routes:
    """Return where the public keys of access tokens are read."""
    routes = Routes("sign-in")

    @routes.get("/.well-known/jwks.json", permission="public", root=True)
    async def jwks() -> KeySetAnswer:
        """Return the keys that access tokens are signed with."""
        return KeySetAnswer(**means.access_tokens.public_keys())

    return routes
